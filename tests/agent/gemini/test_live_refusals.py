"""The worker's model table and the emulator's agree: what one lets through, the other takes, for every model."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.agents import llm

from agent.gemini import (
    CAPABILITIES,
    TARGET_LANGUAGE,
    TRANSLATE_MODEL,
    Voicing,
    check_live,
    features_of,
    is_known,
    leaves,
    merged,
    nested,
    refusals,
    wire,
)
from agent.gemini.capabilities import capabilities_of
from agent.gemini.live_config import live_config
from agent.gemini.live_features import MODELS, LiveFeatures
from emulator import protos
from emulator import wire as emulated
from emulator.acceptance import accept
from emulator.errors import RefusedError
from emulator.messages import Setup
from emulator.profiles import PROFILES, profile_of

DETECTION = "automatic_activity_detection"
TABLES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "sampling": {"top_p": 0.9, "top_k": 40, "seed": 7, "max_output_tokens": 2048, "temperature": 0.5},
    "penalties": {"generation_config": {"presence_penalty": 0.5, "frequency_penalty": 0.5}},
    "thinking budget": {"thinking_config": {"thinking_budget": 1024}},
    "thinking off": {"thinking_config": {"thinking_budget": 0}},
    **{f"thinking level {word}": {"thinking_config": {"thinking_level": word}} for word in ("MINIMAL", "low", "HIGH", "XHIGH")},
    "thoughts": {"thinking_config": {"include_thoughts": True}},
    "affective dialog": {"enable_affective_dialog": True},
    "no affective dialog": {"enable_affective_dialog": False},
    "proactive": {"proactivity": {"proactive_audio": True}},
    "not proactive": {"proactivity": {"proactive_audio": False}},
    "search": {"tools": [{"google_search": {}}]},
    "search without sites": {"tools": [{"google_search": {"exclude_domains": ["example.com"]}}]},
    "code execution": {"tools": [{"code_execution": {}}]},
    "URL context": {"tools": [{"google_search": {}}, {"url_context": {}}]},
    "detection": {
        "realtime_input_config": {
            DETECTION: {
                "start_of_speech_sensitivity": "START_SENSITIVITY_LOW",
                "end_of_speech_sensitivity": "end_sensitivity_high",
                "prefix_padding_ms": 20,
                "silence_duration_ms": 300,
            },
            "activity_handling": "NO_INTERRUPTION",
            "turn_coverage": "TURN_INCLUDES_ALL_INPUT",
        }
    },
    "transcription": {
        "input_audio_transcription": {"language_codes": ["de-DE"], "custom_vocabulary": ["Earshot"], "mode": "SMART"},
        "output_audio_transcription": {"language_codes": ["de-DE"]},
    },
    "pictures": {"media_resolution": "MEDIA_RESOLUTION_LOW"},
    "safety": {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
    "safety by severity": {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "method": "SEVERITY"}]},
    "labels": {"labels": {"team": "support"}},
    "compression": {"context_window_compression": {"trigger_tokens": 25_600, "sliding_window": {"target_tokens": 12_800}}},
    "trigger alone": {"context_window_compression": {"trigger_tokens": 131_072}},
    "trigger beyond the context": {"context_window_compression": {"trigger_tokens": 131_073}},
    "target beyond the trigger": {
        "context_window_compression": {"trigger_tokens": 25_600, "sliding_window": {"target_tokens": 25_600}}
    },
    "target beyond the context": {"context_window_compression": {"sliding_window": {"target_tokens": 200_000}}},
    "translation into nothing": {"translation_config": {}},
    "translation": {"translation_config": {"target_language_code": "de", "echo_target_language": True}},
}
VERSIONS = {False: ("v1beta", "v1alpha"), True: ("v1beta1",)}
CASES = [(features, version) for features in MODELS for version in VERSIONS[features.vertex]]


def with_target(table: dict[str, Any], features: LiveFeatures) -> dict[str, Any]:
    """The table as a persona of that model needs it: one that translates says into what."""
    return merged(nested(TARGET_LANGUAGE, "pl"), table) if features.model == TRANSLATE_MODEL else table


def received(features: LiveFeatures, table: dict[str, Any], version: str) -> Setup:
    """The setup that the emulator reads from the wire when a call with that `[live]` table connects.

    Raises:
        RefusedError: the emulator closes the socket over it.
    """
    config = live_config(
        Voicing("Puck", live=check_live(table)), capabilities_of(features.model), "Be brief.", llm.ToolContext.empty()
    )
    api = protos.vertex(version) if features.vertex else protos.gemini(version)
    setup = emulated.read(emulated.load(wire.first_message(wire.setup(features.model, config), None), api))
    assert isinstance(setup, Setup)
    profile = profile_of(features.model, vertex=features.vertex)
    assert profile is not None
    accept(setup, profile, version)
    return setup


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(("features", "version"), CASES, ids=lambda case: getattr(case, "title", case))
def test_the_worker_refuses_what_the_emulator_refuses_and_nothing_else(
    features: LiveFeatures, version: str, table: dict[str, Any]
) -> None:
    table = with_target(table, features)
    ours = [str(refusal) for refusal in refusals(check_live(table), features, version, sees=True)]
    try:
        received(features, table, version)
    except RefusedError as error:
        assert ours, f"the emulator refuses it: {error}"
    else:
        assert ours == []


POOL = [
    *((name, value) for table in TABLES.values() for name, value in leaves(table)),
    ("proactivity.proactive_video", True),
    ("thinking_config.thinking_level", "MEDIUM"),
    ("tools", [{"google_search": {}, "code_execution": {}}]),
    ("seed", -1),
    ("seed", 2**31 - 1),
    ("max_output_tokens", 1),
    ("labels", {}),
    ("input_audio_transcription", {}),
    ("safety_settings", []),
    ("temperature", 0),
    ("speech_config.language_code", "de_DE"),
    ("speech_config.voice_config.prebuilt_voice_config.voice_name", "kore"),
]


@given(st.lists(st.sampled_from(POOL), max_size=6), st.sampled_from(CASES))
def test_settings_together_are_refused_by_both_or_by_neither(
    chosen: list[tuple[str, Any]], case: tuple[LiveFeatures, str]
) -> None:
    features, version = case
    table = with_target(merged(*(nested(name, value) for name, value in chosen)), features)
    ours = [str(refusal) for refusal in refusals(check_live(table), features, version, sees=True)]
    try:
        received(features, table, version)
    except RefusedError as error:
        assert ours, f"the emulator refuses it: {error}"
    else:
        assert ours == []


def test_every_model_of_the_emulator_is_in_the_table() -> None:
    known = {(profile.model, profile.vertex) for profile in PROFILES.values()}
    assert {(features.model, features.vertex) for features in MODELS} == known


@pytest.mark.parametrize(
    ("model", "table", "sentence"),
    [
        (
            "gemini-3.8-live",
            {"thinking_config": {"thinking_level": "LOW"}},
            (
                "live.thinking_config is {'thinking_level': 'LOW'}: gemini-3.8-live takes none; leave it out, or set "
                "GEMINI_MODEL=gemini-3.8-live-extended-thinking"
            ),
        ),
        (
            "gemini-3.1-flash-live-preview",
            {"enable_affective_dialog": True},
            (
                "live.enable_affective_dialog is True: gemini-3.1-flash-live-preview doesn't take it; leave it out, or set "
                "GEMINI_MODEL=gemini-2.5-flash-native-audio-preview-12-2025"
            ),
        ),
        (
            "gemini-3.8-live",
            {"proactivity": {"proactive_audio": False}},
            "live.proactivity.proactive_audio is False: gemini-3.8-live is always proactive; leave it out",
        ),
        (
            "gemini-3.1-flash-live-preview",
            {"thinking_config": {"thinking_budget": 100}},
            "thinking_budget is 100: gemini-3.1-flash-live-preview takes a thinking_level instead, one of MINIMAL, LOW",
        ),
        (
            "gemini-2.5-flash-native-audio-preview-12-2025",
            {"thinking_config": {"thinking_level": "LOW"}},
            "thinking_level is 'LOW': gemini-2.5-flash-native-audio-preview-12-2025 takes a thinking_budget instead",
        ),
        (
            "gemini-2.5-flash-native-audio-preview-12-2025",
            {"enable_affective_dialog": True},
            (
                "enable_affective_dialog is True: gemini-2.5-flash-native-audio-preview-12-2025 takes it on v1alpha alone; set "
                "GEMINI_API_VERSION=v1alpha"
            ),
        ),
        (
            "gemini-3.8-live",
            {"tools": [{"code_execution": {}}]},
            "live.tools.code_execution is {}: gemini-3.8-live doesn't take it; leave it out",
        ),
        (
            "gemini-3.8-live",
            {"context_window_compression": {"trigger_tokens": 200_000}},
            "trigger_tokens is 200000: the context of gemini-3.8-live is 131072 tokens; write less",
        ),
        (
            "gemini-3.8-live",
            {"translation_config": {"target_language_code": "pl"}},
            (
                "live.translation_config is {'target_language_code': 'pl'}: gemini-3.8-live doesn't translate; write model = "
                '"gemini-3.5-live-translate-preview" at the top of the persona file, or leave it out'
            ),
        ),
        (
            TRANSLATE_MODEL,
            {"translation_config": {"echo_target_language": True}},
            (
                "live.translation_config.target_language_code is None: gemini-3.5-live-translate-preview translates into it; "
                'write a language there, such as "pl"'
            ),
        ),
        (
            TRANSLATE_MODEL,
            {"translation_config": {"target_language_code": "pl"}, "tools": [{"google_search": {}}]},
            "live.tools.google_search is {}: gemini-3.5-live-translate-preview doesn't take it; leave it out",
        ),
    ],
)
def test_a_refusal_names_the_setting_the_value_the_model_and_the_fix(model: str, table: dict[str, Any], sentence: str) -> None:
    [refusal] = refusals(table, features_of(model), "v1beta")
    assert sentence in str(refusal)


@pytest.mark.parametrize("table", [{"media_resolution": "MEDIA_RESOLUTION_LOW"}, {"proactivity": {"proactive_video": True}}])
def test_what_is_about_pictures_is_refused_where_none_are_sent(table: dict[str, Any]) -> None:
    [refusal] = refusals(table, features_of("gemini-3.8-live"), "v1beta")
    assert str(refusal).endswith(": the model is sent no pictures; leave it out, or let the persona look with [eyes]")
    assert not list(refusals(table, features_of("gemini-3.8-live"), "v1beta", sees=True))


def test_a_version_that_is_chosen_by_what_is_asked_for_refuses_nothing() -> None:
    table, older = {"enable_affective_dialog": True}, features_of("gemini-2.5-flash-native-audio-preview-12-2025")
    assert [len(list(refusals(table, older, version))) for version in ("v1beta", "v1alpha", None)] == [1, 0, 0]


def test_an_unknown_model_is_taken_for_the_newest_with_the_context_of_its_family() -> None:
    assert features_of("gemini-4-live").context_tokens == 131_072
    assert features_of("gemini-2.0-flash-live-001").context_tokens == 32_768
    assert features_of("gemini-live-2.5-flash-preview").context_tokens == 32_768
    assert list(refusals({"thinking_config": {}}, features_of("gemini-4-live"), "v1beta"))
    assert features_of("gemini-3.8-live", vertex=True).title == "gemini-3.8-live (Vertex)"


def test_what_is_known_of_one_api_is_not_refused_by_the_other() -> None:
    thinking = features_of("gemini-3.8-live-extended-thinking", vertex=True)
    assert list(refusals({"safety_settings": [{"method": "SEVERITY"}]}, thinking, None)) == []
    preview = features_of("gemini-2.5-flash-native-audio-preview-12-2025", vertex=True)
    assert list(refusals({"enable_affective_dialog": True}, preview, "v1beta1")) == []
    without_vertex = features_of("gemini-live-2.5-flash-native-audio")
    assert len(list(refusals({"enable_affective_dialog": True}, without_vertex, "v1beta"))) == 1


def test_vertexs_whole_name_of_a_model_is_known() -> None:
    name = "projects/p/locations/l/publishers/google/models/gemini-3.8-live-extended-thinking"
    assert is_known(name)
    assert features_of(name, vertex=True).levels == ("LOW", "MEDIUM", "HIGH")
    assert capabilities_of(name) == CAPABILITIES["gemini-3.8-live-extended-thinking"]
