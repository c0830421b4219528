"""Every alert rings when what it is about happens, and none on a good day.

Programs' own expositions, a minute after the other, are given to `promtool test rules` with the shipped rules. So a series that
a program doesn't have before something happens is missing here as well. tests/deploy/test_promtool.py says how to get promtool.
"""

import contextlib
import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from agent.call.endings import Ending
from agent.call_metrics import CallMetric, Measurement
from agent.gemini import Cause, Kind
from agent.worker.metrics import WorkerMetrics
from failover.lease import State
from failover.watch_events import Act, Acted, LeasesSeen, Looked, LookedAt, LookResult
from tests.deploy.test_monitoring import ALERTS, ALL_FIGURES, FOLDER
from tests.deploy.test_promtool import IS_MISSED, PROMTOOL
from token_server.errors import RefusedError
from token_server.metrics import TokenMetrics

pytestmark = [pytest.mark.long, pytest.mark.skipif(IS_MISSED, reason="there is no promtool on PATH")]
HAPPENS_AT, LASTS = 10, 60
"""Minutes: of good days before, and of all."""


def answer_with(request: Request) -> Response:
    """The response whose status the request asks for."""
    return Response(status_code=int(request.query_params["status"]))


class Fleet:
    """A worker and a token server with calls, minute by minute."""

    def __init__(self) -> None:
        self.figures = dataclasses.replace(ALL_FIGURES, calls=10, places=20)
        self.is_up = True
        self.worker = WorkerMetrics(lambda: self.figures)
        self.token = TokenMetrics()
        self.operator = TestClient(Starlette(routes=self.token.operator.counted([Route("/api/calls", answer_with)])))

    def have(self, **figures: Any) -> None:
        """The worker has these figures from here on."""
        self.figures = dataclasses.replace(self.figures, **figures)

    def measure(self, metric: CallMetric, value: float = 1.0, *labels: str, times: int = 1) -> None:
        """Calls measure this."""
        for _ in range(times):
            self.worker.measured(Measurement(metric, value, labels))

    def ask_for_token(self, refused: str = "", times: int = 1) -> None:
        """Callers ask for a token."""
        for _ in range(times):
            with contextlib.suppress(RefusedError), self.token.request():
                if refused:
                    raise RefusedError(503, refused, "")

    def ask_as_operator(self, status: int) -> None:
        """The operator asks, and gets that status."""
        assert self.operator.get("/api/calls", params={"status": str(status)}).status_code == status

    def go_well(self) -> None:
        """A minute of a good day."""
        self.measure(CallMetric.STARTED, times=5)
        self.measure(CallMetric.ENDED, 1.0, Ending.CALLER_LEFT.name.lower(), times=5)
        self.measure(CallMetric.RESPONSE, 0.7, times=20)
        self.measure(CallMetric.TOOL, 0.1, "book", "done", times=5)
        self.measure(CallMetric.LINK, 1.0, Kind.HANDED_OVER, Cause.GOAWAY)
        self.measure(CallMetric.GAP, 0.2)
        self.worker.failover.on_event(Looked(LookedAt.LEASES, LookResult.DONE, 0.01))
        self.worker.failover.on_event(LeasesSeen({State.HELD: 10}))
        self.ask_for_token(times=5)
        self.ask_as_operator(200)
        self.measure(CallMetric.RECORDING, 1.0, "complete", times=5)
        self.measure(CallMetric.WEBHOOK, 1.0, "delivered", times=10)
        self.worker.records.waiting(1)
        self.worker.records.finished(failed=False)

    def samples(self) -> dict[str, float]:
        """What Prometheus scrapes, by series."""
        found = {'up{job="earshot-worker",instance="w"}': float(self.is_up)}
        texts = {"earshot-worker": self.worker.exposition(), "earshot-token-server": self.token.exposition()}
        for job, text in texts.items():
            for family in text_string_to_metric_families(text.decode()):
                for sample in family.samples:
                    labels = sample.labels | {"job": job, "instance": "w"}
                    series = ",".join(f'{name}="{value}"' for name, value in labels.items())
                    if sample.name.startswith("earshot_"):
                        found[f"{sample.name}{{{series}}}"] = sample.value
        return found


def rings(folder: Path, minutes: list[dict[str, float]], alerts: set[str]) -> str:
    """What promtool says of it, if other alerts than these ring in these minutes; else nothing."""
    every = {series for minute in minutes for series in minute}
    given = [
        {"series": series, "values": " ".join(f"{minute[series]:g}" if series in minute else "_" for minute in minutes)}
        for series in sorted(every)
    ]
    expected = [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(alerts)]
    rang = f'count by (alertname) (max_over_time(ALERTS{{alertstate="firing"}}[{LASTS}m]))'
    asked = {"expr": rang, "eval_time": f"{LASTS}m", "exp_samples": expected}
    tests = [{"interval": "1m", "input_series": given, "promql_expr_test": [asked]}]
    file = folder / "tests.yaml"
    file.write_text(json.dumps({"rule_files": [str(FOLDER / "alerts.yaml")], "evaluation_interval": "1m", "tests": tests}))
    assert PROMTOOL is not None
    tested = subprocess.run([PROMTOOL, "test", "rules", str(file)], capture_output=True, check=False)
    return "" if tested.returncode == 0 else (tested.stdout + tested.stderr).decode()


def minutes_in_which(happens: Callable[[Fleet, int], object]) -> list[dict[str, float]]:
    """What Prometheus scrapes if this happens; it is given how many minutes ago it began."""
    fleet, scraped = Fleet(), []
    for minute in range(LASTS):
        if minute:
            fleet.go_well()
        if minute >= HAPPENS_AT:
            happens(fleet, minute - HAPPENS_AT)
        scraped.append(fleet.samples())
    return scraped


def once(happens: Callable[[Fleet], object]) -> Callable[[Fleet, int], object]:
    return lambda fleet, ago: happens(fleet) if ago == 0 else None


def go_down(fleet: Fleet, _: int) -> None:
    fleet.is_up = False


HAPPENS: dict[str, Callable[[Fleet, int], object]] = {
    "EarshotWorkerDown": go_down,
    "EarshotNotRegistered": lambda fleet, _: fleet.have(is_registered=False),
    "EarshotFewPlaces": lambda fleet, _: fleet.have(calls=19),
    "EarshotCallsFail": lambda fleet, _: fleet.measure(CallMetric.ENDED, 1.0, "no_answer"),
    "EarshotCallProcessesDie": once(lambda fleet: fleet.worker.process_lost()),
    "EarshotFailoverAway": lambda fleet, _: fleet.have(failover_works=False),
    "EarshotStoreAway": lambda fleet, _: fleet.worker.failover.on_event(Looked(LookedAt.LEASES, LookResult.STORE_AWAY, 2)),
    "EarshotCallsWithoutProcess": lambda fleet, _: fleet.worker.failover.on_event(LeasesSeen({State.LAPSED: 1})),
    "EarshotCallsGivenUp": once(lambda fleet: fleet.worker.failover.on_event(Acted(Act.GIVEN_UP))),
    "EarshotHandoversFail": once(lambda fleet: fleet.measure(CallMetric.HANDOVER, 1.0, "asked", "kept")),
    "EarshotWatchSlow": lambda fleet, _: fleet.worker.failover.on_event(Looked(LookedAt.LEASES, LookResult.DONE, 2)),
    "EarshotSlowAnswers": lambda fleet, _: fleet.measure(CallMetric.RESPONSE, 4.0, times=5),
    "EarshotConnectionsBreak": lambda fleet, _: fleet.measure(CallMetric.LINK, 1.0, "lost", "closed", times=30),
    "EarshotGapsHeard": lambda fleet, _: fleet.measure(CallMetric.GAP, 8.0),
    "EarshotQuota": once(lambda fleet: fleet.measure(CallMetric.LINK, 1.0, "failed", "quota")),
    "EarshotToolFails": lambda fleet, _: fleet.measure(CallMetric.TOOL, 0.1, "book", "error", times=2),
    "EarshotLoopLate": lambda fleet, _: fleet.have(loop_lag_s=0.5),
    "EarshotMemory": lambda fleet, _: fleet.have(memory_in_use=0.93),
    "EarshotDaySpent": once(lambda fleet: fleet.worker.job_refused("day_cost_cap")),
    "EarshotNoTokens": lambda fleet, _: fleet.ask_for_token("no_worker"),
    "EarshotRecordingsStop": once(lambda fleet: fleet.measure(CallMetric.RECORDING, 1.0, "stopped")),
    "EarshotRecordingsNotFinished": lambda fleet, _: fleet.worker.records.finished(failed=True),
    "EarshotRecordingsWait": lambda fleet, _: fleet.worker.records.waiting(30),
    "EarshotWebhooksNotTaken": once(lambda fleet: fleet.measure(CallMetric.WEBHOOK, 1.0, "kept")),
    "EarshotOperatorRequestsFail": once(lambda fleet: fleet.ask_as_operator(503)),
}


def test_every_alert_is_tried() -> None:
    assert set(HAPPENS) == {alert["alert"] for alert in ALERTS}


@pytest.mark.parametrize("alert", HAPPENS)
def test_an_alert_rings_when_it_happens_and_no_other_one_does(alert: str, tmp_path: Path) -> None:
    assert not rings(tmp_path, minutes_in_which(HAPPENS[alert]), {alert})


def test_no_alert_rings_on_a_good_day(tmp_path: Path) -> None:
    assert not rings(tmp_path, minutes_in_which(lambda *_: None), set())
