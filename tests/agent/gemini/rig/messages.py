"""Messages of the Live API, as Gemini sends them."""

import base64
from typing import Any

BOOK: dict[str, Any] = {"id": "call_1", "name": "book", "args": {"slot": "3pm"}}
"""A function call."""
BOOKED: dict[str, Any] = {"id": "call_1", "name": "book", "response": {"output": "booked"}}
"""What the function of `BOOK` returns."""


def content(**fields: Any) -> dict[str, Any]:
    return {"serverContent": fields}


def voice(seconds: float = 0.2, words: str = "", *, loud: bool = False) -> dict[str, Any]:
    """So much of the model's sound, with its transcript if there is one; silence unless it is `loud`."""
    data = base64.b64encode((b"\0\x10" if loud else b"\0\0") * round(24000 * seconds)).decode()
    said = {"outputTranscription": {"text": words}} if words else {}
    return content(modelTurn={"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": data}}]}, **said)


def code(language: str = "PYTHON") -> dict[str, Any]:
    """Code that the model has the service run, as 2.5 does for a search."""
    return content(modelTurn={"parts": [{"executableCode": {"language": language, "code": 'concise_search("x")'}}]})


def thought(text: str = "I will look it up.") -> dict[str, Any]:
    return content(modelTurn={"parts": [{"text": text, "thought": True}]})


def words(text: str) -> dict[str, Any]:
    """Words of the model's, without their sound."""
    return content(outputTranscription={"text": text})


def transcript(words: str) -> dict[str, Any]:
    """Words of the caller's, as the service has understood them."""
    return content(inputTranscription={"text": words})


def calls(*functions: dict[str, Any]) -> dict[str, Any]:
    return {"toolCall": {"functionCalls": list(functions)}}


def cancels(*ids: str) -> dict[str, Any]:
    return {"toolCallCancellation": {"ids": list(ids)}}


def handle(name: str) -> dict[str, Any]:
    """The session can be resumed by it."""
    return {"sessionResumptionUpdate": {"newHandle": name, "resumable": True}}


def go_away(left: str) -> dict[str, Any]:
    return {"goAway": {"timeLeft": left}}


def activity(kind: str) -> dict[str, Any]:
    """`START` or `END` of the caller's voice."""
    return {"voiceActivity": {"type": f"ACTIVITY_{kind}"}}


GENERATION_COMPLETE = content(generationComplete=True)
TURN_COMPLETE = content(turnComplete=True)
INTERRUPTED = content(interrupted=True)
