"""Spoken places and their time zones."""

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import UnknownPlaceError
from agent.tools.places import zone_of


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
