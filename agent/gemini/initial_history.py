"""The conversation from before the first connection, and how a session is told of it: once, and without an answer. Pure.

It is an agent's `chat_ctx`. A model with `initial_history` gets it as the first message of a session whose setup announces it
(docs/facts.md G180), another one as turns that aren't complete, which no model answers (docs/facts.md G181).
"""

from collections.abc import Callable, Sequence

from google.genai import types

from agent.gemini import wire
from agent.gemini.capabilities import Capabilities
from agent.gemini.events import Cause, Line
from agent.gemini.exchange import prompt_texts
from agent.gemini.messages import Json

History = Callable[[], Sequence[Line]]
"""Tells what was said so far."""

_REFUSALS = {1007, 1008}
"""Codes with which the service closes on a setup that it doesn't take."""
_MOST_LATE_LINES = 6
"""Of an earlier call's lines so many may be missing in its session, where a handle doesn't restore all of it."""


class InitialHistory:
    """The turns of one conversation's initial history. `capabilities`: of its model; one that translates is told nothing."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.lines: tuple[Line, ...] = ()
        """The turns in words, for sessions that are begun later."""
        self._capabilities = capabilities
        self._turns: tuple[types.Content, ...] = ()
        self._has_begun = False
        self._may_announce = capabilities.initial_history
        self._has_announced = False
        """The setup that was sent last has the announcement."""

    def add(self, turns: Sequence[types.Content], lines: Sequence[Line]) -> None:
        """Add turns before the first setup is sent. `lines`: what was said in these and those that were added before."""
        if not self._capabilities.translates:
            self._turns, self.lines = (*self._turns, *turns), tuple(lines)

    def is_told_as_after_a_loss(self) -> None:
        """The first session isn't told the turns: the link tells it the conversation, as it does after a loss."""
        self._has_begun = True

    def asked_for(self, setup: Json, handle: str | None) -> Json:
        """The setup of a connection, with the announcement of the history where its session is to wait for that."""
        self._has_announced = bool(self._turns) and self._may_announce and handle is None and not self._has_begun
        return {**setup, "historyConfig": {"initialHistoryInClientContent": True}} if self._has_announced else setup

    def refused(self, code: int | None) -> Cause | None:
        """A connection has ended with this code. If the announcement may be why, the next setup is without it.

        Returns the cause to try again for; None: the announcement isn't to blame.
        """
        if self._has_begun or not self._has_announced or code not in _REFUSALS:
            return None
        self._may_announce = False
        return Cause.SETUP

    def opened(self, *, resumes: bool) -> bytes | None:
        """A connection is open. Returns the message that its session must get before all else, if there is one.

        `resumes`: its session is an earlier one, which knows the history, but for the end where handles don't restore all.
        """
        is_first, self._has_begun = not self._has_begun, True
        if not is_first or not self._turns:
            return None
        if not resumes:
            return self._message()
        if self._capabilities.resumes_whole:
            return None
        return wire.context(prompt_texts.instructions(prompt_texts.lately(self.lines[-_MOST_LATE_LINES:])))

    def _message(self) -> bytes:
        turns = list(self._turns)
        if self._has_announced and self._capabilities.needs_placeholder and turns[-1].role == "model":
            turns.append(types.Content(role="user", parts=[types.Part(text=" ")]))
        return wire.content(types.LiveClientContent(turns=turns, turn_complete=self._has_announced))
