"""Which recorded calls are asked for: by words, time, ending and fault. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from records.listing import RecordedCallListing

NO_ENDING = "none"
"""The ending to search for, of a call that runs, or whose last process has died."""


class CallFault(StrEnum):
    """Something that went wrong in a call, as far as its summary says."""

    NO_SUMMARY = "no_summary"
    """The call has no summary that can be read."""
    ENDING = "ending"
    """The call ended because of a failure: of the worker, of Gemini or of the room."""
    LINK = "link"
    """The connection to Gemini was lost, for a moment or for good."""
    TOOL = "tool"
    """A tool failed."""
    LOST = "lost"
    """Some of the caller's sound, or an event or a typed line, was lost."""
    RECORDING = "recording"
    """The recording ended before the call, or has gaps."""
    BROKEN_OFF = "broken_off"
    """The call has no ending: its last process has died."""


@dataclass(frozen=True)
class CallSearch:
    """What the calls that are asked for have in common."""

    text: str = ""
    """Words that are in the call's ids, room, persona, model, agent, ending, or causes of link events, whatever their case.

    The ids are those of the call, its folder, its job and its traces.
    """
    since: datetime | None = None
    """The earliest time at which the call may have begun."""
    until: datetime | None = None
    """The call began before this time."""
    ending: str = ""
    """The reason why the call has ended, as its summary has it, or NO_ENDING."""
    has_fault: bool = False
    """Only calls in which something went wrong."""

    def matches(self, call: RecordedCallListing) -> bool:
        """Whether the call is one of those."""
        began_at = started_at(call)
        if (self.since is not None and began_at < self.since) or (self.until is not None and began_at >= self.until):
            return False
        ending = None if call.summary is None else call.summary.ending
        if self.ending and self.ending != (ending or NO_ENDING):
            return False
        if self.has_fault and not faults(call):
            return False
        words, found = self.text.casefold().split(), _searched(call)
        return all(word in found for word in words)


def started_at(call: RecordedCallListing) -> datetime:
    """The time at which a call began: of one without a summary that in its name."""
    if call.summary is not None:
        return call.summary.started_at
    return datetime.strptime(call.name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def faults(call: RecordedCallListing) -> list[CallFault]:
    """What went wrong in a call."""
    summary = call.summary
    if summary is None:
        return [CallFault.NO_SUMMARY]
    found = {
        CallFault.ENDING: summary.is_fault,
        CallFault.LINK: any(kind.startswith(("lost.", "failed.")) for kind in summary.link),
        CallFault.TOOL: summary.failed_tools > 0,
        CallFault.LOST: any(summary.lost.values()),
        CallFault.RECORDING: summary.stopped is not None or summary.dropped_s > 0,
        CallFault.BROKEN_OFF: summary.ending is None and call.is_over,
    }
    return [fault for fault, is_there in found.items() if is_there]


def _searched(call: RecordedCallListing) -> str:
    """The text of a call that is searched, in small letters."""
    summary = call.summary
    if summary is None:
        return call.name.casefold()
    ids = (call.name, summary.call_id, summary.job, *summary.traces)
    names = (summary.room, summary.persona, summary.model, summary.agent_name)
    return "\n".join([*ids, *names, summary.ending or "", summary.failure or "", *summary.link]).casefold()
