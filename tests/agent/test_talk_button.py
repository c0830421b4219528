"""Push-to-talk in a room without a server: what a press is, whose counts, and that each ends."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc
from livekit.agents.job import DEFAULT_PARTICIPANT_KINDS

from agent.errors import ActivityRequestError
from agent.room.activity import AUTOMATIC_TURNS, HANDED_OVER, METHOD, NOT_THE_CALLER, UNREADABLE, ActivityRequests, has_button
from agent.room.room_events import RoomEvents
from agent.room.talk_button import LONGEST_PRESS_S, TAIL_S, PressEnd, TalkButton, active_of
from tests.agent.people import PeopledRoom, human
from tests.e2e.stack import until

PRESS, RELEASE = '{"active": true}', '{"active": false}'
UNREADABLE_REQUESTS = [
    "",
    "true",
    "[true]",
    "{}",
    '{"active": 1}',
    '{"active": "yes"}',
    '{"active": null}',
    "[" * 150,
    " " * 300,
]


def test_a_request_presses_or_releases() -> None:
    assert active_of(PRESS)
    assert not active_of(RELEASE.encode())
    assert active_of('{"active": true, "by": "a later client"}')


@pytest.mark.parametrize("request_text", UNREADABLE_REQUESTS)
def test_anything_else_is_refused_with_what_to_send(request_text: str) -> None:
    with pytest.raises(ActivityRequestError, match=r'send \{"active": true\} or \{"active": false\}'):
        active_of(request_text)


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_whatever_comes_is_a_press_or_a_short_sentence(request_text: str | bytes) -> None:
    try:
        assert isinstance(active_of(request_text), bool)
    except ActivityRequestError as error:
        assert len(str(error)) <= 200


def test_a_press_goes_on_for_a_moment_after_its_release() -> None:
    """The last word is still on its way then."""
    button = TalkButton()
    assert button.press("caller", 10)
    assert button.due_at == 10 + LONGEST_PRESS_S
    button.release(12)
    assert button.elapse(12 + TAIL_S - 0.01) is None
    assert button.holder == "caller"
    assert button.elapse(12 + TAIL_S) is PressEnd.RELEASED
    assert button.press("another", 13), "nobody holds it"


def test_who_presses_twice_holds_it_once() -> None:
    button = TalkButton()
    assert button.press("caller", 10)
    assert not button.press("caller", 100)
    assert button.due_at == 10 + LONGEST_PRESS_S
    button.release(110)
    button.release(110 + TAIL_S / 2)
    assert button.due_at == 110 + TAIL_S


def test_who_presses_again_at_once_goes_on() -> None:
    button = TalkButton()
    assert button.press("caller", 10)
    button.release(12)
    assert not button.press("caller", 12 + TAIL_S / 2)
    assert button.elapse(13) is None
    assert button.due_at is not None
    assert button.due_at > 13


def test_a_press_that_is_never_released_ends() -> None:
    button = TalkButton()
    button.press("caller", 10)
    assert button.elapse(10 + LONGEST_PRESS_S) is PressEnd.TOO_LONG
    assert button.holder is None


@given(st.lists(st.tuples(st.sampled_from(["press", "release", "elapse", "drop"]), st.floats(0, 200)), max_size=30))
def test_in_whatever_order_a_held_button_has_an_end_in_sight(steps: list[tuple[str, float]]) -> None:
    button, now = TalkButton(), 0.0
    for step, after_s in steps:
        now += after_s
        was_held = button.holder is not None
        match step:
            case "press":
                assert button.press("caller", now) is not was_held
            case "release":
                button.release(now)
            case "elapse":
                button.elapse(now)
            case "drop":
                button.drop()
        assert (button.due_at is None) is (button.holder is None)
        assert button.due_at is None or button.due_at <= now + LONGEST_PRESS_S


class EventsKept(RoomEvents):
    """Keeps the events for the room."""

    def __init__(self, room: rtc.Room) -> None:
        super().__init__(room)
        self.told: list[tuple[str, dict[str, object]]] = []

    def tell(self, kind: str, /, **facts: object) -> None:
        self.told.append((kind, facts))


class Pressed:
    """A room with a caller and an audience, and what of their presses reaches the call."""

    def __init__(self, *, push_to_talk: bool = True) -> None:
        self.room = PeopledRoom()
        self.caller = "caller"
        self.told: list[str] = []
        self.events = EventsKept(self.room)
        self.requests = ActivityRequests(self.room, self.events, self, self, push_to_talk=push_to_talk)
        self.requests.serve()

    def is_caller(self, identity: str) -> bool:
        return identity == self.caller

    def on_press(self, identity: str) -> None:
        self.told.append(f"{identity} presses")

    def on_release(self) -> None:
        self.told.append("released")

    def asks(self, request: str, identity: str = "caller") -> str:
        call = rtc.RpcInvocationData("1", identity, request, 10.0, METHOD)
        return self.room.reach.methods[METHOD](call)

    def sends(self, request: str, sender: rtc.RemoteParticipant | None, topic: str = METHOD) -> None:
        packet = rtc.DataPacket(request.encode(), rtc.DataPacketKind.KIND_RELIABLE, sender, topic)
        self.room.emit("data_received", packet)


@contextlib.asynccontextmanager
async def pressed(*, push_to_talk: bool = True) -> AsyncIterator[Pressed]:
    room = Pressed(push_to_talk=push_to_talk)
    running = asyncio.create_task(room.requests.run())
    yield room
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_the_callers_button_is_pressed_and_released_once() -> None:
    async with pressed() as room:
        assert room.asks(PRESS) == PRESS
        assert room.requests.is_pressed
        assert room.asks(PRESS) == PRESS
        assert room.asks(RELEASE) == RELEASE
        assert room.asks(RELEASE) == RELEASE
        await until(lambda: room.told == ["caller presses", "released"])
        assert not room.requests.is_pressed


async def test_packets_count_as_calls_do() -> None:
    """Others' packets, packets of nobody, and unreadable ones are passed over."""
    async with pressed() as room:
        room.sends(PRESS, human("audience"))
        room.sends(PRESS, None)
        room.sends("nonsense", human("caller"))
        room.sends(PRESS, human("caller"), "another topic")
        assert room.told == []
        room.sends(PRESS, human("caller"))
        room.sends(RELEASE, human("caller"))
        await until(lambda: room.told == ["caller presses", "released"])


@pytest.mark.parametrize(
    ("push_to_talk", "identity", "request_text", "code", "words"),
    [
        (True, "audience", PRESS, NOT_THE_CALLER, "talks with somebody else"),
        (True, "caller", "nonsense", UNREADABLE, "no JSON"),
        (False, "caller", PRESS, AUTOMATIC_TURNS, "turns are automatic in this call"),
    ],
)
async def test_a_refusal_says_why(push_to_talk: bool, identity: str, request_text: str, code: int, words: str) -> None:
    async with pressed(push_to_talk=push_to_talk) as room:
        with pytest.raises(rtc.RpcError, match=words) as refused:
            room.asks(request_text, identity)
        assert refused.value.code == code
        assert room.told == []


@pytest.mark.parametrize("kind", DEFAULT_PARTICIPANT_KINDS)
def test_of_the_kinds_of_callers_one_has_a_button(kind: rtc.ParticipantKind.ValueType) -> None:
    """With a button that nobody can press, a caller by telephone or WhatsApp would never be heard."""
    assert has_button(human("caller", kind=kind)) == (kind == rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD)


def _leaves(room: Pressed) -> None:
    room.caller = "somebody else"
    room.requests.look()


@pytest.mark.parametrize("change", [_leaves, lambda room: room.requests.enable(push_to_talk=False)], ids=["leaves", "phone"])
async def test_a_press_ends_with_its_reason(change: Callable[[Pressed], None]) -> None:
    """Whoever pressed isn't the caller any more, or is on a telephone."""
    async with pressed() as room:
        room.asks(PRESS)
        room.requests.look()
        assert room.told == ["caller presses"]
        change(room)
        assert room.told == ["caller presses", "released"]


async def test_the_room_is_told_who_talks() -> None:
    async with pressed() as room:
        room.asks(PRESS)
        _leaves(room)
    assert room.events.told == [
        ("activity", {"identity": "caller", "active": True}),
        ("activity", {"identity": "caller", "active": False, "reason": "caller_gone"}),
    ]


async def test_a_press_after_the_call_was_given_to_another_process_is_refused() -> None:
    async with pressed() as room:
        room.requests.hand_over()
        with pytest.raises(rtc.RpcError) as refused:
            room.asks(PRESS)
        assert refused.value.code == HANDED_OVER
    assert room.told == []
