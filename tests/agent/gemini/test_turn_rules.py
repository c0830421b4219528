"""The rules of turns that settings and models make."""

import pytest

from agent.gemini import LiveTable, TurnRules, features_of
from agent.gemini.turn_rules import turn_rules

V2_5, V3_1, V3_8 = "gemini-2.5-flash-native-audio-preview-12-2025", "gemini-3.1-flash-live-preview", "gemini-3.8-live"
PROACTIVE = {"proactivity": {"proactive_audio": True}}


@pytest.mark.parametrize(
    ("handling", "interruptible"),
    [
        ("NO_INTERRUPTION", False),
        ("no_interruption", False),
        ("START_OF_ACTIVITY_INTERRUPTS", True),
        ("ACTIVITY_HANDLING_UNSPECIFIED", True),
        (None, True),
    ],
)
def test_what_interrupts_is_the_settings_to_say(handling: str | None, *, interruptible: bool) -> None:
    live = {} if handling is None else {"realtime_input_config": {"activity_handling": handling}}
    assert turn_rules(live, features_of(V3_1)) == TurnRules(interruptible=interruptible)


@pytest.mark.parametrize(
    ("model", "live", "may"),
    [
        (V3_8, {}, True),
        ("gemini-3.8-live-extended-thinking", {}, True),
        ("gemini-9-live", {}, True),
        (V3_1, {}, False),
        (V2_5, {}, False),
        (V2_5, PROACTIVE, True),
        (V2_5, {"proactivity": {"proactive_audio": False}}, False),
    ],
)
def test_a_proactive_model_may_stay_silent(model: str, live: LiveTable, *, may: bool) -> None:
    """A model that nobody knows is taken for one like the newest."""
    assert turn_rules(live, features_of(model)).may_stay_silent == may
