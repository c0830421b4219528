"""From a persona file to the setup as the emulator reads it from the wire: one line for each setting."""

from pathlib import Path
from typing import Any

import pytest
from livekit.agents import llm

from agent.gemini import Voicing, check_tools, nested, value_at, wire
from agent.gemini.capabilities import capabilities_of
from agent.gemini.live_config import live_config
from agent.live_settings import check_persona, completed, voicing_of
from agent.persona import load
from agent.settings import read_settings
from emulator import protos
from emulator import wire as emulated
from emulator.acceptance import accept
from emulator.messages import Setup
from emulator.profiles import PROFILES

DETECTION = "realtime_input_config.automatic_activity_detection"
V3_8, V3_1, ET = "gemini-3.8-live", "gemini-3.1-flash-live-preview", "gemini-3.8-live-extended-thinking"
V2_5 = "gemini-2.5-flash-native-audio-preview-12-2025"
VERTEX, VERTEX_3_8 = "vertex/gemini-live-2.5-flash-native-audio", "vertex/gemini-3.8-live"


async def book(slot: str) -> str:
    """Book a slot."""
    return slot


def received(text: str, folder: Path, profile: str = V3_8, version: str = "v1beta") -> tuple[dict[str, Any], Setup]:
    """The setup that a call with that persona file asks for, as protobuf has it and as the emulator understands it."""
    (folder / "one.toml").write_text(f'instructions = "Be brief."\n{text}')
    model, on_vertex = PROFILES[profile].model, PROFILES[profile].vertex
    vertex = {"google_genai_use_vertexai": True, "google_cloud_project": "project"} if on_vertex else {}
    settings = read_settings(
        None, google_api_key="key", gemini_model=model, personas_dir=folder, gemini_api_version=version, **vertex
    )
    persona = completed(load("one", folder), settings)
    check_persona(persona, settings)
    tools = llm.ToolContext([llm.function_tool(book)])
    check_tools(list(tools.function_tools.values()))
    config = live_config(voicing_of(settings, persona), capabilities_of(model), persona.system_instruction, tools)
    api = protos.vertex(version) if on_vertex else protos.gemini(version)
    message = emulated.load(wire.first_message(wire.setup(model, config), None), api)
    setup = emulated.read(message)
    assert isinstance(setup, Setup)
    accept(setup, PROFILES[profile], version)
    return dict(message["setup"]), setup


@pytest.mark.parametrize(("push_to_talk", "asked"), [(True, {"disabled": True}), (False, {"silence_duration_ms": 900})])
def test_what_is_set_of_detection_is_asked_for_while_there_is_no_button(*, push_to_talk: bool, asked: dict[str, Any]) -> None:
    voicing = Voicing("Puck", live=nested(f"{DETECTION}.silence_duration_ms", 900), push_to_talk=push_to_talk)
    config = live_config(voicing, capabilities_of(V3_8), None, llm.ToolContext.empty())
    assert value_at(config.model_dump(exclude_none=True), DETECTION) == asked


SETTINGS = [
    (V3_8, 'voice = "Kore"', "generation_config.speech_config.voice_config.prebuilt_voice_config.voice_name", "Kore"),
    (V3_8, 'language = "de-DE"', "generation_config.speech_config.language_code", "de-DE"),
    (V3_8, "temperature = 0.5", "generation_config.temperature", 0.5),
    (V3_8, "live.top_p = 0.9", "generation_config.top_p", 0.9),
    (V3_8, "live.top_k = 40", "generation_config.top_k", 40),
    (V3_8, "live.seed = 7", "generation_config.seed", 7),
    (V3_8, "live.max_output_tokens = 2048", "generation_config.max_output_tokens", 2048),
    (V3_8, "live.generation_config.presence_penalty = 0.5", "generation_config.presence_penalty", 0.5),
    (V3_8, "live.generation_config.frequency_penalty = 0.5", "generation_config.frequency_penalty", 0.5),
    (V3_8, "", f"{DETECTION}.silence_duration_ms", 500),
    (V3_8, f"live.{DETECTION}.silence_duration_ms = 300", f"{DETECTION}.silence_duration_ms", 300),
    (V3_8, f"live.{DETECTION}.prefix_padding_ms = 20", f"{DETECTION}.prefix_padding_ms", 20),
    (
        V3_8,
        f'live.{DETECTION}.start_of_speech_sensitivity = "start_sensitivity_low"',
        f"{DETECTION}.start_of_speech_sensitivity",
        "START_SENSITIVITY_LOW",
    ),
    (
        V3_8,
        f'live.{DETECTION}.end_of_speech_sensitivity = "END_SENSITIVITY_LOW"',
        f"{DETECTION}.end_of_speech_sensitivity",
        "END_SENSITIVITY_LOW",
    ),
    (V3_8, 'hearing.pace = "patient"', f"{DETECTION}.silence_duration_ms", 1200),
    (V3_8, 'hearing.pace = "patient"', f"{DETECTION}.end_of_speech_sensitivity", "END_SENSITIVITY_LOW"),
    (V3_8, 'hearing.pace = "normal"', f"{DETECTION}.silence_duration_ms", 500),
    (V3_8, 'hearing.pace = "quick"', f"{DETECTION}.silence_duration_ms", 250),
    (V3_8, 'hearing.pace = "quick"', f"{DETECTION}.end_of_speech_sensitivity", "END_SENSITIVITY_HIGH"),
    *((model, 'hearing.turns = "push_to_talk"', DETECTION, {"disabled": True}) for model in (V3_8, V3_1, ET, V2_5, VERTEX)),
    (V3_8, 'hearing.turns = "automatic"', f"{DETECTION}.silence_duration_ms", 500),
    (
        V3_8,
        'live.realtime_input_config.activity_handling = "NO_INTERRUPTION"',
        "realtime_input_config.activity_handling",
        "NO_INTERRUPTION",
    ),
    (
        V3_8,
        'live.realtime_input_config.turn_coverage = "TURN_INCLUDES_ONLY_ACTIVITY"',
        "realtime_input_config.turn_coverage",
        "TURN_INCLUDES_ONLY_ACTIVITY",
    ),
    (V2_5, "live.thinking_config.thinking_budget = 1024", "generation_config.thinking_config.thinking_budget", 1024),
    (V2_5, "live.thinking_config.include_thoughts = true", "generation_config.thinking_config.include_thoughts", True),
    (V3_1, 'live.thinking_config.thinking_level = "minimal"', "generation_config.thinking_config.thinking_level", "MINIMAL"),
    (ET, "", "generation_config.thinking_config.thinking_level", "LOW"),
    (ET, 'live.thinking_config.thinking_level = "HIGH"', "generation_config.thinking_config.thinking_level", "HIGH"),
    (ET, "live.thinking_config.include_thoughts = true", "generation_config.thinking_config.thinking_level", "LOW"),
    (V2_5, "live.enable_affective_dialog = true", "generation_config.enable_affective_dialog", True),
    (VERTEX, "live.enable_affective_dialog = true", "generation_config.enable_affective_dialog", True),
    (V2_5, "live.proactivity.proactive_audio = true", "proactivity.proactive_audio", True),
    (V3_8, "live.proactivity.proactive_audio = true", "proactivity.proactive_audio", True),
    (VERTEX_3_8, "live.proactivity.proactive_audio = true", "proactivity.proactive_audio", True),
    (V3_8, "", "context_window_compression.sliding_window", {}),
    (V3_8, "live.context_window_compression.trigger_tokens = 25600", "context_window_compression.trigger_tokens", 25600),
    (V3_8, "live.context_window_compression.trigger_tokens = 25600", "context_window_compression.sliding_window", {}),
    (
        V3_8,
        "live.context_window_compression.sliding_window.target_tokens = 12800",
        "context_window_compression.sliding_window.target_tokens",
        12800,
    ),
    (V3_8, "", "input_audio_transcription", {}),
    (V3_8, 'live.input_audio_transcription.language_codes = ["de"]', "input_audio_transcription.language_codes", ["de"]),
    (V3_8, 'live.input_audio_transcription.custom_vocabulary = ["x"]', "input_audio_transcription.custom_vocabulary", ["x"]),
    (V3_8, 'live.input_audio_transcription.mode = "smart"', "input_audio_transcription.mode", "SMART"),
    (V3_8, 'live.output_audio_transcription.language_codes = ["de"]', "output_audio_transcription.language_codes", ["de"]),
    (V3_8, 'live.labels = { team = "support_desk" }', "labels", {"team": "support_desk"}),
    (
        V3_8,
        'live.safety_settings = [{ category = "HARM_CATEGORY_HARASSMENT", threshold = "off" }]',
        "safety_settings",
        [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
    ),
]


@pytest.mark.parametrize(("model", "text", "name", "value"), SETTINGS)
def test_a_setting_of_a_persona_file_is_in_the_setup_that_the_service_gets(
    tmp_path: Path, model: str, text: str, name: str, value: object
) -> None:
    version = "v1beta1" if PROFILES[model].vertex else "v1alpha" if model == V2_5 else "v1beta"
    body, _ = received(text, tmp_path, model, version)
    assert value_at(body, name) == (pytest.approx(value) if isinstance(value, float) else value)
    assert body["generation_config"]["response_modalities"] == ["AUDIO"]
    assert body["session_resumption"] == {}


def test_googles_tools_stand_beside_the_functions(tmp_path: Path) -> None:
    body, setup = received("live.tools = [{ google_search = {} }]", tmp_path)
    assert (setup.google_tools, list(setup.tools)) == (("google_search",), ["book"])
    assert setup.searches
    assert body["tools"][0] == {"google_search": {}}
    assert received("", tmp_path)[1].google_tools == ()


def test_the_language_is_in_the_instructions_that_the_service_gets(tmp_path: Path) -> None:
    _, setup = received('language = "de-DE"', tmp_path)
    assert setup.instructions.startswith("Be brief.\n\nSpeak de-DE (a BCP-47 tag), unless the caller asks")
    assert received("", tmp_path)[1].instructions == "Be brief."


def test_the_emulator_understands_what_a_pace_asks(tmp_path: Path) -> None:
    _, setup = received(
        'hearing.pace = "patient"\n[live.realtime_input_config]\nactivity_handling = "NO_INTERRUPTION"', tmp_path
    )
    assert (setup.vad.silence_duration_ms, setup.vad.end_of_speech_sensitivity) == (1200, "END_SENSITIVITY_LOW")
    assert not setup.interruptible
