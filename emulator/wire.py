"""Frames: client messages from JSON to frozen dataclasses, server messages to JSON.

A frame is parsed once: protobuf's JSON mapping makes a message of it (`emulator.protojson`). What is read from that here can
fail only by what it means. Keys inside tool arguments and responses are left alone.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from emulator import closes, protojson
from emulator.closes import Close
from emulator.declarations import refusals
from emulator.errors import PayloadError, RefusedError
from emulator.messages import (
    ActivityDetection,
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
from emulator.protos import Api

_DEFAULT_RATE_HZ = 16000
_RATE = re.compile(r"rate=(\d{1,7})\b")


def load(frame: str | bytes, api: Api) -> Json:
    """Read a frame as a message with one field, with the proto's names.

    Raises:
        RefusedError: the service would close the socket over it.
    """
    try:
        message = protojson.message(protojson.loads(frame), api)
    except PayloadError as error:
        raise RefusedError(Close(1007, str(error))) from error
    if len(message) != 1:
        raise RefusedError(closes.INVALID_ARGUMENT)
    return message


def read(message: Json) -> ClientMessage:
    """Make the client's message of a loaded frame.

    Raises:
        RefusedError: the service would close the socket over it.
    """
    [(name, body)] = message.items()
    return _READERS[name](body)


def encode(message: Json) -> bytes:
    """A server message as it goes out: UTF-8 JSON, sent in a binary frame."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def _read_setup(body: Json) -> Setup:
    if not body.get("model"):
        raise RefusedError(closes.INVALID_ARGUMENT)
    tools, generation = body.get("tools", []), body.get("generation_config", {})
    speech, thinking = generation.get("speech_config", {}), generation.get("thinking_config")
    realtime, resumption = body.get("realtime_input_config", {}), body.get("session_resumption", {})
    return Setup(
        model=body["model"],
        modalities=tuple(generation.get("response_modalities", ())),
        voice=speech.get("voice_config", {}).get("prebuilt_voice_config", {}).get("voice_name", ""),
        language=speech.get("language_code", ""),
        instructions=_text(body.get("system_instruction", {})),
        tools=_declared(tools, "setup.tools"),
        repeated_tools=_repeated(tools),
        searches=any("google_search" in tool for tool in tools),
        google_tools=tuple(name for tool in tools for name in tool if name != "function_declarations"),
        vad=_vad(realtime.get("automatic_activity_detection", {})),
        interruptible=realtime.get("activity_handling") != "NO_INTERRUPTION",
        input_transcription="input_audio_transcription" in body,
        output_transcription="output_audio_transcription" in body,
        seeded=body.get("history_config", {}).get("initial_history_in_client_content", False),
        resumable="session_resumption" in body,
        handle=resumption.get("handle"),
        compression=_compression(body.get("context_window_compression")),
        thinking=_thinking(thinking),
        thinking_level=(thinking or {}).get("thinking_level", ""),
        include_thoughts=(thinking or {}).get("include_thoughts", False),
        proactive=body.get("proactivity", {}).get("proactive_audio"),
        affective=generation.get("enable_affective_dialog", False),
        translates="translation_config" in generation,
        target_language=generation.get("translation_config", {}).get("target_language_code", ""),
        media_resolution=generation.get("media_resolution", ""),
    )


def _vad(body: Json) -> ActivityDetection:
    known = {name: value for name, value in body.items() if not isinstance(value, str) or not value.isdecimal()}
    return ActivityDetection(**known)


def _thinking(config: Json | None) -> str:
    if config is None:
        return ""
    given = [kind for kind in ("level", "budget") if f"thinking_{kind}" in config]
    return " and ".join(given) or "empty"


def _compression(config: Json | None) -> Compression | None:
    if config is None:
        return None
    return Compression(config.get("trigger_tokens"), config.get("sliding_window", {}).get("target_tokens"))


def _text(content: Json) -> str:
    return "\n".join(part["text"] for part in content.get("parts", ()) if part.get("text"))


def _functions(tools: Iterable[Json]) -> list[Json]:
    return [function for tool in tools for function in tool.get("function_declarations", ())]


def _repeated(tools: list[Mapping[str, Any]]) -> tuple[str, ...]:
    counted = Counter(function["name"] for function in _functions(tools))
    return tuple(name for name, count in counted.items() if count > 1)


def _declared(tools: list[Mapping[str, Any]], path: str) -> dict[str, Tool]:
    for refusal in refusals(tools, path):
        raise RefusedError(refusal)
    return {function["name"]: _tool(function) for function in _functions(tools)}


def _tool(function: Json) -> Tool:
    schema = function.get("parameters") or function.get("parameters_json_schema")
    is_json_schema = "parameters_json_schema" in function
    return Tool(function.get("behavior"), schema if isinstance(schema, dict) else {}, is_json_schema=is_json_schema)


def _read_client_content(body: Json) -> ClientContent:
    turns = [(turn.get("role", ""), _text(turn)) for turn in body.get("turns", ())]
    if any(role not in {"user", "model", ""} for role, _ in turns):
        raise RefusedError(closes.INVALID_ARGUMENT)
    return ClientContent(
        "\n".join(text for role, text in turns if text and role != "model"),
        turn_complete=body.get("turn_complete", False),
        all_text="\n".join(text for _, text in turns if text),
        roleless=any(not role for role, _ in turns),
    )


def _read_realtime_input(body: Json) -> ClientMessage:
    # false is the field's default: in proto3 a message with it is the message without it
    given = {kind: value for kind, value in body.items() if kind != "audio_stream_end" or value}
    if len(given) != 1:
        raise RefusedError(closes.INVALID_ARGUMENT)
    [(kind, value)] = given.items()
    return _INPUTS[kind](value)


def _media(blob: Json) -> Audio | Video:
    return _audio(blob) if blob.get("mime_type", "").startswith("audio/") else _video(blob)


def _video(blob: Json) -> Video:
    return Video(blob.get("data", b""), blob.get("mime_type", ""))


def _audio(blob: Json) -> Audio:
    pcm, mime_type = blob.get("data", b""), blob.get("mime_type", "")
    rate = _RATE.search(mime_type)
    rate_hz = int(rate[1]) if rate else _DEFAULT_RATE_HZ
    if not mime_type.startswith("audio/pcm") or not 8000 <= rate_hz <= 192000:
        raise RefusedError(closes.INVALID_ARGUMENT)
    return Audio(pcm[: len(pcm) // 2 * 2], rate_hz)


_INPUTS: dict[str, Callable[[Any], ClientMessage]] = {
    "audio": _audio,
    "video": _video,
    "text": Text,
    "activity_start": lambda _: ActivityStart(),
    "activity_end": lambda _: ActivityEnd(),
    "audio_stream_end": lambda _: AudioStreamEnd(),
    "media_chunks": lambda blobs: MediaChunks(_media(blobs[0]) if blobs else None),
}


def _read_tool_response(body: Json) -> ToolResponse:
    return ToolResponse(tuple(_function_response(response) for response in body.get("function_responses", ())))


def _function_response(response: Json) -> FunctionResponse:
    content = response.get("response", {})
    inside = content.get("scheduling")
    return FunctionResponse(
        id=response.get("id", ""),
        name=response.get("name", ""),
        response=content,
        scheduling=response.get("scheduling") or (inside if isinstance(inside, str) else None),
        will_continue=response.get("will_continue", False),
    )


def _read_context_update(body: Json) -> ContextUpdate:
    tools = _declared(body["tools"].get("tools", []), "context_update.tools.tools") if "tools" in body else None
    return ContextUpdate(tools, _text(body["system_instruction"]) if "system_instruction" in body else None)


_READERS: dict[str, Callable[[Json], ClientMessage]] = {
    "setup": _read_setup,
    "client_content": _read_client_content,
    "realtime_input": _read_realtime_input,
    "tool_response": _read_tool_response,
    "context_update": _read_context_update,
}
