"""SIP's transactions over UDP (RFC 3261 17, RFC 6026): what is new, what was here before, what has to go out again. Pure.

A request that comes again gets the answer that the first one got, and is told to nobody. A final answer to an INVITE is sent
again until its ACK comes, a request of ours until its final answer. Memory is bounded: with `MOST_KEPT` transactions in hand
new requests are dropped, and their sender tries again.
"""

import math
from dataclasses import dataclass, field

from telephony.line.wire import Address, SipRequest, SipResponse, branch

T1_S = 0.5
T2_S = 4.0
T4_S = 5.0
GIVEN_UP_S = 64 * T1_S
"""After this long without an ACK or an answer there will be none."""
MOST_KEPT = 2000

Key = tuple[str, str, str]
"""Branch and sender of the topmost Via, method."""


@dataclass(frozen=True)
class Datagram:
    data: bytes
    to: Address


@dataclass(frozen=True)
class NewRequest:
    """A request to be answered with `answer`, once. An ACK comes as `Acknowledged` only."""

    key: Key
    request: SipRequest
    source: Address


@dataclass(frozen=True)
class Acknowledged:
    """The ACK of a 2xx."""

    key: Key
    request: SipRequest


@dataclass(frozen=True)
class Unacknowledged:
    """A 2xx to an INVITE was never acknowledged: the call has to be ended with a BYE (RFC 3261 13.3.1.4)."""

    key: Key


@dataclass(frozen=True)
class Answered:
    """The final answer to a request of ours; 408 if none came."""

    key: Key
    status: int


Event = NewRequest | Acknowledged | Unacknowledged | Answered


@dataclass
class _Served:
    """A request of theirs."""

    source: Address
    invite: bool
    answer: bytes | None = None
    status: int = 0
    acknowledged: bool = False
    again_at: float = math.inf
    interval_s: float = T1_S
    forgotten_at: float = math.inf


@dataclass
class _Asked:
    """A request of ours."""

    data: bytes
    to: Address
    again_at: float
    given_up_at: float
    interval_s: float = T1_S


@dataclass
class Counts:
    again_in: int = 0
    again_out: int = 0
    dropped: int = 0


@dataclass
class Transactions:
    """All transactions of one socket. What has to be sent collects in `outbox`."""

    outbox: list[Datagram] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    _served: dict[Key, _Served] = field(default_factory=dict)
    _asked: dict[Key, _Asked] = field(default_factory=dict)
    _accepted: dict[tuple[str, int, str], Key] = field(default_factory=dict)
    """By Call-ID, CSeq and our tag: the ACK of a 2xx has a branch of its own."""

    def __len__(self) -> int:
        return len(self._served) + len(self._asked)

    def receive(self, message: SipRequest | SipResponse, source: Address, now: float) -> Event | None:
        """Take a message that was read; None if it is nothing new."""
        if isinstance(message, SipResponse):
            return self._receive_response(message, now)
        if message.method == "ACK":
            return self._receive_ack(message, now)
        key = (*branch(message), message.method)
        served = self._served.get(key)
        if served is not None:
            self.counts.again_in += 1
            if served.answer is not None and not served.acknowledged:
                self.outbox.append(Datagram(served.answer, served.source))
            return None
        if len(self) >= MOST_KEPT:
            self.counts.dropped += 1
            return None
        self._served[key] = _Served(source, message.method == "INVITE")
        return NewRequest(key, message, source)

    def answer(self, key: Key, response: SipResponse, now: float) -> None:
        """Answer a request: provisional any number of times, final once."""
        served = self._served.get(key)
        if served is None or served.status >= 200:
            return
        served.answer, served.status = bytes(response), response.status_code
        self.outbox.append(Datagram(served.answer, served.source))
        if served.status < 200:
            return
        served.forgotten_at = now + GIVEN_UP_S
        if served.invite:
            served.again_at = now + T1_S
        if served.invite and served.status < 300:
            self._accepted[_acked_by(response)] = key

    def answer_once(self, key: Key, response: SipResponse) -> None:
        """Answer and forget (RFC 3261 8.2.7): the same request gets the same answer by being judged again."""
        served = self._served.pop(key, None)
        if served is not None:
            self.outbox.append(Datagram(bytes(response), served.source))

    def ask(self, request: SipRequest, to: Address, now: float) -> Key:
        """Send a request of ours other than INVITE, until it is answered."""
        key = (*branch(request), request.method)
        self._asked[key] = _Asked(bytes(request), to, now + T1_S, now + GIVEN_UP_S)
        self.outbox.append(Datagram(bytes(request), to))
        return key

    @property
    def next_at(self) -> float:
        """When `due` has something to do; infinity for never."""
        times = [min(served.again_at, served.forgotten_at) for served in self._served.values()]
        times += [min(asked.again_at, asked.given_up_at) for asked in self._asked.values()]
        return min(times, default=math.inf)

    def due(self, now: float) -> list[Event]:
        """Send again what is due, and tell what will not come any more."""
        told: list[Event] = []
        for key, served in list(self._served.items()):
            if served.forgotten_at <= now:
                del self._served[key]
                self._accepted = {by: of for by, of in self._accepted.items() if of != key}
                if served.invite and served.status < 300 and not served.acknowledged:
                    told.append(Unacknowledged(key))
            elif served.again_at <= now and served.answer is not None:
                self._again(served, served.answer, served.source, now)
        for key, asked in list(self._asked.items()):
            if asked.given_up_at <= now:
                del self._asked[key]
                told.append(Answered(key, 408))
            elif asked.again_at <= now:
                self._again(asked, asked.data, asked.to, now)
        return told

    def _again(self, sent: _Served | _Asked, data: bytes, to: Address, now: float) -> None:
        self.counts.again_out += 1
        self.outbox.append(Datagram(data, to))
        sent.interval_s = min(2 * sent.interval_s, T2_S)
        sent.again_at = now + sent.interval_s

    def _receive_ack(self, ack: SipRequest, now: float) -> Event | None:
        refused = self._served.get((*branch(ack), "INVITE"))
        if refused is not None and refused.status >= 300:
            refused.again_at, refused.forgotten_at, refused.acknowledged = math.inf, now + T4_S, True
            return None
        key = self._accepted.get(_acked_by(ack))
        accepted = None if key is None else self._served.get(key)
        if key is None or accepted is None or accepted.acknowledged:
            return None
        accepted.again_at, accepted.acknowledged = math.inf, True
        return Acknowledged(key, ack)

    def _receive_response(self, response: SipResponse, now: float) -> Event | None:
        assert response.cseq is not None
        key = (*branch(response), response.cseq.method)
        asked = self._asked.get(key)
        if asked is None:
            return None
        if response.status_code < 200:
            asked.interval_s, asked.again_at = T2_S, now + T2_S
            return None
        del self._asked[key]
        return Answered(key, response.status_code)


def _acked_by(message: SipRequest | SipResponse) -> tuple[str, int, str]:
    assert message.cseq is not None
    assert message.to_addr is not None
    return message.call_id or "", message.cseq.seq, message.to_addr.tag or ""
