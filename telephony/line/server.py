"""The line's SIP socket: datagrams in, requests answered, calls begun and ended."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from typing import Final, cast

from telephony.line import wire
from telephony.line.admission import Refusal
from telephony.line.call import Limits, Phase
from telephony.line.call_table import CallEntry, CallTable
from telephony.line.clock import first_of, until
from telephony.line.dtmf import INFO_TYPES
from telephony.line.errors import MessageError, OfferError
from telephony.line.gate import Gate, Invited, NoAnswer
from telephony.line.leg import Ports
from telephony.line.limits import LogThrottle
from telephony.line.participant_token import TokenSigner, new_identity
from telephony.line.phone_call import CallSetup, PhoneCall, Signalling
from telephony.line.transactions import Acknowledged, NewRequest, TransactionEvent, Transactions, Unacknowledged
from telephony.line.wire import Address, Dialog, SipRequest, SipResponse

_MOST_REMEMBERED_REFUSALS: Final = 500
_LAST_BYE_S = 2.0
_RETRY_AFTER_S = 10

logger = logging.getLogger("telephony.line")


class SipServer(asyncio.DatagramProtocol):
    """The calls of one SIP socket.

    Args:
        gate: judges who may call.
        signer: signs the callers' tokens.
        ports: for the calls' sound.
        group: the calls' tasks live in it; it is open for as long as datagrams are received.
    """

    def __init__(self, gate: Gate, signer: TokenSigner, ports: Ports, group: asyncio.TaskGroup) -> None:
        self._gate, self._signer, self._ports, self._group = gate, signer, ports, group
        self._transactions = Transactions()
        self._secret = secrets.token_bytes(32)
        self._calls = CallTable()
        self._tasks: dict[CallEntry, asyncio.Task[None]] = {}
        self._all_ended = asyncio.Event()
        self._transport: asyncio.DatagramTransport | None = None
        self._changed = asyncio.Event()
        self._draining = False
        self._confirmed: asyncio.Event | None = None  # set once everything is confirmed; there at the line's end only
        self._throttle = LogThrottle()
        self.local: Address = ("", 0)

    # The socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # by its methods; uvloop's is no subclass
        self.local = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        source = addr[:2]
        if self._gate.admission.stranger(source[0]):
            self._note(source[0], f"what {source[0]} sends is dropped: it is in no allowed_addresses")
            return
        try:
            message = wire.read(data)
        except MessageError as error:
            self._note(f"{source[0]} garbage", f"what {source[0]} sends is dropped: no SIP message: {error}")
            return
        of_call = isinstance(message, SipRequest) and self._calls.of(message) is not None
        event = self._transactions.receive(message, source, time.monotonic(), of_call=of_call)
        if event is not None:
            self._happened(event)
        self._flush()

    def error_received(self, exc: Exception) -> None:
        """A phone's port is closed (ICMP): its transactions time out by themselves."""

    async def run(self) -> None:
        """Send messages again when they are due, until cancelled."""
        while True:
            self._changed.clear()
            for event in self._transactions.due(time.monotonic()):
                self._happened(event)
            self._send()
            await until(self._transactions.next_at, self._changed)

    async def drain(self, for_s: float, hurry: asyncio.Event) -> None:
        """Take no new call, and let those that run end; those that still run after `for_s`, or at `hurry`, are ended."""
        self._draining = True
        if self._tasks:
            logger.info("%d calls may go on for %g s", len(self._tasks), for_s)
            await first_of(self._all_ended, hurry, within_s=for_s)
        for entry in self._calls:
            entry.call.shut_down()
        if self._tasks:
            await first_of(self._all_ended, within_s=Limits().tone_s + _LAST_BYE_S)
            for task in self._tasks.values():
                task.cancel()
            await self._all_ended.wait()
        await self._confirm()

    async def _confirm(self) -> None:
        """Wait for the answers to our last BYEs and the ACKs of our last answers, while `run` sends them again."""
        self._confirmed = asyncio.Event()
        if self._transactions.unconfirmed:
            await until(time.monotonic() + _LAST_BYE_S, self._confirmed)

    # What happens

    def _happened(self, event: TransactionEvent) -> None:
        match event:
            case NewRequest():
                self._requested(event)
            case Acknowledged(key, ack):
                entry = self._calls.invited_by(key)
                if entry is None:
                    return
                if key == entry.invite:
                    entry.call.acknowledged(ack.text)
                    return
                if entry.offered and ack.body:
                    entry.call.answered_our_offer(ack.text)
                self._calls.confirmed(entry)
            case Unacknowledged(key):
                entry = self._calls.invited_by(key)
                if entry is not None:
                    entry.call.unacknowledged()

    def _requested(self, new: NewRequest) -> None:
        request = new.request
        entry = self._calls.of(request)
        match request.method:
            case "INVITE" if not wire.dialog_tags(request)[1]:
                self._answer(new, 482) if entry is not None else self._invited(new)
            case "CANCEL":
                cancelled = self._calls.cancelled_by(new.key)
                self._answer(new, 481 if cancelled is None else 200)
                if cancelled is not None:
                    cancelled.call.cancelled()
            case "OPTIONS":
                self._asked_what_we_can(new)
            case "INVITE" | "BYE" | "UPDATE" | "INFO":
                self._in_dialog(new, entry)
            case _:
                self._answer(new, 405)

    def _asked_what_we_can(self, new: NewRequest) -> None:
        accept = {"Accept": ", ".join(["application/sdp", *INFO_TYPES])}
        self._transactions.answer_once(new, self._response(new, 503 if self._draining else 200, accept))

    def _in_dialog(self, new: NewRequest, entry: CallEntry | None) -> None:
        request = new.request
        if entry is None or not wire.dialog_matches(entry.dialog, request):
            self._answer(new, 481)
        elif not wire.remote_cseq_valid(entry.dialog, request):
            self._answer(new, 500)
        elif request.method == "BYE":
            self._answer(new, 200)
            entry.call.hung_up()
        elif request.method == "INFO":
            self._informed(new, entry)
        elif request.method == "UPDATE" and not request.body:
            self._answer(new, 200)
        else:
            self._renegotiate(new, entry)

    def _informed(self, new: NewRequest, entry: CallEntry) -> None:
        brings_digit = wire.body_type(new.request) in INFO_TYPES
        if new.request.body and not brings_digit:
            self._answer(new, 415, {"Accept": ", ".join(INFO_TYPES)})
            return
        self._answer(new, 200)
        if brings_digit:
            entry.call.told_digit(new.request.text)

    def _renegotiate(self, new: NewRequest, entry: CallEntry) -> None:
        if entry.call.state.phase is not Phase.ACTIVE:
            self._answer(new, 491)
            return
        try:
            described = entry.call.renegotiate(new.request.text)
        except OfferError as error:
            self._answer(new, error.status)
            return
        if new.request.method == "INVITE":
            self._calls.renegotiated(entry, new.key, offered=not new.request.body)
        if entry.dialog.remote_target and new.request.contact:  # a target refresh (RFC 3261 12.2.2)
            entry.dialog.remote_target = wire.target(new.request)
        response = wire.answer(new.request, 200, entry.dialog.local_tag, new.source)
        self._transactions.answer(new, wire.with_body(response, self.local, described), time.monotonic())

    def _invited(self, new: NewRequest) -> None:
        judged = self._gate.judge(new.request, new.source, time.time())
        if isinstance(judged, Invited) and self._draining:
            judged = Refusal(503, "the line is ending")
        elif isinstance(judged, Invited) and len(self._calls) >= self._gate.admission.line.most_calls:
            judged = Refusal(503, "the line is full: [line] most_calls")
        if isinstance(judged, NoAnswer):
            self._note(f"{new.source[0]} silence", f"a call from {new.source[0]} gets no answer: {judged.reason}")
            self._transactions.ignore(new)
            return
        if isinstance(judged, Refusal):
            if judged.status != 407:
                told = f"a call from {new.source[0]} is refused with {judged.status}: {judged.reason}"
                self._note(told, told)
            self._answer(new, judged.status, judged.headers)
            return
        self._answer(new, 100)
        self._begin(new, judged)

    def _begin(self, new: NewRequest, invited: Invited) -> None:
        request = new.request
        dialog = wire.dialog(request, wire.tag(self._secret, request))
        admission, identity = self._gate.admission, new_identity(invited.where)
        setup = CallSetup(
            caller=identity if invited.hides_caller else invited.call.caller,
            offered=invited.offered,
            choice=invited.choice,
            codecs=admission.line.codecs,
            reach=invited.reach,
            join_info=lambda rate_hz: self._signer.join_info(invited, request, identity, rate_hz),
            limits=admission.limits(invited.where),
        )
        call = PhoneCall(setup, Signalling(self._answers(new), lambda: self._hang_up(dialog, new.source)), self._ports)
        entry = CallEntry(call, new.key, dialog)
        self._calls.add(entry)
        terms = invited.choice.codec if invited.choice is not None else "without an offer"
        logger.info("a call from %s to %s: %s", setup.caller, invited.call.called, terms)
        self._all_ended.clear()
        self._tasks[entry] = self._group.create_task(self._hold(entry), name=f"call {dialog.call_id}")

    async def _hold(self, entry: CallEntry) -> None:
        """Run a call to its end. A mistake of ours in it must not end the others."""
        try:
            await entry.call.run()
        except Exception:
            logger.exception("a call failed")
        finally:
            del self._tasks[entry]
            self._calls.remove(entry)
            entry.call.failed()
            logger.info("the call from %s ended: %s", entry.call.caller, entry.call.summary)
            self._flush()
            if not self._tasks:
                self._all_ended.set()

    # What goes out

    def _answers(self, new: NewRequest) -> Callable[[int, str | None], None]:
        def answer(status: int, described: str | None) -> None:
            response = self._response(new, status)
            response.set_header("Contact", wire.contact(self.local))
            if described is not None:
                wire.with_body(response, self.local, described)
            self._transactions.answer(new, response, time.monotonic())
            self._flush()

        return answer

    def _hang_up(self, dialog: Dialog, to: Address) -> None:
        """Send a BYE to where the call came from: through any NAT, with no name to look up, and to nobody else."""
        self._transactions.ask(wire.in_dialog(dialog, "BYE", self.local), to, time.monotonic())
        self._flush()

    def _response(self, new: NewRequest, status: int, headers: dict[str, str] | None = None) -> SipResponse:
        response = wire.answer(new.request, status, wire.tag(self._secret, new.request), new.source)
        if status == 503:
            response.set_header("Retry-After", str(_RETRY_AFTER_S))
        for name, value in (headers or {}).items():
            response.set_header(name, value)
        return response

    def _answer(self, new: NewRequest, status: int, headers: dict[str, str] | None = None) -> None:
        response = self._response(new, status, headers)
        # what a stranger can cause without end is not remembered: a challenge, and refusals when there are many
        if status != 407 and (status < 300 or len(self._transactions) < _MOST_REMEMBERED_REFUSALS):
            self._transactions.answer(new, response, time.monotonic())
        else:
            self._transactions.answer_once(new, response)

    def _flush(self) -> None:
        self._send()
        self._changed.set()
        if self._confirmed is not None and not self._transactions.unconfirmed:
            self._confirmed.set()

    def _send(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            for datagram in self._transactions.outbox:
                self._transport.sendto(datagram.data, datagram.to)
        self._transactions.outbox.clear()

    def _note(self, subject: str, text: str) -> None:
        """Log what somebody caused who has no call."""
        line = self._throttle.line(subject, text, time.monotonic())
        if line is not None:
            logger.info("%s", line)
