"""The errors of the emulator.

EmulatorError
├── ScriptError            a script that can't be used: names the file, the key and the fix
├── FaultError             a fault that can't be asked for: names the fault, the parameter and what is known
├── FaultNotHappenedError  a fault that was asked for and never happened
├── NotConnectedError      words were announced, and no client has a session that could hear them
├── AuthorityFileError     the certificate authority's certificate can't be written: names the file and the fix
├── PayloadError           JSON that is none of the service's messages; says it in the service's words
├── TokenError             no ephemeral token was made; carries what the service answers
└── RefusedError           the client did what the real service closes the socket for; carries the Close
"""

from collections.abc import Mapping
from typing import Any

from emulator.closes import Close


class EmulatorError(Exception):
    """Base of this package's errors."""


class ScriptError(EmulatorError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"script {path}: {reason}")
        self.path = path


class FaultError(EmulatorError):
    pass


class FaultNotHappenedError(EmulatorError):
    def __init__(self, faults: list[str]) -> None:
        super().__init__(f"asked for and never happened: {', '.join(faults)}")
        self.faults = faults


class NotConnectedError(EmulatorError):
    def __init__(self, words: str) -> None:
        super().__init__(f"no client has a session that could hear {words!r}: announce words once a client has connected")
        self.words = words


class AuthorityFileError(EmulatorError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"--ca-file {path} can't be written ({reason}); name another file")
        self.path = path


class PayloadError(EmulatorError):
    """JSON that is none of the service's messages; the error's text is the service's sentence."""


class TokenError(EmulatorError):
    """No ephemeral token was made; `status` and `body` are the service's HTTP answer."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.status = 400
        self.body: Mapping[str, Any] = {"error": {"code": self.status, "message": message, "status": "INVALID_ARGUMENT"}}


class RefusedError(EmulatorError):
    def __init__(self, close: Close) -> None:
        super().__init__(f"{close.code} {close.reason}")
        self.close = close
