"""The service's messages as google-genai's objects, which LiveKit's plugin takes. Pure."""

import copy
from typing import Any

from google.genai import types
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from agent.gemini.messages import Json, Received

_KNOWN = frozenset(map(to_camel, types.LiveServerMessage.model_fields))
_KNOWN_CONTENT = frozenset(map(to_camel, types.LiveServerContent.model_fields))
_MOST_NAMED = 4
"""Steps of the way to a field that the SDK refuses, for the log."""


def sdk_message(received: Received) -> types.LiveServerMessage | None:
    """The message as google-genai's object, for the plugin: its sound is `pcm`; what this SDK doesn't know is left out.

    None: nothing is left.
    """
    known: Json = {key: value for key, value in received.raw.items() if key in _KNOWN}
    if content := known.get("serverContent"):
        known["serverContent"] = {key: value for key, value in content.items() if key in _KNOWN_CONTENT}
        if turn := content.get("modelTurn"):
            parts = [part for part in turn.get("parts") or () if isinstance(part, dict) and "inlineData" not in part]
            sound = [_sound_part(received)] if received.pcm else []
            known["serverContent"]["modelTurn"] = {**turn, "parts": parts + sound}
    try:
        return _known_fields(known) if known else None
    # AttributeError and TypeError: the SDK's enums, of what is no text; LookupError: an unknown field in a misspelt one
    except (ValidationError, AttributeError, TypeError, LookupError) as error:
        place = error.errors(include_url=False, include_input=False)[0]["loc"] if isinstance(error, ValidationError) else ("?",)
        received.unreadable.append(".".join(map(str, place[:_MOST_NAMED])))
        checked = _checked(known, received)
        return types.LiveServerMessage.model_validate(checked) if checked else None


def _known_fields(message: Json) -> types.LiveServerMessage:
    """The message without the fields that this SDK doesn't know. The service adds fields before the SDK has them.

    Raises:
        ValidationError: a field that it knows has another form.
    """
    try:
        return types.LiveServerMessage.model_validate(message)
    except ValidationError as error:
        unknown = [each["loc"] for each in error.errors(include_url=False) if each["type"] == "extra_forbidden"]
        if not unknown:
            raise
    known = copy.deepcopy(message)
    for *path, name in unknown:
        holder: Any = known
        for step in path:
            holder = holder[step]
        del holder[name]
    return types.LiveServerMessage.model_validate(known)


def _checked(known: Json, received: Received) -> Json:
    """Of a message that the SDK refuses, what `read` has found good."""
    words, caller_words = {"text": received.words}, {"text": received.caller_words}
    content = {
        "modelTurn": {"parts": [_sound_part(received)]} if received.pcm else None,
        "outputTranscription": words if received.words else None,
        "inputTranscription": caller_words if received.caller_words else None,
        "generationComplete": received.generation_complete or None,
        "turnComplete": received.turn_complete or None,
        "interrupted": received.interrupted or None,
    }
    calls = [
        {key: each.get(key) for key in ("id", "name", "args")} for each in known.get("toolCall", {}).get("functionCalls", ())
    ]
    found = {
        "serverContent": {key: value for key, value in content.items() if value is not None},
        "toolCall": {"functionCalls": calls} if calls else None,
        "toolCallCancellation": {"ids": list(received.cancelled)} if received.cancelled else None,
    }
    return {key: value for key, value in found.items() if value}


def _sound_part(received: Received) -> Json:
    return {"inlineData": {"mimeType": "audio/pcm", "data": received.pcm}}
