"""The line's SIP socket against hostile phones: nothing that can be read breaks it, and no flood keeps a call from its end."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar
from unittest.mock import patch

import pytest
from aiosipua import AuthChallenge, SipDigestAuth, build_credentials, parse_auth, stringify_auth
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.line import server, wire
from telephony.line.admission import admission
from telephony.line.call import Limits
from telephony.line.digest import Challenges
from telephony.line.gate import Gate
from telephony.line.leg import Ports
from telephony.line.limits import FailedLogins
from telephony.line.offer import choose
from telephony.line.participant_token import JoinInfo, TokenSigner
from telephony.line.phone_call import CallSetup, PhoneCall, Signalling
from telephony.line.reach import Reach
from telephony.line.transactions import MOST_KEPT
from telephony.line.wire import Address, SipRequest, SipResponse
from telephony.reading import parse
from tests.line.messages import OFFER, SOURCE, ok, request_bytes
from tests.line.stack import OPEN

STRANGER = ("192.0.2.1", 5060)
ANSWER = OFFER.replace("RTP/AVP 0 9 101", "RTP/AVP 0 101")
LAST = 2_000_000
"""A CSeq above all that hostile phones write."""


class CallWithoutRoom(PhoneCall):
    """A call whose agent answers at once, without LiveKit and without RTP."""

    pressed: ClassVar[list[str]] = []
    """Digits on their way to the room."""

    async def run(self) -> None:
        self.pressed.clear()
        self.agent_heard()
        await self._over.wait()

    def digit_heard(self, digit: str) -> None:
        self.pressed.append(digit)


class Phones(asyncio.DatagramTransport):
    """The line's socket, with all its phones behind it."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 5060)})
        self.statuses: list[tuple[str, int]] = []
        """Method and status of each answer."""
        self.tag = ""
        """The line's, in its last answer."""
        self.asked: list[SipRequest] = []
        """The line's requests."""
        self.sent = 0
        self.body = ""
        """The body of the line's last answer."""
        self.challenge = AuthChallenge("Digest")

    def is_closing(self) -> bool:
        return False

    def sendto(self, data: bytes, _addr: Address | None = None) -> None:  # type: ignore[override]
        self.sent += 1
        message = wire.read(data)
        if isinstance(message, SipResponse):
            assert message.cseq is not None
            self.body = message.text
            asked = message.get_header("Proxy-Authenticate")
            challenge = parse_auth(asked) if asked else self.challenge
            assert isinstance(challenge, AuthChallenge)
            self.challenge = challenge
            self.statuses.append((message.cseq.method, message.status_code))
            assert message.to_addr is not None
            self.tag = message.to_addr.tag or ""
        else:
            self.asked.append(message)


@asynccontextmanager
async def talking(offer: str = OFFER, *, last_bye_s: float = 0.0) -> AsyncIterator[tuple[server.SipServer, Phones, str]]:
    """A line with one call that is answered, and the line's tag in it. Without an offer its ACK is still to come."""
    gate = Gate(admission(parse(OPEN.encode()), {}), Challenges(b"key", "earshot"))
    signer, phones = TokenSigner("ws://127.0.0.1:9", "key", "secret"), Phones()
    async with asyncio.TaskGroup() as group:
        line = server.SipServer(gate, signer, Ports("127.0.0.1", range(20000, 20400)), group)
        line.connection_made(phones)
        with patch.object(server, "PhoneCall", CallWithoutRoom), patch.object(server, "_LAST_BYE_S", last_bye_s):
            line.datagram_received(request_bytes("INVITE", offer), SOURCE)
            await asyncio.sleep(0)
            tag = phones.tag
            if offer:
                line.datagram_received(request_bytes("ACK", Via=via("ack"), To=to(tag)), SOURCE)
            assert phones.statuses == [("INVITE", 100), ("INVITE", 200)]
            yield line, phones, tag
            await line.drain(0, asyncio.Event())


def via(branch: object) -> str:
    return f"SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{branch};rport"


def to(tag: str) -> str:
    return f"<sip:+15550002222@127.0.0.1>;tag={tag}"


async def check_hang_up(line: server.SipServer, phones: Phones, tag: str) -> None:
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


def unheard(file: str, **passwords: str) -> tuple[server.SipServer, Phones]:
    """A line with a file of its own, and its phones."""
    gate = Gate(admission(parse(file.encode()), passwords), Challenges(b"key", "earshot"))
    signer, group = TokenSigner("ws://127.0.0.1:9", "key", "secret"), asyncio.TaskGroup()
    line, phones = server.SipServer(gate, signer, Ports("127.0.0.1", range(0)), group), Phones()
    line.connection_made(phones)
    return line, phones


WALLED = OPEN.replace('allowed_addresses = ["127.0.0.0/8"]', 'auth_username = "u"\nauth_password_env = "P"')
WALLED += '\n[line]\nallowed_addresses = ["127.0.0.0/8"]\n'


@pytest.mark.parametrize("file", [OPEN, WALLED], ids=["the trunk keeps it out", "[line] keeps it out"])
async def test_a_stranger_gets_no_answer_to_anything_and_can_t_fill_the_log(
    file: str, caplog: pytest.LogCaptureFixture
) -> None:
    line, phones = unheard(file, P="secret")
    with caplog.at_level(logging.DEBUG):
        for method in METHODS:
            for headers in ({}, {"Require": "x\x1b[2K\u2028" + "A" * 15_000}, {"From": ""}, {"Content-Length": "9999"}):
                line.datagram_received(request_bytes(method, OFFER, **headers), STRANGER)
        for data in (b"", b"\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n", b"\xff" * 2000, b"\x1b[2Jforged"):
            line.datagram_received(data, STRANGER)
        for number in range(2000):
            line.datagram_received(
                request_bytes("INVITE", OFFER, Via=via(number)), (f"198.51.{number // 256}.{number % 256}", 5)
            )
    assert phones.sent == 0
    assert len(caplog.records) <= 20
    assert len(caplog.text) < 4000
    assert "\x1b" not in caplog.text
    line.datagram_received(request_bytes("OPTIONS"), SOURCE)
    assert phones.statuses == [("OPTIONS", 200)]


async def test_a_known_phone_that_is_refused_can_t_forge_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    line, phones = unheard(OPEN)
    with caplog.at_level(logging.INFO):
        line.datagram_received(request_bytes("INVITE", OFFER, Require="x\x1b[2K\u2028" + "A" * 15_000), SOURCE)
    assert phones.statuses == [("INVITE", 420)]
    [record] = caplog.records
    assert len(record.getMessage()) < 400
    assert record.getMessage().isascii()
    assert record.getMessage().isprintable()


async def test_guesses_at_a_password_end_in_silence() -> None:
    line, phones = unheard(WALLED, P="secret")
    for number in range(50):
        line.datagram_received(request_bytes("INVITE", OFFER, Via=via(number)), SOURCE)
        challenge = phones.challenge
        credentials = build_credentials(
            SipDigestAuth("u", f"guess-{number}"), challenge, "INVITE", "sip:+15550002222@127.0.0.1"
        )
        assert credentials is not None
        guess = {"Proxy-Authorization": stringify_auth(credentials), "CSeq": "2 INVITE"}
        line.datagram_received(request_bytes("INVITE", OFFER, Via=via(f"guess{number}"), **guess), SOURCE)
    assert phones.statuses == [("INVITE", 407), ("INVITE", 403)] * FailedLogins.FREE
    line.datagram_received(request_bytes("OPTIONS"), SOURCE)
    assert phones.statuses[-1] == ("OPTIONS", 200)


async def test_an_invite_without_an_offer_is_answered_with_ours_and_its_ack_has_the_answer() -> None:
    async with talking(offer="") as (line, phones, tag):
        assert "m=audio" in phones.body
        assert "PCMU/8000" in phones.body
        assert "G722" not in phones.body
        line.datagram_received(request_bytes("ACK", ANSWER, Via=via("ack"), To=to(tag)), SOURCE)
        await asyncio.sleep(0)
        assert phones.asked == []
        line.datagram_received(request_bytes("INVITE", Via=via("again"), To=to(tag), CSeq="2 INVITE"), SOURCE)
        assert phones.statuses[-1] == ("INVITE", 200)
        assert "m=audio" in phones.body
        await check_hang_up(line, phones, tag)


@pytest.mark.parametrize(
    "answered",
    ["", "nonsense", ANSWER.replace("RTP/AVP 0", "RTP/AVP 18"), ANSWER.replace("IP4 127.0.0.1", "IP4 198.51.100.1")],
    ids=["no answer", "nonsense", "another codec", "a third party's address"],
)
async def test_an_ack_without_a_usable_answer_ends_the_call(answered: str) -> None:
    async with talking(offer="") as (line, phones, tag):
        line.datagram_received(request_bytes("ACK", answered, Via=via("ack"), To=to(tag)), SOURCE)
        await asyncio.sleep(0)
        assert [request.method for request in phones.asked] == ["BYE"]


@pytest.mark.parametrize(
    ("kind", "body", "status", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", 200, "5"),
        ("application/dtmf-relay", "Signal= *\nDuration= 250\n", 200, "*"),
        ("Application/DTMF-Relay;charset=utf-8", "signal=11\r\n", 200, "#"),
        ("application/dtmf", "d", 200, "D"),
        ("application/dtmf", "9", 200, "9"),
        ("application/dtmf-relay", "Signal=!\r\n", 200, None),
        ("application/dtmf-relay", "\x00\u2028=", 200, None),
        ("application/media_control+xml", "<media_control/>", 415, None),
    ],
)
async def test_a_digit_in_an_info_reaches_the_room(kind: str, body: str, status: int, digit: str | None) -> None:
    async with talking() as (line, phones, tag):
        info = request_bytes("INFO", body, Via=via("info"), To=to(tag), CSeq="2 INFO", **{"Content-Type": kind})
        for _ in range(3):
            line.datagram_received(info, SOURCE)
        assert phones.statuses[2:] == [("INFO", status)] * 3
        assert CallWithoutRoom.pressed == ([digit] if digit else [])


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
    async with talking(last_bye_s=2.0) as (line, phones, _tag):
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


class FailingCall(CallWithoutRoom):
    """A call with a mistake of ours in it."""

    async def run(self) -> None:
        raise ExceptionGroup("one task failed", [ValueError("a mistake of ours")])


async def test_a_call_that_fails_is_logged_and_answered_and_ends_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async with talking() as (line, phones, tag):
        phones.statuses.clear()
        with patch.object(server, "PhoneCall", FailingCall):
            line.datagram_received(request_bytes("INVITE", OFFER, Via=via("new"), **{"Call-ID": "new"}), SOURCE)
            await asyncio.sleep(0)
        assert phones.statuses == [("INVITE", 100), ("INVITE", 500)]
        [record] = [record for record in caplog.records if record.message == "a call failed"]
        assert record.levelno == logging.ERROR
        assert record.exc_info is not None
        await check_hang_up(line, phones, tag)


def call_with(offered: str) -> PhoneCall:
    choice = choose(offered, ["PCMU"], "127.0.0.1")
    reach = Reach("phones", "127.0.0.1")
    setup = CallSetup("+15550001111", offered, choice, ["PCMU"], reach, lambda rate_hz: JoinInfo("", "", rate_hz), Limits())
    return PhoneCall(setup, Signalling(lambda *_: None, lambda: None), Ports("127.0.0.1", range(0)))


@pytest.mark.parametrize(
    "offered",
    [
        *(f"{OFFER}a={direction}\r\n" for direction in ("sendonly", "inactive", "recvonly")),
        OFFER.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"),
    ],
)
def test_a_call_whose_offer_holds_it_or_only_listens_may_be_silent_as_long_as_one_that_is_held_later(offered: str) -> None:
    call = call_with(offered)
    call.agent_heard()
    acknowledged_at = time.monotonic()
    call.acknowledged("")
    assert call.state.next_at >= acknowledged_at + Limits().hold_s


def test_digits_for_a_phone_that_takes_none_are_refused_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    call = call_with(OFFER.replace("0 9 101", "0 9").replace("a=rtpmap:101 telephone-event/8000\r\n", ""))
    call.digits_pressed("1")
    assert "the phone doesn't take RFC 4733 digits" in caplog.text
    assert call.media.keypad.tick(0) is None
