"""What the application tells the model without an answer, and tells a session again that may not know it."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from google.genai import types

from agent.gemini.chat_turns import context_note
from agent.gemini.exchange import prompt_texts

_MOST_NOTES = 20
"""A new session is told so many of them again; of more, the oldest are forgotten."""
_OTHERWISE_ASKED_S = 0.5
"""Whoever stops an answer often asks for another one right away, which makes the service stop by itself. It is longer than the
link waits before it tells the service to stop (exchange/stopped.py): a note before that would be a part of it."""


class ContextNotes:
    """The notes of one conversation.

    Args:
        send: puts turns of the conversation into the outbox; they ask for no answer.
        is_kept: whether those turns are still in the outbox, which tells them to every connection until they are understood.
    """

    def __init__(self, send: Callable[[list[types.Content]], None], is_kept: Callable[[list[types.Content]], bool]) -> None:
        self._send = send
        self._is_kept = is_kept
        self._notes: deque[tuple[float, str]] = deque(maxlen=_MOST_NOTES)
        """Each with the time at which it was told."""
        self._timer: asyncio.TimerHandle | None = None

    def add(self, text: str) -> None:
        """Tell the model this."""
        self._notes.append((asyncio.get_running_loop().time(), text))
        self._send(context_note(text))

    @property
    def texts(self) -> tuple[str, ...]:
        """The notes, the oldest first."""
        return tuple(text for _, text in self._notes)

    def begin_from(self, texts: Sequence[str]) -> None:
        """Go on with the notes of another process: a session that may not know them is told them when it is open."""
        now = asyncio.get_running_loop().time()
        self._notes.extend((now, text) for text in texts)

    def opened(self, known_until: float) -> None:
        """A connection is open, whose session knows what was sent before `known_until`; minus infinity: it is a new one."""
        told = [context_note(text) for at, text in self._notes if at > known_until]
        for turns in [turns for turns in told if not self._is_kept(turns)]:
            self._send(turns)

    def answer_stopped(self, heard: str) -> None:
        """Tell the model soon, unless something is asked first, that its answer was stopped after these words."""
        self.close()
        note = context_note(prompt_texts.stopped(heard))
        self._timer = asyncio.get_running_loop().call_later(_OTHERWISE_ASKED_S, self._send, note)

    def close(self) -> None:
        """Something is asked, or the conversation is over: nothing is told of an answer that was stopped."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
