"""The settings of a `[live]` table that a model refuses, by the table of agent/gemini/live_features.py. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.gemini.live_features import MODELS, TRANSLATE_MODEL, LiveFeatures, Offer, Thinking
from agent.gemini.live_table import GOOGLE_TOOLS, TARGET_LANGUAGE
from agent.gemini.nested_tables import LiveTable, value_at

_THINKING_MODEL = "gemini-3.8-live-extended-thinking"
_SEARCHES_ON_VERTEX = ("blocking_confidence", "exclude_domains")
PICTURES = ("media_resolution", "proactivity.proactive_video")
"""Settings that mean something only if the model is sent pictures."""
_TRIGGER = "context_window_compression.trigger_tokens"
_TARGET = "context_window_compression.sliding_window.target_tokens"


@dataclass(frozen=True)
class Refusal:
    """A setting that a model refuses."""

    name: str
    """The dotted name in the `[live]` table."""
    value: object
    reason: str
    """The reason, and the fix."""

    def __str__(self) -> str:
        return f"live.{self.name} is {self.value!r}: {self.reason}"


def refusals(table: LiveTable, features: LiveFeatures, version: str | None, *, sees: bool = False) -> Iterator[Refusal]:
    """Each setting that the model refuses, and each that is about pictures if it sees none.

    Args:
        table: a `[live]` table whose keys and types are right.
        features: the model's row.
        version: of the API, such as `v1beta`; None stands for the version that the table needs.
        sees: whether the model is sent pictures.
    """
    for name in PICTURES:
        if not sees and (value := value_at(table, name)):
            yield Refusal(name, value, "the model is sent no pictures; leave it out, or let the persona look with [eyes]")
    for check in _CHECKS:
        yield from check(table, features, version)


def _thinking(table: LiveTable, features: LiveFeatures, version: str | None) -> Iterator[Refusal]:
    del version
    config = table.get("thinking_config")
    if config is None:
        return
    model, level, budget = features.title, config.get("thinking_level"), config.get("thinking_budget")
    if features.thinking is Thinking.NONE:
        yield Refusal("thinking_config", config, f"{model} takes none; leave it out, or set GEMINI_MODEL={_THINKING_MODEL}")
    elif features.thinking is Thinking.BUDGET and level is not None:
        yield Refusal("thinking_config.thinking_level", level, f"{model} takes a thinking_budget instead, in tokens")
    elif features.thinking is not Thinking.BUDGET and budget is not None:
        words = ", ".join(features.levels)
        yield Refusal("thinking_config.thinking_budget", budget, f"{model} takes a thinking_level instead, one of {words}")
    elif level is not None and level.upper() not in features.levels:
        yield Refusal("thinking_config.thinking_level", level, f"{model} takes {', '.join(features.levels)}")


def _affective(table: LiveTable, features: LiveFeatures, version: str | None) -> Iterator[Refusal]:
    if asked := table.get("enable_affective_dialog"):
        yield from _offered("enable_affective_dialog", asked, "affective", features, version)


def _proactive(table: LiveTable, features: LiveFeatures, version: str | None) -> Iterator[Refusal]:
    name = "proactivity.proactive_audio"
    asked = value_at(table, name)
    if asked is False and features.proactive is Offer.ALWAYS:
        yield Refusal(name, asked, f"{features.title} is always proactive; leave it out")
    elif asked:
        yield from _offered(name, asked, "proactive", features, version)


def _google_tools(table: LiveTable, features: LiveFeatures, version: str | None) -> Iterator[Refusal]:
    for tool in table.get("tools", ()):
        for name in GOOGLE_TOOLS:
            if name in tool:
                yield from _offered(f"tools.{name}", tool[name], name, features, version)
        for key in _SEARCHES_ON_VERTEX:
            if not features.vertex and key in tool.get("google_search", {}):
                value = tool["google_search"][key]
                yield Refusal(f"tools.google_search.{key}", value, "Vertex AI alone takes it; leave it out")


def _safety(table: LiveTable, features: LiveFeatures, version: str | None) -> Iterator[Refusal]:
    del version
    for setting in table.get("safety_settings", ()):
        if not features.vertex and "method" in setting:
            yield Refusal("safety_settings.method", setting["method"], "Vertex AI alone takes it; leave it out")


def _context(table: LiveTable, features: LiveFeatures, version: str | None) -> Iterator[Refusal]:
    del version
    trigger, target = value_at(table, _TRIGGER), value_at(table, _TARGET)
    if trigger is not None and trigger > features.context_tokens:
        yield Refusal(_TRIGGER, trigger, f"the context of {features.title} is {features.context_tokens} tokens; write less")
    most = features.context_tokens if trigger is None else trigger
    if target is not None and target >= most:
        than = "the model's context" if trigger is None else "trigger_tokens"
        yield Refusal(_TARGET, target, f"so many tokens are kept, which must be less than {than}, {most}")


def _translation(table: LiveTable, features: LiveFeatures, version: str | None) -> Iterator[Refusal]:
    del version
    asked, target = table.get("translation_config"), value_at(table, TARGET_LANGUAGE)
    if features.translation is Offer.NEEDED and not target:
        yield Refusal(TARGET_LANGUAGE, target, f'{features.title} translates into it; write a language there, such as "pl"')
    elif asked is not None and features.translation is Offer.NO:
        fix = f'write model = "{TRANSLATE_MODEL}" at the top of the persona file, or leave it out'
        yield Refusal("translation_config", asked, f"{features.title} doesn't translate; {fix}")


def _offered(name: str, value: object, field: str, features: LiveFeatures, version: str | None) -> Iterator[Refusal]:
    """The refusal of what the model's row says no to. `field`: the row's, which has the `Offer`."""
    offer = getattr(features, field)
    if offer is Offer.NO:
        yield Refusal(name, value, f"{features.title} doesn't take it; leave it out{_or_another_model(field, features)}")
    elif offer is Offer.V1ALPHA and version not in {"v1alpha", None}:
        yield Refusal(name, value, f"{features.title} takes it on v1alpha alone; set GEMINI_API_VERSION=v1alpha")


def _or_another_model(field: str, features: LiveFeatures) -> str:
    """The newest model of the same API that takes what this one doesn't, as the end of a sentence; empty without one."""
    takers = [each.model for each in MODELS if each.vertex == features.vertex and getattr(each, field) is not Offer.NO]
    return f", or set GEMINI_MODEL={takers[-1]}" if takers else ""


_CHECKS: tuple[Callable[[LiveTable, LiveFeatures, str | None], Iterator[Refusal]], ...] = (
    _thinking,
    _affective,
    _proactive,
    _google_tools,
    _safety,
    _context,
    _translation,
)
