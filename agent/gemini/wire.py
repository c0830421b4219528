"""Messages as the Live API has them on the wire: ours as bytes, the service's as plain dicts and the few facts that decide.

Sound goes both ways without a model of it: a caller's chunk is two constant strings around base64, and a message that is
nothing but the agent's voice is decoded here and never validated. Everything else is rare, and goes through google-genai's
types.
"""

import binascii
import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from google.genai import types
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import from_json

INPUT_RATE_HZ = 16000
OUTPUT_RATE_HZ = 24000
AUDIO_STREAM_END = b'{"realtime_input":{"audioStreamEnd":true}}'

_AUDIO_HEAD = b'{"realtime_input":{"audio":{"data":"'
_AUDIO_TAIL = b'","mime_type":"audio/pcm;rate=16000"}}}'
_IN_GENERATION = frozenset(
    {"responseModalities", "temperature", "topP", "topK", "maxOutputTokens", "mediaResolution", "seed"}
    | {"speechConfig", "thinkingConfig", "enableAffectiveDialog"}
)
"""What google-genai keeps beside the generation config and the service wants inside."""
_KNOWN = frozenset(map(to_camel, types.LiveServerMessage.model_fields))
_KNOWN_CONTENT = frozenset(map(to_camel, types.LiveServerContent.model_fields))

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    """Empty where the service gave none."""
    name: str
    args: str
    """JSON with sorted keys: two calls that ask for the same are equal."""


@dataclass(slots=True)
class Received:
    """One message of the service: what the link decides by, and the message itself."""

    raw: Json = field(default_factory=dict)
    pcm: bytes = b""
    """All sound in it, 24 kHz mono 16 bit."""
    words: str = ""
    """The agent's, as transcribed."""
    caller_words: str = ""
    caller_begins: bool = False
    caller_ends: bool = False
    generation_complete: bool = False
    turn_complete: bool = False
    interrupted: bool = False
    calls: tuple[ToolCall, ...] = ()
    cancelled: tuple[str, ...] = ()
    handle: str | None = None
    go_away_s: float | None = None
    setup_complete: bool = False
    only_sound: bool = False

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / (2 * OUTPUT_RATE_HZ)

    def not_interrupted(self) -> "Received":
        """The same, for a conversation that is not to hear of an interruption."""
        return replace(self, interrupted=False, raw=self._content(interrupted=None))

    def without_caller(self) -> "Received":
        """The same, without the caller's words."""
        return replace(self, caller_words="", raw=self._content(inputTranscription=None))

    def not_generated(self) -> "Received":
        """The same, for a conversation that has not been told any of an answer yet."""
        return replace(self, generation_complete=False, raw=self._content(generationComplete=None))

    def not_complete(self) -> "Received":
        """The same, for a conversation that is to take the turn for open."""
        return replace(self, turn_complete=False, raw=self._content(turnComplete=None))

    def reworded(self, words: str) -> "Received":
        """The same, with other words of the agent's."""
        return replace(self, words=words, raw=self._content(outputTranscription={"text": words} if words else None))

    def _content(self, **fields: Json | None) -> Json:
        """The message with these fields of its content; None takes one away."""
        content = self.raw.get("serverContent", {}) | fields
        left = {key: value for key, value in content.items() if value is not None}
        rest = {key: value for key, value in self.raw.items() if key != "serverContent"}
        return rest | {"serverContent": left} if left else rest

    def with_calls(self, ids: Collection[str]) -> "Received":
        """The same, with only these of its calls."""
        functions = [each for each in self.raw["toolCall"]["functionCalls"] if (each.get("id") or "") in ids]
        raw = {**self.raw, "toolCall": {**self.raw["toolCall"], "functionCalls": functions}}
        if not functions:
            del raw["toolCall"]
        return replace(self, raw=raw)

    @property
    def is_output(self) -> bool:
        """The model speaks, or calls."""
        return bool(self.pcm or self.words or self.calls)


TURN_COMPLETE = Received({"serverContent": {"turnComplete": True}}, turn_complete=True)
INTERRUPTED = Received({"serverContent": {"interrupted": True, "turnComplete": True}}, interrupted=True, turn_complete=True)


class MalformedError(ValueError):
    """A frame that is no message."""


def read(frame: bytes) -> Received:
    """What a frame of the service says.

    Raises:
        MalformedError: it is no JSON object, or a field has another form than documented.
    """
    try:
        raw = from_json(frame)
        if not isinstance(raw, dict):
            raise MalformedError("the service sent a frame that is no JSON object")
        return _facts(raw)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise MalformedError("the service sent a frame that can't be read") from error


def _facts(raw: Json) -> Received:
    found = Received(raw)
    if (content := raw.get("serverContent")) is not None:
        _read_content(found, content)
    if (call := raw.get("toolCall")) is not None:
        found.calls = tuple(_call(each) for each in call.get("functionCalls") or ())
    if (cancellation := raw.get("toolCallCancellation")) is not None:
        found.cancelled = tuple(cancellation.get("ids") or ())
    if (update := raw.get("sessionResumptionUpdate")) is not None and update.get("resumable"):
        found.handle = update.get("newHandle") or None
    if (go_away := raw.get("goAway")) is not None:
        found.go_away_s = seconds(go_away.get("timeLeft"))
    if (activity := raw.get("voiceActivity")) is not None:
        kind = activity.get("voiceActivityType") or activity.get("type")
        found.caller_begins, found.caller_ends = kind == "ACTIVITY_START", kind == "ACTIVITY_END"
    found.setup_complete = raw.get("setupComplete") is not None
    return found


def _read_content(found: Received, content: Json) -> None:
    parts = (content.get("modelTurn") or {}).get("parts") or ()
    sound = [_decoded(data) for part in parts if (data := (part.get("inlineData") or {}).get("data"))]
    found.pcm = sound[0] if len(sound) == 1 else b"".join(sound)
    found.only_sound = len(found.raw) == 1 and len(content) == 1 and len(sound) == len(parts) > 0
    if found.only_sound:
        return
    found.words = (content.get("outputTranscription") or {}).get("text") or ""
    found.caller_words = (content.get("inputTranscription") or {}).get("text") or ""
    found.generation_complete = bool(content.get("generationComplete"))
    found.turn_complete = bool(content.get("turnComplete"))
    found.interrupted = bool(content.get("interrupted"))


def _decoded(data: str) -> bytes:
    if "-" in data or "_" in data:
        data = data.replace("-", "+").replace("_", "/")
    return binascii.a2b_base64(data)


def _call(raw: Json) -> ToolCall:
    return ToolCall(raw.get("id") or "", raw.get("name") or "", json.dumps(raw.get("args") or {}, sort_keys=True))


def seconds(duration: str | None) -> float:
    """A protobuf duration ("9.5s") in seconds; 0 for none."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s", duration or "")
    return float(found[1]) if found else 0.0


def message(raw: Json) -> types.LiveServerMessage | None:
    """The same as google-genai's object, for the plugin. Fields that this SDK doesn't know are left out.

    None: nothing is left, or what is left has another form than documented.
    """
    known: Json = {key: value for key, value in raw.items() if key in _KNOWN}
    if content := known.get("serverContent"):
        known["serverContent"] = {key: value for key, value in content.items() if key in _KNOWN_CONTENT}
    try:
        return types.LiveServerMessage.model_validate(known) if known else None
    except ValidationError:
        return None


def audio(pcm: bytes) -> bytes:
    """The caller's voice, 16 kHz mono 16 bit."""
    return _AUDIO_HEAD + binascii.b2a_base64(pcm, newline=False) + _AUDIO_TAIL


def content(event: types.LiveClientContent) -> bytes:
    """Turns of the conversation, in text."""
    return json.dumps({"client_content": plain(event)}).encode()


def live_input(event: types.LiveClientRealtimeInput) -> bytes:
    """A picture, a text, or the bounds of the caller's activity."""
    return json.dumps({"realtime_input": plain(event)}).encode()


def plain(model: BaseModel) -> Json:
    """One of google-genai's objects as the service wants it."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def tool_responses(responses: list[Json]) -> bytes:
    """Results of functions, each as the service has them."""
    return json.dumps({"tool_response": {"functionResponses": responses}}).encode()


def text(words: str) -> bytes:
    """A finished turn of the caller's, in text."""
    turns = [{"role": "user", "parts": [{"text": words}]}]
    return json.dumps({"client_content": {"turns": turns, "turnComplete": True}}).encode()


def context(words: str) -> bytes:
    """Something to know, without an answer to it."""
    turns = [{"role": "user", "parts": [{"text": words}]}]
    return json.dumps({"client_content": {"turns": turns, "turnComplete": False}}).encode()


def typed(words: str) -> bytes:
    """The same as `text`, for models that take text only as live input."""
    return json.dumps({"realtime_input": {"text": words}}).encode()


def setup(model: str, config: types.LiveConnectConfig) -> Json:
    """What a connection asks for: what google-genai makes of a config (tests compare), without a handle."""
    asked = config.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"http_options", "session_resumption"})
    inside = {key: asked.pop(key) for key in _IN_GENERATION & asked.keys()}
    asked["generationConfig"] = asked.get("generationConfig", {}) | inside
    name = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
    return {"model": name, **asked}


def first_message(setup: Json, handle: str | None) -> bytes:
    """The first message of a connection, with this handle to resume by."""
    resumption = {"handle": handle} if handle else {}
    return json.dumps({"setup": {**setup, "sessionResumption": resumption}}).encode()
