"""Turns that the client marks, with the service's activity detection off: what the session does when one begins and ends.

What LiveKit calls for the turns of `turn_detection="manual"`: docs/facts.md L39.
"""

import enum
import logging

from agent.gemini.generations import Generations
from agent.gemini.link import Link

logger = logging.getLogger("earshot.link")


class TurnsBy(enum.Enum):
    """The way in which it is known when the caller speaks."""

    DETECTION = enum.auto()
    """The service detects it."""
    BUTTON = enum.auto()
    """Push-to-talk: the worker calls `start` and `end`."""
    COMMIT = enum.auto()
    """LiveKit's `turn_detection="manual"`: the application calls `clear_user_turn` and `commit_user_turn`."""


class MarkedTurns:
    """The marked turns of one session. With TurnsBy.DETECTION nothing here has an effect.

    `interrupts`: what the model says stops when a turn begins.
    """

    def __init__(self, link: Link, generations: Generations, turns_by: TurnsBy, *, interrupts: bool) -> None:
        self._link = link
        self._generations = generations
        self._turns_by = turns_by
        self._interrupts = interrupts
        self._is_open = False
        self._is_committed = False
        """A turn with sound was committed, and no answer to it was asked for."""
        self._has_warned = False

    def change(self, turns_by: TurnsBy) -> None:
        """Turns are known in this way from now on. One that is open ends."""
        self.end()
        self._turns_by = turns_by

    def start(self) -> None:
        """The caller begins to speak. Within a turn it has no effect."""
        if self._turns_by is not TurnsBy.DETECTION and not self._is_open:
            self._begin()
            if self._interrupts:
                self._generations.caller_begins()

    def end(self) -> None:
        """The caller has finished. Outside of a turn it has no effect."""
        self._close()

    def commit(self) -> None:
        """LiveKit's application says that the caller has finished: what was sent since `clear` or `start` is a turn.

        It asks for a reply next, which the model gives without being asked.
        """
        self._is_committed = self._close()
        if self._turns_by is TurnsBy.COMMIT and not self._is_committed and not self._has_warned:
            self._has_warned = True
            logger.warning("commit_user_turn: no sound was sent; call clear_user_turn when the caller begins to speak")

    def clear(self) -> None:
        """LiveKit's application says that the caller begins anew: the sound of the turn that isn't sent yet is forgotten.

        With a button it has no effect: LiveKit says so at each change of agents too, while the caller may be speaking.
        """
        if self._turns_by is TurnsBy.COMMIT:
            self._link.discard_sound()
            self._begin()

    def answers_by_itself(self) -> bool:
        """Whether the reply that is asked for comes by itself, since a turn was just committed. True once for each."""
        committed, self._is_committed = self._is_committed, False
        return committed

    def something_else_is_asked(self) -> None:
        """A reply that is asked for from now on is not about the turn that was committed."""
        self._is_committed = False

    def _close(self) -> bool:
        """End the turn that is open. Returns whether there was one, with sound."""
        if not self._is_open:
            return False
        self._is_open = False
        has_sound = self._link.mark_activity(begins=False)
        self._generations.caller_ends()
        return has_sound

    def _begin(self) -> None:
        self._is_open, self._is_committed = True, False
        self._link.mark_activity(begins=True)
