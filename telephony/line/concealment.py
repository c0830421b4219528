"""Packet loss concealment: the last pitch period is repeated, fading out. Pure; after ITU-T G.711 Appendix I.

Also smooths the seams: where real sound follows concealed sound, or where the jitter buffer took a piece out.
"""

import numpy as np
import numpy.typing as npt

from telephony.line.codecs import Samples

_HISTORY_S = 0.04
_SHORTEST_PERIOD_S = 0.005
_LONGEST_PERIOD_S = 0.015
_FULL_S = 0.01
_SILENT_S = 0.06
_SEAM_S = 0.004


class Concealer:
    """Conceals losses in one stream of sound, piece by piece: call `heard` for one that arrived, `lost` for one that didn't."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._history = np.zeros(int(_HISTORY_S * sample_rate_hz), dtype=np.float32)
        self._cycle = self._history[:1]
        self._concealed = 0
        self._seam = int(_SEAM_S * sample_rate_hz)

    def heard(self, samples: Samples, *, seam: bool = False) -> Samples:
        """Take a piece that arrived. `seam`: it doesn't follow directly on the one before."""
        if not (self._concealed or seam):
            self._remember(samples)
            return samples
        length = min(self._seam, len(samples))
        smoothed = samples.astype(np.float32)
        rise = np.linspace(0, 1, length, dtype=np.float32)
        smoothed[:length] = smoothed[:length] * rise + self._invent(length) * (1 - rise)
        self._concealed = 0
        result = smoothed.astype(np.int16)
        self._remember(result)
        return result

    def lost(self, count: int) -> Samples:
        """Make up `count` samples. After 60 ms without sound it is silent."""
        invented = self._invent(count).astype(np.int16)
        self._remember(invented)
        return invented

    def _invent(self, count: int) -> npt.NDArray[np.float32]:
        if self._concealed == 0:
            self._cycle = self._history[-self._period() :].copy()
        places = np.arange(self._concealed, self._concealed + count)
        faded = (_SILENT_S * self._rate_hz - places) / ((_SILENT_S - _FULL_S) * self._rate_hz)
        self._concealed += count
        invented: npt.NDArray[np.float32] = self._cycle[places % len(self._cycle)] * np.clip(faded, 0, 1).astype(np.float32)
        return invented

    def _period(self) -> int:
        """The lag, within human pitch, at which the last sound is most like itself."""
        shortest, longest = int(_SHORTEST_PERIOD_S * self._rate_hz), int(_LONGEST_PERIOD_S * self._rate_hz)
        recent = self._history[-longest:]
        past = self._history[-2 * longest : -shortest]
        windows = np.lib.stride_tricks.sliding_window_view(past, longest)
        energy = np.sqrt(np.einsum("ij,ij->i", windows, windows)) + 1
        likeness = (windows @ recent) / energy
        return longest - int(np.argmax(likeness))

    def _remember(self, samples: Samples) -> None:
        kept = len(self._history)
        self._history = np.concatenate([self._history, samples.astype(np.float32)])[-kept:]
