"""The limits of calls, counted over tokens that may still be used and active rooms. No I/O."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from token_server.call_capacity import CallCapacity
from token_server.errors import RefusedError

LIFE_S = 120.0


def refusal(capacity: CallCapacity, room: str, user: str = "", now_s: float = 0.0) -> RefusedError | None:
    try:
        capacity.reserve(room, user, now_s + LIFE_S, now_s)
    except RefusedError as refused:
        return refused
    return None


def taken(capacity: CallCapacity, room: str, user: str = "", now_s: float = 0.0) -> bool:
    return refusal(capacity, room, user, now_s) is None


def test_a_token_takes_its_place_until_it_has_expired() -> None:
    capacity = CallCapacity(1, 0)
    assert taken(capacity, "a")
    for now_s in (0.0, 2.0, LIFE_S - 1):
        refused = refusal(capacity, "b", now_s=now_s)
        assert refused is not None
        assert (refused.status, refused.code) == (503, "too_many_calls")
        assert refused.headers["Retry-After"]
    assert taken(capacity, "b", now_s=LIFE_S)


def test_a_call_takes_its_place_until_its_room_has_ended() -> None:
    capacity = CallCapacity(1, 0)
    assert taken(capacity, "a")
    capacity.update(["a"], 5)
    assert not taken(capacity, "b", now_s=10 * LIFE_S)
    capacity.update([], 10 * LIFE_S)
    assert taken(capacity, "b", now_s=10 * LIFE_S)


def test_a_short_call_gives_its_place_back_before_its_token_expires() -> None:
    capacity = CallCapacity(1, 0)
    assert taken(capacity, "a")
    capacity.update(["a"], 5)
    capacity.update([], 7)
    assert taken(capacity, "b", now_s=8)


def test_a_look_that_began_before_the_token_was_given_says_nothing_about_it() -> None:
    """The room's last call was just ending then; the token for the next one hasn't been used."""
    capacity = CallCapacity(1, 0)
    assert taken(capacity, "a", now_s=10)
    capacity.update(["a"], 9)
    capacity.update([], 12)
    assert not taken(capacity, "b", now_s=13)


def test_whoever_joins_a_call_that_goes_on_takes_no_place_of_their_own() -> None:
    capacity = CallCapacity(1, 0)
    capacity.update(["a"], 0)
    assert taken(capacity, "a", "alice")
    assert taken(capacity, "a", "bob")
    assert not taken(capacity, "b", "carol")


def test_a_user_takes_as_many_places_as_a_user_may() -> None:
    capacity = CallCapacity(0, 2)
    assert taken(capacity, "a", "alice")
    assert taken(capacity, "b", "alice", now_s=20)
    assert taken(capacity, "a", "alice", now_s=20), "the same room is the same call"
    refused = refusal(capacity, "c", "alice", now_s=30)
    assert refused is not None
    assert (refused.status, refused.code) == (429, "too_many_calls_of_user")
    assert refused.headers["Retry-After"] == str(int(LIFE_S - 10))
    assert taken(capacity, "c", "bob", now_s=30)
    assert all(taken(capacity, f"room-{number}", "") for number in range(20)), "nobody in particular"


def test_a_user_who_left_a_room_that_goes_on_has_a_place_again() -> None:
    capacity = CallCapacity(0, 1)
    assert taken(capacity, "a", "alice")
    assert capacity.rooms_of("alice") == []
    capacity.update(["a"], 1)
    assert capacity.rooms_of("alice") == ["a"]
    assert not taken(capacity, "b", "alice", now_s=1)
    capacity.release("a", "alice")
    assert taken(capacity, "b", "alice", now_s=1)


def test_a_token_that_is_used_again_takes_its_place_again() -> None:
    """LiveKit takes a token until it expires; the caller may call again within that time."""
    capacity, rooms = CallCapacity(0, 2), "abcdef"
    for second, room in enumerate(rooms):
        assert taken(capacity, room, "alice", now_s=10 * second)
        capacity.update([room], 10 * second + 3)
        capacity.update([], 10 * second + 6)
    assert capacity.has_unused_tokens(60), "LiveKit is watched: a token may be used again"
    capacity.update(rooms, 61)
    assert sorted(capacity.rooms_of("alice")) == list(rooms)
    assert not taken(capacity, "g", "alice", now_s=62)
    capacity.update([], 70)
    assert taken(capacity, "g", "alice", now_s=70)


def test_a_place_that_was_given_back_is_forgotten_when_its_token_has_expired() -> None:
    capacity = CallCapacity(0, 1)
    assert taken(capacity, "a", "alice")
    capacity.update(["a"], 1)
    capacity.update([], 2)
    assert not capacity.has_unused_tokens(LIFE_S)
    capacity.update(["a"], LIFE_S)
    assert taken(capacity, "b", "alice", now_s=LIFE_S)


def test_places_that_were_given_back_are_bounded_and_the_first_is_forgotten() -> None:
    capacity = CallCapacity(0, 1000, most_reservations=2)
    for room in "abc":
        assert taken(capacity, room, "alice")
        capacity.update([room], 1)
        capacity.update([], 2)
    capacity.update("abc", 3)
    assert sorted(capacity.rooms_of("alice")) == ["b", "c"]


def test_what_is_remembered_is_bounded() -> None:
    capacity = CallCapacity(0, 1000, most_reservations=5)
    assert [taken(capacity, f"{number}", "alice") for number in range(7)] == [True] * 5 + [False] * 2
    assert taken(capacity, "7", "alice", now_s=LIFE_S)


def test_livekit_is_watched_while_a_token_may_be_used_for_the_first_time() -> None:
    capacity = CallCapacity(1, 0)
    assert not capacity.has_unused_tokens(0)
    assert taken(capacity, "a")
    assert capacity.has_unused_tokens(LIFE_S - 1)
    capacity.update(["a"], 1)
    assert not capacity.has_unused_tokens(1)


@dataclass
class World:
    """Rooms and tokens as they really are."""

    tokens: dict[str, float] = field(default_factory=dict)
    """Unused tokens, by room: until when they may be used."""
    rooms: set[str] = field(default_factory=set)
    now_s: float = 0.0


ROOMS = st.sampled_from("abcdefgh")
STEPS = st.one_of(
    st.tuples(st.sampled_from(["ask", "join", "end"]), ROOMS),
    st.tuples(st.just("look"), st.just("")),
    st.tuples(st.just("wait"), st.sampled_from(["1", "30", "200"])),
)


@settings(max_examples=500)
@given(st.integers(1, 4), st.lists(STEPS, max_size=60))
def test_whatever_callers_do_no_more_calls_begin_than_may(most: int, steps: list[tuple[str, str]]) -> None:
    """Each room has one token, which is used once. The token server looks at LiveKit before it gives one."""
    world, capacity = World(), CallCapacity(most, 0)
    for step, what in steps:
        match step:
            case "wait":
                world.now_s += float(what)
                world.tokens = {room: until for room, until in world.tokens.items() if until > world.now_s}
            case "join" if what in world.tokens:
                del world.tokens[what]
                world.rooms.add(what)
            case "end":
                world.rooms.discard(what)
            case "look":
                capacity.update(world.rooms, world.now_s)
            case "ask" if what not in world.rooms | set(world.tokens):
                capacity.update(world.rooms, world.now_s)
                if taken(capacity, what, now_s=world.now_s):
                    world.tokens[what] = world.now_s + LIFE_S
                elif not (world.tokens or world.rooms):
                    pytest.fail("refused although nobody is there, and nobody may come")
        assert len(world.rooms | set(world.tokens)) <= most
