"""The metrics that the processes of calls measure and their worker exposes at GET /metrics. Pure.

A call's process sends each measurement to its worker (agent/call_reports.py). prometheus-client's own way for several processes
keeps a file for each, for good, and reads all of them at each scrape; here each call is a process (docs/facts.md L380).
"""

import enum
import json
import re
from dataclasses import dataclass

_LABEL = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
OTHER = "other"
"""The value of a label that isn't a name, or of one with too many values."""
_LATENCY_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0)
_DURATION_S = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
_TOOL_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_GAP_S = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True)
class MetricForm:
    """The form of one metric."""

    name: str
    text: str
    """The metric in words, for `# HELP`."""
    labels: tuple[str, ...] = ()
    buckets_s: tuple[float, ...] = ()
    """The upper bounds of a histogram's buckets, in seconds. Without them the metric is a counter."""


class CallMetric(enum.Enum):
    """The metrics of calls."""

    STARTED = MetricForm("earshot_calls_started_total", "Calls that have begun in a process of this worker.")
    ENDED = MetricForm("earshot_calls_ended_total", "Calls that have ended, by the code of their ending.", ("ending",))
    DURATION = MetricForm("earshot_call_duration_seconds", "Time from a call's beginning to its end.", buckets_s=_DURATION_S)
    TURNS = MetricForm("earshot_turns_total", "Answers of the agent that were heard, whole or in part.")
    BARGE_INS = MetricForm("earshot_barge_ins_total", "Answers of the agent that the caller has interrupted.")
    RESPONSE = MetricForm(
        "earshot_response_latency_seconds",
        "Time from the end of the caller's speech, when it reaches the worker, to the start of the reply.",
        buckets_s=_LATENCY_S,
    )
    GREETING = MetricForm(
        "earshot_greeting_latency_seconds",
        "Time from the caller's arrival in the room to the agent's first sound, in calls that the agent begins.",
        buckets_s=_LATENCY_S,
    )
    TOOL = MetricForm(
        "earshot_tool_duration_seconds",
        "Time that a tool took, by its name and its status (done, error or cancelled).",
        ("tool", "status"),
        _TOOL_S,
    )
    LINK = MetricForm("earshot_link_events_total", "Events of the connection to Gemini, by kind and cause.", ("kind", "cause"))
    GAP = MetricForm(
        "earshot_heard_gap_seconds",
        "Silence that a caller heard in the agent's voice while the connection to Gemini was changed or restored.",
        buckets_s=_GAP_S,
    )
    DROPPED_SOUND = MetricForm(
        "earshot_dropped_caller_sound_seconds_total", "Sound of callers that could not be sent to Gemini in time."
    )
    TOKENS = MetricForm("earshot_tokens_total", "Tokens that Gemini has counted.", ("model", "direction", "modality"))
    COST = MetricForm("earshot_cost_usd_total", "Cost of the tokens in US dollars, by the price list.", ("model",))
    HANDOVER = MetricForm(
        "earshot_handovers_total",
        "Hand-overs of calls to another process that were begun, by reason (asked or memory) and by what became of them.",
        ("reason", "result"),
    )
    TAKEOVER = MetricForm(
        "earshot_takeover_duration_seconds",
        "Time from the loss of a call's process to the moment at which another one went on with the call.",
        buckets_s=_GAP_S,
    )
    RECORDING = MetricForm(
        "earshot_recordings_total",
        "Calls that were to be recorded, by result: complete, or stopped before the call's end.",
        ("result",),
    )
    WEBHOOK = MetricForm(
        "earshot_webhooks_total",
        "Messages to each URL of WEBHOOK_URL, by result: delivered, lost, or kept to be sent later, when it is counted again.",
        ("result",),
    )


RECORDING_RESULTS = ("complete", "stopped")
WEBHOOK_RESULTS = ("delivered", "kept", "lost")


@dataclass(frozen=True)
class Measurement:
    """A value that a metric counts or observes."""

    metric: CallMetric
    value: float = 1.0
    labels: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The measurement in one line of at most 512 bytes: what POSIX has a pipe take whole."""
        return json.dumps([self.metric.name, self.value, *(label_value(label) for label in self.labels)])

    @classmethod
    def from_json(cls, line: bytes) -> "Measurement":
        name, value, *labels = json.loads(line)
        return cls(CallMetric[name], float(value), tuple(labels))


def label_value(text: str) -> str:
    """The text as a label's value: a name of at most 64 characters; `OTHER` for anything else, such as words."""
    return text if _LABEL.fullmatch(text) else OTHER
