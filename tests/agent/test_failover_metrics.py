"""The watch of lost calls, as Prometheus sees it."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry

from agent.worker.failover_metrics import FailoverMetrics
from failover.errors import FailoverError, LiveKitUnavailableError, StoreUnavailableError
from failover.lease import State
from failover.watch_events import Act, Acted, LeasesSeen, Looked, LookedAt, LookResult, WatchEvent, result_of


def shown(events: Sequence[WatchEvent]) -> dict[tuple[str, tuple[str, ...]], float]:
    registry = CollectorRegistry()
    metrics = FailoverMetrics(registry)
    for event in events:
        metrics.on_event(event)
    samples = [sample for family in registry.collect() for sample in family.samples]
    return {(sample.name, tuple(sample.labels.values())): sample.value for sample in samples}


def test_looks_are_counted_by_their_result_and_those_that_were_done_are_timed() -> None:
    done, away = Looked(LookedAt.ROOMS, LookResult.DONE, 0.02), Looked(LookedAt.ROOMS, LookResult.STORE_AWAY, 2.0)
    values = shown([done, done, away])
    assert values["earshot_failover_looks_total", ("rooms", "done")] == 2
    assert values["earshot_failover_looks_total", ("rooms", "store_away")] == 1
    assert values["earshot_failover_look_duration_seconds_sum", ("rooms",)] == 0.04


def test_what_was_done_is_counted() -> None:
    values = shown([Acted(Act.CLAIMED), Acted(Act.CLAIMED), Acted(Act.GIVEN_UP)])
    assert values["earshot_failover_actions_total", ("claimed",)] == 2
    assert values["earshot_failover_actions_total", ("given_up",)] == 1
    assert values["earshot_failover_actions_total", ("adopted",)] == 0, "so that an alert sees the first increase"


def test_leases_are_shown_by_the_worker_alone_that_looks_at_all_of_them() -> None:
    """A sum over all workers is the number of the fleet's calls."""
    seen = LeasesSeen({State.HELD: 3, State.LAPSED: 1})
    values = shown([LeasesSeen({State.CLAIMED: 7}), seen])
    assert values["earshot_failover_leases", ("held",)] == 3
    assert values["earshot_failover_leases", ("lapsed",)] == 1
    assert values["earshot_failover_leases", ("claimed",)] == 0
    assert not [name for name, _ in shown([seen, LeasesSeen(None)]) if name == "earshot_failover_leases"]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (None, LookResult.DONE),
        (StoreUnavailableError("refused"), LookResult.STORE_AWAY),
        (LiveKitUnavailableError("refused"), LookResult.LIVEKIT_AWAY),
    ],
)
def test_a_look_says_who_was_away(error: FailoverError | None, result: LookResult) -> None:
    assert result_of(error) is result
