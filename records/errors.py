"""The errors of this package.

RecordsError
├── RecordingError     a call's folder can't be written
├── UploadError        a call's files can't be copied into storage
│   └── StorageError   the storage can't be used, for this call or another one
├── NoRecordError      there is no call of that name, or its files can't be read
└── SettingsError      a setting or an argument of `python -m records` that can't be used
"""


class RecordsError(Exception):
    """The base of this package's errors."""


class RecordingError(RecordsError):
    """A call's folder can't be written; `reason` says why, without words of a call."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UploadError(RecordsError):
    """A call's files can't be copied into storage. The text says why, without keys and without words of a call."""


class StorageError(UploadError):
    """The storage can't be used, for this call or another one."""


class NoRecordError(RecordsError):
    """There is no call of that name, or its files can't be read."""


class SettingsError(RecordsError):
    """A setting or an argument that can't be used: its name, its value unless that is missing, and the fix."""

    def __init__(self, name: str, value: object, fix: str) -> None:
        shown = "not set" if value is None else repr(value)
        super().__init__(f"{name} is {shown}: {fix}")
        self.name = name
