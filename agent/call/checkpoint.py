"""The state of a call that another process needs to go on with it, as one JSON object. Pure.

What a call takes over from the checkpoint that it finds:

    the checkpoint                                is used for
    of another version, half written, no JSON     nothing: the caller is greeted
    of another persona's call                     nothing
    its caller isn't in the room                  nothing
    of a call with another key or address         all but the handle of its session: the model is told the lines
    otherwise                                     all of it

tests/agent/test_checkpoint.py reads this table.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from agent.call.endings import Ending
from agent.call.heard_latencies import SavedLatencies
from agent.call.limits import CallTimes
from agent.call.record import SavedFigures
from agent.call.remembered_call import Terms
from agent.gemini import Snapshot

FORMAT: Final = 1
"""The version of what `to_json` writes. A reader takes no other one: during an update both may run."""
LONGEST_AWAY_S = 60.0
"""The most that is added for the time in which no process had the call: Redis's clock may jump."""


class UnusableCheckpointError(Exception):
    """A checkpoint can't be used. The text says why, for the log, without words of the call."""


@dataclass(frozen=True)
class CallersState:
    """The state of the caller of a call."""

    identity: str = ""
    """Empty: there is none, or they have left."""
    is_engaged: bool = False
    """Whether they have spoken or typed."""
    greeted: tuple[str, ...] = ()
    """Identities of those who need no greeting any more."""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a call."""

    terms: Terms
    metadata: str
    """The metadata of the job with which the call began."""
    caller: CallersState
    link: Snapshot
    """The conversation with the model."""
    shown: Mapping[str, str]
    """The states that tools show to the room."""
    agent: Mapping[str, object]
    """What the agent's `checkpoint_state` has returned."""
    times: CallTimes
    figures: SavedFigures
    written_at: float
    """The time on the clock of the store that keeps it, in seconds."""
    hangs_up: bool = False
    """A tool has asked to hang up, and the last reply isn't over."""
    goodbye: Ending | None = None
    """The ending for which a goodbye was being said."""
    sound: str = ""
    """The name of the file with the caller's newest sound, on the machine of the process; empty: there is none."""
    recording: str = ""
    """The name of the folder in which the call is recorded; empty: it isn't."""
    latencies: SavedLatencies = field(default_factory=SavedLatencies)
    """The latencies of a call that is recorded."""
    call_id: str = ""
    """LiveKit's id of the room in which the call began (`sid`)."""
    trace: str = ""
    """The span of the call in the process that has written this, as a `traceparent`; empty: there are no spans."""
    format: Literal[1] = FORMAT


_ADAPTER = TypeAdapter(Checkpoint)


def to_json(checkpoint: Checkpoint) -> bytes:
    return _ADAPTER.dump_json(checkpoint)


def from_json(content: bytes) -> Checkpoint:
    """The checkpoint that `to_json` has written.

    Raises:
        UnusableCheckpointError: it has written something else.
    """
    try:
        return _ADAPTER.validate_json(content)
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the text"
        raise UnusableCheckpointError(f"no checkpoint of version {FORMAT}: {where}: {first['type']}") from None


def taken_over(checkpoint: Checkpoint, terms: Terms, humans: Collection[str], now: float) -> Checkpoint:
    """What a call under these terms goes on with at `now`, on the store's clock, with these identities in its room.

    Raises:
        UnusableCheckpointError: nothing of it.
    """
    if checkpoint.terms.persona != terms.persona:
        raise UnusableCheckpointError("it is of a call with another persona")
    if checkpoint.caller.identity not in humans:
        raise UnusableCheckpointError("its caller isn't in the room")
    away_s, times = min(max(now - checkpoint.written_at, 0.0), LONGEST_AWAY_S), checkpoint.times
    with_caller_s = None if times.with_caller_s is None else times.with_caller_s + away_s
    times = replace(times, lasted_s=times.lasted_s + away_s, with_caller_s=with_caller_s)
    link = checkpoint.link
    if checkpoint.terms != terms:
        link = replace(link, link=replace(link.link, handle=None))
    return replace(checkpoint, link=link, times=times)
