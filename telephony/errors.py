"""The errors of `python -m telephony`.

TelephonyError
├── SpecError        telephony.toml has mistakes: each names line, field, value and fix
├── SettingsError    a setting of the environment that can't be used
└── ServerError      LiveKit can't be reached, refuses, or has no Redis
"""

from dataclasses import dataclass


class TelephonyError(Exception):
    """Base of this package's errors."""


@dataclass(frozen=True)
class Mistake:
    """A mistake in telephony.toml."""

    line: int
    """The mistake's line, from 1."""
    field: str
    """The mistake's field, as in `inbound "carrier": numbers[0]`; empty for the file as a whole."""
    sentence: str
    """The value and the fix."""

    def __str__(self) -> str:
        return f"{self.field}: {self.sentence}" if self.field else self.sentence


class SpecError(TelephonyError):
    """All mistakes of one file, a line each."""

    def __init__(self, path: str, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(f"{path}:{mistake.line}: {mistake}" for mistake in mistakes))
        self.path = path
        self.mistakes = mistakes


class SettingsError(TelephonyError):
    def __init__(self, name: str, value: object, fix: str) -> None:
        shown = "not set" if value is None else repr(value)
        super().__init__(f"{name} is {shown}: {fix}")
        self.name = name


class ServerError(TelephonyError):
    """LiveKit doesn't do it; `code` is Twirp's, empty when there was no answer."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code
