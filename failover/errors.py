"""The errors of this package.

FailoverError
├── StoreUnavailableError     the store can't be reached or written
├── LeaseLostError            the call belongs to another process
├── LiveKitUnavailableError   livekit-server can't be reached, or refuses
└── SettingsError             a setting of `python -m failover` that can't be used
"""


class FailoverError(Exception):
    """The base of this package's errors."""


class StoreUnavailableError(FailoverError):
    """The store can't be reached or written; `reason` says why, without words of a call."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LeaseLostError(FailoverError):
    """The call belongs to another process now, or has ended."""


class LiveKitUnavailableError(FailoverError):
    """livekit-server can't be reached, or refuses a request; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SettingsError(FailoverError):
    """A setting that can't be used: its name, its value unless that is secret or missing, and the fix."""

    def __init__(self, name: str, value: object, fix: str) -> None:
        shown = "not set" if value is None else repr(value)
        super().__init__(f"{name} is {shown}: {fix}")
        self.name = name
