"""The caller's errors.

CallerError
├── TokenError      no token: the token server is not there or refuses
├── JoinError       a token, but the room can't be joined
├── NotHeardError   in the room, but what was waited for didn't happen in time
└── CallEndedError  the call ended while something was waited for
"""


class CallerError(Exception):
    """Base of this package's errors."""


class TokenError(CallerError):
    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"no token from {url}: {reason}")
        self.url = url


class JoinError(CallerError):
    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"could not join the room at {url}: {reason}")
        self.url = url


class NotHeardError(CallerError):
    def __init__(self, awaited: str, waited_s: float) -> None:
        super().__init__(f"waited {waited_s:g} s for {awaited}, in vain")
        self.awaited = awaited
        self.waited_s = waited_s


class CallEndedError(CallerError):
    def __init__(self, awaited: str, reason: str) -> None:
        super().__init__(f"the call ended ({reason}) while waiting for {awaited}")
        self.awaited = awaited
        self.reason = reason
