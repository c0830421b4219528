"""From an interpreter's persona file to the setup as the emulator reads it from the wire, over the Gemini API and Vertex."""

from pathlib import Path
from typing import Any

import pytest
from livekit.agents import llm

from agent.gemini import TRANSLATE_MODEL, wire
from agent.gemini.capabilities import capabilities_of
from agent.gemini.live_config import live_config
from agent.live_settings import check_persona, completed, model_of, voicing_of
from agent.persona import load
from agent.settings import read_settings
from emulator import protos
from emulator import wire as emulated
from emulator.acceptance import accept
from emulator.errors import RefusedError
from emulator.messages import Setup
from emulator.profiles import GEMINI_3_8_LIVE, PROFILES

TEXT = f"""
model = "{TRANSLATE_MODEL}"

[live.translation_config]
target_language_code = "pl"
echo_target_language = true
"""


def received(folder: Path, *, vertex: bool = False) -> tuple[dict[str, Any], Setup]:
    """The setup that a call with that persona file asks for, as protobuf has it and as the emulator understands it."""
    (folder / "polyglot.toml").write_text(TEXT)
    ways: dict[str, Any] = {"google_genai_use_vertexai": True, "google_cloud_project": "project"} if vertex else {}
    settings = read_settings(None, google_api_key="key", personas_dir=folder, **ways)
    persona = completed(load("polyglot", folder), settings)
    assert check_persona(persona, settings) == []
    model = model_of(persona, settings)
    tools = llm.ToolContext.empty()
    config = live_config(voicing_of(settings, persona), capabilities_of(model), persona.system_instruction, tools)
    api = protos.vertex("v1beta1") if vertex else protos.gemini("v1beta")
    message = emulated.load(wire.first_message(wire.setup(model, config), None), api)
    setup = emulated.read(message)
    assert isinstance(setup, Setup)
    accept(setup, PROFILES[model], "v1beta1" if vertex else "v1beta")
    return dict(message["setup"]), setup


@pytest.mark.parametrize("vertex", [False, True])
def test_an_interpreter_asks_for_a_translation_and_for_nothing_that_its_model_does_not_take(
    tmp_path: Path, *, vertex: bool
) -> None:
    body, setup = received(tmp_path, vertex=vertex)
    asked = {"target_language_code": "pl", "echo_target_language": True}
    assert body["generation_config"] == {"translation_config": asked, "response_modalities": ["AUDIO"]}
    assert body["context_window_compression"] == {"sliding_window": {}}
    assert (body["input_audio_transcription"], body["output_audio_transcription"]) == ({}, {})
    left_out = {"system_instruction", "tools", "realtime_input_config", "history_config"}
    assert not left_out & body.keys()
    assert (setup.translates, setup.target_language, setup.resumable) == (True, "pl", True)


def test_the_models_that_answer_close_over_it(tmp_path: Path) -> None:
    _, setup = received(tmp_path)
    with pytest.raises(RefusedError, match="translation_config is not supported"):
        accept(setup, GEMINI_3_8_LIVE, "v1beta")
