"""Client messages, from JSON to frozen dataclasses.

The service takes snake_case and camelCase at every level, mixed, and both base64 alphabets, padded or not
(docs/facts.md G1). Keys inside tool arguments and responses are left alone.
"""

import base64
import binascii
import json
import re
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.genai import types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from emulator import closes
from emulator.errors import RefusedError
from emulator.messages import (
    ActivityEnd,
    ActivityStart,
    Audio,
    AudioStreamEnd,
    ClientContent,
    ClientMessage,
    Compression,
    ContextUpdate,
    FunctionResponse,
    Json,
    MediaChunks,
    Setup,
    Text,
    Tool,
    ToolResponse,
    Video,
)

M = TypeVar("M", bound=BaseModel)

_DEFAULT_RATE_HZ = 16000
_CAMEL = re.compile(r"(?<!^)([A-Z])")
_ACTIVITIES: dict[str, ClientMessage] = {"activity_start": ActivityStart(), "activity_end": ActivityEnd()}
_RATE = re.compile(r"rate=(\d{1,7})\b")


class _Setup(types.LiveClientSetup):
    # The SDK's own setup type has no such field; the wire has (SDK: LiveConnectConfig).
    realtime_input_config: types.RealtimeInputConfig | None = None


class _Tools(BaseModel):
    tools: list[types.Tool] = []


class _ContextUpdate(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    system_instruction: types.Content | None = None
    tools: _Tools | None = None


def load(frame: str | bytes) -> Json:
    """The frame's one field and its value.

    Raises:
        RefusedError: it is no JSON object with one field.
    """
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise RefusedError(closes.INVALID_ARGUMENT) from error
    if not isinstance(message, dict) or len(message) != 1:
        raise RefusedError(closes.INVALID_ARGUMENT)
    return message


def read(message: Json) -> ClientMessage:
    """The message that a loaded frame holds.

    Raises:
        RefusedError: the service would close the socket over it.
    """
    [(key, body)] = message.items()
    reader = _READERS.get(_snake(key))
    if reader is None:
        raise RefusedError(closes.unknown_field(key, ""))
    if not isinstance(body, dict):
        raise RefusedError(closes.invalid_value(_snake(key), body))
    return reader(body)


def encode(message: Json) -> bytes:
    """A server message as it goes out: UTF-8 JSON, sent in a binary frame."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def _validated(model: type[M], body: Json, path: str) -> M:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the SDK's types only warn about enum values they don't know
        try:
            return model.model_validate(body)
        except ValidationError as invalid:
            raise RefusedError(_close_for(invalid, body, path)) from invalid
        except (UserWarning, AttributeError) as unknown:  # its enums call .upper() on whatever they are given
            raise RefusedError(closes.INVALID_ARGUMENT) from unknown


def _close_for(invalid: ValidationError, body: Json, path: str) -> closes.Close:
    error = invalid.errors(include_url=False)[0]
    parts = [_snake(str(part)) for part in error["loc"] if not isinstance(part, int)]
    if error["type"] == "extra_forbidden":
        return closes.unknown_field(str(error["loc"][-1]), ".".join([path, *parts[:-1]]))
    return closes.invalid_value(".".join([path, *parts]), error.get("input", body))


def _read_setup(body: Json) -> Setup:
    setup = _validated(_Setup, body, "setup")
    if not setup.model:
        raise RefusedError(closes.INVALID_ARGUMENT)
    return _setup(setup)


def _setup(setup: _Setup) -> Setup:
    generation = setup.generation_config or types.GenerationConfig()
    speech = generation.speech_config or types.SpeechConfig()
    prebuilt = speech.voice_config.prebuilt_voice_config if speech.voice_config else None
    realtime = setup.realtime_input_config or types.RealtimeInputConfig()
    return Setup(
        model=setup.model or "",
        modalities=tuple(modality.value for modality in generation.response_modalities or ()),
        voice=(prebuilt.voice_name if prebuilt else None) or "",
        language=speech.language_code or "",
        instructions=_text(setup.system_instruction),
        tools=_declared(setup.tools),
        searches=any(isinstance(tool, types.Tool) and tool.google_search is not None for tool in setup.tools or ()),
        vad=realtime.automatic_activity_detection or types.AutomaticActivityDetection(),
        interruptible=realtime.activity_handling != types.ActivityHandling.NO_INTERRUPTION,
        input_transcription=setup.input_audio_transcription is not None,
        output_transcription=setup.output_audio_transcription is not None,
        seeded=bool(setup.history_config and setup.history_config.initial_history_in_client_content),
        resumable=setup.session_resumption is not None,
        handle=setup.session_resumption.handle if setup.session_resumption else None,
        transparent=setup.session_resumption is not None and setup.session_resumption.transparent is not None,
        compression=_compression(setup.context_window_compression),
        thinking=_thinking(generation.thinking_config),
        include_thoughts=bool(generation.thinking_config and generation.thinking_config.include_thoughts),
        proactive=setup.proactivity.proactive_audio if setup.proactivity else None,
        affective=bool(generation.enable_affective_dialog),
        explicit_vad_signal=bool(setup.explicit_vad_signal),
    )


def _thinking(config: types.ThinkingConfig | None) -> str:
    if config is None:
        return ""
    return "level" if config.thinking_level is not None else "budget" if config.thinking_budget is not None else "empty"


def _compression(config: types.ContextWindowCompressionConfig | None) -> Compression | None:
    if config is None:
        return None
    return Compression(config.trigger_tokens, config.sliding_window.target_tokens if config.sliding_window else None)


def _text(content: Any) -> str:
    return "\n".join(part.text for part in (content.parts or () if content else ()) if part.text)


def _declared(tools: Iterable[Any] | None) -> dict[str, Tool]:
    declared: dict[str, Tool] = {}
    for tool in tools or ():
        for function in tool.function_declarations or ():
            own = function.parameters.model_dump(mode="json", exclude_none=True) if function.parameters else {}
            schema = own or function.parameters_json_schema or {}
            behavior = function.behavior.value if function.behavior else None
            declared[function.name or ""] = Tool(behavior, schema if isinstance(schema, dict) else {})
    return declared


def _read_client_content(body: Json) -> ClientContent:
    content = _validated(types.LiveClientContent, body, "client_content")
    turns = content.turns or ()
    if any(turn.role not in {"user", "model", None} for turn in turns):
        raise RefusedError(closes.INVALID_ARGUMENT)
    texts = [(turn.role, text) for turn in turns if (text := _text(turn))]
    return ClientContent(
        "\n".join(text for role, text in texts if role != "model"),
        turn_complete=bool(content.turn_complete),
        told="\n".join(text for _, text in texts),
        roleless=any(turn.role is None for turn in turns),
    )


def _read_realtime_input(body: Json) -> ClientMessage:
    known = {"audio", "video", "text", "activity_start", "activity_end", "audio_stream_end", "media_chunks"}
    fields = _fields(body, "realtime_input", known)
    if len(fields) != 1:
        raise RefusedError(closes.INVALID_ARGUMENT)
    [(kind, value)] = fields.items()
    if kind == "audio":
        return _read_audio(value)
    if kind == "video":
        return Video(len(_blob(value, "realtime_input.video")[0]))
    if kind == "text" and isinstance(value, str):
        return Text(value)
    if kind in _ACTIVITIES:
        return _ACTIVITIES[kind]
    if kind == "audio_stream_end" and value is True:
        return AudioStreamEnd()
    if kind == "media_chunks" and isinstance(value, list):
        return _read_media_chunks(value)
    raise RefusedError(closes.INVALID_ARGUMENT)


def _read_media_chunks(chunks: list[Any]) -> MediaChunks:
    if not chunks:
        return MediaChunks(None)
    data, mime_type = _blob(chunks[0], "realtime_input.media_chunks")
    return MediaChunks(_audio(data, mime_type) if mime_type.startswith("audio/") else Video(len(data)))


def _read_audio(value: Any) -> Audio:
    return _audio(*_blob(value, "realtime_input.audio"))


def _audio(pcm: bytes, mime_type: str) -> Audio:
    rate = _RATE.search(mime_type)
    rate_hz = int(rate[1]) if rate else _DEFAULT_RATE_HZ
    if not mime_type.startswith("audio/pcm") or not 8000 <= rate_hz <= 192000:
        raise RefusedError(closes.INVALID_ARGUMENT)
    return Audio(pcm[: len(pcm) // 2 * 2], rate_hz)


def _blob(value: Any, path: str) -> tuple[bytes, str]:
    if not isinstance(value, dict):
        raise RefusedError(closes.invalid_value(path, value))
    fields = _fields(value, path, {"data", "mime_type", "display_name"})
    data = fields.get("data", "")
    try:
        standard = data.replace("-", "+").replace("_", "/").rstrip("=")
        decoded = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (AttributeError, binascii.Error, ValueError) as error:
        raise RefusedError(closes.invalid_value(f"{path}.data", data)) from error
    return decoded, str(fields.get("mime_type", ""))


def _read_tool_response(body: Json) -> ToolResponse:
    answer = _validated(types.LiveClientToolResponse, body, "tool_response")
    return ToolResponse(tuple(_function_response(response) for response in answer.function_responses or ()))


def _function_response(response: types.FunctionResponse) -> FunctionResponse:
    content = response.response or {}
    inside = content.get("scheduling")
    return FunctionResponse(
        id=response.id or "",
        name=response.name or "",
        response=content,
        scheduling=response.scheduling or (inside if isinstance(inside, str) else None),
        will_continue=bool(response.will_continue),
    )


def _read_context_update(body: Json) -> ContextUpdate:
    update = _validated(_ContextUpdate, body, "context_update")
    instructions = None if update.system_instruction is None else _text(update.system_instruction)
    return ContextUpdate(None if update.tools is None else _declared(update.tools.tools), instructions)


def _fields(body: Json, path: str, known: set[str]) -> dict[str, Any]:
    fields = {_snake(key): value for key, value in body.items()}
    for key in body:
        if _snake(key) not in known:
            raise RefusedError(closes.unknown_field(key, path))
    return fields


def _snake(key: str) -> str:
    return _CAMEL.sub(r"_\1", key).lower()


_READERS: dict[str, Callable[[Json], ClientMessage]] = {
    "setup": _read_setup,
    "client_content": _read_client_content,
    "realtime_input": _read_realtime_input,
    "tool_response": _read_tool_response,
    "context_update": _read_context_update,
}
