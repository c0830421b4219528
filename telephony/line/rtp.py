"""RTP packets (RFC 3550 5.1). Pure."""

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("!BBHII")
_VERSION = 2


@dataclass(frozen=True, slots=True)
class Packet:
    payload_type: int
    sequence: int
    """16 bits."""
    timestamp: int
    """32 bits, on the 8 kHz clock."""
    ssrc: int
    payload: bytes
    marker: bool = False

    def __bytes__(self) -> bytes:
        second = self.payload_type | (0x80 if self.marker else 0)
        return _HEADER.pack(_VERSION << 6, second, self.sequence, self.timestamp, self.ssrc) + self.payload


def read(data: bytes) -> Packet | None:
    """Read a datagram; None if it is no RTP packet."""
    if len(data) < _HEADER.size:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start = _HEADER.size + 4 * (first & 0xF)
    if first >> 6 != _VERSION:
        return None
    if first & 0x10:  # a header extension: its length in words stands behind two bytes
        if len(data) < start + 4:
            return None
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    end = len(data)
    if first & 0x20:  # padding: its length is the last byte
        end -= data[-1]
    if start > end or (first & 0x20 and data[-1] == 0):
        return None
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[start:end], marker=bool(second & 0x80))
