"""The `[live]` table of a persona file: google-genai's own `LiveConnectConfig` in snake_case, checked by that type. Pure.

Keys, types and words of enums are looked up in google-genai's type, so that a field of a newer google-genai needs no line here.
"""

import datetime
import difflib
import enum
import types as python_types
from collections.abc import Iterable, Mapping
from typing import Any, Union, get_args, get_origin

from google.genai import types
from pydantic import BaseModel, ValidationError

from agent.gemini.capabilities import VOICES
from agent.gemini.languages import language_tag
from agent.gemini.nested_tables import LiveTable, value_at, without

DETECTION = "realtime_input_config.automatic_activity_detection"
SILENCE_MS = f"{DETECTION}.silence_duration_ms"
DETECTION_OFF = f"{DETECTION}.disabled"
TARGET_LANGUAGE = "translation_config.target_language_code"
TOP_NAMES: Mapping[str, str] = {
    "voice": "speech_config.voice_config.prebuilt_voice_config.voice_name",
    "language": "speech_config.language_code",
    "temperature": "temperature",
}
"""Keys at the top of a persona file, and the dotted names of the same in a `[live]` table."""

WORKER_SETS: Mapping[str, str] = {
    "avatar_config": "the agent has no picture in the room; leave it out",
    "explicit_vad_signal": "the worker reads no such signals; leave it out",
    "history_config": "the worker gives a new session the conversation itself; leave it out",
    "http_options": "set GEMINI_BASE_URL, GEMINI_API_VERSION or HTTPS_PROXY instead",
    "input_audio_transcription.adaptation_phrases": "it is deprecated; use custom_vocabulary",
    "input_audio_transcription.diarization": "a call has one caller; leave it out",
    "input_audio_transcription.language_auto": "it is deprecated; leave it out",
    "input_audio_transcription.language_hints": "it is deprecated; use language_codes",
    "input_audio_transcription.source_text": "the worker edits no texts; leave it out",
    "input_audio_transcription.word_timestamp": "captions have times of their own; leave it out",
    "output_audio_transcription.adaptation_phrases": "it is deprecated; use custom_vocabulary",
    "output_audio_transcription.diarization": "the model has one voice; leave it out",
    "output_audio_transcription.language_auto": "it is deprecated; leave it out",
    "output_audio_transcription.language_hints": "it is deprecated; use language_codes",
    "output_audio_transcription.source_text": "the worker edits no texts; leave it out",
    "output_audio_transcription.word_timestamp": "captions have times of their own; leave it out",
    "realtime_input_config.interim_transcript_timestamp_enabled": "captions have times of their own; leave it out",
    "response_modalities": "a call is sound with captions, which is AUDIO alone; leave it out",
    "session_resumption": "every connection of a call resumes the one before; leave it out",
    "speech_config.multi_speaker_voice_config": "a call has one voice; write `voice` at the top of the persona file",
    "speech_config.voice_config.replicated_voice_config": "write one of Gemini's voices as `voice` at the top of the file",
    "speech_config.voice_config.voice": "write `voice` at the top of the persona file",
    "system_instruction": "write `instructions` at the top of the persona file",
    "tools.function_declarations": "a function is a method of agent/assistant.py, with its docstring",
}
"""Keys that a `[live]` table must not have, by dotted name, and what to do instead."""
GOOGLE_TOOLS = ("google_search", "code_execution", "url_context")
"""Google's own tools that `tools` may have."""

_IN_GENERATION_CONFIG = {"presence_penalty", "frequency_penalty"}
"""Settings of the Live API that stand in `generation_config` and nowhere else (docs/facts.md G50)."""
_RANGES: Mapping[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_k": (1, 1000),
    "seed": (-(2**31), 2**31 - 1),
    "max_output_tokens": (1, 65_536),
    "generation_config.presence_penalty": (-2, 2),
    "generation_config.frequency_penalty": (-2, 2),
    SILENCE_MS: (100, 10_000),
    f"{DETECTION}.prefix_padding_ms": (0, 10_000),
    "context_window_compression.trigger_tokens": (1, 10_000_000),
    "context_window_compression.sliding_window.target_tokens": (1, 10_000_000),
    "thinking_config.thinking_budget": (-1, 65_536),
}
_TAGGED = ("language_code", "language_codes")
_LONGEST_SHOWN = 60
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    datetime.datetime: "a date with a time",
}

_JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


class LiveSettingError(Exception):
    """A key of a `[live]` table that can't be used. Its text is one sentence with the dotted name, the value and the fix."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"live.{name} {reason}" if name else f"live {reason}")
        self.name = name
        """The dotted name within the table."""


def check_live(table: object) -> LiveTable:
    """The table, if every key and value of it can be used.

    Raises:
        LiveSettingError: the first that can't.
    """
    if not isinstance(table, Mapping):
        raise LiveSettingError("", f"is {_shown(table)}; it must be a table")
    _check_table(table, types.LiveConnectConfig, "")
    try:
        types.LiveConnectConfig.model_validate(table)
    except ValidationError as invalid:  # a rule of a type that `_check_value` doesn't know
        error = invalid.errors(include_url=False)[0]
        name = ".".join(str(part) for part in error["loc"] if isinstance(part, str))
        raise LiveSettingError(name, f"can't be used: {error['msg']}") from None
    return table


def voice_named(text: str) -> str | None:
    """The voice of Gemini's that a text names in any case; None if there is none."""
    return next((voice for voice in VOICES if voice.lower() == text.strip().lower()), None)


def split_top(table: LiveTable) -> tuple[dict[str, Any], LiveTable]:
    """The settings of a checked table that have a key at the top of a persona file, by that key, and the rest of it."""
    found = {key: value for key, name in TOP_NAMES.items() if (value := value_at(table, name)) is not None}
    for name in TOP_NAMES.values():
        table = without(table, name)
    if "voice" in found:
        found["voice"] = voice_named(found["voice"])
    if "language" in found:
        found["language"] = language_tag(found["language"])
    return found, table


def check_name(name: str) -> str:
    """The dotted name, if a table may have it.

    Raises:
        LiveSettingError: it may not.
    """
    kind: Any = types.LiveConnectConfig
    path = ""
    for key in name.split("."):
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            raise LiveSettingError(name, f"is unknown: live.{path} is no table; name live.{path} itself")
        kind = _kind_of(key, kind, path)
        path = f"{path}.{key}" if path else key
    return name


def live_schema() -> dict[str, Any]:
    """The JSON Schema of a `[live]` table: what `check_live` takes, with Google's own descriptions."""
    return {"description": "Gemini's own settings (docs/live.md).", **_table_schema(types.LiveConnectConfig, "")}


def _table_schema(kind: type[BaseModel], above: str) -> dict[str, Any]:
    properties = {}
    for key, field in kind.model_fields.items():
        try:
            inner = _kind_of(key, kind, above)
        except LiveSettingError:  # the worker sets it, or the Live API doesn't take it
            continue
        described = {"description": " ".join(field.description.split())} if field.description else {}
        properties[key] = described | _schema(inner, f"{above}.{key}" if above else key)
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _schema(kind: Any, name: str) -> dict[str, Any]:
    if get_origin(kind) is list:
        return {"type": "array", "items": _schema(_plain(get_args(kind)[0]), name)}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _table_schema(kind, name)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": _words(kind)}
    ranged = dict(zip(("minimum", "maximum"), _RANGES[name], strict=True)) if name in _RANGES else {}
    return {"type": _JSON_TYPES[kind]} | ranged if kind in _JSON_TYPES else {}


def _check_table(table: Mapping[str, Any], kind: type[BaseModel], above: str) -> None:
    for key, value in table.items():
        inner = _kind_of(key, kind, above)
        name = f"{above}.{key}" if above else key
        _check_value(value, inner, name)


def _kind_of(key: str, kind: type[BaseModel], above: str) -> Any:
    """The type of a key of a table, which the worker doesn't set itself."""
    name = f"{above}.{key}" if above else key
    field = kind.model_fields.get(key)
    if field is None:
        raise LiveSettingError(name, f"is unknown; {_nearest(key, kind.model_fields, above)}")
    if name in WORKER_SETS:
        raise LiveSettingError(name, f"can't be set: {WORKER_SETS[name]}")
    if above == "generation_config" and key not in _IN_GENERATION_CONFIG:
        elsewhere = (
            f"write live.{key} instead" if key in types.LiveConnectConfig.model_fields else "the Live API doesn't take it"
        )
        raise LiveSettingError(name, f"can't be set: {elsewhere}")
    if above == "tools" and key not in GOOGLE_TOOLS:
        raise LiveSettingError(name, f"can't be set: Google's own tools are {', '.join(GOOGLE_TOOLS)}")
    # google-genai's own annotation of `tools` is a list of anything: functions and MCP sessions of Python as well
    return list[types.Tool] if name == "tools" else _plain(field.annotation)


def _plain(annotation: Any) -> Any:
    """A type without `| None`; of several types the first, which is Google's own."""
    if get_origin(annotation) in {Union, python_types.UnionType}:
        return _plain(next(each for each in get_args(annotation) if each is not type(None)))
    return annotation


def _check_value(value: object, kind: Any, name: str) -> None:
    if get_origin(kind) is list:
        if not isinstance(value, list):
            raise _wrong(name, value, "a list in brackets")
        for each in value:
            _check_value(each, _plain(get_args(kind)[0]), name)
    elif get_origin(kind) is dict:
        if not (isinstance(value, Mapping) and all(isinstance(each, str) for each in value.values())):
            raise _wrong(name, value, "a table of texts")
    elif isinstance(kind, type) and issubclass(kind, BaseModel):
        if not isinstance(value, Mapping):
            raise _wrong(name, value, "a table")
        _check_table(value, kind, name)
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        _check_word(value, kind, name)
    else:
        _check_scalar(value, kind, name)


def _check_word(value: object, kind: type[enum.Enum], name: str) -> None:
    words = _words(kind)
    if not isinstance(value, str) or value.upper() not in words:
        near = difflib.get_close_matches(value.upper(), words, 1) if isinstance(value, str) else []
        hint = f"did you mean {near[0]}?" if near else f"it must be one of {', '.join(words)}"
        raise LiveSettingError(name, f"is {_shown(value)}; {hint}")


def _words(kind: type[enum.Enum]) -> list[str]:
    return [str(each.value) for each in kind if not str(each.value).endswith("UNSPECIFIED")]


def _check_scalar(value: object, kind: Any, name: str) -> None:
    accepted = {float: {int, float}}.get(kind, {kind})
    if kind in _WORDS and type(value) not in accepted:
        raise _wrong(name, value, _WORDS[kind])
    low, high = _RANGES.get(name, (None, None))
    if low is not None and high is not None and not (isinstance(value, int | float) and low <= value <= high):
        raise _wrong(name, value, f"from {low} to {high}")
    if name == TOP_NAMES["voice"] and voice_named(str(value)) is None:
        raise LiveSettingError(name, f"is {_shown(value)}; Gemini's voices are {', '.join(sorted(VOICES))}")
    if name.endswith(_TAGGED) and language_tag(str(value)) is None:
        raise LiveSettingError(name, f"is {_shown(value)}; it must be a BCP-47 tag such as de-DE")
    if name == DETECTION_OFF and value:
        raise LiveSettingError(name, 'is True; write `turns = "push_to_talk"` in [hearing] instead')


def _wrong(name: str, value: object, wanted: str) -> LiveSettingError:
    return LiveSettingError(name, f"is {_shown(value)}; it must be {wanted}")


def _shown(value: object) -> str:
    """A value for a sentence: a call's may be nested deep, or long."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


def _nearest(key: str, known: Iterable[str], above: str) -> str:
    if not above and key in TOP_NAMES:
        return f"write `{key}` at the top of the persona file, or live.{TOP_NAMES[key]}"
    if not above and key == "pace":
        return "write it in [hearing]"
    names = sorted(known)
    near = difflib.get_close_matches(key, names, 1, cutoff=0.6)
    if near:
        return f"did you mean live.{above}.{near[0]}?" if above else f"did you mean live.{near[0]}?"
    return f"known are {', '.join(names)}" if len(names) <= 12 else "its keys are those of google-genai's LiveConnectConfig"
