"""The errors of this package."""


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
