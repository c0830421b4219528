"""A persona's Gemini settings (`[live]`) with GEMINI_LIVE_CONFIG beneath and a call's own above, held against its model."""

import functools
import itertools
import json
from dataclasses import replace
from typing import Any, get_args

from agent.agent_class import agent_class, toolset_classes
from agent.cost_caps import lowered, lowest, no_prices, prices_of
from agent.errors import PersonaError, SettingsError
from agent.gemini import (
    DETECTION,
    PICTURES,
    TARGET_LANGUAGE,
    TOP_NAMES,
    LiveSettingError,
    LiveTable,
    ModelPrices,
    Refusal,
    Turns,
    Voicing,
    capabilities_of,
    check_live,
    features_of,
    is_known,
    leaves,
    merged,
    nested,
    paced,
    refusals,
    split_top,
    without,
)
from agent.persona import Persona, dispatched, for_call, language_warning, load, names
from agent.persona_file import NOT_FOR_INTERPRETERS
from agent.settings import Settings

_DEFAULT_VOICE = "Puck"
_LONGEST_NAME = 120
"""Characters of a dotted name; the longest that there is has fewer."""
_MOST_WISHES = 50
"""The most settings of a dispatch that are read: more than there are."""


def completed(persona: Persona, settings: Settings) -> Persona:
    """The persona with what GEMINI_LIVE_CONFIG says where its own file says nothing, and with its pace as settings.

    GEMINI_LIVE_CONFIG is meant for GEMINI_MODEL: a persona with another model has its own file alone.
    """
    has_base = model_of(persona, settings) == settings.gemini_model
    named, base = split_top(settings.live_base if has_base else {})
    if not persona.eyes.sources:
        base = functools.reduce(without, PICTURES, base)  # meant for the personas that look
    if persona.translates:
        named = {}  # meant for the personas that speak for themselves
    missing = {key: value for key, value in named.items() if getattr(persona, key) is None}
    pace = paced(persona.pace, settings.gemini_silence_ms) if persona.pace else {}
    cap_usd = lowest(persona.cost_cap_usd, settings.cost_cap_usd)
    return replace(persona, **missing, live=merged(base, pace, persona.live), cost_cap_usd=cap_usd)


def model_of(persona: Persona, settings: Settings) -> str:
    """The name of the model that the persona's calls have."""
    return persona.model or settings.gemini_model


def prices_of_call(persona: Persona, settings: Settings) -> ModelPrices | None:
    """The prices of the model that the persona's calls have; None: there are none."""
    return prices_of(model_of(persona, settings), settings.gemini_prices.content if settings.gemini_prices else None)


def voicing_of(settings: Settings, persona: Persona) -> Voicing:
    """The model's voice and hearing in a call with a completed persona."""
    return Voicing(
        persona.voice or _DEFAULT_VOICE,
        persona.language,
        persona.temperature,
        settings.gemini_silence_ms,
        persona.live,
        push_to_talk=persona.turns == "push_to_talk",
    )


def check_base(settings: Settings) -> list[str]:
    """Hold GEMINI_LIVE_CONFIG against the model. Returns a sentence for each setting that an unknown model may refuse.

    Raises:
        SettingsError: the model refuses a setting.
    """
    if settings.gemini_live_config is None:
        return []
    if "translation_config" in settings.live_base:
        fix = "live.translation_config can't be set for all personas; write it in the file of the persona that translates"
        raise SettingsError("GEMINI_LIVE_CONFIG", str(settings.gemini_live_config.path), fix)
    found = _refusals(settings.live_base, settings.gemini_model, settings, sees=True)
    found = [refusal for refusal in found if refusal.name != TARGET_LANGUAGE]  # that is its personas' to say
    if found and is_known(settings.gemini_model):
        raise SettingsError("GEMINI_LIVE_CONFIG", str(settings.gemini_live_config.path), str(found[0]))
    return [f"GEMINI_LIVE_CONFIG: {_sent_all_the_same(refusal)}" for refusal in found]


def check_persona(persona: Persona, settings: Settings) -> list[str]:
    """Hold a completed persona against the model.

    Returns:
        A sentence for each thing that may not work: a language, or what an unknown model may refuse.

    Raises:
        PersonaError: the model refuses a setting.
    """
    warnings = [] if (unlisted := language_warning(persona)) is None else [unlisted]
    agent_class(persona)  # raises if there is no such class
    toolset_classes(persona)
    model = model_of(persona, settings)
    if not persona.translates and capabilities_of(model).translates:
        name = "GEMINI_MODEL" if persona.model is None else "model"
        fix = f"set another {name}, or give the persona [live.translation_config] instead of its `instructions`"
        raise PersonaError(persona.name, f"its model {model} translates, and answers nobody; {fix}")
    found = _refusals(persona.live, model, settings, sees=_sees(persona))
    if found and is_known(model):
        raise PersonaError(persona.name, str(found[0]))
    if prices_of_call(persona, settings) is None and (cap := _cap(persona, settings)) is not None:
        raise PersonaError(persona.name, f"{cap}, and {no_prices(model)}")
    said = [_sent_all_the_same(refusal, "GEMINI_MODEL" if persona.model is None else "its model") for refusal in found]
    if not is_known(model) and persona.model is not None:
        said.insert(0, f"its model {model!r} is unknown; `python -m agent.gemini models` lists those that are known")
    return [*warnings, *(f"persona {persona.name!r}: {sentence}" for sentence in said)]


def check_other_personas(default: Persona, settings: Settings) -> list[str]:
    """A sentence for each persona of the folder, other than the default one, that a call couldn't be given.

    None of them stops the worker: workers with other models may share the folder.
    """
    warnings = []
    for name in names(settings.personas_dir):
        if name != default.name:
            try:
                warnings += check_persona(completed(load(name, settings.personas_dir), settings), settings)
            except PersonaError as error:
                warnings.append(f"calls can't be given {error}")
    return warnings


def persona_of_call(metadata: str, default: Persona, settings: Settings) -> tuple[Persona, list[str]]:
    """The completed persona that a dispatch asks for, with the settings that CALL_MAY_SET lets it choose.

    Args:
        metadata: of the dispatch, such as `{"persona": NAME, "language": "de-DE", "live": {"top_p": 0.8}}`, or with
            `"hearing": {"turns": "push_to_talk"}`, or `"cost_cap_usd": 0.5`.
        default: the completed persona of PERSONA.
        settings: the worker's.

    Returns:
        The persona, and a sentence for each wish that can't be met.
    """
    wanted = dispatched(metadata) or {}
    persona, warnings = for_call(metadata, default, settings.personas_dir)
    if persona.name != default.name:
        try:
            persona = completed(persona, settings)
            warnings += check_persona(persona, settings)
        except PersonaError as error:
            persona, _ = for_call(json.dumps(wanted | {"persona": None}), default, settings.personas_dir)
            warnings.append(str(error))
    elif persona.spoken_language != default.spoken_language and (unlisted := language_warning(persona)) is not None:
        warnings.append(unlisted)
    persona, forbidden = _with_record(persona, wanted.get("record"))
    warnings += forbidden
    persona, capped = _with_cap(persona, wanted.get("cost_cap_usd"), settings)
    warnings += capped
    persona, unmet = _with_turns(persona, wanted.get("hearing"), settings)
    warnings += unmet
    live = wanted.get("live", {})
    if not isinstance(live, dict):
        return persona, [*warnings, "live of the dispatch metadata is no table"]
    persona, refused = _with_wishes(persona, live, settings)
    return persona, [*warnings, *refused]


def _cap(persona: Persona, settings: Settings) -> str | None:
    """The setting that caps the costs of a completed persona's calls, in words; None if none does."""
    if settings.day_cost_cap_usd is not None:
        return f"DAY_COST_CAP_USD is {settings.day_cost_cap_usd:g}"
    return None if persona.cost_cap_usd is None else f"COST_CAP_USD or its cost_cap_usd is {persona.cost_cap_usd:g}"


def _with_cap(persona: Persona, wanted: object, settings: Settings) -> tuple[Persona, list[str]]:
    """The persona with the cap that a dispatch wants for its call, and a sentence if the call can't have it."""
    cap_usd, mistake = lowered(persona.cost_cap_usd, wanted)
    if cap_usd is not None and prices_of_call(persona, settings) is None:
        return persona, [f"cost_cap_usd can't be set: {no_prices(model_of(persona, settings))}"]
    return replace(persona, cost_cap_usd=cap_usd), [] if mistake is None else [mistake]


def _with_record(persona: Persona, wanted: object) -> tuple[Persona, list[str]]:
    """The persona as a dispatch allows its call to be recorded; it can forbid that, and no more."""
    if wanted is None or wanted is True:
        return persona, []
    unclear = [] if wanted is False else ["record of the dispatch metadata must be true or false: the call is not recorded"]
    return replace(persona, record=False), unclear


def _with_turns(persona: Persona, hearing: object, settings: Settings) -> tuple[Persona, list[str]]:
    """The persona with the `turns` of a dispatch's `hearing`, and a sentence for what can't be met of it."""
    if hearing is None:
        return persona, []
    if not isinstance(hearing, dict):
        return persona, ["hearing of the dispatch metadata is no table"]
    unmet = [f"hearing.{str(key)[:_LONGEST_NAME]} can't be set by a call" for key in hearing if key != "turns"][:_MOST_WISHES]
    turns = hearing.get("turns", persona.turns)
    if turns == persona.turns:
        return persona, unmet
    if (mistake := _mistake_in_turns(turns, persona, settings)) is not None:
        return persona, [*unmet, mistake]
    return replace(persona, turns=turns), unmet


def _mistake_in_turns(turns: object, persona: Persona, settings: Settings) -> str | None:
    """A sentence about `hearing.turns` of a dispatch, if the call can't have them."""
    if not {"hearing", "hearing.turns"} & set(settings.call_may_set):
        return "hearing.turns can't be set by a call: CALL_MAY_SET doesn't list it"
    if turns not in get_args(Turns):
        return "hearing.turns of the dispatch metadata must be automatic or push_to_talk"
    return f"hearing.turns can't be set: persona {persona.name!r} translates, without turns" if persona.translates else None


def _with_wishes(persona: Persona, live: LiveTable, settings: Settings) -> tuple[Persona, list[str]]:
    """The persona with those of a call's settings that it may choose, and a sentence for each of the others."""
    wishes: dict[str, Any] = {}
    warnings = []
    for name, value in itertools.islice(leaves(live), _MOST_WISHES):
        try:
            _check_wish(name, value, persona, settings)
        except LiveSettingError as error:
            warnings.append(str(error))
        else:
            wishes = merged(wishes, nested(name, value))
    sees = _sees(persona)
    model = model_of(persona, settings)
    before = _refusals(persona.live, model, settings, sees=sees)
    found = [each for each in _refusals(merged(persona.live, wishes), model, settings, sees=sees) if each not in before]
    refused = {refusal.name.split(".")[0] for refusal in found} if is_known(model) else set()
    top, taken = split_top({key: value for key, value in wishes.items() if key not in refused})
    source = "GEMINI_MODEL" if persona.model is None else "its model"
    warnings += [str(each) if is_known(model) else _sent_all_the_same(each, source) for each in found]
    return replace(persona, **top, live=merged(persona.live, taken)), warnings


def _check_wish(name: str, value: object, persona: Persona, settings: Settings) -> None:
    if len(name) > _LONGEST_NAME:
        raise LiveSettingError(f"{name[:60]}...", "is no setting; its keys are those of google-genai's LiveConnectConfig")
    if not any(f"{name}.".startswith(f"{allowed}.") for allowed in settings.call_may_set):
        raise LiveSettingError(name, "can't be set by a call: CALL_MAY_SET doesn't list it")
    if persona.turns == "push_to_talk" and f"{name}.".startswith(f"{DETECTION}."):
        raise LiveSettingError(name, "can't be set: the turns of the call are push_to_talk; leave it out")
    if persona.translates and name in {TOP_NAMES[key] for key in NOT_FOR_INTERPRETERS if key in TOP_NAMES}:
        raise LiveSettingError(name, f"can't be set: persona {persona.name!r} translates, and its model has none; leave it out")
    check_live(nested(name, value))


def _refusals(live: LiveTable, model: str, settings: Settings, *, sees: bool) -> list[Refusal]:
    features = features_of(model, vertex=settings.google_genai_use_vertexai)
    return list(refusals(live, features, settings.gemini_api_version, sees=sees))


def _sees(persona: Persona) -> bool:
    return bool(persona.eyes.sources)


def _sent_all_the_same(refusal: Refusal, model: str = "GEMINI_MODEL") -> str:
    return f"{refusal} ({model} is unknown, and the setting is sent all the same)"
