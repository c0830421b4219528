"""Text to sound with espeak-ng, and WAV files in and out: the voice of the emulator and of the caller, never of the worker.

Sound is a one-dimensional numpy array of int16 samples (mono) with its rate in Hz named beside it.
"""

from speech.errors import SoundFileError, SpeechError, UnknownVoiceError
from speech.synthesis import Voice, synthesize
from speech.wav import read_wav, write_wav

__all__ = ["SoundFileError", "SpeechError", "UnknownVoiceError", "Voice", "read_wav", "synthesize", "write_wav"]
