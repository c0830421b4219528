"""A conversation with faults, through which all that goes in and out passes. Pure.

Faults of time don't hold messages back; they stop the conversation's own clock or drive it on, so that it stays right about
its turn: a caller who speaks during a stall interrupts it.
"""

import math
from collections.abc import Iterable

from emulator.closes import Close
from emulator.faults.asked import ConnectionFaults
from emulator.faults.channel import Channel, Frame, MessageSource, content
from emulator.faults.fault import Fault
from emulator.messages import ClientContent, ClientMessage, Text

_MOST_HASTENED_ACTS = 20_000


class FaultyConversation:
    """A conversation whose messages pass through a connection's faults. It wraps one that has not begun."""

    def __init__(self, conversation: MessageSource, in_force: ConnectionFaults) -> None:
        self._conversation = conversation
        self._in_force = in_force
        self._channel = Channel(conversation, in_force.handle)
        self._speaking = False

    @property
    def close(self) -> Close | None:
        """The close that is due, if one is. Code 1006 means: abort the TCP connection, without a close frame."""
        return self._channel.close or self._conversation.close

    @property
    def turn_open(self) -> bool:
        return self._conversation.turn_open

    @property
    def caller_speaking(self) -> bool:
        return self._conversation.caller_speaking

    @property
    def reads(self) -> bool:
        """Whether the socket is to be read."""
        return all(fault.reads for fault in self._in_force.faults)

    @property
    def writes(self) -> bool:
        """Whether anything may be written to the socket, a close frame included."""
        return all(fault.writes for fault in self._in_force.faults)

    @property
    def next_at(self) -> float | None:
        """The time at which `advance` has something to do, if nothing is received before."""
        if self.close is not None:
            return None
        due = [fault.due_at for fault in self._in_force.faults]
        first = min([self._act_at, *due])
        return None if first == math.inf else max(first, self._channel.now)

    def wants(self, asleep_until: float) -> bool:
        """Whether there is something to do or to send before that time."""
        next_at = self.next_at
        return self._channel.has_frames or self.close is not None or (next_at is not None and next_at < asleep_until)

    def pinged(self) -> float:
        """By how many seconds the pong to a ping that has come must wait."""
        return max((fault.pong_delay_s() for fault in self._in_force.faults), default=0.0)

    def begin(self, now: float, *, resumed: bool) -> None:
        """Begin at `now`, when the setup was received."""
        self._channel.set_time(now, now)
        self._conversation.begin(now, resumed=resumed)
        self._begin_new()
        self.advance(now)

    def receive(self, message: ClientMessage, now: float) -> None:
        """Take a client's message."""
        self.advance(now)
        passed: ClientMessage | None = message
        for fault in self._in_force.faults:
            passed = fault.receives(passed) if passed is not None else None
        if passed is not None and self.close is None:
            self._conversation.receive(passed, self._channel.own_s)
            typed = isinstance(passed, Text) or (isinstance(passed, ClientContent) and passed.turn_complete)
            self._notice_the_caller(typed=typed)
        self._pass_on()
        self.advance(now)

    def interrupt(self, now: float) -> None:
        """Interrupt the model as if the caller had begun to speak."""
        self.advance(now)
        self._conversation.interrupt(self._channel.own_s)
        self._pass_on()

    def advance(self, now: float) -> None:
        """Let time pass until `now`."""
        self._run(now)
        if self._begin_new():
            self._run(now)

    def take(self) -> list[Frame]:
        """The frames that must be sent now, in order: messages, and raw frames as bytes."""
        return self._channel.take() if self.writes else []

    def _begin_new(self) -> bool:
        new = self._in_force.take_new()
        for fault in new:
            fault.start(self._channel)
        return bool(new)

    def _run(self, now: float) -> None:
        while self._in_force.faults and (at := self.next_at) is not None and at <= now:
            self._step(at)
        if self.close is None:
            self._step(now)

    def _step(self, at: float) -> None:
        self._channel.set_time(max(at, self._channel.now), self._own_time(at))
        for fault in self._in_force.faults:
            if fault.due_at <= at:
                fault.run_due()
        self._conversation.advance(self._channel.own_s)
        self._notice_the_caller()
        self._pass_on()
        self._hasten()

    def _pass_on(self) -> None:
        faults = self._in_force.faults
        for message in self._conversation.take():
            self._channel.watch(message)
            frames: list[Frame] = [message]
            for fault in faults:
                frames = [out for frame in frames for out in _through(fault, frame)]
            self._channel.send(*frames)
            if content(message).get("interrupted") or content(message).get("turnComplete"):
                for fault in faults:
                    fault.turn_ended()

    def _notice_the_caller(self, *, typed: bool = False) -> None:
        before, self._speaking = self._speaking, self._conversation.caller_speaking
        for fault in self._in_force.faults:
            if self._speaking and not before:
                fault.caller_begins()
            elif (before and not self._speaking) or typed:
                fault.caller_ends()

    # The conversation's own time

    @property
    def _running_from(self) -> float:
        """The time from which on the conversation's own time passes."""
        return max([self._channel.now, *(fault.frozen_until for fault in self._in_force.faults)])

    @property
    def _act_at(self) -> float:
        due = self._conversation.next_at
        return math.inf if due is None else self._running_from + max(due - self._channel.own_s, 0.0)

    def _own_time(self, at: float) -> float:
        own = self._channel.own_s + max(at - self._running_from, 0.0)
        due = self._conversation.next_at
        return max(own, due) if due is not None and self._act_at <= at else own  # no act is missed by rounding

    def _hasten(self) -> None:
        for _ in range(_MOST_HASTENED_ACTS):
            due = self._conversation.next_at
            faults = self._in_force.faults
            if due is None or self._running_from > self._channel.now or not any(fault.hastens for fault in faults):
                return
            self._channel.set_time(self._channel.now, max(self._channel.own_s, due))
            self._conversation.advance(self._channel.own_s)
            self._pass_on()
        for fault in self._in_force.faults:
            fault.stop_hastening()


def _through(fault: Fault, frame: Frame) -> Iterable[Frame]:
    return (frame,) if isinstance(frame, bytes) else fault.sends(frame)
