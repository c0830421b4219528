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

    `answer`: end of speech to first sound. `barge_in`: start of speech to silence.
    """

    type: ClassVar[str] = "timing"
    name: Literal["answer", "barge_in"]
    seconds: float


@dataclass(frozen=True)
class Left(Event):
    """The room is left. `reason` is LiveKit's disconnect reason."""

    type: ClassVar[str] = "left"
    reason: str
