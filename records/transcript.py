"""The lines of a transcript: as JSON, and as subtitles (WebVTT). Pure."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError


class TranscriptLine(BaseModel):
    """Something that was said or typed in a call. Times are seconds since the call began, which is 0 in its sound."""

    model_config = ConfigDict(frozen=True)

    start_s: float
    end_s: float
    who: Literal["caller", "agent"]
    text: str
    """The words as they were heard: of a sentence that was cut off, those before the cut."""
    interrupted: bool = False
    """The agent was cut off by the caller, or by the program."""
    interrupts: bool = False
    """The caller began while the agent was speaking, and the agent stopped."""
    typed: bool = False
    """The caller typed it, or pressed keys."""


def to_json(line: TranscriptLine) -> str:
    """The line of `transcript.jsonl`, without a line end."""
    return line.model_dump_json(exclude_defaults=True)


def from_json(text: str) -> list[TranscriptLine]:
    """The lines of a `transcript.jsonl`, by the time at which they begin. A last line that is only half written is left out."""
    lines = []
    for each in text.splitlines():
        try:
            lines.append(TranscriptLine.model_validate_json(each))
        except ValidationError:
            continue
    return sorted(lines, key=lambda line: line.start_s)


def subtitles(lines: Iterable[TranscriptLine]) -> str:
    """The lines as WebVTT."""
    cues = ["WEBVTT\n"]
    for line in sorted(lines, key=lambda each: each.start_s):
        end_s = max(line.end_s, line.start_s + 0.001)
        cues.append(f"{_timestamp(line.start_s)} --> {_timestamp(end_s)}\n<v {line.who}>{_escaped(line.text)}\n")
    return "\n".join(cues)


def _timestamp(at_s: float) -> str:
    ms = round(at_s * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"


def _escaped(text: str) -> str:
    """The text in one line, with the characters that WebVTT reads as tags written out."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
