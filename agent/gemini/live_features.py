"""The model table: which settings of a `[live]` table each model takes. Pure.

Where each value is known from: docs/facts.md G11, G51, G52. emulator/profiles.py has the same facts from the service's side,
on purpose: tests/agent/gemini/test_live_refusals.py holds each to the other.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class Offer(StrEnum):
    """Whether a model takes a setting."""

    YES = "yes"
    NO = "no"
    ALWAYS = "always on"
    V1ALPHA = "v1alpha"
    """On that version of the API alone."""
    NEEDED = "needed"
    UNKNOWN = "not known"
    """No document says whether the model takes the setting: it is sent, and the service decides."""


class Thinking(StrEnum):
    """The kinds of `thinking_config` that models take."""

    NONE = "no"
    BUDGET = "a budget"
    LEVEL = "a level"
    NEEDS_LEVEL = "a level, always"


@dataclass(frozen=True)
class LiveFeatures:
    """The settings that one model takes; the defaults are gemini-3.8-live's."""

    model: str
    short: str
    """The head of the model's column in the table."""
    vertex: bool = False
    """The model as Vertex AI serves it."""
    thinking: Thinking = Thinking.NONE
    levels: tuple[str, ...] = ()
    """The words of `thinking_level`."""
    thoughts: Offer = Offer.NO
    """`include_thoughts`: summaries of what the model thinks."""
    affective: Offer = Offer.NO
    proactive: Offer = Offer.ALWAYS
    google_search: Offer = Offer.YES
    code_execution: Offer = Offer.NO
    url_context: Offer = Offer.NO
    translation: Offer = Offer.NO
    """`translation_config`; NEEDED: the model does nothing else."""
    sampling: Offer = Offer.YES
    turns: Offer = Offer.YES
    """`realtime_input_config`: what ends the caller's turn, and what interrupts the model's."""
    pictures: Offer = Offer.YES
    transcription_hints: Offer = Offer.UNKNOWN
    """`language_codes`, `custom_vocabulary` and `mode` of both transcriptions."""
    waits_for_functions: str = "no"
    """Whether the model is silent until a function has returned, as the worker declares functions."""
    context_tokens: int = 131_072

    @property
    def title(self) -> str:
        """The model's name, and whether it is Vertex's."""
        return f"{self.model} (Vertex)" if self.vertex else self.model


_2_5 = LiveFeatures(
    "gemini-2.5-flash-native-audio-preview-12-2025",
    "2.5 (12-2025)",
    thinking=Thinking.BUDGET,
    thoughts=Offer.YES,
    affective=Offer.V1ALPHA,
    proactive=Offer.V1ALPHA,
    waits_for_functions="yes",
)
_3_8 = LiveFeatures("gemini-3.8-live", "3.8")
TRANSLATE_MODEL = "gemini-3.5-live-translate-preview"
TRANSLATE_FAMILY = "live-translate"
"""The part of their names that models which translate have in common."""
_TRANSLATE = LiveFeatures(
    TRANSLATE_MODEL,
    "3.5 translate",
    proactive=Offer.NO,
    google_search=Offer.NO,
    translation=Offer.NEEDED,
    sampling=Offer.UNKNOWN,
    turns=Offer.UNKNOWN,
    pictures=Offer.NO,
    waits_for_functions="no functions",
)
"""docs/facts.md G80 to G84."""
MODELS = (
    replace(_2_5, model="gemini-2.5-flash-native-audio-preview-09-2025", short="2.5 (09-2025)"),
    _2_5,
    LiveFeatures(
        "gemini-3.1-flash-live-preview",
        "3.1",
        thinking=Thinking.LEVEL,
        levels=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
        thoughts=Offer.UNKNOWN,
        proactive=Offer.NO,
        waits_for_functions="yes",
    ),
    _3_8,
    replace(
        _3_8,
        model="gemini-3.8-live-extended-thinking",
        short="3.8 thinking",
        thinking=Thinking.NEEDS_LEVEL,
        levels=("LOW", "MEDIUM", "HIGH"),
        thoughts=Offer.YES,
    ),
    replace(
        _2_5,
        model="gemini-live-2.5-flash-native-audio",
        short="2.5 on Vertex",
        vertex=True,
        affective=Offer.YES,
        proactive=Offer.YES,
    ),
    replace(_3_8, short="3.8 on Vertex", vertex=True),
    _TRANSLATE,
    replace(_TRANSLATE, short="3.5 translate on Vertex", vertex=True),
)
"""Every model that is known, in the order of the table in docs/live.md."""
NEWEST_MODEL = _3_8.model
"""The model whose settings an unknown one is taken to have."""
_SMALL_CONTEXT_TOKENS = 32_768
_SMALL_CONTEXT = ("gemini-2.0-", "gemini-live-2.5-flash")
"""Beginnings of the names of models with a small context, of those without native audio (docs/facts.md G52)."""


def is_known(model: str) -> bool:
    """Whether the table has the model. `model`: its name, or Vertex's whole one (`projects/.../models/NAME`)."""
    return any(features.model == model.rpartition("/")[2] for features in MODELS)


def features_of(model: str, *, vertex: bool = False) -> LiveFeatures:
    """A model's row; of a model that the table doesn't know, the newest one's of those like it with the window of its family.

    What is known of one API is not known of the other: a row of the other API says so of what needs a version there.
    """
    model = model.rpartition("/")[2]
    rows = [features for features in MODELS if features.model == model]
    exact = [features for features in rows if features.vertex == vertex]
    if exact:
        return exact[0]
    if rows:
        return _as_other_api_has_it(rows[0])
    if TRANSLATE_FAMILY in model:
        return replace(_TRANSLATE, vertex=vertex)
    small = model.startswith(_SMALL_CONTEXT) and "native-audio" not in model
    return replace(_3_8, vertex=vertex, context_tokens=_SMALL_CONTEXT_TOKENS if small else _3_8.context_tokens)


def _as_other_api_has_it(row: LiveFeatures) -> LiveFeatures:
    unsure = {Offer.V1ALPHA: Offer.UNKNOWN} if not row.vertex else {Offer.YES: Offer.V1ALPHA}
    affective, proactive = unsure.get(row.affective, row.affective), unsure.get(row.proactive, row.proactive)
    return replace(row, vertex=not row.vertex, affective=affective, proactive=proactive)


@dataclass(frozen=True)
class Feature:
    """A row of the table that `python -m agent.gemini models` prints."""

    title: str
    setting: str
    """The dotted name in a `[live]` table."""
    cell: Callable[[LiveFeatures], Any]
    """The text in a model's column."""


def _levels(features: LiveFeatures) -> str:
    return ", ".join(level.lower() for level in features.levels) or "no"


FEATURES = (
    Feature("sampling", "top_p, top_k, seed, max_output_tokens", lambda features: features.sampling),
    Feature(
        "when the caller's turn ends", "realtime_input_config.automatic_activity_detection", lambda features: features.turns
    ),
    Feature(
        "push-to-talk",
        "realtime_input_config.automatic_activity_detection.disabled",
        lambda features: Offer.NO if features.translation is Offer.NEEDED else Offer.YES,
    ),
    Feature("what interrupts", "realtime_input_config.activity_handling", lambda features: features.turns),
    Feature("what a turn covers", "realtime_input_config.turn_coverage", lambda features: features.turns),
    Feature("thinking", "thinking_config", lambda features: features.thinking),
    Feature("thinking levels", "thinking_config.thinking_level", _levels),
    Feature("thought summaries", "thinking_config.include_thoughts", lambda features: features.thoughts),
    Feature("affective dialog", "enable_affective_dialog", lambda features: features.affective),
    Feature("proactive audio", "proactivity.proactive_audio", lambda features: features.proactive),
    Feature("Google Search", "tools.google_search", lambda features: features.google_search),
    Feature("code execution", "tools.code_execution", lambda features: features.code_execution),
    Feature("URL context", "tools.url_context", lambda features: features.url_context),
    Feature("transcription hints", "input_audio_transcription", lambda features: features.transcription_hints),
    Feature("size of pictures", "media_resolution", lambda features: features.pictures),
    Feature("safety", "safety_settings", lambda _: Offer.YES),
    Feature("labels", "labels", lambda _: Offer.YES),
    Feature("live translation", "translation_config", lambda features: features.translation),
    Feature("context, tokens", "context_window_compression", lambda features: f"{features.context_tokens:,}"),
    Feature("waits for functions", "", lambda features: features.waits_for_functions),
)
