"""The metrics of the watch of lost calls: its looks, what it has done, and the leases of the fleet (docs/observe.md)."""

from collections import Counter as Counts
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from agent.call_metrics import MetricForm
from failover.lease import State
from failover.watch_events import Act, Acted, LeasesSeen, Looked, LookedAt, LookResult, WatchEvent

_LOOK_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
LOOKS: Final = MetricForm(
    "earshot_failover_looks_total",
    "Looks of this worker at the leases that have lapsed, and at all rooms, by what became of them.",
    ("looked_at", "result"),
)
LOOK_DURATION: Final = MetricForm(
    "earshot_failover_look_duration_seconds",
    "Time that a look took that was done, with what was due then.",
    ("looked_at",),
    _LOOK_S,
)
ACTS: Final = MetricForm(
    "earshot_failover_actions_total", "Lost calls and waiting callers, by what this worker's watch did with them.", ("action",)
)
LEASES: Final = MetricForm(
    "earshot_failover_leases", "Leases of the fleet by state, from the one worker that looks at all of them.", ("state",)
)
FORMS: Final = (LOOKS, LOOK_DURATION, ACTS, LEASES)


class FailoverMetrics:
    """The metrics of one worker's watch.

    Args:
        registry: Where they are exposed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._looks = Counter(LOOKS.name, LOOKS.text, LOOKS.labels, registry=registry)
        self._durations = Histogram(
            LOOK_DURATION.name, LOOK_DURATION.text, LOOK_DURATION.labels, buckets=LOOK_DURATION.buckets_s, registry=registry
        )
        self._acts = Counter(ACTS.name, ACTS.text, ACTS.labels, registry=registry)
        for act in Act:  # an increase from nothing can't be seen, so each is there from the start
            self._acts.labels(act.value)
        for at in LookedAt:
            for result in LookResult:
                self._looks.labels(at.value, result.value)
        self._leases = Gauge(LEASES.name, LEASES.text, LEASES.labels, registry=registry)

    def on_event(self, event: WatchEvent) -> None:
        """The watch tells something."""
        match event:
            case Looked(at, result, took_s):
                self._looks.labels(at.value, result.value).inc()
                if result is LookResult.DONE:
                    self._durations.labels(at.value).observe(took_s)
            case Acted(act):
                self._acts.labels(act.value).inc()
            case LeasesSeen(None):
                self._leases.clear()
            case LeasesSeen(states):
                counted = Counts(states)
                for state in State:
                    self._leases.labels(state.value).set(counted[state])
