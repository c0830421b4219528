"""The rules by which caller and model take turns, where a setting or the model changes them. Pure."""

from dataclasses import dataclass

from google.genai import types

from agent.gemini.live_features import LiveFeatures, Offer
from agent.gemini.nested_tables import LiveTable, value_at

_HANDLING = "realtime_input_config.activity_handling"
_PROACTIVE = "proactivity.proactive_audio"
_MOST_REMINDERS = 2


@dataclass(frozen=True)
class TurnRules:
    """The rules of one call. The defaults are those of a model that answers everything, and whom the caller's voice stops."""

    interruptible: bool = True
    """The caller's voice interrupts the model. False: it finishes, and answers next what was said (docs/facts.md G102)."""
    may_stay_silent: bool = False
    """Proactive audio: the model may leave spoken words unanswered on purpose, because they weren't meant for it."""

    def most_reminders(self, *, addressed_to_model: bool) -> int:
        """The most reminders of one request after turns without output. After them the silence is taken for meant."""
        return _MOST_REMINDERS if addressed_to_model else 1


DEFAULT_TURN_RULES = TurnRules()


def turn_rules(live: LiveTable, features: LiveFeatures) -> TurnRules:
    """The rules that a `[live]` table, which `check_live` has passed, and a model's row make.

    A model that translates does so while the caller speaks, and answers nothing.
    """
    if features.translation is Offer.NEEDED:
        return TurnRules(interruptible=False, may_stay_silent=True)
    handling = value_at(live, _HANDLING)
    is_proactive = features.proactive is Offer.ALWAYS or bool(value_at(live, _PROACTIVE))
    return TurnRules(
        interruptible=handling is None or types.ActivityHandling(handling) is not types.ActivityHandling.NO_INTERRUPTION,
        may_stay_silent=is_proactive,
    )
