"""deploy/prometheus and deploy/grafana ask for metrics that there are, and docs/observe.md lists all of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from starlette.responses import Response
from starlette.routing import Route

from agent.call.endings import FAULTS, Ending
from agent.call.handover import HandoverReason, HandoverResult
from agent.call_metrics import RECORDING_RESULTS, WEBHOOK_RESULTS, CallMetric
from agent.gemini import Cause, Kind
from agent.worker.failover_metrics import FORMS
from agent.worker.metrics import GAUGES, LOST, REFUSALS, REFUSED, WorkerFigures, WorkerMetrics
from agent.worker.record_metrics import FINISH_RESULTS, RECORD_FORMS
from failover.lease import State
from failover.watch_events import Act, LookedAt, LookResult
from tests.test_architecture import ROOT
from tests.token_server.test_readme import refused_with
from token_server.metrics import NO_CALL_CAN_BEGIN, TokenMetrics
from token_server.operator_metrics import OPERATOR_LABELS, OPERATOR_RESULTS

FOLDER = ROOT / "deploy" / "prometheus"
ALERTS = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
CONFIG = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "earshot.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ALL_FIGURES = WorkerFigures(
    0, 1, 0.0, 0.0, 0.0, 0, 0, is_registered=True, is_draining=False, failover_works=True, day_cost_usd=0
)
FORMS_OF_WORKERS = (*(metric.value for metric in CallMetric), *GAUGES.values(), REFUSED, LOST, *FORMS, *RECORD_FORMS)
LABELS = {form.name: set(form.labels) for form in FORMS_OF_WORKERS}
LABELS |= {"earshot_token_requests_total": {"result"}, "earshot_token_request_duration_seconds": set()}
LABELS |= {"earshot_operator_requests_total": set(OPERATOR_LABELS)}
VALUES: dict[str, set[str]] = {
    "ending": {ending.name.lower() for ending in Ending},
    "kind": set(Kind),
    "cause": set(Cause),
    "status": {"done", "error", "cancelled"},
    "reason": set(REFUSALS) | set(HandoverReason),
    "result": refused_with()
    | {"issued", "unauthorized"}
    | set(HandoverResult)
    | set(LookResult)
    | {*RECORDING_RESULTS, *WEBHOOK_RESULTS, *FINISH_RESULTS, *OPERATOR_RESULTS},
    "state": {state.value for state in State},
    "action": set(Act),
    "looked_at": set(LookedAt),
    "job": {job["job_name"] for job in CONFIG["scrape_configs"]},
}
"""What the labels can be, of those whose values are the code's own."""


def families() -> list[Metric]:
    token = TokenMetrics()
    token.operator.counted([Route("/api/calls", Response)])
    texts = (WorkerMetrics(lambda: ALL_FIGURES).exposition(), token.exposition())
    return [family for text in texts for family in text_string_to_metric_families(text.decode())]


SHOWN = {family.name if family.type != "counter" else f"{family.name}_total": family for family in families()}


def expressions() -> Iterator[tuple[str, str]]:
    yield from ((alert["alert"], alert["expr"]) for alert in ALERTS)
    for panel in PANELS:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])


EXPRESSIONS = sorted(expressions())


def test_every_metric_is_shown_by_the_programs() -> None:
    assert set(LABELS) == {name for name in SHOWN if name.startswith("earshot_")}


def test_every_metric_has_a_row_in_the_document() -> None:
    text = (ROOT / "docs" / "observe.md").read_text()
    rows = [tuple(cell.strip() for cell in row.split("|")[1:-1]) for row in re.findall(r"^\| `earshot_.*$", text, re.MULTILINE)]
    assert sorted(rows) == sorted(
        (f"`{name}`", SHOWN[name].type, ", ".join(f"`{label}`" for label in sorted(labels)), SHOWN[name].documentation)
        for name, labels in LABELS.items()
    )


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_an_expression_asks_for_what_there_is(where: str, expression: str) -> None:
    asked = re.findall(r"(earshot_\w+|\bup\b)(?:\{([^}]*)\})?", expression)
    assert asked, where
    for name, selectors in asked:
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name == "up" or (base in SHOWN and (base == name) == (SHOWN[base].type != "histogram")), name
        for label, operator, values in re.findall(r'(\w+)(=~|=)"([^"]*)"', selectors):
            if label == "instance":
                continue
            assert label in LABELS.get(base, {"job"}), f"{name} has no label {label}"
            assert set(values.split("|") if operator == "=~" else [values]) <= VALUES[label], values
    for grouped in re.findall(r"by \(([^)]*)\)", expression):
        known = {label for name, _ in asked for label in LABELS.get(re.sub(r"_(bucket|sum|count)$", "", name), set())}
        assert {label.strip() for label in grouped.split(",")} <= known | {"le", "instance"}


@pytest.mark.parametrize(("alert", "expression"), [(alert["alert"], alert["expr"]) for alert in ALERTS])
def test_what_an_alert_counts_is_there_before_it_happens(alert: str, expression: str) -> None:
    """A series that begins with 1 has no increase; tests/deploy/test_alerts.py has Prometheus say so."""
    began = {name: family.samples for name, family in SHOWN.items() if family.type == "counter"}
    for name, selectors in re.findall(r"(earshot_\w+)\{([^}]*)\}\[", expression):
        for label, values in re.findall(r'(\w+)=~?"([^"]*)"', selectors if name in began else ""):
            there = {sample.labels[label] for sample in began[name]}
            assert set(values.split("|")) <= there, f"{alert} waits for {name}"


def test_an_alert_says_what_happens_and_what_to_do() -> None:
    for alert in ALERTS:
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert set(alert["annotations"]) == {"summary", "action"}
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)


def test_the_alert_on_failing_calls_counts_every_ending_that_nobody_wanted() -> None:
    [alert] = [alert for alert in ALERTS if alert["alert"] == "EarshotCallsFail"]
    [named] = re.findall(r'ending=~"([^"]*)"', alert["expr"])
    assert set(named.split("|")) == {ending.name.lower() for ending in FAULTS}


def test_the_alert_on_refused_tokens_counts_every_result_that_says_that_no_call_can_begin() -> None:
    [alert] = [alert for alert in ALERTS if alert["alert"] == "EarshotNoTokens"]
    [named] = re.findall(r'result=~"([^"]*)"', alert["expr"])
    assert set(named.split("|")) == set(NO_CALL_CAN_BEGIN)


def test_the_dashboard_has_no_two_panels_in_one_place_and_legends_of_labels_that_there_are() -> None:
    places: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not places & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        places |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        for target in panel["targets"]:
            legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            grouped = {label.strip() for by in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in by.split(",")}
            assert legend <= grouped | {"instance"}, panel["title"]


def test_prometheus_asks_at_the_ports_of_the_examples() -> None:
    jobs: dict[str, Any] = {job["job_name"]: job["static_configs"][0]["targets"] for job in CONFIG["scrape_configs"]}
    assert jobs == {"earshot-worker": ["127.0.0.1:8081", "127.0.0.1:8082"], "earshot-token-server": ["127.0.0.1:7882"]}
