"""The behaviour of each model generation on the wire, and its times: one frozen table, each value with where it is known from.

emulator/profile_groups.py says what the values mean, and emulator/profile_table.py prints them. The facts are
agent/gemini/capabilities.py's too, seen from the service's side and kept separately on purpose: each checks the other.
Evidence: docs/facts.md, G.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from emulator.profile_groups import (
    DOCUMENTED,
    GUESSED,
    RECORDED,
    REPORTED,
    ConnectionProfile,
    HearingProfile,
    SetupProfile,
    SpeakingProfile,
    TokenProfile,
    ToolProfile,
    TranslationProfile,
)


class Value(NamedTuple):
    """One value of a profile, and where it is known from."""

    name: str
    value: Any
    known: str


@dataclass(frozen=True)
class Profile:
    """One model generation."""

    model: str
    known: Mapping[str, str] = field(default_factory=dict)
    """Where a value is known from, by field name, where that differs from the field's own word; "" stands for all others."""
    vertex: bool = False
    """The model is served on Vertex's path and named as there; setupComplete carries a session id."""
    connection: ConnectionProfile = field(default_factory=ConnectionProfile)
    hearing: HearingProfile = field(default_factory=HearingProfile)
    speaking: SpeakingProfile = field(default_factory=SpeakingProfile)
    tools: ToolProfile = field(default_factory=ToolProfile)
    setup: SetupProfile = field(default_factory=SetupProfile)
    translation: TranslationProfile = field(default_factory=TranslationProfile)
    tokens: TokenProfile = field(default_factory=TokenProfile)

    @property
    def name(self) -> str:
        """The model's name, after `vertex/` for a model as Vertex serves it."""
        return f"vertex/{self.model}" if self.vertex else self.model

    def values(self) -> Iterator[Value]:
        """All values of all groups."""
        for group in (self.connection, self.hearing, self.speaking, self.tools, self.setup, self.translation, self.tokens):
            for each in dataclasses.fields(group):
                known = self.known.get(each.name, self.known.get("", each.metadata["known"]))
                yield Value(each.name, getattr(group, each.name), known)


GEMINI_3_8_LIVE = Profile("gemini-3.8-live")

GEMINI_3_8_LIVE_ET = Profile(
    "gemini-3.8-live-extended-thinking",
    known={"": GUESSED, "thinking": REPORTED, "interaction_status": DOCUMENTED, "blocking": REPORTED, "scheduling": REPORTED},
    speaking=SpeakingProfile(thoughts="asked", interaction_status=True),
    tools=ToolProfile(blocking=False, scheduling=False),
    setup=SetupProfile(thinking="required", levels="LOW MEDIUM HIGH"),
)

GEMINI_3_1_FLASH_LIVE = Profile(
    "gemini-3.1-flash-live-preview",
    known={
        **dict.fromkeys(("resume_s", "locked_s", "cooldown_s", "calls_survive", "prefix_padding_ms", "end_s"), GUESSED),
        **dict.fromkeys(("silence_ms", "tool_answer_s", "hidden_audio_tokens", "thought_tokens"), GUESSED),
        "handles_cover": DOCUMENTED,
    },
    connection=ConnectionProfile(handles="often", handles_cover="moment", calls_survive=False),
    hearing=HearingProfile(voice_activity=False),
    speaking=SpeakingProfile(role=False, keepalives=False, think_s=0.7),
    tools=ToolProfile(call_id="fc_{:019d}", tools_non_blocking=False, non_blocking=False, scheduling=False),
    setup=SetupProfile(thinking="level", levels="MINIMAL LOW MEDIUM HIGH", proactive="no"),
    tokens=TokenProfile(hidden_text_tokens=360, hidden_audio_tokens=0, thought_tokens=0),
)

GEMINI_2_5_NATIVE = Profile(
    "gemini-2.5-flash-native-audio-preview-12-2025",
    known={
        **dict.fromkeys(("setup_s", "resume_s", "locked_s", "cooldown_s", "prefix_padding_ms", "end_s", "silence_ms"), GUESSED),
        **dict.fromkeys(("tool_answer_s", "think_s", "pace", "first_chunk_ms", "thought_tokens"), GUESSED),
        **dict.fromkeys(("calls_survive", "dot_is_empty"), REPORTED),
        **dict.fromkeys(("cancellation", "tools_non_blocking", "handles_cover"), DOCUMENTED),
    },
    connection=ConnectionProfile(handles="asked", handles_cover="moment", calls_survive=False),
    hearing=HearingProfile(
        voice_activity=False, transcript_pieces=True, media_chunks=True, roleless_content=True, dot_is_empty=False
    ),
    speaking=SpeakingProfile(
        think_s=0.8,
        chunk_ms=60,
        order="interleaved",
        role=False,
        keepalives=False,
        empty_content=False,
        thoughts="always",
        search_as_code=True,
    ),
    tools=ToolProfile(call_id="function-call-{:019d}", tools_non_blocking=False, cancellation=True),
    setup=SetupProfile(thinking="budget", proactive="v1alpha", affective="v1alpha", repeated_tools=True, text_refusal="voices"),
    tokens=TokenProfile(hidden_text_tokens=1130, hidden_audio_tokens=0, thought_tokens=24),
)

GEMINI_2_5_NATIVE_09 = replace(
    GEMINI_2_5_NATIVE,
    model="gemini-2.5-flash-native-audio-preview-09-2025",
    known={"": GUESSED},
)

VERTEX_2_5_NATIVE = replace(
    GEMINI_2_5_NATIVE,
    model="gemini-live-2.5-flash-native-audio",
    known={**GEMINI_2_5_NATIVE.known, "double_completion": RECORDED, "cancellation": GUESSED, "low_sensitivity": DOCUMENTED},
    vertex=True,
    hearing=replace(GEMINI_2_5_NATIVE.hearing, low_sensitivity=True),
    speaking=replace(
        GEMINI_2_5_NATIVE.speaking, chunk_ms=200, order="words_first", role=True, audio_mime="audio/pcm", thoughts="asked"
    ),
    tools=replace(GEMINI_2_5_NATIVE.tools, call_id="{uuid}", cancellation=False, double_completion=True, scheduling=False),
    setup=replace(GEMINI_2_5_NATIVE.setup, proactive="option", affective="option"),
    tokens=replace(GEMINI_2_5_NATIVE.tokens, usage_key="candidates", hidden_text_tokens=44, thought_tokens=0),
)

VERTEX_3_8_LIVE = replace(
    GEMINI_3_8_LIVE,
    known={
        **dict.fromkeys(("low_sensitivity", "usage_key"), DOCUMENTED),
        **dict.fromkeys(("audio_mime", "call_id", "voice_activity", "keepalives", "empty_content"), GUESSED),
        **dict.fromkeys(("setup_s", "resume_s", "locked_s", "cooldown_s", "think_s", "tool_answer_s", "end_s"), GUESSED),
        **dict.fromkeys(("hidden_text_tokens", "hidden_audio_tokens", "thought_tokens"), GUESSED),
    },
    vertex=True,
    connection=ConnectionProfile(handles="each_turn"),
    hearing=HearingProfile(low_sensitivity=True),
    speaking=SpeakingProfile(audio_mime="audio/pcm"),
    tools=ToolProfile(call_id="{uuid}"),
    tokens=TokenProfile(usage_key="candidates"),
)
"""What guides and recordings say of 3.8 on Vertex (docs/facts.md G90); the rest is guessed to be as on the Gemini API."""

GEMINI_3_5_TRANSLATE = Profile(
    "gemini-3.5-live-translate-preview",
    known={
        "": GUESSED,
        **dict.fromkeys(("translates", "thinking", "google_tools", "context_tokens"), DOCUMENTED),
        **dict.fromkeys(("handles", "chunk_ms", "pace", "order", "piece_s"), RECORDED),
    },
    connection=ConnectionProfile(handles="often", handles_cover="moment", calls_survive=False),
    hearing=HearingProfile(voice_activity=False, transcript_pieces=True),
    speaking=SpeakingProfile(
        pace=1.0, first_chunk_ms=250, chunk_ms=250, order="interleaved", role=False, keepalives=False, empty_content=False
    ),
    setup=SetupProfile(proactive="no", google_tools=""),
    translation=TranslationProfile(translates=True),
)

VERTEX_3_5_TRANSLATE = replace(GEMINI_3_5_TRANSLATE, vertex=True, tokens=TokenProfile(usage_key="candidates"))
"""Vertex has the model (docs/facts.md G80); that it behaves as on the Gemini API is guessed."""

PROFILES = {
    profile.name: profile
    for profile in (
        GEMINI_3_8_LIVE,
        GEMINI_3_8_LIVE_ET,
        GEMINI_3_1_FLASH_LIVE,
        GEMINI_2_5_NATIVE,
        GEMINI_2_5_NATIVE_09,
        VERTEX_2_5_NATIVE,
        VERTEX_3_8_LIVE,
        GEMINI_3_5_TRANSLATE,
        VERTEX_3_5_TRANSLATE,
    )
}
"""Every model that is known, by its profile's name."""


def profile_of(model: str, *, vertex: bool) -> Profile | None:
    """The profile of a model on one of the two APIs; of a model that only the other API is known to serve, that one."""
    on_vertex = PROFILES.get(f"vertex/{model}")
    return (on_vertex or PROFILES.get(model)) if vertex else (PROFILES.get(model) or on_vertex)
