"""The small pure cores: capacity, turn times, the record, places."""

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call.latency import TurnClock, TurnTimes
from agent.call.record import CallLosses, CallRecord
from agent.errors import UnknownPlaceError
from agent.tools.places import zone_of
from agent.worker.capacity import BUSY, FULL, Capacity


@given(st.integers(1, 20), st.lists(st.booleans(), max_size=60), st.floats(0, 1))
def test_a_worker_never_takes_more_than_it_can(calls: int, offers: list[bool], cpu: float) -> None:
    capacity, running = Capacity(calls), 0
    for taken in offers:
        if capacity.take(running):
            assert running < calls
            capacity.settle()
            running += taken
        else:
            assert running == calls
        assert 0 <= capacity.load(running, cpu) <= FULL


def test_offers_at_the_same_time_count_before_they_run() -> None:
    capacity = Capacity(2)
    assert [capacity.take(0) for _ in range(3)] == [True, True, False]
    assert capacity.load(0, 0.0) == FULL
    capacity.settle()
    assert capacity.take(0)


def test_load_is_the_share_of_calls_or_the_cpu_where_that_is_worse() -> None:
    capacity = Capacity(10)
    assert capacity.load(3, 0.1) == pytest.approx(0.3)
    assert capacity.load(3, 0.8) == pytest.approx(0.8)
    assert capacity.load(3, 1.0) == BUSY
    assert capacity.load(30, 0.0) == FULL


def test_a_turn_is_timed_from_the_first_words() -> None:
    clock = TurnClock()
    clock.asked(10.0)
    clock.asked(10.4)
    clock.sounded(11.0)
    assert clock.silent(13.0, interrupted=True) == TurnTimes(1.0, 2.0, interrupted=True)
    assert clock.silent(14.0, interrupted=False) is None
    clock.sounded(20.0)
    assert clock.silent(21.0, interrupted=False) == TurnTimes(None, 1.0, interrupted=False)


def test_what_interrupts_an_answer_is_the_next_question() -> None:
    clock = TurnClock()
    clock.asked(10.0)
    clock.sounded(11.0)
    clock.asked(12.0)
    assert clock.silent(12.0, interrupted=True) == TurnTimes(1.0, 1.0, interrupted=True)
    clock.sounded(13.5)
    assert clock.silent(14.0, interrupted=False) == TurnTimes(1.5, 0.5, interrupted=False)


def test_a_late_transcript_of_what_was_answered_asks_nothing() -> None:
    clock = TurnClock()
    clock.sounded(11.0)
    clock.asked(11.5)
    assert clock.silent(13.0, interrupted=False) == TurnTimes(None, 2.0, interrupted=False)
    clock.asked(20.0)
    clock.sounded(21.0)
    assert clock.silent(22.0, interrupted=False) == TurnTimes(1.0, 1.0, interrupted=False)


def test_a_record_shows_faults_only_where_there_were_any() -> None:
    record = CallRecord(room="r", persona="p", turns=2)
    assert record.figures() == {"turns": 2, "interrupted_turns": 0, "tools": {}}
    losses = CallLosses(dropped_chunks=3)
    assert record.figures(losses)["dropped_chunks"] == 3


@pytest.mark.parametrize(
    ("place", "zone"),
    [
        ("Tokyo", "Asia/Tokyo"),
        ("tokyo ", "Asia/Tokyo"),
        ("Tokyo, Japan", "Asia/Tokyo"),
        ("Tokyo,", "Asia/Tokyo"),
        ("London, UK", "Europe/London"),
        ("Seoul, South Korea", "Asia/Seoul"),
        ("Los Angeles, United States", "America/Los_Angeles"),
        ("paris, fr", "Europe/Paris"),
        ("Rome, Europe", "Europe/Rome"),
        ("New York", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("Japan", "Japan"),
        ("Buenos Aires", "America/Argentina/Buenos_Aires"),
    ],
)
def test_places_have_their_zones(place: str, zone: str) -> None:
    found = zone_of(place)
    for month in (1, 7):
        at = datetime.datetime(2026, month, 1, tzinfo=datetime.UTC)
        assert at.astimezone(found).utcoffset() == at.astimezone(zoneinfo.ZoneInfo(zone)).utcoffset()


@pytest.mark.parametrize("place", ["Paris, Texas", "Rome, Georgia", "London, Ontario", "Birmingham", "", ","])
def test_a_place_of_the_same_name_elsewhere_is_not_taken_for_it(place: str) -> None:
    with pytest.raises(UnknownPlaceError):
        zone_of(place)


def test_an_unknown_place_suggests_one_that_sounds_like_it() -> None:
    with pytest.raises(UnknownPlaceError) as caught:
        zone_of("Tokio")
    assert "Tokyo" in caught.value.similar


@given(st.text(max_size=40))
def test_any_place_is_a_zone_or_unknown(place: str) -> None:
    try:
        assert zone_of(place).key
    except UnknownPlaceError as unknown:
        assert unknown.place == place
