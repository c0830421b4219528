"""The three codecs of a telephone call: G.711 in both laws, by table, and G.722. Pure.

All three carry 64 kbit/s: one byte of payload is one unit of the 8 kHz RTP clock. G.722 samples at 16 kHz, and RFC 3551 4.5.2
keeps its clock at 8 kHz all the same.
"""

from typing import Protocol

import G722
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

CLOCK_HZ = 8000
"""The rate of RTP timestamps; also bytes of payload in a second."""

_G722_BITS_PER_S = 64000


class Codec(Protocol):
    """A codec: an encoder, a decoder, or one of each."""

    @property
    def sample_rate_hz(self) -> int: ...

    def encode(self, samples: Samples) -> bytes: ...

    def decode(self, payload: bytes) -> Samples: ...


class G711:
    """µ-law or A-law (ITU-T G.711). Without state."""

    sample_rate_hz = 8000

    def __init__(self, levels: npt.NDArray[np.int16]) -> None:
        self._levels = levels
        self._codes = _nearest(levels)

    def encode(self, samples: Samples) -> bytes:
        return self._codes[samples.astype(np.int32) + 32768].tobytes()

    def decode(self, payload: bytes) -> Samples:
        return self._levels[np.frombuffer(payload, dtype=np.uint8)]


class WideBand:
    """G.722 at 64 kbit/s (ITU-T G.722), 16 kHz. Encoder and decoder remember what went before."""

    sample_rate_hz = 16000

    def __init__(self) -> None:
        self._codec = G722.G722(self.sample_rate_hz, _G722_BITS_PER_S)

    def encode(self, samples: Samples) -> bytes:
        return bytes(self._codec.encode(samples.tolist()))

    def decode(self, payload: bytes) -> Samples:
        return np.frombuffer(self._codec.decode(payload), dtype=np.int16)


def _mu_law_levels() -> npt.NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 0xF
    level = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -level, level).astype(np.int16)


def _a_law_levels() -> npt.NDArray[np.int16]:
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 0xF
    level = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, level, -level).astype(np.int16)


def _nearest(levels: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """A table of the code whose level is closest, by 16-bit sample from -32768."""
    order = np.argsort(levels, kind="stable")
    ordered = levels[order].astype(np.int32)
    borders = (ordered[1:] + ordered[:-1]) // 2
    return order[np.searchsorted(borders, np.arange(-32768, 32768), side="left")].astype(np.uint8)


_MU_LAW = G711(_mu_law_levels())
_A_LAW = G711(_a_law_levels())


def codec(name: str) -> Codec:
    """A codec by its name in SDP: `PCMU`, `PCMA` or `G722`."""
    if name == "G722":
        return WideBand()
    return {"PCMU": _MU_LAW, "PCMA": _A_LAW}[name]


def at_rate(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Samples at the same rate, or at half or twice of it: after a re-INVITE the room's tracks keep their rate.

    By repeating and averaging samples, without a filter: intelligible, but not as good as a call that began with that codec.
    """
    if from_hz == to_hz:
        return samples
    return samples.repeat(2) if to_hz > from_hz else (samples[::2] // 2 + samples[1::2] // 2)
