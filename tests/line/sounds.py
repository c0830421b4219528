"""Sounds, and the terms of a call that carries them."""

import numpy as np

from telephony.line.codecs import Samples
from telephony.line.media import Start
from telephony.line.offer import Choice
from telephony.line.reach import Reach

PEER = ("127.0.0.1", 30000)
CODECS = ("PCMU", "PCMA", "G722")
REACH = Reach("phones", PEER[0])
START = Start(ssrc=7, sequence=65530, timestamp=(1 << 32) - 800)


def choice(name: str = "PCMU", **changed: object) -> Choice:
    number = {"PCMU": 0, "PCMA": 8, "G722": 9}[name]
    values = {
        "codec": name,
        "payload_type": number,
        "dtmf_payload_type": 101,
        "peer": PEER,
        "direction": "sendrecv",
        "section": 0,
    }
    return Choice(**(values | changed))  # type: ignore[arg-type]


def sine(rate_hz: int, hz: float, duration_s: float) -> Samples:
    at = np.arange(round(rate_hz * duration_s)) / rate_hz
    return (8000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2)))
