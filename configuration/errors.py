"""The errors of files and settings. Each text is one sentence without secrets.

ConfigurationError
├── FileError           a file that can't be read or parsed: names the file, the line and the fix
└── ValueMistakeError   a setting that can't be used: its name, value, place and fix
"""

_LONGEST_SHOWN = 120


class ConfigurationError(Exception):
    """Base of this package's errors."""


class FileError(ConfigurationError):
    """`line` counts from 1; None if it is the file as a whole."""

    def __init__(self, path: str, line: int | None, reason: str) -> None:
        super().__init__(f"{path}{'' if line is None else f':{line}'}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class ValueMistakeError(ConfigurationError):
    """`shown` is the value as a person may see it; `fix` says what it must be, and where it stands if that is a file."""

    def __init__(self, name: str, shown: object, fix: str) -> None:
        super().__init__(f"{name} is {shown!r}: {fix}")
        self.name = name
        self.shown = shown
        self.fix = fix


def shortened(text: str) -> str:
    """A text of which a sentence has room for the beginning."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
