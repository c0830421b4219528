"""An answer that the application has stopped: what of it still comes, and how the service is told to stop. Pure.

The service has no message for it (docs/facts.md G173). What still comes of the answer is left out, so the caller hears no more
of it on any model. Where a lone "." ends a turn without words, it is sent, unless something else is asked within a moment,
which ends the turn as well.
"""

import enum
import math

from agent.gemini.exchange.states import Answered, Superseded, is_generating
from agent.gemini.messages import Received

_OTHERWISE_ASKED_S = 0.2
"""Whoever stops an answer often asks for another one right away."""
_TRAIL_S = 1.0
"""A message interrupts an answer within 0.1 s (docs/facts.md G13); what comes later answers the message."""


class Phase(enum.Enum):
    """The progress of the stopped answer at the service."""

    OVER = enum.auto()
    """Nothing more will come of it; or none was stopped."""
    SPEAKING = enum.auto()
    """More of it may come."""
    ENDING = enum.auto()
    """Only its `turnComplete` may come."""
    SILENT_TURN = enum.auto()
    """The `turnComplete` of the turn may come that answers the "." without words."""


class StoppedAnswer:
    """The last answer that was stopped in one conversation. `by_dot`: the model's turn ends at a lone "."."""

    def __init__(self, *, by_dot: bool) -> None:
        self._by_dot = by_dot
        self._phase = Phase.OVER
        self._asked_at = math.inf
        self._dot_at = math.inf
        self._sent_dot = False

    @property
    def dot_at(self) -> float:
        """The time at which the "." is to be sent; infinity for never."""
        return self._dot_at if self._phase is Phase.SPEAKING else math.inf

    def stops(self, state: Answered, now: float, *, called_at: float) -> None:
        """The answer of that state is stopped. `called_at`: the time of the model's last call of a function.

        A call ends its turn, or the model waits for the result (docs/facts.md G9): what it says next is another answer.
        """
        is_speaking = is_generating(state) and state.answer.last_at > called_at
        self._phase = Phase.SPEAKING if is_speaking else Phase.ENDING
        self._asked_at, self._dot_at, self._sent_dot = math.inf, math.inf, False
        if isinstance(state, Superseded):  # what was asked since is to be answered, and ends the turn if it was written
            self._asked_at = state.request.asked_at if state.trails_until > -math.inf else math.inf
        elif self._by_dot:
            self._dot_at = now + _OTHERWISE_ASKED_S

    def dot_due(self, now: float) -> bool:
        """Whether the "." is to be sent now. It counts as sent."""
        if now < self.dot_at:
            return False
        self._dot_at, self._sent_dot = math.inf, True
        return True

    def asked(self, now: float, *, interrupts: bool) -> None:
        """Something else was asked. `interrupts`: it ends what the service is saying."""
        self._dot_at = math.inf
        if interrupts:
            self._asked_at = min(self._asked_at, now)

    def lost(self) -> None:
        """The connection has ended: nothing more comes of the answer."""
        self._phase = Phase.OVER

    def leave_out(self, received: Received, now: float) -> Received:
        """This message without what belongs to the stopped answer."""
        if self._phase is Phase.OVER:
            return received
        speaks = bool(received.pcm or received.words)
        if speaks and (self._phase is not Phase.SPEAKING or now > self._asked_at + _TRAIL_S):
            self._phase = Phase.OVER  # it is another answer
            return received
        if received.turn_complete:
            waits = self._sent_dot and self._phase is not Phase.SILENT_TURN
            self._phase = Phase.SILENT_TURN if waits else Phase.OVER
        elif received.interrupted or received.generation_complete or received.calls:
            self._phase = Phase.ENDING
        return received.silenced()
