"""SIP's transactions over UDP (RFC 3261 17, RFC 6026): what is new, what was here before, what has to go out again. Pure.

A request that comes again gets the answer that the first one got, and is told to nobody. A final answer to an INVITE is sent
again until its ACK comes, a request of ours until its final answer. A refusal that is the first answer is not sent again by
itself: who has heard nothing repeats the INVITE, and a forged INVITE makes one packet go to whom it names. OPTIONS is not kept:
it changes nothing, so that a repeated one may be answered anew.

Memory is bounded: with `MOST_KEPT` transactions in hand new requests are dropped, and their sender tries again. Requests of
running calls have as much again for themselves, so that no flood keeps a call from being ended.
"""

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from telephony.line.wire import Address, SipRequest, SipResponse, branch

T1_S = 0.5
T2_S = 4.0
T4_S = 5.0
GIVEN_UP_S = 64 * T1_S
"""Seconds after which an ACK or an answer isn't waited for any more."""
MOST_KEPT = 2000
MOST_KEPT_WITH_CALLS = 2 * MOST_KEPT

Key = tuple[str, str, str]
"""Branch and sender of the topmost Via, method."""


@dataclass(frozen=True)
class Datagram:
    data: bytes
    to: Address


@dataclass(frozen=True)
class NewRequest:
    """A request to be answered with `answer` or `answer_once`. An ACK comes as `Acknowledged` only."""

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


TransactionEvent = NewRequest | Acknowledged | Unacknowledged


@dataclass(eq=False)
class _Served:
    """A phone's request."""

    key: Key
    to: Address
    """The address that the request came from."""
    data: bytes | None = None
    """The last answer's bytes."""
    status: int = 0
    acknowledged: bool = False
    acked_by: tuple[str, int, str] | None = None
    again_at: float = math.inf
    interval_s: float = T1_S
    over_at: float = math.inf
    """The time at which the request is forgotten."""


@dataclass(eq=False)
class _Asked:
    """A request of this server's."""

    key: Key
    to: Address
    data: bytes
    again_at: float
    over_at: float
    """The time at which the request is given up."""
    interval_s: float = T1_S


class _Agenda:
    """The transactions by the time at which they are due. One that was put off or is over stays until its old time, at most
    `GIVEN_UP_S`.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Served | _Asked]] = []
        self._order = itertools.count()

    def note(self, one: _Served | _Asked) -> None:
        """Note that a transaction's times have changed."""
        heapq.heappush(self._heap, (min(one.again_at, one.over_at), next(self._order), one))

    @property
    def next_at(self) -> float:
        while self._heap and self._stale():
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def due(self, now: float) -> Iterator[_Served | _Asked]:
        while self.next_at <= now:
            yield heapq.heappop(self._heap)[2]

    def _stale(self) -> bool:
        at, _, one = self._heap[0]
        return at != min(one.again_at, one.over_at)


@dataclass
class Transactions:
    """All transactions of one socket. What has to be sent collects in `outbox`."""

    outbox: list[Datagram] = field(default_factory=list)
    _served: dict[Key, _Served] = field(default_factory=dict)
    _asked: dict[Key, _Asked] = field(default_factory=dict)
    _accepted: dict[tuple[str, int, str], _Served] = field(default_factory=dict)
    """INVITEs with a 2xx, by Call-ID, CSeq and our tag: the ACK of a 2xx has a branch of its own."""
    _agenda: _Agenda = field(default_factory=_Agenda)

    def __len__(self) -> int:
        return len(self._served) + len(self._asked)

    @property
    def unconfirmed(self) -> bool:
        """Whether a request of ours has no answer, or a final answer to an INVITE no ACK."""
        return bool(self._asked) or any(served.again_at < math.inf for served in self._served.values())

    def receive(
        self, message: SipRequest | SipResponse, source: Address, now: float, *, of_call: bool = False
    ) -> TransactionEvent | None:
        """Take a message that was read; None if it is nothing new. `of_call`: it belongs to a call that is running."""
        if isinstance(message, SipResponse):
            self._receive_response(message, now)
            return None
        if message.method == "ACK":
            return self._receive_ack(message, now)
        key = (*branch(message), message.method)
        if message.method == "OPTIONS":
            return NewRequest(key, message, source)
        served = self._served.get(key)
        if served is not None:
            if served.data is not None and not served.acknowledged:
                self.outbox.append(Datagram(served.data, served.to))
            return None
        if len(self) >= (MOST_KEPT_WITH_CALLS if of_call else MOST_KEPT):
            return None
        self._served[key] = _Served(key, source)
        return NewRequest(key, message, source)

    def answer(self, new: NewRequest, response: SipResponse, now: float) -> None:
        """Answer a request: provisional any number of times, final once."""
        served = self._served.get(new.key)
        if served is None or served.status >= 200:
            return
        unheard = served.status == 0
        served.data, served.status = bytes(response), response.status_code
        self.outbox.append(Datagram(served.data, served.to))
        if served.status < 200:
            return
        served.over_at = now + GIVEN_UP_S
        if new.request.method == "INVITE":
            if served.status < 300 or not unheard:
                served.again_at = now + T1_S
            if served.status < 300:
                served.acked_by = _acked_by(response)
                self._accepted[served.acked_by] = served
        self._agenda.note(served)

    def ignore(self, new: NewRequest) -> None:
        """Give no answer, and forget the request."""
        self._served.pop(new.key, None)

    def answer_once(self, new: NewRequest, response: SipResponse) -> None:
        """Answer and forget (RFC 3261 8.2.7): the same request gets the same answer by being judged again."""
        self._served.pop(new.key, None)
        self.outbox.append(Datagram(bytes(response), new.source))

    def ask(self, request: SipRequest, to: Address, now: float) -> None:
        """Send a request of ours other than INVITE, until it is answered."""
        key = (*branch(request), request.method)
        asked = self._asked[key] = _Asked(key, to, bytes(request), now + T1_S, now + GIVEN_UP_S)
        self.outbox.append(Datagram(asked.data, to))
        self._agenda.note(asked)

    @property
    def next_at(self) -> float:
        """The time at which to call `due`; infinity for never."""
        return self._agenda.next_at

    def due(self, now: float) -> list[TransactionEvent]:
        """Send again what is due, and tell what will not come any more."""
        told: list[TransactionEvent] = []
        for one in self._agenda.due(now):
            if one.over_at > now:
                self._again(one, now)
            elif isinstance(one, _Asked):
                self._close(one)
            else:
                self._forget(one)
                if one.acked_by is not None and not one.acknowledged:
                    told.append(Unacknowledged(one.key))
        return told

    def _again(self, sent: _Served | _Asked, now: float) -> None:
        assert sent.data is not None
        self.outbox.append(Datagram(sent.data, sent.to))
        sent.interval_s = min(2 * sent.interval_s, T2_S)
        sent.again_at = now + sent.interval_s
        self._agenda.note(sent)

    def _forget(self, served: _Served) -> None:
        served.again_at = served.over_at = math.inf
        self._served.pop(served.key, None)
        if served.acked_by is not None and self._accepted.get(served.acked_by) is served:
            del self._accepted[served.acked_by]

    def _close(self, asked: _Asked) -> None:
        asked.again_at = asked.over_at = math.inf
        del self._asked[asked.key]

    def _receive_ack(self, ack: SipRequest, now: float) -> TransactionEvent | None:
        refused = self._served.get((*branch(ack), "INVITE"))
        if refused is not None and refused.status >= 300:
            if not refused.acknowledged:
                refused.again_at, refused.over_at, refused.acknowledged = math.inf, now + T4_S, True
                self._agenda.note(refused)
            return None
        accepted = self._accepted.get(_acked_by(ack))
        if accepted is None or accepted.acknowledged:
            return None
        accepted.again_at, accepted.acknowledged = math.inf, True
        self._agenda.note(accepted)
        return Acknowledged(accepted.key, ack)

    def _receive_response(self, response: SipResponse, now: float) -> None:
        assert response.cseq is not None
        asked = self._asked.get((*branch(response), response.cseq.method))
        if asked is None:
            return
        if response.status_code >= 200:
            self._close(asked)
        else:
            asked.interval_s, asked.again_at = T2_S, now + T2_S
            self._agenda.note(asked)


def _acked_by(message: SipRequest | SipResponse) -> tuple[str, int, str]:
    assert message.cseq is not None
    assert message.to_addr is not None
    return message.call_id or "", message.cseq.seq, message.to_addr.tag or ""
