"""Notes for the model: a session that may not know them is told them once, whether or not they are still in the outbox."""

import asyncio
import math

from google.genai import types

from agent.gemini.context_notes import ContextNotes
from agent.gemini.exchange.outbox import Outbox


def payload_of(turns: list[types.Content]) -> bytes:
    return "".join(part.text or "" for turn in turns for part in turn.parts or []).encode()


class Notes:
    """The notes of a conversation, on an outbox whose messages go out at once."""

    def __init__(self) -> None:
        self.outbox = Outbox(pause_s=1.0)
        self._notes = ContextNotes(self._send, lambda turns: self.outbox.keeps(payload_of(turns)))
        self.add = self._notes.add

    def _send(self, turns: list[types.Content]) -> None:
        self.outbox.put_message(payload_of(turns), asks=False)

    def goes_out(self) -> str:
        """What is sent now."""
        sent = ""
        while (item := self.outbox.take(0)) is not None:
            sent += item.payload.decode()
        return sent

    def connects(self, known_until: float = -math.inf) -> str:
        """A connection is opened. Returns what it is told."""
        self.outbox.rewind()
        self._notes.opened(known_until)
        return self.goes_out()


async def test_a_new_session_is_told_the_notes_that_the_last_one_has_understood() -> None:
    notes = Notes()
    assert notes.connects() == ""
    notes.add("It rains.")
    assert notes.goes_out().count("It rains.") == 1
    notes.outbox.acknowledge()
    assert notes.connects(known_until=math.inf) == "", "the session was resumed"
    assert notes.connects().count("It rains.") == 1


async def test_a_new_session_is_told_a_note_once_that_nobody_has_understood() -> None:
    notes = Notes()
    notes.connects()
    notes.add("It rains.")
    notes.goes_out()
    assert notes.connects().count("It rains.") == 1


async def test_a_new_session_is_told_a_note_once_that_was_added_without_a_connection() -> None:
    notes = Notes()
    notes.add("It rains.")
    assert notes.connects().count("It rains.") == 1
    notes.outbox.acknowledge()
    notes.add("It snows.")
    told = notes.connects()
    assert (told.count("It rains."), told.count("It snows.")) == (1, 1)


async def test_a_session_that_is_resumed_by_an_older_handle_is_told_the_notes_since() -> None:
    notes = Notes()
    notes.add("It rains.")
    given_at = asyncio.get_running_loop().time()
    notes.add("It snows.")
    notes.goes_out()
    notes.outbox.acknowledge()
    told = notes.connects(given_at)
    assert (told.count("It rains."), told.count("It snows.")) == (0, 1)
