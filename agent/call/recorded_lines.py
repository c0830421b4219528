"""The lines of a recorded call's transcript, on the call's clock and without what is private. Pure."""

from collections.abc import Callable

from agent.call.transcript_lines import SpokenLine
from configuration.redaction import Redaction
from records import TranscriptLine
from records.stereo_wav import LEFT, RIGHT
from records.writer import Silence

_MARGIN_S = 0.3
"""A line's times may be wrong by so much."""


def transcript_line(line: SpokenLine, since_start: Callable[[float], float], redaction: Redaction | None) -> TranscriptLine:
    """The line as the transcript has it.

    Args:
        line: What was said, and when.
        since_start: Gives the seconds since the call began, for a time of `time.monotonic()`.
        redaction: What is left out. None: nothing is.
    """
    return TranscriptLine(
        start_s=round(max(since_start(line.start), 0.0), 3),
        end_s=round(max(since_start(line.end), 0.0), 3),
        who="caller" if line.by_caller else "agent",
        text=line.text if redaction is None else redaction.text(line.text),
        interrupted=line.interrupted,
        interrupts=line.interrupts,
        typed=line.typed,
    )


def silence_of(line: TranscriptLine) -> Silence:
    """The sound of a line, to be silenced."""
    channel = LEFT if line.who == "caller" else RIGHT
    return Silence(channel, max(line.start_s - _MARGIN_S, 0.0), line.end_s + _MARGIN_S)
