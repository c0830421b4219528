"""From a spoken place to its time zone. Pure. Knows the names of the IANA time zone database: cities, and zones as such."""

import difflib
import functools
import unicodedata
import zoneinfo

_AREAS = {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}


class UnknownPlaceError(Exception):
    """No time zone goes by that name. `similar` holds names that look like it."""

    def __init__(self, place: str, similar: list[str]) -> None:
        super().__init__(f"no time zone is named after {place!r}")
        self.place = place
        self.similar = similar


def zone_of(place: str) -> zoneinfo.ZoneInfo:
    """The time zone of a place: "Tokyo", "são paulo", "New York", "Europe/Berlin", "Japan", "UTC".

    Raises:
        UnknownPlaceError: there is none of that name.
    """
    wanted = _plain(place.rpartition(",")[0] or place)
    zones = _zones()
    name = zones.get(_plain(place)) or zones.get(wanted)
    if name is None:
        close = difflib.get_close_matches(wanted, zones, n=3, cutoff=0.75)
        raise UnknownPlaceError(place, [zones[key].rpartition("/")[2].replace("_", " ") for key in close])
    return zoneinfo.ZoneInfo(name)


@functools.cache
def _zones() -> dict[str, str]:
    zones: dict[str, str] = {}
    for name in sorted(zoneinfo.available_timezones()):
        zones[_plain(name)] = name
        area, _, city = name.partition("/")
        if area in _AREAS:
            zones.setdefault(_plain(city.rpartition("/")[2]), name)
    return zones


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.strip().casefold().replace("_", " "))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
