"""What each model generation refuses at the setup: code and sentence."""

from typing import Any

import pytest

from emulator import messages
from emulator.acceptance import accept
from emulator.closes import Close
from emulator.errors import RefusedError
from emulator.profile import Profile
from emulator.profiles import GEMINI_2_5_NATIVE, GEMINI_3_1_FLASH_LIVE, GEMINI_3_8_LIVE, GEMINI_3_8_LIVE_ET, VERTEX_2_5_NATIVE

BLOCKS = {"book": messages.Tool("BLOCKING")}


@pytest.mark.parametrize(
    ("profile", "setup", "reason"),
    [
        (GEMINI_3_8_LIVE, {"modalities": ("TEXT",)}, "response modalities (TEXT) is not supported by the model. m"),
        (GEMINI_3_8_LIVE, {"modalities": ("TEXT", "AUDIO")}, "response modalities (TEXT, AUDIO)"),
        (GEMINI_3_8_LIVE, {"thinking": "level"}, "thinking_config is not supported"),
        (GEMINI_3_8_LIVE, {"affective": True}, "enable_affective_dialog is not supported"),
        (GEMINI_3_8_LIVE, {"proactive": False}, "proactive_audio"),
        (GEMINI_3_8_LIVE, {"voice": "Pika"}, "Requested voice api_name 'Pika' is not available for model m"),
        (GEMINI_3_8_LIVE, {"compression": messages.Compression(200_000)}, "invalid argument"),
        (GEMINI_3_8_LIVE_ET, {}, "thinking_config"),
        (GEMINI_3_8_LIVE_ET, {"thinking": "level", "tools": BLOCKS}, "BLOCKING function calling is not supported"),
        (GEMINI_3_1_FLASH_LIVE, {"thinking": "budget"}, "thinking_config"),
        (GEMINI_3_1_FLASH_LIVE, {"proactive": True}, "proactivity is not supported"),
        (GEMINI_2_5_NATIVE, {"modalities": ("TEXT",)}, "Cannot extract voices from a non-audio request."),
        (GEMINI_2_5_NATIVE, {"thinking": "level"}, "thinking_config"),
        (GEMINI_2_5_NATIVE, {"proactive": True}, "Unknown name \"proactivity\" at 'setup'"),
        (GEMINI_2_5_NATIVE, {"affective": True}, "Unknown name \"enable_affective_dialog\" at 'setup.generation_config'"),
    ],
)
def test_what_the_model_can_not_do_is_refused(profile: Profile, setup: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError) as caught:
        accept(messages.Setup("m", **setup), profile, "v1beta")
    assert caught.value.close.code == 1007
    assert reason in caught.value.close.reason


@pytest.mark.parametrize(
    ("profile", "setup", "version"),
    [
        (GEMINI_3_8_LIVE, {"modalities": ("AUDIO",), "proactive": True, "seeded": True, "tools": BLOCKS}, "v1beta"),
        (GEMINI_3_8_LIVE, {"compression": messages.Compression(25_600, 12_800)}, "v1beta"),
        (GEMINI_3_8_LIVE_ET, {"thinking": "level"}, "v1beta"),
        (GEMINI_3_1_FLASH_LIVE, {"thinking": "level"}, "v1beta"),
        (GEMINI_2_5_NATIVE, {"thinking": "budget", "proactive": True, "affective": True}, "v1alpha"),
        (VERTEX_2_5_NATIVE, {"proactive": True, "affective": True}, "v1beta1"),
        (GEMINI_3_8_LIVE, {"voice": "Puck"}, "v1beta"),
    ],
)
def test_what_the_model_can_do_is_accepted(profile: Profile, setup: dict[str, Any], version: str) -> None:
    accept(messages.Setup("m", **setup), profile, version)


def test_two_functions_of_one_name_are_an_internal_error_of_newer_models() -> None:
    setup = messages.Setup("m", repeated_tools=("book",))
    with pytest.raises(RefusedError) as caught:
        accept(setup, GEMINI_3_8_LIVE, "v1beta")
    assert caught.value.close == Close(1011, "Internal error encountered.")
    accept(setup, GEMINI_2_5_NATIVE, "v1beta")
