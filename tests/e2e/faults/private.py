"""What no log, no metric and no span of our workers may have after a row: words of either side, told numbers, keys. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.e2e.stack import API_SECRET

TOLD_NUMBER = "0151 2345 6789"
TOLD_ADDRESS = "jo.doe@mail.example"
TOLD = f"from {TOLD_NUMBER} and {TOLD_ADDRESS}"
"""What the callers of the rows say beside their questions."""
GOOGLE_KEY = "a-key-of-google-that-nobody-may-read"
COLLECTORS_KEY = "a-key-of-the-collector-that-nobody-may-read"
_LONGEST_SHOWN = 200

_PRIVATE = {
    "a number that the caller told": re.compile(re.escape(TOLD_NUMBER)),
    "an address that the caller told": re.compile(re.escape(TOLD_ADDRESS)),
    "words of the caller": re.compile(r"question [123]|another question|[Tt]ell me the story"),
    "words of the agent": re.compile(r"\bm(\d+) m\d+\b"),
    "a key": re.compile("|".join(map(re.escape, (GOOGLE_KEY, COLLECTORS_KEY, API_SECRET)))),
}


@dataclass(frozen=True)
class Shown:
    """What an operator can see after a row."""

    log: Sequence[str]
    """Lines of the workers' output."""
    metrics: Sequence[str] = ()
    """What each worker has answered to `GET /metrics`."""
    spans: Sequence[str] = ()


def private_texts(shown: Shown) -> list[str]:
    """A sentence for each kind of private text, with the first line that has it; nothing if all is as it should be."""
    places: Mapping[str, Iterable[str]] = {"log": shown.log, "metrics": shown.metrics, "spans": shown.spans}
    found: dict[tuple[str, str], str] = {}
    for place, lines in places.items():
        for line in lines:
            for what, pattern in _PRIVATE.items():
                if (match := pattern.search(line)) is not None:
                    found.setdefault((what, place), line[max(match.start() - _LONGEST_SHOWN, 0) : match.end()])
    return [f"{what} in the {place}: {line}" for (what, place), line in found.items()]
