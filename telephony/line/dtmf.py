"""Digits as RFC 4733 telephone events, heard and sent, and as SIP INFO, heard. Pure."""

import struct
from collections import deque
from dataclasses import dataclass

DIGITS = "0123456789*#ABCD"
"""The digits, by RFC 4733 event code."""
INFO_TYPES = ("application/dtmf-relay", "application/dtmf")
"""The bodies of an INFO that bring a digit. No RFC has them; phones, Cisco's first, send `Signal=5` and `Duration=160` in the
one, and the digit alone in the other."""
TICK_UNITS = 160
"""20 ms of the RTP clock."""

_EVENT = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 10  # -10 dBm0
_DIGIT_TICKS = 8
_ENDS = 3
_PAUSE_TICKS = 4
_MOST_WAITING = 64
_REMEMBERED_EVENTS = 16
_CODES = {str(code) for code in range(10, len(DIGITS))}


class DigitDetector:
    """Detects digits in telephone-event packets: each once, at its first packet, in whatever order packets arrive."""

    def __init__(self) -> None:
        self._seen: deque[int] = deque(maxlen=_REMEMBERED_EVENTS)

    def hear(self, timestamp: int, payload: bytes) -> str | None:
        """Take one telephone-event packet. All packets of a digit have its timestamp.

        Returns:
            The digit, if it is new; None for anything that is no digit (a hook flash, a fax tone, garbage).
        """
        if len(payload) < _EVENT.size or timestamp in self._seen:
            return None
        code, _, _ = _EVENT.unpack_from(payload)
        if code >= len(DIGITS):
            return None
        self._seen.append(timestamp)
        return DIGITS[code]


def of_info(body: str) -> str | None:
    """The digit in an INFO's body of one of `INFO_TYPES`; None for anything else, such as a hook flash.

    DigitPacket codes (10 for *) are read as well as digits; with several lines, that of `Signal` counts.
    """
    lines = [line.partition("=") for line in body.splitlines() if line.strip()]
    signals = [value for name, _, value in lines if name.strip().lower() == "signal"]
    bare = [name for name, equals, _ in lines if not equals]
    signal = next(iter([*signals, *bare]), "").strip().upper()
    if signal in _CODES:
        return DIGITS[int(signal)]
    return signal if len(signal) == 1 and signal in DIGITS else None


@dataclass(frozen=True, slots=True)
class DigitPacket:
    """The telephone-event packet of one tick."""

    timestamp: int
    payload: bytes
    marker: bool


class Keypad:
    """Paces digits to the phone: 160 ms each, the last packet three times, 80 ms between two."""

    def __init__(self) -> None:
        self._waiting: deque[int] = deque(maxlen=_MOST_WAITING)
        self._code: int | None = None
        self._began_at = 0
        self._tick = 0

    def press(self, digits: str) -> bool:
        """Queue digits.

        Returns:
            False if there is a character among them that is no digit, or if they don't fit: then none is sent.
        """
        codes = [DIGITS.find(digit) for digit in digits.upper()]
        if -1 in codes or len(self._waiting) + len(codes) > _MOST_WAITING:
            return False
        self._waiting.extend(codes)
        return True

    def tick(self, timestamp: int) -> DigitPacket | None:
        """The telephone-event packet for the 20 ms that begin at this RTP timestamp; None if sound may be sent."""
        if self._code is None and self._waiting:
            self._code, self._began_at, self._tick = self._waiting.popleft(), timestamp, 0
        if self._code is None:
            return None
        self._tick += 1
        if self._tick >= _DIGIT_TICKS + _ENDS:
            if self._tick == _DIGIT_TICKS + _ENDS + _PAUSE_TICKS:
                self._code = None
            return None
        ended = _END if self._tick >= _DIGIT_TICKS else 0
        duration = min(self._tick, _DIGIT_TICKS) * TICK_UNITS
        return DigitPacket(self._began_at, _EVENT.pack(self._code, ended | _VOLUME, duration), marker=self._tick == 1)
