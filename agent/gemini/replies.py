"""Answers that the application has asked for. Pure, but for the futures that LiveKit waits for."""

import asyncio

from livekit.agents import llm

Reply = asyncio.Future[llm.GenerationCreatedEvent]


class Replies:
    """Holds what was asked for until an answer begins: one at a time, since the service doesn't say what it answers.

    There is no time limit: the link knows whether an answer is late, and does something about it. LiveKit cancels what it
    doesn't want any more; what comes then is taken for an answer that the model began by itself (docs/facts.md L17).
    """

    def __init__(self) -> None:
        self._pending: Reply | None = None
        self._failure: llm.RealtimeError | None = None

    @property
    def is_pending(self) -> bool:
        return self._pending is not None and not self._pending.done()

    def is_newest(self, reply: Reply) -> bool:
        """No other was asked for since."""
        return reply is self._pending

    def ask(self) -> Reply:
        """A reply to wait for; it has failed already if there is no connection any more. It replaces the one before."""
        self._fail(llm.RealtimeError("superseded by another reply"))
        self._pending = asyncio.get_running_loop().create_future()
        if self._failure is not None:
            self._fail(self._failure)
        return self._pending

    def begin(self, event: llm.GenerationCreatedEvent) -> None:
        """An answer begins: it is what was asked for."""
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(event)

    def fail(self, reason: str) -> None:
        """Nothing will be said any more."""
        self._failure = llm.RealtimeError(reason)
        self._fail(self._failure)

    def close(self) -> None:
        """The session is closed: who still waits, or asks from now on, is told so."""
        self._failure = self._failure or llm.RealtimeError("the session is closed")
        self._fail(self._failure)

    def _fail(self, error: llm.RealtimeError) -> None:
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(error)
