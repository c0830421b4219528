"""How many calls there may be, counted over tokens that may still be used and rooms that go on. No I/O."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from token_server.errors import RefusedError
from token_server.places import Places

LIFE_S = 120.0


def refusal(places: Places, room: str, user: str = "", now_s: float = 0.0) -> RefusedError | None:
    try:
        places.take(room, user, now_s + LIFE_S, now_s)
    except RefusedError as refused:
        return refused
    return None


def taken(places: Places, room: str, user: str = "", now_s: float = 0.0) -> bool:
    return refusal(places, room, user, now_s) is None


def test_a_token_takes_its_place_until_it_has_expired() -> None:
    places = Places(1, 0)
    assert taken(places, "a")
    for now_s in (0.0, 2.0, LIFE_S - 1):
        refused = refusal(places, "b", now_s=now_s)
        assert refused is not None
        assert (refused.status, refused.code) == (503, "too_many_calls")
        assert refused.headers["Retry-After"]
    assert taken(places, "b", now_s=LIFE_S)


def test_a_call_takes_its_place_until_its_room_has_ended() -> None:
    places = Places(1, 0)
    assert taken(places, "a")
    places.see(["a"], 5)
    assert not taken(places, "b", now_s=10 * LIFE_S)
    places.see([], 10 * LIFE_S)
    assert taken(places, "b", now_s=10 * LIFE_S)


def test_a_short_call_gives_its_place_back_before_its_token_expires() -> None:
    places = Places(1, 0)
    assert taken(places, "a")
    places.see(["a"], 5)
    places.see([], 7)
    assert taken(places, "b", now_s=8)


def test_a_look_that_began_before_the_token_was_given_says_nothing_about_it() -> None:
    """The room's last call was just ending then; the token for the next one hasn't been used."""
    places = Places(1, 0)
    assert taken(places, "a", now_s=10)
    places.see(["a"], 9)
    places.see([], 12)
    assert not taken(places, "b", now_s=13)


def test_whoever_joins_a_call_that_goes_on_takes_no_place_of_their_own() -> None:
    places = Places(1, 0)
    places.see(["a"], 0)
    assert taken(places, "a", "alice")
    assert taken(places, "a", "bob")
    assert not taken(places, "b", "carol")


def test_a_user_takes_as_many_places_as_a_user_may() -> None:
    places = Places(0, 2)
    assert taken(places, "a", "alice")
    assert taken(places, "b", "alice", now_s=20)
    assert taken(places, "a", "alice", now_s=20), "the same room is the same call"
    refused = refusal(places, "c", "alice", now_s=30)
    assert refused is not None
    assert (refused.status, refused.code) == (429, "too_many_calls_of_user")
    assert refused.headers["Retry-After"] == str(int(LIFE_S - 10))
    assert taken(places, "c", "bob", now_s=30)
    assert all(taken(places, f"room-{number}", "") for number in range(20)), "nobody in particular"


def test_a_user_who_left_a_room_that_goes_on_has_a_place_again() -> None:
    places = Places(0, 1)
    assert taken(places, "a", "alice")
    assert places.used_by("alice") == []
    places.see(["a"], 1)
    assert places.used_by("alice") == ["a"]
    assert not taken(places, "b", "alice", now_s=1)
    places.leave("a", "alice")
    assert taken(places, "b", "alice", now_s=1)


def test_a_token_that_is_used_again_takes_its_place_again() -> None:
    """LiveKit takes a token until it expires; the caller may call again within that time."""
    places, rooms = Places(0, 2), "abcdef"
    for second, room in enumerate(rooms):
        assert taken(places, room, "alice", now_s=10 * second)
        places.see([room], 10 * second + 3)
        places.see([], 10 * second + 6)
    assert places.waits(60), "LiveKit is watched: a token may be used again"
    places.see(rooms, 61)
    assert sorted(places.used_by("alice")) == list(rooms)
    assert not taken(places, "g", "alice", now_s=62)
    places.see([], 70)
    assert taken(places, "g", "alice", now_s=70)


def test_a_place_that_was_given_back_is_forgotten_when_its_token_has_expired() -> None:
    places = Places(0, 1)
    assert taken(places, "a", "alice")
    places.see(["a"], 1)
    places.see([], 2)
    assert not places.waits(LIFE_S)
    places.see(["a"], LIFE_S)
    assert taken(places, "b", "alice", now_s=LIFE_S)


def test_places_that_were_given_back_are_bounded_and_the_first_is_forgotten() -> None:
    places = Places(0, 1000, most_places=2)
    for room in "abc":
        assert taken(places, room, "alice")
        places.see([room], 1)
        places.see([], 2)
    places.see("abc", 3)
    assert sorted(places.used_by("alice")) == ["b", "c"]


def test_what_is_remembered_is_bounded() -> None:
    places = Places(0, 1000, most_places=5)
    assert [taken(places, f"{number}", "alice") for number in range(7)] == [True] * 5 + [False] * 2
    assert taken(places, "7", "alice", now_s=LIFE_S)


def test_livekit_is_watched_while_a_token_may_be_used_for_the_first_time() -> None:
    places = Places(1, 0)
    assert not places.waits(0)
    assert taken(places, "a")
    assert places.waits(LIFE_S - 1)
    places.see(["a"], 1)
    assert not places.waits(1)


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
    world, places = World(), Places(most, 0)
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
                places.see(world.rooms, world.now_s)
            case "ask" if what not in world.rooms | set(world.tokens):
                places.see(world.rooms, world.now_s)
                if taken(places, what, now_s=world.now_s):
                    world.tokens[what] = world.now_s + LIFE_S
                elif not (world.tokens or world.rooms):
                    pytest.fail("refused although nobody is there, and nobody may come")
        assert len(world.rooms | set(world.tokens)) <= most
