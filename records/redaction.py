"""Takes private text out of transcripts and timelines: long numbers, e-mail addresses, and what a persona lists. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

NUMBER, EMAIL, LISTED = "[number]", "[e-mail]", "[redacted]"

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.])\+?\(?\d(?:[ \-./()]{0,3}\d){6,}(?!\w)")
"""Seven digits or more, with the signs in between with which people write numbers of telephones, cards and accounts."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?=$|[^\d-])")


class Redaction:
    """Replaces private text.

    Args:
        listed: Texts that are taken out as well, in capital or small letters.
    """

    def __init__(self, listed: Sequence[str] = ()) -> None:
        longest_first = sorted((text for text in listed if text.strip()), key=len, reverse=True)
        self._listed = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if longest_first else None

    def text(self, text: str) -> str:
        """The text without what is private."""
        if self._listed is not None:
            text = self._listed.sub(LISTED, text)
        return _NUMBER.sub(_number, _EMAIL.sub(EMAIL, text))

    def value(self, value: Any) -> Any:
        """A value of JSON, without what is private in its texts. Names of fields, and numbers, stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.value(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(each) for each in value]
        return value


def _number(match: re.Match[str]) -> str:
    """What stands in place of a number; a date, also with an hour after it, is none."""
    found = match[0]
    date = _DATE.match(found)
    return found if date is not None and len(re.sub(r"\D", "", found[date.end() :])) <= 2 else NUMBER
