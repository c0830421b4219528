"""The service's messages as they come: the few facts that decide, and the message itself. Pure.

A message that is nothing but the agent's voice is decoded before anything else is asked of it. A field of another form than
documented is skipped, alone, and named in `unreadable`; text that is no valid Unicode loses those characters alone. One bad
field costs neither the rest of its message nor the connection.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from agent.gemini import audio
from agent.gemini.json_text import decoded, from_base64

_WORK = ("thought", "executableCode", "codeExecutionResult")
"""Fields of a part by which the model shows that it is at work."""
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")

Json = dict[str, Any]
T = TypeVar("T")


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
    over_answer: bool = False
    """The caller's words were said over an answer that they don't interrupt. The link knows that, not the service."""
    before_answer: bool = False
    """The caller's words are late: they were said before an answer that has come. The link knows that, not the service."""
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
    works: bool = False
    """The model shows that it is at work: by a thought, by code for the service to run, or by `IN_PROGRESS`."""
    begins: bool = False
    """An empty `serverContent`, which precedes the first output of newer models (docs/facts.md G3)."""
    waits_for_caller: bool = False
    """`waitingForInput`: the model says nothing, because it expects the caller to go on (docs/facts.md G101)."""
    unreadable: list[str] = field(default_factory=list)
    """Names of the fields that have another form than documented. Copies share this list."""

    def take(self, holder: Json, name: str, kind: type[T]) -> T | None:
        """A field of the message, if it has that type. Null is absent; one of another type is taken out of `holder`."""
        value = holder.get(name)
        if value is None or isinstance(value, kind):
            return value
        del holder[name]
        self.unreadable.append(name)
        return None

    def is_readable(self, name: str, fact: bool) -> bool:  # noqa: FBT001 - a check that is passed on
        """Passes `fact` on; if it doesn't hold, `name` is unreadable."""
        if not fact:
            self.unreadable.append(name)
        return fact

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / audio.OUTPUT_BYTES_PER_S

    def not_interrupted(self) -> "Received":
        """This message for a conversation that is not to hear of an interruption."""
        return replace(self, interrupted=False, raw=self._content(interrupted=None))

    def said_over_answer(self) -> "Received":
        """This message, whose words of the caller's were said over an answer that they don't interrupt."""
        return replace(self, over_answer=True)

    def said_before_answer(self) -> "Received":
        """This message, whose words of the caller's were said before an answer that has come."""
        return replace(self, before_answer=True)

    def without_caller(self) -> "Received":
        """This message without the caller's words."""
        return replace(self, caller_words="", raw=self._content(inputTranscription=None))

    def not_generated(self) -> "Received":
        """This message for a conversation that has not been told any of an answer yet."""
        return replace(self, generation_complete=False, raw=self._content(generationComplete=None))

    def not_complete(self) -> "Received":
        """This message for a conversation that is to take the turn for open."""
        return replace(self, turn_complete=False, raw=self._content(turnComplete=None))

    def without_sound(self) -> "Received":
        """This message without the model's sound."""
        return replace(self, pcm=b"", only_sound=False, raw=self._content(modelTurn=None))

    def silenced(self) -> "Received":
        """This message without the model's words and sound, and without how they end."""
        raw = self._content(modelTurn=None, outputTranscription=None)
        found = replace(self, pcm=b"", words="", only_sound=False, raw=raw)
        return found.not_interrupted().not_generated().not_complete()

    def sound_alone(self) -> "Received":
        """The model's sound in this message, and nothing else of it."""
        return Received({"serverContent": {"modelTurn": self.raw["serverContent"]["modelTurn"]}}, self.pcm, only_sound=True)

    def without_turns(self) -> "Received":
        """This message without what only a model with turns says: their ends, interruptions, and functions."""
        if self.only_sound:
            return self
        raw = self._content(interrupted=None, turnComplete=None, generationComplete=None)
        raw = {key: value for key, value in raw.items() if key not in {"toolCall", "toolCallCancellation"}}
        plain = replace(self, raw=raw, interrupted=False, turn_complete=False, generation_complete=False)
        return replace(plain, calls=(), cancelled=(), caller_begins=False, caller_ends=False)

    def reworded(self, words: str) -> "Received":
        """This message with other words of the agent's."""
        return replace(self, words=words, raw=self._content(outputTranscription={"text": words} if words else None))

    def _content(self, **fields: Json | None) -> Json:
        """The message with these fields of its content; None takes one away."""
        content = self.raw.get("serverContent", {}) | fields
        left = {key: value for key, value in content.items() if value is not None}
        rest = {key: value for key, value in self.raw.items() if key != "serverContent"}
        return rest | {"serverContent": left} if left else rest

    def with_calls(self, ids: Collection[str]) -> "Received":
        """This message with only these of its calls."""
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


CALLER_PAUSES = Received({"voiceActivity": {"voiceActivityType": "ACTIVITY_END"}}, caller_ends=True)


class MalformedError(ValueError):
    """A frame that is no message."""


def read(frame: bytes) -> Received:
    """What a frame of the service says. A field of another form than documented counts as absent, and is in `unreadable`.

    Raises:
        MalformedError: it is no JSON object.
    """
    try:
        raw, is_valid = decoded(frame)
    except ValueError as error:
        raise MalformedError("the service sent a frame that is no JSON") from error
    if not isinstance(raw, dict):
        raise MalformedError("the service sent a frame that is no JSON object")
    pcm = _only_sound(raw) if is_valid else None
    if pcm is not None:
        return Received(raw, pcm, only_sound=True)
    found = Received(raw, unreadable=[] if is_valid else ["characters that are no Unicode"])
    if (content := found.take(raw, "serverContent", dict)) is not None:
        _read_content(found, content)
    if (call := found.take(raw, "toolCall", dict)) is not None:
        _read_calls(found, call)
    if (cancellation := found.take(raw, "toolCallCancellation", dict)) is not None:
        ids = found.take(cancellation, "ids", list) or []
        cancellation["ids"] = [
            each for each in ids if found.is_readable("toolCallCancellation.ids", isinstance(each, str) and each != "")
        ]
        found.cancelled = tuple(cancellation["ids"])
    if (update := found.take(raw, "sessionResumptionUpdate", dict)) is not None:
        handle = found.take(update, "newHandle", str)
        found.handle = (handle or None) if found.take(update, "resumable", bool) else None
    if (go_away := found.take(raw, "goAway", dict)) is not None:
        found.go_away_s = _time_left(found, go_away)
    if (activity := found.take(raw, "voiceActivity", dict)) is not None:
        kind = found.take(activity, "voiceActivityType", str) or found.take(activity, "type", str)
        found.caller_begins, found.caller_ends = kind == "ACTIVITY_START", kind == "ACTIVITY_END"
    found.setup_complete = found.take(raw, "setupComplete", dict) is not None
    return found


def _only_sound(raw: Json) -> bytes | None:
    """The PCM of a message that is one part with sound and nothing else, as nearly all are. None: it is another message."""
    match raw:
        case {
            "serverContent": {
                "modelTurn": {"parts": [{"inlineData": {"data": str(data), "mimeType": str(kind)}} as part]}
            } as content
        }:
            is_else = len(raw) > 1 or len(content) > 1 or len(part) > 1 or not kind.startswith("audio/")
        case _:
            return None
    try:
        return None if is_else else from_base64(data)
    except ValueError:
        return None


def _time_left(found: Received, go_away: Json) -> float | None:
    """None: it says something that is no time. A connection isn't given up for that."""
    if go_away.get("timeLeft") is None:
        return 0.0
    left = found.take(go_away, "timeLeft", str)
    if left is None or not found.is_readable("timeLeft", _DURATION.fullmatch(left) is not None):
        return None
    return seconds(left)


def _read_content(found: Received, content: Json) -> None:
    turn = found.take(content, "modelTurn", dict) or {}
    parts = found.take(turn, "parts", list) or []
    sound = [pcm for part in parts if (pcm := _sound(found, part)) is not None]
    found.pcm = sound[0] if len(sound) == 1 else b"".join(sound)
    found.only_sound = len(found.raw) == 1 and len(content) == 1 and len(sound) == len(parts) > 0
    if found.only_sound:
        return
    goes_on = content.get("interactionStatus") == "IN_PROGRESS"
    found.works = goes_on or any(part.get(name) for part in parts if isinstance(part, dict) for name in _WORK)
    found.begins = not content
    found.waits_for_caller = bool(found.take(content, "waitingForInput", bool))
    found.words = _text(found, content, "outputTranscription")
    found.caller_words = _text(found, content, "inputTranscription")
    found.generation_complete = bool(found.take(content, "generationComplete", bool))
    if goes_on:
        content.pop("turnComplete", None)  # extended thinking goes on: the turn is over at IDLE (docs/facts.md G55)
    found.turn_complete = bool(found.take(content, "turnComplete", bool))
    found.interrupted = bool(found.take(content, "interrupted", bool))


def _text(found: Received, content: Json, name: str) -> str:
    transcription = found.take(content, name, dict)
    return (found.take(transcription, "text", str) or "") if transcription is not None else ""


def _sound(found: Received, part: object) -> bytes | None:
    """The PCM of a part. None: there is none in it, or none that can be read."""
    if not found.is_readable("modelTurn.parts", isinstance(part, dict)):
        return None
    assert isinstance(part, dict)
    blob = found.take(part, "inlineData", dict) or {}
    kind, data = found.take(blob, "mimeType", str), found.take(blob, "data", str)
    if data is None or not found.is_readable("inlineData.mimeType", kind is None or kind.startswith("audio/")):
        return None
    try:
        return from_base64(data)
    except ValueError:
        found.unreadable.append("inlineData.data")
        return None


def _read_calls(found: Received, call: Json) -> None:
    functions = found.take(call, "functionCalls", list) or []
    known: set[str] = set()
    call["functionCalls"] = [each for each in functions if _is_call(found, each, known)]
    found.calls = tuple(map(_call, call["functionCalls"]))
    if not found.calls:
        del found.raw["toolCall"]


def _is_call(found: Received, raw: object, known: set[str]) -> bool:
    """Whether that is a call that can be run; `known`: ids of the calls before it, which can't be answered twice."""
    if not found.is_readable("functionCalls", isinstance(raw, dict)):
        return False
    assert isinstance(raw, dict)
    before = len(found.unreadable)
    name, call_id = found.take(raw, "name", str), found.take(raw, "id", str)
    found.take(raw, "args", dict)
    found.is_readable("functionCalls.name", bool(name))
    found.is_readable("functionCalls.id", not call_id or call_id not in known)
    known.add(call_id or "")
    return len(found.unreadable) == before


def _call(raw: Json) -> ToolCall:
    return ToolCall(raw.get("id") or "", raw["name"], json.dumps(raw.get("args") or {}, sort_keys=True))


def seconds(duration: str | None) -> float:
    """A protobuf duration ("9.5s") in seconds; 0 for none."""
    found = _DURATION.fullmatch(duration or "")
    return float(found[1]) if found else 0.0
