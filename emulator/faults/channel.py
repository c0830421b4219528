"""A connection as its faults see it: what has gone over it, the conversation's own time, what to send and how to end."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from emulator.closes import Close
from emulator.messages import ClientMessage, Json

Frame = Json | bytes
"""A server message, or a raw frame that is sent as it is."""

INTERRUPTED: Json = {"serverContent": {"interrupted": True}}
GENERATED: Json = {"serverContent": {"generationComplete": True}}
COMPLETE: Json = {"serverContent": {"turnComplete": True}}

_MOST_WAITING = 5000
_AUDIO_BYTES_PER_S = 48000


class ConversationState(Protocol):
    """The members that `Conversation` and `FaultyConversation` share."""

    @property
    def next_at(self) -> float | None: ...
    @property
    def close(self) -> Close | None: ...
    @property
    def turn_open(self) -> bool: ...
    @property
    def caller_speaking(self) -> bool: ...
    def begin(self, now: float, *, resumed: bool) -> None: ...
    def receive(self, message: ClientMessage, now: float) -> None: ...
    def advance(self, now: float) -> None: ...
    def interrupt(self, now: float) -> None:
        """Interrupt the model as if the caller had begun to speak: `interrupted`, then turnComplete."""


class MessageSource(ConversationState, Protocol):
    """A conversation whose messages can be taken."""

    def take(self) -> list[Json]: ...


def content(message: Json) -> Mapping[str, Any]:
    """The serverContent of a message; empty if it is something else."""
    found: Mapping[str, Any] = message.get("serverContent") or {}
    return found


def audio_s(message: Json) -> float:
    """Seconds of sound in a message."""
    parts = (content(message).get("modelTurn") or {}).get("parts", ())
    characters = sum(len(part.get("inlineData", {}).get("data", "")) for part in parts)
    return characters * 3 / 4 / _AUDIO_BYTES_PER_S


def says_something(message: Json) -> bool:
    """Whether a message carries sound, words or thoughts of the model."""
    return bool({"modelTurn", "outputTranscription"} & content(message).keys())


class Channel:
    """One connection. Its facts are those of the conversation, whatever the faults make of the messages."""

    def __init__(self, conversation: ConversationState, handle: str | None) -> None:
        self._conversation = conversation
        self._waiting: deque[Frame] = deque(maxlen=_MOST_WAITING)
        """Frames to send. They pile up while a fault forbids to write; beyond `_MOST_WAITING` the oldest are lost."""
        self.now = 0.0
        self.own_s = 0.0
        """The conversation's own time: behind `now` when a fault has held it up, ahead when a fault has driven it on."""
        self.resumed_handle = handle
        self.handle = handle
        """The last handle that the client was given, or resumed with."""
        self.set_up = False
        self.turn = 0
        """Number of the model's open turn, else of its last one: 1 is the first on this connection."""
        self.turn_open = False
        """True from the first sound, word or call of the model to turnComplete."""
        self.close: Close | None = None

    @property
    def has_frames(self) -> bool:
        """Whether frames wait to be taken."""
        return bool(self._waiting)

    @property
    def caller_speaking(self) -> bool:
        return self._conversation.caller_speaking

    @property
    def ahead_s(self) -> float:
        return self.own_s - self.now

    def set_time(self, now: float, own_s: float) -> None:
        """Set the time, and the conversation's own."""
        self.now, self.own_s = now, own_s

    def watch(self, message: Json) -> None:
        """Take the facts from a message of the conversation, before the faults get it."""
        said = content(message)
        self.set_up |= "setupComplete" in message
        self.handle = message.get("sessionResumptionUpdate", {}).get("newHandle") or self.handle
        if not self.turn_open and ("toolCall" in message or says_something(message) or said.get("generationComplete")):
            self.turn_open = True
            self.turn += 1
        if said.get("turnComplete"):
            self.turn_open = False

    def send(self, *frames: Frame) -> None:
        self._waiting.extend(frames)

    def shut(self, close: Close) -> None:
        """Close the socket, after what was sent; the first close counts. Code 1006 means: drop it without a close frame."""
        self.close = self.close or close

    def interrupt(self) -> None:
        self._conversation.interrupt(self.own_s)

    def take(self) -> list[Frame]:
        frames = list(self._waiting)
        self._waiting.clear()
        return frames
