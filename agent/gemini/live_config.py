"""The setup of a connection: voice, hearing, instructions, tools and a persona's `[live]` table. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.genai import types
from livekit.agents import LanguageCode, llm

from agent.gemini.capabilities import Capabilities
from agent.gemini.declarations import declared
from agent.gemini.live_table import DETECTION, DETECTION_OFF, SILENCE_MS
from agent.gemini.nested_tables import LiveTable, merged, nested, value_at, without

_ALWAYS: LiveTable = {
    "input_audio_transcription": {},
    "output_audio_transcription": {},
    "context_window_compression": {"sliding_window": {}},
}
"""Settings that every connection asks for, unless a `[live]` table says it in more detail."""


@dataclass(frozen=True)
class Voicing:
    """The model's voice, hearing and further settings in a call."""

    voice: str
    language: str | None = None
    temperature: float | None = None
    silence_ms: int = 500
    """Silence that ends the caller's turn, unless `live` says."""
    live: Mapping[str, Any] = field(default_factory=dict)
    """A `[live]` table that `check_live` has passed, without voice, language and temperature, which stand above."""
    push_to_talk: bool = False
    """Whether `EarshotSession.start_activity` and `end_activity` mark the caller's turns.

    If so, what `live` says of detection is left out. It counts again for callers without a button.
    """

    def with_push_to_talk(self) -> "Voicing":
        """These settings, with turns that the client marks."""
        return replace(self, push_to_talk=True)

    @property
    def turn_silence_ms(self) -> int:
        """The silence that ends the caller's turn, as the service is asked for it."""
        return int(value_at(self.live, SILENCE_MS) or self.silence_ms)


def live_config(
    voicing: Voicing, capabilities: Capabilities, instructions: str | None, tools: llm.ToolContext
) -> types.LiveConnectConfig:
    """The setup of a connection, without a handle to resume by. A model that translates is asked for what `live` says alone.

    Raises:
        DeclarationError: a tool can't be declared.
    """
    if capabilities.translates:
        asked = merged(_ALWAYS, voicing.live, {"response_modalities": [types.Modality.AUDIO]})
        return types.LiveConnectConfig.model_validate(asked)
    level = capabilities.thinking
    thinking = {} if level is None else {"thinking_config": {"thinking_level": level.value}}
    detection = nested(DETECTION_OFF, True) if voicing.push_to_talk else nested(SILENCE_MS, voicing.silence_ms)
    live = without(voicing.live, DETECTION) if voicing.push_to_talk else voicing.live
    asked = merged(_ALWAYS, thinking, detection, live)
    config = types.LiveConnectConfig.model_validate(asked)
    functions = declared(tools, capabilities)
    return config.model_copy(
        update={
            "response_modalities": [types.Modality.AUDIO],
            "temperature": voicing.temperature,
            "system_instruction": None if instructions is None else types.Content(parts=[types.Part(text=instructions)]),
            "speech_config": _speech(voicing, config.speech_config or types.SpeechConfig()),
            "tools": [*(config.tools or []), *functions],
        }
    )


def _speech(voicing: Voicing, asked: types.SpeechConfig) -> types.SpeechConfig:
    """What is asked for of the speech, with the persona's voice and language."""
    voice = types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=voicing.voice))
    language = None if voicing.language is None else LanguageCode(voicing.language)
    return asked.model_copy(update={"voice_config": voice, "language_code": language})
