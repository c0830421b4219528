"""The sound of one call between wire and room: RTP in, 20 ms of samples out, and back. Pure.

Only packets from one address are looked at: the negotiated one, or with symmetric RTP the one that the phone's sound comes
from. What is missing is concealed, what comes too early waits (jitter.py), digits go their own way (dtmf.py).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from telephony.line import rtp
from telephony.line.codecs import CLOCK_HZ, Samples, codec
from telephony.line.concealment import Concealer
from telephony.line.dtmf import TICK_UNITS, DigitDetector, Keypad
from telephony.line.jitter import CHUNK_S, JitterBuffer
from telephony.line.limits import TokenBucket
from telephony.line.offer import Choice
from telephony.line.reach import Reach
from telephony.line.wire import Address

TICK_S = 0.02

_CHUNKS = round(TICK_S / CHUNK_S)
_QUIET_RMS = 330.0  # -40 dBFS
MOST_UNCONFIRMED = 50
"""Most packets that are sent to a phone before its ACK or its first sound: 1 s of sound."""
MOST_PER_S = 200
"""Most packets of a phone that are read in a second: four times those of 20 ms each."""
_ELSEWHERE_S = 1.0  # so long nothing may come from the old address before another one is followed


@dataclass(frozen=True)
class Start:
    """The first numbers of an outgoing RTP stream: random, by RFC 3550 5.1."""

    ssrc: int
    sequence: int
    timestamp: int


@dataclass(frozen=True)
class Received:
    digit: str | None = None


class Media:
    """One call's sound in both directions.

    Args:
        choice: what was negotiated.
        start: where the numbers of our packets begin.
        reach: where sound may go.
    """

    def __init__(self, choice: Choice, start: Start, reach: Reach) -> None:
        self.strangers = 0
        """Number of datagrams from other addresses than the phone's."""
        self.flooded = 0
        """Number of the phone's datagrams above `MOST_PER_S`, which were dropped."""
        self.jitter = JitterBuffer()
        self.keypad = Keypad()
        self._ssrc, self._sequence, self._timestamp = start.ssrc, start.sequence, start.timestamp
        self._reach = reach
        self._rate = TokenBucket(MOST_PER_S)
        self._heard_at: float | None = None
        self._unconfirmed_left: int | None = MOST_UNCONFIRMED
        self._digits = DigitDetector()
        self._digits_by: Literal["events", "INFO"] | None = None
        self._fresh = True
        self._ssrc_in: int | None = None
        self._quiet = True
        self._choice = choice
        self._peer = self._described_peer()
        self._use(choice)

    @property
    def choice(self) -> Choice:
        return self._choice

    @property
    def sample_rate_hz(self) -> int:
        """The sample rate of the phone's codec. The room keeps the rate that the call began with."""
        return self._codec.sample_rate_hz

    @property
    def peer(self) -> Address | None:
        """The address that sound is sent to; None while it is not known."""
        return self._peer

    def renegotiated(self, choice: Choice) -> None:
        """A re-INVITE was answered, or an offer of ours."""
        before, self._choice = self._choice, choice
        if choice.peer != before.peer:
            self._peer, self._heard_at = self._described_peer(), None
        if choice.codec != before.codec:
            self._use(choice)

    def confirmed(self) -> None:
        """The phone has shown that it gets what is sent to it."""
        self._unconfirmed_left = None

    def receive(self, data: bytes, source: Address, now: float) -> Received | None:
        """Take a datagram; None if it doesn't belong to the call."""
        if source != self._peer and not self._may_follow(source, now):
            self.strangers += 1
            return None
        if not self._rate.take(now):
            self.flooded += 1
            return None
        packet = rtp.read(data)
        if packet is None:
            return None
        if packet.payload_type not in {self._choice.payload_type, self._choice.dtmf_payload_type}:
            return Received() if source == self._peer else None
        self._peer, self._heard_at = source, now
        self.confirmed()
        if packet.payload_type == self._choice.dtmf_payload_type:
            digit = self._digits.hear(packet.timestamp, packet.payload)
            return Received(digit if digit and self._is_own("events") else None)
        if packet.ssrc != self._ssrc_in:
            self.jitter.restart()
            self._ssrc_in = packet.ssrc
        self.jitter.put(packet.timestamp, packet.payload, now)
        return Received()

    def told(self, digit: str) -> str | None:
        """Take a digit of an INFO; returns None if the phone also sends its digits as RFC 4733 events: then it is a copy."""
        return digit if self._is_own("INFO") else None

    def heard(self, now: float) -> Samples:
        """The phone's next 20 ms, at `sample_rate_hz`."""
        return np.concatenate([self._chunk(now + index * CHUNK_S) for index in range(_CHUNKS)])

    def speak(self, samples: Samples) -> bytes | None:
        """The packet of our next 20 ms: sound, or what is due of a digit; None while the phone doesn't want any.

        Also None while it isn't known where to, and after `MOST_UNCONFIRMED` packets without a sign of the phone.
        """
        timestamp = self._timestamp
        self._timestamp = (timestamp + TICK_UNITS) % (1 << 32)
        if not self._choice.we_send or self._peer is None or self._unconfirmed_left == 0:
            self._fresh = True
            return None
        if self._unconfirmed_left is not None:
            self._unconfirmed_left -= 1
        digits = self._choice.dtmf_payload_type
        event = self.keypad.tick(timestamp) if digits is not None else None
        if event is not None and digits is not None:
            return self._packet(digits, event.timestamp, event.payload, marker=event.marker)
        fresh, self._fresh = self._fresh, False
        return self._packet(self._choice.payload_type, timestamp, self._encoder.encode(samples), marker=fresh)

    def _may_follow(self, source: Address, now: float) -> bool:
        """Whether the phone's sound may come from a new address: no other one is in use, and sound may go there."""
        if not self._reach.symmetric or not self._reach.admits(source[0]):
            return False
        return self._heard_at is None or now - self._heard_at > _ELSEWHERE_S

    def _described_peer(self) -> Address | None:
        peer = self._choice.peer
        return peer if peer is not None and self._reach.admits(peer[0]) else None

    def _is_own(self, by: Literal["events", "INFO"]) -> bool:
        """Whether digits are taken this way. Some phones send each digit in both ways; the call's first digit decides."""
        self._digits_by = self._digits_by or by
        return self._digits_by == by

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
