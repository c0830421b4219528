"""From a spoken place to its time zone. Pure. Knows the names of the IANA time zone database: cities, and zones as such."""

import difflib
import functools
import importlib.resources
import re
import unicodedata
import zoneinfo

from agent.errors import UnknownPlaceError

_AREAS = {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
_COUNTRY = re.compile(r"(?P<name>[^(]+?)(?: \((?P<other>.+)\))?")


def zone_of(place: str) -> zoneinfo.ZoneInfo:
    """The time zone of a place: "Tokyo", "são paulo", "New York", "Paris, France", "Europe/Berlin", "Japan", "UTC".

    Raises:
        UnknownPlaceError: there is none of that name, or not in that country: Paris, Texas is not in Europe.
    """
    city, _, rest = place.partition(",")
    wanted, country = _plain(city), _plain(rest)
    name = _zones().get(wanted)
    if name is None or (country and country not in _surroundings(name)):
        close = difflib.get_close_matches(wanted, _zones(), n=3, cutoff=0.75)
        raise UnknownPlaceError(place, [_zones()[key].rpartition("/")[2].replace("_", " ") for key in close])
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


def _surroundings(zone: str) -> set[str]:
    """Names that may stand behind the comma after a city: the area, the country, its two letters."""
    names = {_plain(zone.partition("/")[0])}
    code = _countries_of_zones().get(zone, "")
    written = _COUNTRY.fullmatch(_table("iso3166.tab", 0, 1).get(code, ""))
    if written is not None:  # "Britain (UK)", "Korea (South)"
        name, other = _plain(written["name"]), _plain(written["other"] or "")
        names |= {_plain(code), name, other, f"{other} {name}"}
    return names


@functools.cache
def _countries_of_zones() -> dict[str, str]:
    return _table("zone.tab", 2, 0)


@functools.cache
def _table(name: str, key: int, value: int) -> dict[str, str]:
    text = importlib.resources.files("tzdata").joinpath("zoneinfo", name).read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {row[key]: row[value] for row in rows}


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.strip().casefold().replace("_", " "))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
