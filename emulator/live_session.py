"""A session on its connection, from the accepted setup to the end of the socket. It does no I/O and takes `now` in seconds."""

import math

from emulator import messages
from emulator.closes import Close
from emulator.conversation import Conversation
from emulator.faults.asked import ConnectionFaults
from emulator.faults.channel import Frame
from emulator.faults.faulty import FaultyConversation
from emulator.lifetime import Lifetime
from emulator.profile import Profile
from emulator.sessions import Memory
from emulator.shared import Emulator
from emulator.translation import Translation


class LiveSession:
    """A conversation with its faults, its limits, and its place among the emulator's sessions.

    Give it messages with `receive`. At `next_at`, and when `wants` says so: `advance`, send what `take` returns, and end the
    socket if there is a `close`. Then `leave`.
    """

    def __init__(
        self,
        emulator: Emulator,
        profile: Profile,
        setup: messages.Setup,
        memory: Memory,
        in_force: ConnectionFaults,
        lifetime: Lifetime,
    ) -> None:
        self._emulator = emulator
        self._profile = profile
        self._memory = memory
        self._in_force = in_force
        self._lifetime = lifetime
        self._resumed = setup.handle is not None
        kind = Translation if profile.translation.translates else Conversation
        conversation = kind(profile, setup, emulator.answers, memory, emulator.voices)
        self._conversation = FaultyConversation(conversation, in_force)

    def __str__(self) -> str:
        return f"session {self._memory.handle} on {self._profile.model}"

    @property
    def reads(self) -> bool:
        """Whether the socket is to be read."""
        return self._conversation.reads

    @property
    def writes(self) -> bool:
        """Whether anything may be written to the socket, a close frame included."""
        return self._conversation.writes

    @property
    def next_at(self) -> float:
        """The time at which there is something to do, if nothing is received before."""
        return min(self._lifetime.next_at, self._conversation.next_at or math.inf)

    def wants(self, asleep_until: float) -> bool:
        """Whether the conversation has something to do, or to send, before then."""
        return self._conversation.wants(asleep_until)

    def pong_delay_s(self) -> float:
        """By how many seconds the pong to a ping that has come must wait."""
        return self._conversation.pinged()

    def begin(self, now: float) -> None:
        """Begin with the setup's answer."""
        self._conversation.begin(now, resumed=self._resumed)

    def receive(self, message: messages.ClientMessage, now: float) -> None:
        """Take a client's message."""
        self._conversation.receive(message, now)
        shown = message.first if isinstance(message, messages.MediaChunks) else message
        self._lifetime.received(now, video=isinstance(shown, messages.Video))

    def advance(self, now: float) -> None:
        """Let time pass until `now`."""
        self._conversation.advance(now)

    def take(self, now: float) -> list[Frame]:
        """The frames that must be sent now, in order."""
        return [*self._conversation.take(), *self._lifetime.due(now)]

    def close(self, now: float) -> Close | None:
        """The close that is due by now, if one is."""
        return self._conversation.close or self._lifetime.close(now)

    def leave(self, now: float, *, clean: bool) -> None:
        """The socket is gone: the session can be resumed, after a drop in silence only when its lock is over.

        Args:
            now: the time.
            clean: a close frame was sent or has come.
        """
        self._emulator.faults.leave(self._in_force)
        speaking = self._conversation.turn_open or self._conversation.caller_speaking
        self._emulator.sessions.leave(self._memory, now, self._profile, clean=clean, speaking=speaking)
