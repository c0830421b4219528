"""The client's messages as frozen dataclasses; `emulator.wire` reads them from JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Tool:
    """A declared function."""

    behavior: str | None = None
    """BLOCKING, NON_BLOCKING or None for the model's default."""
    schema: Json = field(default_factory=dict)
    """The schema of the arguments as it was declared: Gemini's own, or a JSON schema."""
    is_json_schema: bool = False
    """Whether it was declared as `parametersJsonSchema`."""


@dataclass(frozen=True)
class ActivityDetection:
    """automaticActivityDetection: how the caller's turns are to be found; None is the model's default."""

    disabled: bool = False
    start_of_speech_sensitivity: str | None = None
    end_of_speech_sensitivity: str | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None


@dataclass(frozen=True)
class Compression:
    trigger_tokens: int | None = None
    target_tokens: int | None = None


@dataclass(frozen=True)
class Setup:
    model: str
    """The model's name as it was sent, with its prefix."""
    modalities: tuple[str, ...] = ()
    voice: str = ""
    language: str = ""
    instructions: str = ""
    tools: Mapping[str, Tool] = field(default_factory=dict)
    repeated_tools: tuple[str, ...] = ()
    """Names that more than one function has; the last of them is in `tools`."""
    searches: bool = False
    """Whether googleSearch is declared."""
    google_tools: tuple[str, ...] = ()
    """All of Google's own tools that are declared, such as `google_search`."""
    vad: ActivityDetection = field(default_factory=ActivityDetection)
    interruptible: bool = True
    input_transcription: bool = False
    output_transcription: bool = False
    seeded: bool = False
    """Whether the first clientContent is history, which isn't answered."""
    resumable: bool = False
    """Whether handles are asked for."""
    handle: str | None = None
    compression: Compression | None = None
    thinking: str = ""
    """The content of thinkingConfig: `level`, `budget`, `level and budget` or `empty`; empty without one."""
    thinking_level: str = ""
    include_thoughts: bool = False
    proactive: bool | None = None
    affective: bool = False
    translates: bool = False
    """Whether the setup has a translationConfig."""
    target_language: str = ""
    """The language to translate into; empty without one."""
    media_resolution: str = ""
    """How many tokens a picture is to have, such as MEDIA_RESOLUTION_LOW; empty without one."""


@dataclass(frozen=True)
class ClientContent:
    text: str
    """The text of the user's turns in this message, joined."""
    turn_complete: bool
    all_text: str = ""
    """The text of all turns in this message, joined."""
    roleless: bool = False
    """Whether a turn has no role."""


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
    """A picture: the service takes single ones, about one a second."""

    data: bytes
    mime_type: str = "image/jpeg"


@dataclass(frozen=True)
class MediaChunks:
    """The legacy form of audio and video, of which only the first chunk counts."""

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
