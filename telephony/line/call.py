"""The state machine of one call, from INVITE to its end. Events go in with `now`, actions come out. Pure.

    RINGING -> ANSWERED (200 sent) -> ACTIVE (ACK) -> ENDED
       |-> REFUSING (a tone, then the final answer) -> ENDED

Nobody is left in silence: without an agent the phone rings, then hears the tone of a line that can't be reached, then gets the
answer's code; an agent that goes away is waited for with a ringing tone, then the call ends with the other tone.
"""

import enum
import math
from dataclasses import dataclass


class Phase(enum.Enum):
    RINGING = "ringing"
    REFUSING = "refusing"
    ANSWERED = "answered"
    ACTIVE = "active"
    ENDED = "ended"


class Tone(enum.Enum):
    RINGING = "ringing"
    """The call waits for the agent."""
    UNREACHABLE = "unreachable"
    """Nobody answers: the call will end."""


class EndReason(enum.Enum):
    """The reason why a call ended."""

    CALLER_HUNG_UP = "the caller hung up"
    CANCELLED = "the caller gave up while it rang"
    AGENT_HUNG_UP = "the agent hung up"
    NO_AGENT = "no agent answered"
    AGENT_LOST = "the agent went away and did not come back"
    NO_SOUND = "the phone sends nothing any more"
    NO_MEDIA = "the phone's session description can't be used"
    NO_PORT = "there is no free RTP port"
    NO_ACK = "the phone never confirmed the answer"
    NO_ROOM = "the room could not be joined"
    TOO_LONG = "the call took as long as a call may"
    SHUT_DOWN = "the line is shut down"
    FAILED = "it failed"


@dataclass(frozen=True)
class Answer:
    """Send a final or provisional answer to the INVITE; `media`: with a session description."""

    status: int
    media: bool = False


@dataclass(frozen=True)
class HangUp:
    """Send a BYE."""


@dataclass(frozen=True)
class Play:
    """Play a tone to the phone instead of the room; None: the room again."""

    tone: Tone | None


@dataclass(frozen=True)
class Status:
    """Show `sip.callStatus` to the room."""

    status: str


Action = Answer | HangUp | Play | Status


@dataclass(frozen=True)
class Limits:
    ringing_s: float = 20.0
    tone_s: float = 2.0
    agent_gone_grace_s: float = 1.0
    """Seconds without an agent before the ringing tone: an agent that hangs up leaves shortly before its room is closed."""
    agent_back_s: float = 10.0
    silence_s: float = 15.0
    """Longest time without a packet, from the ACK on; as livekit-sip's media_timeout."""
    hold_s: float = 300.0
    """Longest time without a packet while the phone holds the call, or only listens."""
    longest_s: float = 3600.0


class CallState:
    """One call's state. Each method takes an event, and returns the actions for it in order.

    Args:
        limits: how long each phase may take.
        now: when the INVITE came.
        held: the INVITE's offer puts the call on hold, or only listens: the phone may be silent.
    """

    def __init__(self, limits: Limits, now: float, *, held: bool = False) -> None:
        self.phase = Phase.RINGING
        self.end_reason: EndReason | None = None
        self._limits = limits
        self._final = 480
        self._ending: EndReason | None = None
        self._rings_until = now + limits.ringing_s
        self._tone_until = math.inf
        self._tone_at = math.inf
        self._agent_until = math.inf
        self._sound_until = math.inf
        self._longest_until = math.inf
        self._held = held

    @property
    def next_at(self) -> float:
        """The time at which to call `due`; infinity for never."""
        if self.phase is Phase.ENDED:
            return math.inf
        ends = (self._rings_until, self._tone_until, self._agent_until, self._sound_until, self._longest_until)
        return min(self._tone_at, *ends)

    # What the room tells

    def agent_heard(self, now: float) -> list[Action]:
        """The agent's sound is there."""
        if self.phase is Phase.RINGING:
            self.phase = Phase.ANSWERED
            self._rings_until = math.inf
            self._longest_until = now + self._limits.longest_s
            return [Answer(200, media=True)]
        if self._agent_until < math.inf:
            self._tone_at = self._agent_until = math.inf
            return [Play(None)]
        return []

    def agent_gone(self, now: float) -> list[Action]:
        """The last agent left the room, and the room is still there."""
        if not self._talking or self._ending is not None or self._agent_until < math.inf:
            return []
        self._tone_at = now + self._limits.agent_gone_grace_s
        self._agent_until = now + self._limits.agent_back_s
        return []

    def room_gone(self, now: float) -> list[Action]:
        """The room was closed, or the caller removed from it: that is how agents hang up."""
        if self.phase is Phase.RINGING:
            return self._refuse(480, EndReason.NO_AGENT, now)
        return self._end(EndReason.AGENT_HUNG_UP)

    def room_failed(self, now: float) -> list[Action]:
        """The room can't be joined."""
        return self._refuse(503, EndReason.NO_ROOM, now)

    # What the phone tells

    def acknowledged(self, now: float) -> list[Action]:
        """The ACK of our 200. From now on a phone that sends nothing is gone, whether it has ever sent anything or not."""
        if self.phase is not Phase.ANSWERED:
            return []
        self.phase = Phase.ACTIVE
        self._sound_until = now + self._silence_limit_s
        return [Status("active")]

    def unacknowledged(self) -> list[Action]:
        """The ACK never came."""
        return self._end(EndReason.NO_ACK) if self.phase is Phase.ANSWERED else []

    def cancelled(self) -> list[Action]:
        """CANCEL. After the 200 it comes too late, and changes nothing (RFC 3261 9.2)."""
        if self.phase in {Phase.RINGING, Phase.REFUSING}:
            self._over(EndReason.CANCELLED)
            return [Answer(487), Status("hangup")]
        return []

    def hung_up(self) -> list[Action]:
        """BYE."""
        if self.phase in {Phase.RINGING, Phase.REFUSING}:
            return self.cancelled()
        if self.phase is Phase.ENDED:
            return []
        self._over(EndReason.CALLER_HUNG_UP)
        return [Status("hangup")]

    def sound(self, now: float) -> None:
        """A packet of sound, or of a digit, arrived. There are many, and nothing is to be done for them."""
        if self.phase is Phase.ACTIVE:
            self._sound_until = now + self._silence_limit_s

    def held(self, now: float, *, held: bool) -> list[Action]:
        """The phone put the call on hold, and may be silent, or took it back."""
        self._held = held
        if self.phase is Phase.ACTIVE:
            self._sound_until = now + self._silence_limit_s
        return []

    # What the line decides

    def shut_down(self, now: float) -> list[Action]:
        """The line ends, and has waited for the call long enough."""
        if self.phase is Phase.RINGING:
            return self._refuse(503, EndReason.SHUT_DOWN, now)
        return self._end(EndReason.SHUT_DOWN)

    def failed(self, status: int, end_reason: EndReason) -> list[Action]:
        """The line can't go on with the call: it ends at once, without a tone. `status` is for an INVITE not yet answered."""
        if not self._talking:
            self._final = status
        return self._end(end_reason)

    def due(self, now: float) -> list[Action]:
        """The actions that are due at a time."""
        if self._rings_until <= now:
            return self._refuse(480, EndReason.NO_AGENT, now)
        if self._tone_until <= now:
            assert self._ending is not None
            return self._end(self._ending)
        if self._tone_at <= now:
            self._tone_at = math.inf
            return [Play(Tone.RINGING)]
        if min(self._agent_until, self._longest_until) <= now:
            return self._say_and_end(EndReason.AGENT_LOST if self._agent_until <= now else EndReason.TOO_LONG, now)
        return self._end(EndReason.NO_SOUND) if self._sound_until <= now else []

    @property
    def _silence_limit_s(self) -> float:
        return self._limits.hold_s if self._held else self._limits.silence_s

    @property
    def _talking(self) -> bool:
        return self.phase in {Phase.ANSWERED, Phase.ACTIVE}

    def _refuse(self, status: int, end_reason: EndReason, now: float) -> list[Action]:
        if self.phase is not Phase.RINGING:
            return []
        self.phase, self._final, self._rings_until = Phase.REFUSING, status, math.inf
        return [Answer(183, media=True), *self._say_and_end(end_reason, now)]

    def _say_and_end(self, end_reason: EndReason, now: float) -> list[Action]:
        self._ending = end_reason
        self._tone_until = now + self._limits.tone_s
        self._tone_at = self._agent_until = self._longest_until = math.inf
        return [Play(Tone.UNREACHABLE)]

    def _end(self, end_reason: EndReason) -> list[Action]:
        if self.phase is Phase.ENDED:
            return []
        last: Action = HangUp() if self._talking else Answer(self._final)
        self._over(end_reason)
        return [last, Status("hangup")]

    def _over(self, end_reason: EndReason) -> None:
        self.phase, self.end_reason = Phase.ENDED, end_reason
