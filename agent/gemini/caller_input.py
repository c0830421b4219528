"""The caller's sound and pictures on their way into a session."""

from dataclasses import dataclass

from agent.gemini.audio import FRAME_MS
from agent.gemini.marked_turns import TurnsBy
from agent.gemini.pictures import Pictures
from agent.gemini.turn_rules import DEFAULT_TURN_RULES, TurnRules


@dataclass(frozen=True)
class CallerInput:
    """The caller's sound and pictures on their way to the model."""

    chunk_ms: int = FRAME_MS
    pictures: Pictures | None = None
    """Pictures are dropped without it."""
    rules: TurnRules = DEFAULT_TURN_RULES
    """The rules by which caller and model take turns."""
    turns_by: TurnsBy = TurnsBy.DETECTION
