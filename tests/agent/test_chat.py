"""Chat in data packets: what is a line, and that nothing else is, whatever is sent; and that all lines are passed on."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit import rtc

from agent.errors import SessionOverError, UnreadableLineError, until_session_ends
from agent.room.chat import LONGEST_LINE, PACKET_TOPIC, Chat, message_of
from agent.room.room_events import RoomEvents
from agent.room.typed_lines import BURST, MOST_SENDERS
from tests.agent.people import human

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["message", "id", "ignoreLegacy"]), inner),
    max_leaves=10,
)


def test_a_line_and_its_id() -> None:
    assert message_of(b'{"id": "7", "message": "hello", "timestamp": 1}') == ("hello", "7")
    assert message_of(b'{"message": "hello"}') == ("hello", "")


TOO_LONG = json.dumps({"message": "x" * 8 * LONGEST_LINE}).encode()
BOTH = b'{"message": "as a stream as well", "ignoreLegacy": true}'
UNREADABLE = [b"", b"hello", b"\xff", b'"hello"', b"[1]", b"{}", b'{"message": 5}', b"[" * 9000, TOO_LONG]


@pytest.mark.parametrize("data", UNREADABLE)
def test_what_is_no_line_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableLineError):
        message_of(data)


def test_what_comes_as_a_stream_as_well_is_passed_over() -> None:
    assert message_of(BOTH) is None


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_a_bounded_line_or_nothing(data: bytes) -> None:
    message = None
    with contextlib.suppress(UnreadableLineError):
        message = message_of(data)
    if message is not None:
        text, message_id = message
        assert len(text) <= LONGEST_LINE
        text.encode()
        assert len(message_id) <= 100


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert message_of(b'{"message": "a\\ud800b"}') == ("a?b", "")


class Typed:
    """A chat that listens, and what comes out of it for a caller."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.chat = Chat(self.room, RoomEvents(self.room), lambda: "caller")
        self.heard: list[str] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self._numbers = itertools.count()

    def types(self, identity: str, text: str = "line", message_id: str = "") -> None:
        self.sends(human(identity), json.dumps({"message": text, "id": message_id or str(next(self._numbers))}).encode())

    def sends(self, sender: rtc.RemoteParticipant | None, data: bytes) -> None:
        self.room.emit("data_received", rtc.DataPacket(data, rtc.DataPacketKind.KIND_RELIABLE, sender, PACKET_TOPIC))

    async def take(self, text: str) -> None:
        self.heard.append(text)
        await self.goes_on.wait()

    def listen(
        self, is_heard: Callable[[str], bool], on_line: Callable[[str], Awaitable[None]] | None = None
    ) -> asyncio.Task[None]:
        return asyncio.create_task(until_session_ends(self.chat.listen(is_heard, on_line or self.take)))


async def turn() -> None:
    """Let every task run that can."""
    for _ in range(100):
        await asyncio.sleep(0)


async def ended(listening: asyncio.Task[None]) -> None:
    """Stop listening; whatever went wrong before is raised."""
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


@given(st.lists(st.sampled_from(["caller", "stranger", "crowd", "wait", "go on"]), max_size=30))
@settings(deadline=None)
def test_whoever_types_during_a_turn_the_callers_lines_are_heard(steps: list[str]) -> None:
    """A turn takes its time, and a crowd takes the place of senders whose lines wait; the caller's own rate is kept."""

    async def all_steps() -> None:
        typed, lines = Typed(), [str(number) for number in range(steps.count("caller"))]
        listening, left, strangers = typed.listen(lambda _: True), list(lines), itertools.count()
        for step in steps:
            if step == "wait":
                typed.goes_on.clear()
            elif step == "go on":
                typed.goes_on.set()
            elif step == "caller":
                typed.types("caller", left.pop(0))
            else:
                for _ in range(MOST_SENDERS + 1 if step == "crowd" else 1):
                    typed.types(f"stranger {next(strangers)}")
            await turn()
        typed.goes_on.set()
        await turn()
        assert not listening.done()
        await ended(listening)
        assert [text for text in typed.heard if text != "line"] == lines[:BURST]

    asyncio.run(all_steps())


async def test_a_line_is_known_by_its_sender_and_id() -> None:
    typed = Typed()
    listening = typed.listen(lambda identity: identity == "caller")
    typed.types("stranger", "a stranger's", "1")
    typed.types("caller", "the caller's", "1")
    typed.types("caller", "the caller's", "1")
    await turn()
    await ended(listening)
    assert typed.heard == ["the caller's"]


async def test_what_nobody_reads_is_counted() -> None:
    typed = Typed()
    for data in UNREADABLE:
        typed.sends(human("caller"), data)
    typed.sends(None, b'{"message": "whose?"}')
    assert typed.chat.dropped == len(UNREADABLE) + 1
    typed.sends(human("caller"), BOTH)
    assert typed.chat.dropped == len(UNREADABLE) + 1


async def test_a_line_as_the_session_closes_is_no_failure() -> None:
    typed = Typed()

    async def too_late(_: str) -> None:
        raise SessionOverError

    listening = typed.listen(lambda _: True, too_late)
    typed.types("caller")
    await asyncio.wait_for(listening, 5)
