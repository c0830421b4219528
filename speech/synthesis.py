"""espeak-ng through ctypes: a sentence of four seconds takes a few milliseconds.

The library keeps global state, so a process initialises it once and speaks one text at a time; a lock sees to both.
C API: espeak-ng's speak_lib.h.
"""

import ctypes
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import espeakng_loader
import numpy as np
import numpy.typing as npt
import soxr

from speech.errors import SpeechError, UnknownVoiceError

Samples = npt.NDArray[np.int16]

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_CHARS_UTF8 = 1
_POSITION_CHARACTER = 1
_PARAMETER_RATE = 1
_PARAMETER_PITCH = 3
_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)

_AUDIBLE = 200  # of 32767; below it espeak only fades in and out
_TARGET_RMS = 3300.0  # -20 dBFS
_PEAK_LIMIT = 29000.0  # -1 dBFS, so that nothing clips after resampling

_lock = threading.Lock()


@dataclass(frozen=True)
class Voice:
    """A voice of espeak-ng, with its speed and pitch."""

    name: str = "en-us"
    """An espeak-ng voice, with an optional variant: `en-us`, `de`, `en-us+f3`."""
    words_per_minute: int = 165
    pitch: int = 50
    """0 to 99."""


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data_parent = str(Path(espeakng_loader.get_data_path()).parent)
    native_rate_hz = library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data_parent.encode(), 0)
    if native_rate_hz <= 0:
        raise SpeechError(f"espeak-ng could not be initialised with the data in {data_parent}")
    return library, int(native_rate_hz)


def synthesize(text: str, *, sample_rate_hz: int, voice: Voice | None = None) -> Samples:
    """Speak a text.

    Returns:
        Mono int16 samples at `sample_rate_hz`, from the first audible sample to the last, at -20 dBFS RMS. Empty when the
        text has nothing that can be spoken.

    Raises:
        UnknownVoiceError: espeak-ng has no voice of that name.
    """
    voice = voice or Voice()
    with _lock:
        library, native_rate_hz = _library()
        raw = _speak(library, text, voice)
    spoken = _trim(np.frombuffer(raw, dtype=np.int16))
    if spoken.size == 0:
        return spoken
    resampled = soxr.resample(spoken.astype(np.float32), native_rate_hz, sample_rate_hz)
    return _level(resampled)


def _speak(library: ctypes.CDLL, text: str, voice: Voice) -> bytes:
    if library.espeak_SetVoiceByName(voice.name.encode()) != 0:
        raise UnknownVoiceError(voice.name)
    library.espeak_SetParameter(_PARAMETER_RATE, voice.words_per_minute, 0)
    library.espeak_SetParameter(_PARAMETER_PITCH, voice.pitch, 0)
    spoken = bytearray()
    callback = _collector(spoken)
    library.espeak_SetSynthCallback(callback)
    encoded = text.replace("\0", " ").encode("utf-8", errors="replace")
    status = library.espeak_Synth(encoded, len(encoded) + 1, 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None)
    if status != 0:
        raise SpeechError(f"espeak-ng failed with status {status} on {text[:60]!r}")
    library.espeak_Synchronize()
    return bytes(spoken)


def _collector(spoken: bytearray) -> Callable[..., int]:
    def collect(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            spoken.extend(ctypes.string_at(samples, count * 2))
        return 0

    return _SYNTH_CALLBACK(collect)


def _trim(samples: Samples) -> Samples:
    audible = np.flatnonzero(np.abs(samples.astype(np.int32)) > _AUDIBLE)
    return samples[audible[0] : audible[-1] + 1] if audible.size else samples[:0]


def _level(samples: npt.NDArray[np.float32]) -> Samples:
    rms = float(np.sqrt(np.mean(samples**2)))
    peak = float(np.max(np.abs(samples)))
    gain = min(_TARGET_RMS / max(rms, 1.0), _PEAK_LIMIT / max(peak, 1.0))
    return np.round(samples * gain).astype(np.int16)
