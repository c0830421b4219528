"""The embedded line's errors.

TelephonyError                 telephony's own
└── LineError
    ├── LineSettingsError      the line can't be opened so: names the field, its value and the fix
    ├── MessageError           a datagram that is no SIP message; dropped and counted
    ├── OfferError             a session description that can't be answered; has the status to refuse with
    ├── NoPortError            all RTP ports are taken
    └── RoomError              the room can't be joined
"""

from telephony.errors import TelephonyError


class LineError(TelephonyError):
    """Base of this package's errors."""


class LineSettingsError(LineError):
    def __init__(self, name: str, value: object, fix: str) -> None:
        super().__init__(f"{name} is {value!r}: {fix}")
        self.name = name


class MessageError(LineError):
    pass


class OfferError(LineError):
    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class NoPortError(LineError):
    pass


class RoomError(LineError):
    pass
