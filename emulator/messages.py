"""What a client can say, as frozen dataclasses. `emulator.wire` reads them from JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.genai import types

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Tool:
    """A declared function."""

    behavior: str | None = None
    """BLOCKING, NON_BLOCKING or None for the model's default."""
    schema: Json = field(default_factory=dict)
    """Of its arguments, as declared: Gemini's own or JSON schema."""


@dataclass(frozen=True)
class Compression:
    trigger_tokens: int | None = None
    target_tokens: int | None = None


@dataclass(frozen=True)
class Setup:
    model: str
    """As sent, with its prefix."""
    modalities: tuple[str, ...] = ()
    voice: str = ""
    language: str = ""
    instructions: str = ""
    tools: Mapping[str, Tool] = field(default_factory=dict)
    repeated_tools: tuple[str, ...] = ()
    """Names that more than one function has; the last of them is in `tools`."""
    searches: bool = False
    """googleSearch is declared."""
    vad: types.AutomaticActivityDetection = field(default_factory=types.AutomaticActivityDetection)
    interruptible: bool = True
    input_transcription: bool = False
    output_transcription: bool = False
    seeded: bool = False
    """The first clientContent is history: no answer to it."""
    resumable: bool = False
    """Handles are asked for."""
    handle: str | None = None
    compression: Compression | None = None
    thinking: str = ""
    """What thinkingConfig holds: `level`, `budget`, `empty`, or nothing without one."""
    include_thoughts: bool = False
    proactive: bool | None = None
    affective: bool = False


@dataclass(frozen=True)
class ClientContent:
    text: str
    """Of the user's turns in this message, joined."""
    turn_complete: bool
    told: str = ""
    """Of all turns in this message, joined."""
    roleless: bool = False
    """A turn has no role."""


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
class MediaChunks:
    """The legacy form; only the first chunk counts."""

    first: "Audio | Video | None"


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
    tools: Mapping[str, Tool] | None
    """The new declarations, or None to keep the old ones."""
    instructions: str | None = None


ClientMessage = (
    Setup
    | ClientContent
    | Audio
    | Text
    | Video
    | MediaChunks
    | ActivityStart
    | ActivityEnd
    | AudioStreamEnd
    | ToolResponse
    | ContextUpdate
)
