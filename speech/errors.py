"""The errors of speech and of sound files.

SpeechError
├── UnknownVoiceError   espeak-ng has no such voice
└── SoundFileError      a WAV file that is missing, broken, of a kind that isn't read, or can't be written
"""

from typing import Literal


class SpeechError(Exception):
    """Base of this package's errors."""


class UnknownVoiceError(SpeechError):
    def __init__(self, name: str) -> None:
        super().__init__(f"espeak-ng has no voice named {name!r}; `en-us`, `de` and `en-us+f3` are examples of names")
        self.name = name


class SoundFileError(SpeechError):
    def __init__(self, verb: Literal["read", "write"], path: str, reason: str) -> None:
        super().__init__(f"cannot {verb} {path}: {reason}")
        self.path = path
        self.reason = reason
