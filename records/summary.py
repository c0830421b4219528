"""The figures of a call: `summary.json`. Its JSON Schema is schemas/call_summary.json, made by `make schemas`."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from records.errors import NoRecordError


class Latency(BaseModel):
    """The spread of a latency over a call's turns, in seconds."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    turns: int
    """The number of turns that it was measured in."""
    p50_s: float
    p95_s: float


class CallSummary(BaseModel):
    """The figures of one call. A reader ignores fields that it doesn't know; one that goes on with the call keeps them."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, extra="allow")

    version: Literal[1] = 1
    """The version of this form. Another one has another meaning for a field that there is; fields may be added to this one."""
    call: str
    """The name of the call's folder."""
    call_id: str = ""
    """The id of the call, as the HTTP API, webhooks and the log have it: LiveKit's id (`sid`) of the room in which it began."""
    room: str
    """The name of the LiveKit room."""
    job: str = ""
    """The id of the LiveKit job: of the last one, if another process has gone on with the call."""
    traces: tuple[str, ...] = ()
    """The ids of the call's OpenTelemetry traces, one for each process that had it; empty without a collector."""
    agent_name: str = ""
    persona: str
    model: str
    """The Gemini model that answered."""
    started_at: datetime
    """The time at which the call began (UTC)."""
    duration_s: float | None = None
    """Seconds from the call's beginning to its end. None: it runs, or its process has died."""
    ending: str | None = None
    """The reason why the call has ended, in small letters, as the event `call_ended` has it. None: as for `duration_s`."""
    is_fault: bool = False
    """Whether nobody wanted that ending."""
    failure: str | None = None
    """The cause for which the link to Gemini failed for good."""
    recorded: tuple[str, ...]
    """What the folder has: `audio`, `transcript`, `timeline`. A reader ignores words that it doesn't know."""
    stopped: str | None = None
    """Why the recording ended before the call, such as a full disk."""
    dropped_s: float = 0.0
    """Seconds of sound that were lost because the disk was too slow."""
    turns: int = 0
    """The number of times that the agent has spoken."""
    interrupted_turns: int = 0
    response: Latency | None = None
    """In older records: from the caller's finished words, as Gemini reports them, to the agent's first sound."""
    response_latency: Latency | None = None
    """From the end of the caller's speech, when it reaches the worker, to the reply's first sound, when the worker plays it."""
    greeting_latency_s: float | None = None
    """From the event `caller` to the agent's first sound. None: the caller has spoken first, or nobody has spoken."""
    tools: dict[str, int] = Field(default_factory=dict)
    """The number of calls of each tool, by its name."""
    failed_tools: int = 0
    tokens: dict[str, int | dict[str, int]] = Field(default_factory=dict)
    """The tokens that Gemini has counted, as the event `usage` has them."""
    cost_usd: float | None = None
    """None: no prices of the model are known."""
    link: dict[str, int] = Field(default_factory=dict)
    """The number of events of the link to Gemini, by `kind.cause`."""
    lost: dict[str, int] = Field(default_factory=dict)
    """The number of chunks of the caller's sound, events and typed lines that were lost."""
    processes: int = 1
    """The number of processes that have had the call: more than one after a failover."""
    gaps_s: float = 0.0
    """Seconds of the call that nobody recorded, since one process had died and no other one had the call yet."""


def to_json(summary: CallSummary) -> str:
    return f"{summary.model_dump_json(indent=1)}\n"


def from_json(text: str) -> CallSummary:
    """The summary that a `summary.json` has.

    Raises:
        NoRecordError: it has another form.
    """
    try:
        return CallSummary.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        raise NoRecordError(f"summary.json is of another form: {where}: {first['msg']}") from None


def latency(values_s: list[float]) -> Latency | None:
    """The spread of these; None without any."""
    if not values_s:
        return None
    ordered = sorted(values_s)
    p50, p95 = (ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in (0.5, 0.95))
    return Latency(turns=len(ordered), p50_s=round(p50, 3), p95_s=round(p95, 3))
