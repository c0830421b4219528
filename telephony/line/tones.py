"""The tones of a telephone, as ITU-T E.180 supplement 2 lists them for North America. Pure."""

import numpy as np

from telephony.line.call import Tone
from telephony.line.codecs import Samples

_AMPLITUDE = 1600  # of 32767 for each of two sines: about -23 dBFS together
_TONES = {Tone.RINGING: (440, 480, 2.0, 6.0), Tone.UNREACHABLE: (480, 620, 0.25, 0.5)}
"""Two frequencies in Hz; how long it sounds and after how long it sounds again, in seconds."""


def tone(kind: Tone, sample_rate_hz: int, first: int, count: int) -> Samples:
    """`count` samples of a tone from its sample `first` on."""
    low, high, sounds_s, period_s = _TONES[kind]
    at_s = np.arange(first, first + count) / sample_rate_hz
    both = np.sin(2 * np.pi * low * at_s) + np.sin(2 * np.pi * high * at_s)
    return np.where(at_s % period_s < sounds_s, _AMPLITUDE * both, 0).astype(np.int16)
