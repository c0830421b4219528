"""Messages to the Live API, as bytes: a caller's chunk of sound is two constant strings around base64.

Every message with text in it is made by `encoded`, so that no text can close the connection.
"""

import binascii

from google.genai import types
from pydantic import BaseModel

from agent.gemini.audio import INPUT_RATE_HZ
from agent.gemini.json_text import encoded
from agent.gemini.messages import Json

AUDIO_STREAM_END = b'{"realtime_input":{"audioStreamEnd":true}}'
ACTIVITY_START = b'{"realtime_input":{"activityStart":{}}}'
ACTIVITY_END = b'{"realtime_input":{"activityEnd":{}}}'
KEEP_ALIVE = b"{}"
"""An empty message. gemini-3.8-live sends one before each chunk of sound."""

_AUDIO_HEAD = b'{"realtime_input":{"audio":{"data":"'
_AUDIO_TAIL = f'","mime_type":"audio/pcm;rate={INPUT_RATE_HZ}"}}}}}}'.encode()
_IN_GENERATION = frozenset(
    {"responseModalities", "temperature", "topP", "topK", "maxOutputTokens", "mediaResolution", "seed"}
    | {"speechConfig", "thinkingConfig", "enableAffectiveDialog", "translationConfig"}
)
"""Fields that google-genai keeps beside the generation config and the service wants inside."""


def audio(pcm: bytes) -> bytes:
    """The caller's voice, 16 kHz mono 16 bit."""
    return _AUDIO_HEAD + binascii.b2a_base64(pcm, newline=False) + _AUDIO_TAIL


def content(event: types.LiveClientContent) -> bytes:
    """Turns of the conversation, in text."""
    return encoded({"client_content": plain(event)})


def live_input(event: types.LiveClientRealtimeInput) -> bytes:
    """A picture, a text, or the bounds of the caller's activity."""
    return encoded({"realtime_input": plain(event)})


def plain(model: BaseModel) -> Json:
    """One of google-genai's objects as the service wants it."""
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def tool_responses(responses: list[Json]) -> bytes:
    """Results of functions, each as the service has them."""
    return encoded({"tool_response": {"functionResponses": responses}})


def text(words: str) -> bytes:
    """A finished turn of the caller's, in text."""
    turns = [{"role": "user", "parts": [{"text": words}]}]
    return encoded({"client_content": {"turns": turns, "turnComplete": True}})


def context(words: str) -> bytes:
    """Something to know, without an answer to it."""
    turns = [{"role": "user", "parts": [{"text": words}]}]
    return encoded({"client_content": {"turns": turns, "turnComplete": False}})


def typed(words: str) -> bytes:
    """A finished turn of the caller's, in text, for models that take text only as live input."""
    return encoded({"realtime_input": {"text": words}})


def setup(model: str, config: types.LiveConnectConfig) -> Json:
    """The setup of a connection as google-genai makes it of a config (tests compare), without a handle."""
    asked = config.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"http_options", "session_resumption"})
    inside = {key: asked.pop(key) for key in _IN_GENERATION & asked.keys()}
    asked["generationConfig"] = asked.get("generationConfig", {}) | inside
    return {"model": model if "/" in model else f"models/{model}", **asked}


def media_resolution(setup: Json | None) -> str | None:
    """The `mediaResolution` that a setup asks for; None without one."""
    generation: Json = (setup or {}).get("generationConfig", {})
    return generation.get("mediaResolution")


def detects_activity(setup: Json) -> bool:
    """Whether a setup has the service detect the caller's activity; otherwise the client marks it."""
    detection: Json = setup.get("realtimeInputConfig", {}).get("automaticActivityDetection", {})
    return not detection.get("disabled")


def first_message(setup: Json, handle: str | None) -> bytes:
    """The first message of a connection, with this handle to resume by."""
    resumption = {"handle": handle} if handle else {}
    return encoded({"setup": {**setup, "sessionResumption": resumption}})
