"""Takes private text out of transcripts and timelines: long numbers, e-mail addresses, and what a persona lists. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

NUMBER, EMAIL, LISTED = "[number]", "[e-mail]", "[redacted]"

_EMAIL = re.compile(r"[\w.%+-]{1,64}(?:[@\uff20]|%40)[\w-]+(?:\.[\w-]+)+")
_DASHES = "\\-\u00ad\u058a\u05be\u1400\u1806\u2010-\u2015\u2043\u2212\u2e17\u2e1a\u2e3a\u2e3b\u2e40\u2e5d\u301c\u3030\u30a0"
_DASHES += "\ufe31\ufe32\ufe58\ufe63\uff0d\U00010ead"
_INVISIBLE = "\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_POINTS = ".,|_/+%()\"'\u2019\u00b7\u2022\u066b\u066c\u3001\u3002\uff0c\uff0e\uff0f\uff3f"
_BETWEEN = rf"(?:\\+[nrtbf/\"]|\\+u[0-9a-fA-F]{{4}}|[\s{_DASHES}{_INVISIBLE}{_POINTS}])"
"""A sign that may stand between two digits of one number, also as JSON and URLs write it (`\n`, `\u00a0`, `%20`)."""
_HEX = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32}"
_ID = rf"(?<![0-9A-Za-z])(?:(?P<hex>{_HEX})|(?P<record>\d{{8}}T\d{{6}}Z-[0-9a-f]{{8}}))(?![0-9A-Za-z])"
"""Ids that programs make, such as that of a trace, and the name of a recorded call's folder."""
_LEAST_LETTERS = 4
"""Letters in an id of hexadecimal digits; what has fewer may be a number of an account."""
_NUMBER = re.compile(rf"{_ID}|\+?\(?\d(?:{_BETWEEN}{{0,5}}\d){{6,}}")
"""Seven digits or more, with the signs in between with which people and programs write them, and whatever stands around."""
_DATE = r"(?<!\d)(?:1[89]|2[01])\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?:[ ,]{1,3}\d\d?)?(?!\d)"
"""A date, also with an hour after it."""
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP_ADDRESS = rf"(?<![\d+])(?<!\d\.){_OCTET}(?:\.{_OCTET}){{3}}(?:/\d\d?)?(?!\.?\d)"
_DIGIT = re.compile(r"\d")
_LEAST_NUMBER = 10**6
_FIGURE = re.compile(r"(?:.*[._])?(?:bytes|count|ms|ns|pid|s|samples|tokens)")
"""Names of fields that have measures and counts, alone or in mappings and lists."""


class Redaction:
    """Replaces private text.

    Args:
        listed: Texts that are taken out as well, in capital or small letters.
        keeps_ip_addresses: Four numbers up to 255 with points in between are an address of a machine, and stay.
    """

    def __init__(self, listed: Sequence[str] = (), *, keeps_ip_addresses: bool = False) -> None:
        longest_first = sorted((text for text in listed if text.strip()), key=len, reverse=True)
        patterns = (r"\s+".join(map(re.escape, text.split())) for text in longest_first)
        self._listed = re.compile("|".join(patterns), re.IGNORECASE) if longest_first else None
        self._no_number = re.compile(f"{_DATE}|{_IP_ADDRESS}" if keeps_ip_addresses else _DATE)

    def text(self, text: str) -> str:
        """The text without what is private. Text that is JSON is read first, as its strings may have escaped letters."""
        if text.lstrip()[:1] in {"{", "[", '"'}:
            text = self._json(text)
        if self._listed is not None:
            text = self._listed.sub(LISTED, text)
        return _NUMBER.sub(self._number, _EMAIL.sub(EMAIL, text))

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """An event of a call, without what is private. The id by which two events of a tool belong together stays."""
        return {**self.value(event), **{name: value for name, value in event.items() if name == "id"}}

    def value(self, value: Any, *, is_figure: bool = False) -> Any:
        """A value of JSON, without what is private in it. Names of fields stay.

        Args:
            value: The value.
            is_figure: Whether its whole numbers are a measure or a count; others of seven digits or more go.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                name: self.value(each, is_figure=is_figure or _FIGURE.fullmatch(str(name)) is not None)
                for name, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each, is_figure=is_figure) for each in value]
        return NUMBER if isinstance(value, int) and abs(value) >= _LEAST_NUMBER and not is_figure else value

    def _json(self, text: str) -> str:
        """JSON without what is private in its strings; what is no JSON as it is."""
        try:
            content = json.loads(text)
            without = self.value(content)
        except (ValueError, RecursionError):
            return text
        if without == content:
            return text
        written = json.dumps(without, ensure_ascii=text.isascii())
        return written.encode(errors="replace").decode()  # half of a surrogate pair, which an escape can name, can't be written

    def _number(self, match: re.Match[str]) -> str:
        """What stands in place of a number. Dates, addresses of machines and ids are none."""
        found = match[0]
        if match["record"] or (match["hex"] and sum(sign in "abcdef" for sign in found) >= _LEAST_LETTERS):
            return found
        return NUMBER if _DIGIT.search(self._no_number.sub("", found)) else found
