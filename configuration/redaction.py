"""Takes private text out of transcripts and timelines: long numbers, e-mail addresses, and what a persona lists. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

NUMBER, EMAIL, LISTED = "[number]", "[e-mail]", "[redacted]"

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d(?:[ \-./()]{0,3}\d){6,}(?!\w)")
"""Seven digits or more, with the signs in between with which people write numbers of telephones, cards and accounts."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?=$|[^\d-])")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IP_ADDRESS = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?:/\d\d?)?")


class Redaction:
    """Replaces private text.

    Args:
        listed: Texts that are taken out as well, in capital or small letters.
        keeps_ip_addresses: Four numbers up to 255 with points in between are an address of a machine, and stay.
    """

    def __init__(self, listed: Sequence[str] = (), *, keeps_ip_addresses: bool = False) -> None:
        longest_first = sorted((text for text in listed if text.strip()), key=len, reverse=True)
        self._listed = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if longest_first else None
        self._keeps_ip_addresses = keeps_ip_addresses

    def text(self, text: str) -> str:
        """The text without what is private."""
        if self._listed is not None:
            text = self._listed.sub(LISTED, text)
        return _NUMBER.sub(self._number, _EMAIL.sub(EMAIL, text))

    def value(self, value: Any) -> Any:
        """A value of JSON, without what is private in its texts. Names of fields, and numbers, stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.value(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        return value

    def _number(self, match: re.Match[str]) -> str:
        """What stands in place of a number; a date, also with an hour after it, is none."""
        found = match[0]
        date = _DATE.match(found)
        is_date = date is not None and len(re.sub(r"\D", "", found[date.end() :])) <= 2
        is_address = self._keeps_ip_addresses and _IP_ADDRESS.fullmatch(found) is not None
        return found if is_date or is_address else NUMBER
