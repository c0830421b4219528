"""GET /metrics of a worker: what its calls have measured and its own state, as Prometheus reads it (docs/observe.md)."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Final

import psutil
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from agent.call.endings import FAULTS
from agent.call.handover import HandoverReason, HandoverResult
from agent.call_metrics import OTHER, RECORDING_RESULTS, WEBHOOK_RESULTS, CallMetric, Measurement, MetricForm
from agent.gemini import Cause, Kind
from agent.worker.failover_metrics import FailoverMetrics
from agent.worker.record_metrics import RecordMetrics

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
MOST_SERIES = 200
"""Combinations of labels that one metric may have; in those beyond, every label is `OTHER`."""


@dataclass(frozen=True)
class WorkerFigures:
    """The state of a worker at one moment. None: it isn't known here, and no metric shows it."""

    calls: int
    places: int
    load: float
    loop_lag_s: float
    memory_in_use: float
    call_processes: int
    call_processes_bytes: int
    is_registered: bool
    is_draining: bool
    failover_works: bool | None = None
    """None: FAILOVER is off."""
    day_cost_usd: float | None = None
    """None: no cap is set, and the costs of a day aren't counted."""


GAUGES: Final = {
    "calls": MetricForm("earshot_calls", "Calls that run."),
    "places": MetricForm(
        "earshot_places", "Most calls at once: CALLS_PER_WORKER, or fewer for a minute after Gemini's quota was used up."
    ),
    "load": MetricForm(
        "earshot_worker_load_ratio",
        "The load that livekit-server is told: 0.99 without a place, 1 if all calls would be refused.",
    ),
    "loop_lag_s": MetricForm("earshot_event_loop_lag_seconds", "Least delay of the worker's event loop in the last 2 s."),
    "memory_in_use": MetricForm(
        "earshot_memory_in_use_ratio", "Share of the memory in use: the machine's, or the container's where that is worse."
    ),
    "call_processes": MetricForm("earshot_call_processes", "Processes of calls, and those that wait for a call."),
    "call_processes_bytes": MetricForm("earshot_call_processes_resident_memory_bytes", "Memory of these processes."),
    "is_registered": MetricForm("earshot_worker_registered", "1 if livekit-server has this worker, else 0."),
    "is_draining": MetricForm("earshot_worker_draining", "1 if the worker takes no more calls and ends with its last one."),
    "failover_works": MetricForm(
        "earshot_failover_available", "1 if lost calls would go on in another process, 0 if their store can't be reached."
    ),
    "day_cost_usd": MetricForm("earshot_day_cost_usd", "Cost of the calls of today (UTC) that DAY_COST_CAP_USD counts."),
}
"""The gauge of each of the figures."""
REFUSED: Final = MetricForm(
    "earshot_jobs_refused_total",
    "Jobs that the worker has refused: for their ticket, the costs of the day, or want of a place.",
    ("reason",),
)
LOST: Final = MetricForm("earshot_call_processes_lost_total", "Processes that have died in a call.")
REFUSALS: Final = ("ticket", "day_cost_cap", "full")
"""The reasons for which a job is refused."""
_TOOL_STATUSES: Final = ("done", "error", "cancelled")
"""A tool has a series for each from its first call on, for the reason of `_FROM_START`."""
_FROM_START: Final[dict[CallMetric, set[tuple[str, ...]]]] = {
    CallMetric.ENDED: {(ending.name.lower(),) for ending in FAULTS},
    CallMetric.LINK: {(kind, Cause.QUOTA) for kind in (Kind.LOST, Kind.RETRYING, Kind.FAILED)},
    CallMetric.HANDOVER: {(reason, result) for reason in HandoverReason for result in HandoverResult},
    CallMetric.RECORDING: {(result,) for result in RECORDING_RESULTS},
    CallMetric.WEBHOOK: {(result,) for result in WEBHOOK_RESULTS},
}
"""Series that an alert asks for. They begin with 0 when the worker does (docs/facts.md L500)."""


class WorkerMetrics:
    """The metrics of one worker."""

    def __init__(self, figures: Callable[[], WorkerFigures]) -> None:
        """Count from nothing.

        Args:
            figures: returns the worker's state at the moment of a scrape.
        """
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter and histogram, of which nobody asks
        self._registry = CollectorRegistry()
        self._calls = {metric: _made(metric.value, self._registry) for metric in CallMetric}
        self._series: dict[CallMetric, set[tuple[str, ...]]] = {metric: set() for metric in CallMetric}
        for metric, every in _FROM_START.items():
            for labels in every:
                self._calls[metric].labels(*labels)
        self._refused = Counter(REFUSED.name, REFUSED.text, REFUSED.labels, registry=self._registry)
        for reason in REFUSALS:
            self._refused.labels(reason)
        self._lost = Counter(LOST.name, LOST.text, registry=self._registry)
        self.failover = FailoverMetrics(self._registry)
        self.records = RecordMetrics(self._registry)
        self._registry.register(_FiguresCollector(figures))
        ProcessCollector(registry=self._registry)  # the worker's own CPU, memory and files

    def measured(self, measurement: Measurement) -> None:
        """A call has measured this."""
        metric, labels = measurement.metric, measurement.labels
        series, new = self._series[metric], {labels}
        if metric is CallMetric.TOOL:
            new |= {(labels[0], status) for status in _TOOL_STATUSES}
        if labels not in series and len(series) + len(new) > MOST_SERIES:
            labels = (OTHER,) * len(labels)
            new = {labels}
        for each in new - series if labels else ():
            self._calls[metric].labels(*each)
        series |= new
        child = self._calls[metric].labels(*labels) if labels else self._calls[metric]
        if isinstance(child, Histogram):
            child.observe(measurement.value)
        else:
            child.inc(measurement.value)

    def job_refused(self, reason: str) -> None:
        """A job was refused, for one of `REFUSALS`."""
        self._refused.labels(reason).inc()

    def process_lost(self) -> None:
        """The process of a call has died."""
        self._lost.inc()

    def exposition(self) -> bytes:
        """The metrics in Prometheus's text format."""
        return generate_latest(self._registry)


class _FiguresCollector(Collector):
    def __init__(self, figures: Callable[[], WorkerFigures]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return [GaugeMetricFamily(form.name, form.text) for form in GAUGES.values()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        figures = self._figures()
        for field in fields(figures):
            value = getattr(figures, field.name)
            if value is not None:
                form = GAUGES[field.name]
                yield GaugeMetricFamily(form.name, form.text, value=float(value))


def resident_bytes(process_ids: Iterable[int]) -> int:
    """The resident memory of these processes; one that has ended has none."""
    total = 0
    for process_id in process_ids:
        with suppress(psutil.Error):
            total += psutil.Process(process_id).memory_info().rss
    return total


def _made(form: MetricForm, registry: CollectorRegistry) -> Counter | Histogram:
    if form.buckets_s:
        return Histogram(form.name, form.text, form.labels, buckets=form.buckets_s, registry=registry)
    return Counter(form.name, form.text, form.labels, registry=registry)
