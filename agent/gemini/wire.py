"""What we send to the Live API, as bytes: a caller's chunk of sound is two constant strings around base64."""

import binascii
import json

from google.genai import types
from pydantic import BaseModel

from agent.gemini.messages import Json

INPUT_RATE_HZ = 16000
AUDIO_STREAM_END = b'{"realtime_input":{"audioStreamEnd":true}}'

_AUDIO_HEAD = b'{"realtime_input":{"audio":{"data":"'
_AUDIO_TAIL = b'","mime_type":"audio/pcm;rate=16000"}}}'
_IN_GENERATION = frozenset(
    {"responseModalities", "temperature", "topP", "topK", "maxOutputTokens", "mediaResolution", "seed"}
    | {"speechConfig", "thinkingConfig", "enableAffectiveDialog"}
)
"""What google-genai keeps beside the generation config and the service wants inside."""


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
