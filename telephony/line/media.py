"""The sound of one call between wire and room: RTP in, 20 ms of samples out, and back. Pure.

Only packets from the negotiated address are looked at. What is missing is concealed, what comes too early waits
(jitter.py), digits go their own way (dtmf.py).
"""

from dataclasses import dataclass

import numpy as np

from telephony.line import rtp
from telephony.line.codecs import CLOCK_HZ, Samples, codec
from telephony.line.concealment import Concealer
from telephony.line.dtmf import TICK_UNITS, Heard, Keypad
from telephony.line.jitter import CHUNK_S, JitterBuffer
from telephony.line.offer import Choice
from telephony.line.wire import Address

TICK_S = 0.02

_CHUNKS = round(TICK_S / CHUNK_S)
_QUIET_RMS = 330.0  # -40 dBFS


@dataclass(frozen=True)
class Start:
    """Where the numbers of an RTP stream begin: random, by RFC 3550 5.1."""

    ssrc: int
    sequence: int
    timestamp: int


@dataclass(frozen=True)
class Received:
    digit: str | None = None


class Media:
    """Both directions of one call."""

    def __init__(self, choice: Choice, start: Start) -> None:
        self.strangers = 0
        """Datagrams from elsewhere than the negotiated address."""
        self.jitter = JitterBuffer()
        self.keypad = Keypad()
        self._ssrc, self._sequence, self._timestamp = start.ssrc, start.sequence, start.timestamp
        self._digits = Heard()
        self._fresh = True
        self._ssrc_in: int | None = None
        self._quiet = True
        self._choice = choice
        self._use(choice)

    @property
    def choice(self) -> Choice:
        return self._choice

    @property
    def sample_rate_hz(self) -> int:
        """Of the phone's side; the room's side keeps the rate that the call began with."""
        return self._codec.sample_rate_hz

    def renegotiated(self, choice: Choice) -> None:
        """A re-INVITE was answered."""
        same_codec = choice.codec == self._choice.codec
        self._choice = choice
        if not same_codec:
            self._use(choice)

    def receive(self, data: bytes, source: Address, now: float) -> Received | None:
        """Take a datagram; None if it doesn't belong to the call."""
        if source != self._choice.peer:
            self.strangers += 1
            return None
        packet = rtp.read(data)
        if packet is None:
            return None
        if packet.payload_type == self._choice.dtmf_payload_type:
            return Received(self._digits.hear(packet.timestamp, packet.payload))
        if packet.payload_type == self._choice.payload_type:
            if packet.ssrc != self._ssrc_in:
                self.jitter.restart()
                self._ssrc_in = packet.ssrc
            self.jitter.put(packet.timestamp, packet.payload, now)
        return Received()

    def heard(self, now: float) -> Samples:
        """The phone's next 20 ms, at `sample_rate_hz`."""
        return np.concatenate([self._chunk(now + index * CHUNK_S) for index in range(_CHUNKS)])

    def speak(self, samples: Samples) -> bytes | None:
        """The packet of our next 20 ms: sound, or what is due of a digit; None while the phone doesn't want any."""
        timestamp = self._timestamp
        self._timestamp = (timestamp + TICK_UNITS) % (1 << 32)
        if not self._choice.we_send:
            self._fresh = True
            return None
        digits = self._choice.dtmf_payload_type
        event = self.keypad.tick(timestamp) if digits is not None else None
        if event is not None and digits is not None:
            return self._packet(digits, event.timestamp, event.payload, marker=event.marker)
        fresh, self._fresh = self._fresh, False
        return self._packet(self._choice.payload_type, timestamp, self._encoder.encode(samples), marker=fresh)

    def _packet(self, payload_type: int, timestamp: int, payload: bytes, *, marker: bool) -> bytes:
        self._sequence = (self._sequence + 1) % (1 << 16)
        return bytes(rtp.Packet(payload_type, self._sequence, timestamp, self._ssrc, payload, marker))

    def _chunk(self, at: float) -> Samples:
        pulled = self.jitter.pull(at, quiet=self._quiet)
        if pulled.payload is None:
            samples = self._concealer.lost(round(CHUNK_S * self.sample_rate_hz))
        else:
            samples = self._concealer.heard(self._codec.decode(pulled.payload), seam=pulled.seam)
        level = float(np.sqrt(np.mean(samples.astype(np.float32) ** 2)))
        self._quiet = level < _QUIET_RMS
        return samples

    def _use(self, choice: Choice) -> None:
        self._codec, self._encoder = codec(choice.codec), codec(choice.codec)
        self._concealer = Concealer(self._codec.sample_rate_hz)
        self.jitter.restart()


assert TICK_UNITS == TICK_S * CLOCK_HZ
