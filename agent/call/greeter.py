"""Greets the first caller, and each later one who wasn't in the room at the last greeting."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from agent.errors import until_session_ends


class Greeter:
    """One greeting at a time. `greet` says it, calls `begins` when it does, and may be cancelled in the middle."""

    def __init__(self, greet: Callable[[], Awaitable[None]]) -> None:
        self._greet = greet
        self._greeting: asyncio.Task[None] | None = None
        self._has_begun = False
        """True once `begins` was called for the last greeting."""
        self._greeted: set[str] = set()
        """Identities of the humans who were in the room when the last greeting began."""
        self._wanted = asyncio.Event()
        self._wanted.set()

    @property
    def greeted(self) -> frozenset[str]:
        """Identities of those who need no greeting any more."""
        return frozenset(self._greeted)

    def go_on(self, greeted: Iterable[str]) -> None:
        """Another process of this call has greeted these identities. Comes before `run`."""
        self._greeted = set(greeted)
        if self._greeted:
            self._wanted.clear()

    def caller_came(self, identity: str) -> None:
        """Take note of a new caller, who is greeted unless they have heard a greeting."""
        if identity not in self._greeted:
            self._wanted.set()

    def begins(self, present: Iterable[str]) -> None:
        """The greeting is said now, to those identities."""
        self._greeted = set(present)
        self._has_begun = True

    def skip(self, present: Iterable[str], *, interrupts: bool = True) -> None:
        """The caller has asked for something already, and gets an answer instead. `present` are the identities in the room.

        Without a greeting to be said, nothing changes: who has come since the last one may still be greeted as the caller.
        `interrupts`: a greeting that has begun ends. Otherwise it goes on, and the answer comes after it.
        """
        if not interrupts and self._has_begun and not self._wanted.is_set():
            return
        if self._wanted.is_set() or (self._greeting is not None and not self._greeting.done()):
            self._greeted = set(present)
        self._wanted.clear()
        if self._greeting is not None:
            self._greeting.cancel()

    async def run(self) -> None:
        """Greet until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while await self._wanted.wait():
                if not self._wanted.is_set():  # skipped meanwhile
                    continue
                self._wanted.clear()
                if self._greeting is not None:
                    self._greeting.cancel()
                self._has_begun = False
                self._greeting = tasks.create_task(until_session_ends(self._greet()), name="greeting")
