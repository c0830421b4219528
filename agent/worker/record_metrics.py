"""The metrics of what a worker does with recorded calls that are over (docs/observe.md)."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

from agent.call_metrics import MetricForm

FINISHES: Final = MetricForm(
    "earshot_recording_finishes_total",
    "Runs of this worker that compress recorded calls and copy them into storage, by result: done, or failed for some of them.",
    ("result",),
)
WAITING: Final = MetricForm(
    "earshot_recordings_waiting",
    "Recorded calls that are over and not compressed or not in storage yet, as RECORD_FORMAT and RECORD_S3 ask for.",
)
FINISH_RESULTS: Final = ("done", "failed")
RECORD_FORMS: Final = (FINISHES, WAITING)


class RecordMetrics:
    """The metrics of the recorded calls in a worker's RECORD_DIR.

    Args:
        registry: Where they are exposed.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._finishes = Counter(FINISHES.name, FINISHES.text, FINISHES.labels, registry=registry)
        for result in FINISH_RESULTS:
            self._finishes.labels(result)  # from the start (docs/facts.md L500)
        self._waiting = Gauge(WAITING.name, WAITING.text, registry=registry)

    def waiting(self, calls: int) -> None:
        """So many calls wait to be compressed or copied."""
        self._waiting.set(calls)

    def finished(self, *, failed: bool) -> None:
        """A run has ended."""
        self._finishes.labels("failed" if failed else "done").inc()
