"""The caller's turns, as settings of `realtime_input_config`: their pace, and who marks them. Pure."""

from typing import Any, Literal

from agent.gemini.live_table import DETECTION, SILENCE_MS
from agent.gemini.nested_tables import merged, nested

Pace = Literal["patient", "normal", "quick"]
Turns = Literal["automatic", "push_to_talk"]
"""Whether the service detects when the caller speaks, or the client marks it by a button."""

_END = f"{DETECTION}.end_of_speech_sensitivity"
PACED = (SILENCE_MS, _END)
"""The settings of a pace, by dotted name in a `[live]` table."""
_PATIENT_MS = 1200
_QUICK_MS = 250


def paced(pace: Pace, silence_ms: int) -> dict[str, Any]:
    """The settings of a pace, as a `[live]` table.

    Args:
        pace: `patient` for callers who stop to think, `quick` for short exchanges, `normal` between them.
        silence_ms: the silence that ends a turn at the pace `normal`.
    """
    match pace:
        case "patient":
            return merged(nested(SILENCE_MS, _PATIENT_MS), nested(_END, "END_SENSITIVITY_LOW"))
        case "quick":
            return merged(nested(SILENCE_MS, _QUICK_MS), nested(_END, "END_SENSITIVITY_HIGH"))
        case "normal":
            return nested(SILENCE_MS, silence_ms)
