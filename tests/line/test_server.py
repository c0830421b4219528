"""The line's SIP socket against hostile phones: nothing that can be read breaks it, and no flood keeps a call from its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.line import server, wire
from telephony.line.admission import admission
from telephony.line.call import Limits
from telephony.line.digest import Challenges
from telephony.line.gate import Gate
from telephony.line.leg import Ports
from telephony.line.offer import choose
from telephony.line.phone_call import PhoneCall, Signalling, Wanted
from telephony.line.tickets import Desk, Place
from telephony.line.transactions import MOST_KEPT
from telephony.line.wire import Address, SipRequest, SipResponse
from telephony.reading import parse
from tests.line.messages import OFFER, SOURCE, ok, request_bytes
from tests.line.stack import OPEN

STRANGER = ("192.0.2.1", 5060)
LAST = 2_000_000
"""A CSeq above all that hostile phones write."""


class CallWithoutRoom(PhoneCall):
    """A call whose agent answers at once, without LiveKit and without RTP."""

    async def run(self) -> None:
        self.agent_heard()
        await self._over.wait()


class Phones(asyncio.DatagramTransport):
    """The line's socket, with all its phones behind it."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 5060)})
        self.statuses: list[tuple[str, int]] = []
        """Method and status of each answer."""
        self.tag = ""
        """The line's, in its last answer."""
        self.asked: list[SipRequest] = []
        """What the line asked."""

    def is_closing(self) -> bool:
        return False

    def sendto(self, data: bytes, _addr: Address | None = None) -> None:  # type: ignore[override]
        message = wire.read(data)
        if isinstance(message, SipResponse):
            assert message.cseq is not None
            self.statuses.append((message.cseq.method, message.status_code))
            assert message.to_addr is not None
            self.tag = message.to_addr.tag or ""
        else:
            self.asked.append(message)


@asynccontextmanager
async def talking() -> AsyncIterator[tuple[server.Line, Phones, str]]:
    """A line with one call that is answered, and the line's tag in it."""
    gate = Gate(admission(parse(OPEN.encode()), {}), Challenges(b"key", "earshot"))
    line, phones = (
        server.Line(gate, Desk("ws://127.0.0.1:9", "key", "secret"), Ports("127.0.0.1", range(20000, 20400))),
        Phones(),
    )
    line.connection_made(phones)
    with patch.object(server, "PhoneCall", CallWithoutRoom):
        line.datagram_received(request_bytes("INVITE", OFFER), SOURCE)
        await asyncio.sleep(0)
        tag = phones.tag
        line.datagram_received(request_bytes("ACK", Via=via("ack"), To=to(tag)), SOURCE)
        assert phones.statuses == [("INVITE", 100), ("INVITE", 200)]
        yield line, phones, tag
        await line.drain(0, asyncio.Event())


def via(branch: object) -> str:
    return f"SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{branch};rport"


def to(tag: str) -> str:
    return f"<sip:+15550002222@127.0.0.1>;tag={tag}"


async def check_hang_up(line: server.Line, phones: Phones, tag: str) -> None:
    """BYE ends the call: it is answered, and another one finds no call any more."""
    phones.statuses.clear()
    for number in range(2):
        bye = request_bytes("BYE", Via=via(f"bye{number}"), To=to(tag), CSeq=f"{LAST + number} BYE")
        line.datagram_received(bye, SOURCE)
        for _ in range(3):
            await asyncio.sleep(0)
    assert phones.statuses == [("BYE", 200), ("BYE", 481)]


METHODS = ("INVITE", "ACK", "CANCEL", "OPTIONS", "UPDATE", "INFO", "REGISTER", "PRACK", "SUBSCRIBE", "NOTIFY", "X")
HOSTILE = st.fixed_dictionaries(
    {
        "method": st.sampled_from(METHODS),
        "body": st.sampled_from(["", OFFER, OFFER.replace("0 9 101", "18"), "v=0\r\nm=audio\r\n", "{}", "\x00"]),
        "Via": st.one_of(st.integers(0, 5).map(via), st.sampled_from(["SIP/2.0/UDP x", "SIP/2.0/UDP [::1]:1;branch=;rport"])),
        "From": st.sampled_from(
            ["<sip:+15550001111@127.0.0.1>;tag=theirs", "<sip:a@b>", "<tel:1>;tag=x", '"\\"" <sip:%>;tag=']
        ),
        "To": st.sampled_from(["<sip:+15550002222@127.0.0.1>", "<sip:x@y>;tag=none", "OURS", "*", "<sip:>"]),
        "Call-ID": st.sampled_from(["call-1", "other", " "]),
        "CSeq": st.integers(0, LAST - 1),
        "Contact": st.sampled_from(["", "*", "<sip:>", "<sip:a@127.0.0.1>", "nonsense", "<sip:a@b>,<sip:c@d>"]),
        "Content-Type": st.sampled_from(["application/sdp", "", "text/plain;x", ";"]),
        "Record-Route": st.sampled_from(["", "<sip:p;lr>", "x", "<"]),
        "Proxy-Authorization": st.sampled_from(["", "Digest", "Basic x", 'Digest nonce="1.x", uri=sip:x', "Digest ="]),
        "Require": st.sampled_from(["", "100rel"]),
    }
)


def written(hostile: dict[str, object], tag: str) -> bytes:
    method, body = str(hostile["method"]), str(hostile["body"])
    headers = {name: str(value) for name, value in hostile.items() if name[0].isupper()}
    headers |= {"CSeq": f"{hostile['CSeq']} {method}", "To": to(tag) if hostile["To"] == "OURS" else str(hostile["To"])}
    return request_bytes(method, body, **headers)


@settings(deadline=None)
@given(st.lists(st.tuples(HOSTILE, st.sampled_from([SOURCE, STRANGER])), max_size=25))
def test_whatever_is_asked_nothing_breaks_and_the_call_can_be_ended(
    asked: list[tuple[dict[str, object], tuple[str, int]]],
) -> None:
    async def scene() -> None:
        async with talking() as (line, phones, tag):
            for hostile, source in asked:
                line.datagram_received(written(hostile, tag), source)
                await asyncio.sleep(0)
            await check_hang_up(line, phones, tag)

    with patch.object(server, "_LAST_BYE_S", 0.0):
        asyncio.run(scene())


async def test_a_flood_blocks_neither_a_running_call_nor_a_new_one() -> None:
    """More of each request than are ever kept; OPTIONS gets its answer each time."""
    async with talking() as (line, phones, tag):
        for method in ("OPTIONS", "BYE", "REGISTER"):
            phones.statuses.clear()
            for number in range(MOST_KEPT + 10):
                flood = request_bytes(method, Via=via(f"{method}{number}"), **{"Call-ID": f"flood-{number}"})
                line.datagram_received(flood, SOURCE)
            assert len(phones.statuses) == MOST_KEPT + 10
        await check_hang_up(line, phones, tag)
        phones.statuses.clear()
        line.datagram_received(request_bytes("INVITE", OFFER, Via=via("new"), **{"Call-ID": "new"}), SOURCE)
        assert phones.statuses == [("INVITE", 100)]


async def test_a_stranger_is_told_nothing_of_the_line() -> None:
    walled = OPEN + '\n[line]\nallowed_addresses = ["127.0.0.0/8"]\n'
    gate = Gate(admission(parse(walled.encode()), {}), Challenges(b"key", "earshot"))
    line, phones = server.Line(gate, Desk("ws://127.0.0.1:9", "key", "secret"), Ports("127.0.0.1", range(0))), Phones()
    line.connection_made(phones)
    for source in (STRANGER, SOURCE):
        line.datagram_received(request_bytes("OPTIONS"), source)
    assert phones.statuses == [("OPTIONS", 403), ("OPTIONS", 200)]


async def test_re_invites_without_an_ack_do_not_end_or_block_the_call() -> None:
    async with talking() as (line, phones, tag):
        phones.statuses.clear()
        for number in range(2, 50):
            again = request_bytes("INVITE", OFFER, Via=via(number), To=to(tag), CSeq=f"{number} INVITE")
            line.datagram_received(again, SOURCE)
        assert phones.statuses == [("INVITE", 200)] * 48
        await check_hang_up(line, phones, tag)


async def test_the_last_bye_is_sent_until_it_is_answered() -> None:
    """The network loses the first one; the line waits for the second one's answer before it ends."""
    async with talking() as (line, phones, _tag):
        runs = asyncio.create_task(line.run())
        drains = asyncio.create_task(line.drain(0, asyncio.Event()))
        async with asyncio.timeout(5):
            while len(phones.asked) < 2:
                await asyncio.sleep(0.01)
            assert not drains.done()
            assert {request.method for request in phones.asked} == {"BYE"}
            line.datagram_received(bytes(ok(phones.asked[-1])), SOURCE)
            await drains
        runs.cancel()


def test_digits_for_a_phone_that_takes_none_are_refused_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    offered = OFFER.replace("0 9 101", "0 9").replace("a=rtpmap:101 telephone-event/8000\r\n", "")
    choice = choose(offered, ["PCMU"], "127.0.0.1")
    wanted = Wanted("+15550001111", offered, choice, ["PCMU"], lambda rate_hz: Place("", "", rate_hz), Limits())
    call = PhoneCall(wanted, Signalling(lambda *_: None, lambda: None), Ports("127.0.0.1", range(0)))
    call.digits_pressed("1")
    assert "the phone doesn't take RFC 4733 digits" in caplog.text
    assert call.media.keypad.tick(0) is None
