"""The caller's sound and pictures on their way into a session."""

from dataclasses import dataclass

from agent.gemini.audio import FRAME_MS
from agent.gemini.marked_turns import TurnsBy
from agent.gemini.pictures import Pictures


@dataclass(frozen=True)
class CallerInput:
    """The caller's sound and pictures on their way to the model."""

    chunk_ms: int = FRAME_MS
    pictures: Pictures | None = None
    """Pictures are dropped without it."""
    turns_by: TurnsBy = TurnsBy.DETECTION
