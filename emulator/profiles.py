"""The profiles of all models: one frozen table.

emulator/profile_table.py prints it. The facts are agent/gemini/capabilities.py's too, seen from the service's side and kept
separately on purpose: each checks the other.
"""

from dataclasses import replace

from emulator.profile import (
    DOCUMENTED,
    GUESSED,
    RECORDED,
    REPORTED,
    ConnectionProfile,
    HearingProfile,
    Profile,
    SetupProfile,
    SpeakingProfile,
    TokenProfile,
    ToolProfile,
    TranslationProfile,
)

GEMINI_3_8_LIVE = Profile("gemini-3.8-live")

GEMINI_3_8_LIVE_ET = Profile(
    "gemini-3.8-live-extended-thinking",
    known={"": GUESSED, "thinking": REPORTED, "interaction_status": DOCUMENTED, "blocking": REPORTED, "scheduling": REPORTED},
    speaking=SpeakingProfile(thoughts="asked", interaction_status=True),
    tools=ToolProfile(blocking=False, scheduling=False),
    setup=SetupProfile(thinking="required", levels="LOW MEDIUM HIGH", context_update=False),
)

GEMINI_3_1_FLASH_LIVE = Profile(
    "gemini-3.1-flash-live-preview",
    known={
        **dict.fromkeys(("resume_s", "locked_s", "cooldown_s", "calls_survive", "prefix_padding_ms", "end_s"), GUESSED),
        **dict.fromkeys(("silence_ms", "tool_answer_s", "hidden_audio_tokens", "thought_tokens"), GUESSED),
        "context_update": GUESSED,
        "handles_cover": DOCUMENTED,
    },
    connection=ConnectionProfile(handles="often", handles_cover="moment", calls_survive=False),
    hearing=HearingProfile(voice_activity=False),
    speaking=SpeakingProfile(role=False, keepalives=False, think_s=0.7),
    tools=ToolProfile(call_id="fc_{:019d}", tools_non_blocking=False, non_blocking=False, scheduling=False),
    setup=SetupProfile(thinking="level", levels="MINIMAL LOW MEDIUM HIGH", proactive="no", context_update=False),
    tokens=TokenProfile(hidden_text_tokens=360, hidden_audio_tokens=0, thought_tokens=0),
)

GEMINI_2_5_NATIVE = Profile(
    "gemini-2.5-flash-native-audio-preview-12-2025",
    known={
        **dict.fromkeys(("setup_s", "resume_s", "locked_s", "cooldown_s", "prefix_padding_ms", "end_s", "silence_ms"), GUESSED),
        **dict.fromkeys(("tool_answer_s", "think_s", "pace", "first_chunk_ms", "thought_tokens", "context_update"), GUESSED),
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
        silence="empty_turn",
        search_as_code=True,
    ),
    tools=ToolProfile(call_id="function-call-{:019d}", tools_non_blocking=False, cancellation=True),
    setup=SetupProfile(
        thinking="budget",
        proactive="v1alpha",
        affective="v1alpha",
        repeated_tools=True,
        context_update=False,
        text_refusal="voices",
    ),
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
    setup=SetupProfile(proactive="no", google_tools="", context_update=False),
    translation=TranslationProfile(translates=True),
)

VERTEX_3_5_TRANSLATE = replace(
    GEMINI_3_5_TRANSLATE,
    known={**GEMINI_3_5_TRANSLATE.known, "usage_key": DOCUMENTED},
    vertex=True,
    tokens=replace(GEMINI_3_5_TRANSLATE.tokens, usage_key="candidates"),
)
"""Vertex lists the model as well (docs/facts.md G80); what differs there isn't known, but for the names."""

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
