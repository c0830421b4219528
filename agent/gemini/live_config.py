"""What a connection asks the service for: voice, hearing, instructions and tools. Pure."""

from dataclasses import dataclass

from google.genai import types
from livekit.agents import LanguageCode, llm

from agent.gemini.capabilities import Capabilities
from agent.gemini.declarations import declared


@dataclass(frozen=True)
class Voicing:
    """How the model sounds and listens."""

    voice: str
    language: str | None = None
    temperature: float | None = None
    silence_ms: int = 500


def live_config(
    voicing: Voicing, capabilities: Capabilities, instructions: str | None, tools: llm.ToolContext
) -> types.LiveConnectConfig:
    """The setup of a connection, without a handle to resume by.

    Raises:
        DeclarationError: a tool can't be declared.
    """
    thinking = capabilities.thinking
    return types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        temperature=voicing.temperature,
        thinking_config=None if thinking is None else types.ThinkingConfig(thinking_level=thinking),
        system_instruction=None if instructions is None else types.Content(parts=[types.Part(text=instructions)]),
        speech_config=types.SpeechConfig(
            voice_config=types.VoiceConfig(prebuilt_voice_config=types.PrebuiltVoiceConfig(voice_name=voicing.voice)),
            language_code=None if voicing.language is None else LanguageCode(voicing.language),
        ),
        tools=list(declared(tools, types.Behavior.NON_BLOCKING if capabilities.non_blocking_tools else None)),
        input_audio_transcription=types.AudioTranscriptionConfig(),
        output_audio_transcription=types.AudioTranscriptionConfig(),
        realtime_input_config=types.RealtimeInputConfig(
            automatic_activity_detection=types.AutomaticActivityDetection(silence_duration_ms=voicing.silence_ms)
        ),
        context_window_compression=types.ContextWindowCompressionConfig(sliding_window=types.SlidingWindow()),
    )
