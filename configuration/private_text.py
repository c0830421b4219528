"""What the log of a process, and its traces, leave out of every text, beside what is left out by its type.

It is the last line of defence, for texts of libraries and of tools: long numbers, e-mail addresses, and what the persona of the
process's call lists (`redact`). RECORD_REDACT doesn't switch it off: that is for recordings alone.
"""

from collections.abc import Sequence
from typing import Any

from configuration.redaction import Redaction


class PrivateText:
    """The private text of one process. That of a worker's process has one call at most."""

    def __init__(self) -> None:
        self._redaction = Redaction(keeps_ip_addresses=True)

    def of_persona(self, listed: Sequence[str]) -> None:
        """From here on leave out as well what the persona of the call lists."""
        self._redaction = Redaction(listed, keeps_ip_addresses=True)

    def text(self, text: str) -> str:
        """The text without what is private."""
        return self._redaction.text(text)

    def value(self, value: Any) -> Any:
        """A value without what is private in it, also in lists and mappings, whose names say which numbers are figures."""
        return self._redaction.value(value)
