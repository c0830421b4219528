"""The events of a call, as a caller notices them: one frozen dataclass each. `t` is in seconds on the monotonic clock."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True)
class Event:
    """Base of all events."""

    type: ClassVar[str]
    t: float

    def as_json(self) -> dict[str, Any]:
        """The event as one flat object: its `t`, its `type` and its own fields."""
        fields = dataclasses.asdict(self)
        return {"t": round(fields.pop("t"), 4), "type": self.type, **fields}


@dataclass(frozen=True)
class Joined(Event):
    """The room is joined and the microphone published."""

    type: ClassVar[str] = "joined"
    room: str
    identity: str


@dataclass(frozen=True)
class AgentTrack(Event):
    """The agent's audio track is subscribed: from here on the ear hears."""

    type: ClassVar[str] = "agent_track"
    identity: str


@dataclass(frozen=True)
class AgentAttributes(Event):
    """The agent's attributes changed; `attributes` holds all of them."""

    type: ClassVar[str] = "attributes"
    attributes: dict[str, str]


@dataclass(frozen=True)
class SpeechStart(Event):
    """The caller's first audible sample went to WebRTC."""

    type: ClassVar[str] = "speech_start"
    text: str


@dataclass(frozen=True)
class SpeechEnd(Event):
    """The caller's last audible sample went to WebRTC."""

    type: ClassVar[str] = "speech_end"
    text: str


@dataclass(frozen=True)
class AgentSound(Event):
    """The agent's sound begins at the caller's ear."""

    type: ClassVar[str] = "agent_sound"


@dataclass(frozen=True)
class AgentSilent(Event):
    """The agent's sound ended. `t` is its last audible moment; the event itself comes once the silence has lasted."""

    type: ClassVar[str] = "agent_silent"


@dataclass(frozen=True)
class BackgroundSound(Event):
    """The sound that an agent plays while a tool runs begins at the caller's ear: a track beside the agent's voice."""

    type: ClassVar[str] = "background_sound"


@dataclass(frozen=True)
class BackgroundSilent(Event):
    """The sound that an agent plays while a tool runs has ended; as in `AgentSilent`, `t` is its last audible moment."""

    type: ClassVar[str] = "background_silent"


@dataclass(frozen=True)
class Caption(Event):
    """A caption on `lk.transcription`: the text of the whole segment so far."""

    type: ClassVar[str] = "caption"
    who: Literal["caller", "agent"]
    segment: str
    text: str
    final: bool


@dataclass(frozen=True)
class RoomEvent(Event):
    """An object that the agent sent on `earshot.events`; docs/events.md lists the types."""

    type: ClassVar[str] = "event"
    body: dict[str, Any]


@dataclass(frozen=True)
class Key(Event):
    """The agent pressed a key (DTMF)."""

    type: ClassVar[str] = "key"
    digit: str


@dataclass(frozen=True)
class Timing(Event):
    """A measured stretch, told at its end.

    `response_latency` and `greeting_latency` are LiveKit's names (docs/facts.md L450): from the end of the caller's speech to
    the start of the reply, and from joining the room to the agent's first sound. `typed_answer`: from a typed line to the start
    of its answer. `barge_in`: from the start of speech to silence.
    """

    type: ClassVar[str] = "timing"
    name: Literal["response_latency", "greeting_latency", "typed_answer", "barge_in"]
    seconds: float
    at_arrival_s: float | None = None
    """A response latency when the reply's sound arrives, before the jitter buffer. None: the buffer's delay isn't known."""


@dataclass(frozen=True)
class Left(Event):
    """The room is left. `reason` is LiveKit's disconnect reason."""

    type: ClassVar[str] = "left"
    reason: str
