"""What a client can say, as frozen dataclasses. `emulator.wire` reads them from JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.genai import types

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Setup:
    model: str
    """As sent, with its `models/` prefix."""
    modalities: tuple[str, ...] = ()
    voice: str = ""
    language: str = ""
    tools: Mapping[str, str | None] = field(default_factory=dict)
    """Declared functions and their behaviour: BLOCKING, NON_BLOCKING or None for the model's default."""
    vad: types.AutomaticActivityDetection = field(default_factory=types.AutomaticActivityDetection)
    interruptible: bool = True
    input_transcription: bool = False
    output_transcription: bool = False
    seeded: bool = False
    """The first clientContent is history: no answer to it."""
    handle: str | None = None
    thinking: bool = False
    refuses_proactive_audio: bool = False
    affective: bool = False


@dataclass(frozen=True)
class ClientContent:
    text: str
    """Of the user's turns in this message, joined."""
    turn_complete: bool


@dataclass(frozen=True)
class Audio:
    pcm: bytes
    """PCM16 little endian, mono."""
    rate_hz: int


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Video:
    size_bytes: int


@dataclass(frozen=True)
class ActivityStart:
    pass


@dataclass(frozen=True)
class ActivityEnd:
    pass


@dataclass(frozen=True)
class AudioStreamEnd:
    pass


@dataclass(frozen=True)
class FunctionResponse:
    id: str
    name: str
    response: Json
    scheduling: str | None
    will_continue: bool


@dataclass(frozen=True)
class ToolResponse:
    responses: tuple[FunctionResponse, ...]


@dataclass(frozen=True)
class ContextUpdate:
    tools: Mapping[str, str | None] | None
    """The new declarations, or None to keep the old ones."""


ClientMessage = (
    Setup | ClientContent | Audio | Text | Video | ActivityStart | ActivityEnd | AudioStreamEnd | ToolResponse | ContextUpdate
)
