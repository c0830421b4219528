"""Calls that are odd, but right, or not answered as they should be: a handset of our own, a real line and a real room."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from telephony.line.media import MOST_UNCONFIRMED
from tests.e2e.stack import Sfu, until
from tests.line.handset import Handset, handset
from tests.line.sounds import rms
from tests.line.stack import OPEN, Onlooker, SipLine, line, onlooker, room_of_call

SILENCE_S = 2
FILE = OPEN.replace('trunks = ["phones"]', 'trunks = ["phones"]\nagent = "nobody"') + f"\n[line]\nsilence_s = {SILENCE_S}\n"
SYMMETRIC = FILE.replace('name = "phones"', 'name = "phones"\nsymmetric_rtp = true')
PRIVATE = "10.1.33.103"


@pytest.fixture(scope="module")
async def plain(server: Sfu, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SipLine]:
    async with line(server, tmp_path_factory.mktemp("plain"), FILE) as running_line:
        yield running_line


@pytest.fixture(scope="module")
async def symmetric(server: Sfu, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SipLine]:
    async with line(server, tmp_path_factory.mktemp("symmetric"), SYMMETRIC) as running_line:
        yield running_line


@asynccontextmanager
async def ringing(
    server: Sfu, running_line: SipLine, caller: str, *, offers: bool = True, host: str = "127.0.0.1"
) -> AsyncIterator[tuple[Handset, Onlooker]]:
    """A handset that has rung, and an onlooker in its room who answers with a tone."""
    async with handset(running_line.port, caller) as phone:
        if offers:
            phone.send("INVITE", phone.offer(host))
        else:
            phone.send("INVITE", **{"Content-Type": ""})
        async with onlooker(server, await room_of_call(server, caller), listens=True) as room:
            speaks = asyncio.create_task(room.speak())
            try:
                yield phone, room
            finally:
                speaks.cancel()
                await asyncio.gather(speaks, return_exceptions=True)


@asynccontextmanager
async def speaking(phone: Handset) -> AsyncIterator[None]:
    speaks = asyncio.create_task(phone.speak())
    try:
        yield
    finally:
        speaks.cancel()
        await asyncio.gather(speaks, return_exceptions=True)


async def test_a_phone_that_never_sends_a_packet_is_noticed_as_soon_as_one_that_stops(server: Sfu, plain: SipLine) -> None:
    """A phone that is killed between its ACK and its first packet does so."""
    async with ringing(server, plain, "+15550002001") as (phone, _):
        assert (await phone.answered()).status_code == 200
        phone.acknowledge()
        acknowledged_at = time.monotonic()
        await phone.asked("BYE", within_s=SILENCE_S + 6)
        assert time.monotonic() - acknowledged_at > SILENCE_S - 0.2
    await plain.part.says("the phone sends nothing any more")


async def test_without_an_ack_a_phone_is_sent_one_second_of_sound(server: Sfu, plain: SipLine) -> None:
    """The INVITE may be forged, and the phone that it names may know nothing of it."""
    async with ringing(server, plain, "+15550002002") as (phone, _):
        assert (await phone.answered()).status_code == 200
        await phone.until_heard(MOST_UNCONFIRMED)
        with pytest.raises(TimeoutError):
            await phone.until_heard(MOST_UNCONFIRMED + 1, within_s=1)
        phone.acknowledge()
        await phone.until_heard(MOST_UNCONFIRMED + 50)
        assert (await phone.ask("BYE")).status_code == 200


async def test_an_invite_without_an_offer_becomes_a_call_with_sound_both_ways_and_digits_by_info(
    server: Sfu, plain: SipLine
) -> None:
    async with ringing(server, plain, "+15550002003", offers=False) as (phone, room):
        answer = await phone.answered()
        assert answer.status_code == 200
        assert "m=audio" in answer.text
        phone.acknowledge(phone.offer())
        async with speaking(phone):
            await phone.until_heard(50)
            await until(lambda: rms(room.recording[-4000:]) > 1000)
            await room.until_status("active")
            for kind, body in (("application/dtmf-relay", "Signal=1\r\nDuration=160\r\n"), ("application/dtmf", "#")):
                assert (await phone.ask("INFO", body, **{"Content-Type": kind})).status_code == 200
            await room.until_digits("1#")
            assert (await phone.ask("BYE")).status_code == 200


async def test_a_phone_behind_nat_is_heard_and_hears(server: Sfu, symmetric: SipLine) -> None:
    """The phone's description names a private address; sound goes back to where its own comes from, and the log says so."""
    async with ringing(server, symmetric, "+15550002004", host=PRIVATE) as (phone, room):
        assert (await phone.answered()).status_code == 200
        phone.acknowledge()
        async with speaking(phone):
            await phone.until_heard(50)
            await until(lambda: rms(room.recording[-4000:]) > 1000)
            assert (await phone.ask("BYE")).status_code == 200
    await symmetric.part.says(PRIVATE)


async def test_without_the_setting_a_private_address_is_refused_and_both_addresses_are_told(plain: SipLine) -> None:
    async with handset(plain.port, "+15550002005") as phone:
        phone.send("INVITE", phone.offer(PRIVATE))
        assert (await phone.answered()).status_code == 488
        phone.acknowledge()
    await plain.part.says(f"it wants its sound at {PRIVATE}, and comes from 127.0.0.1; symmetric_rtp = true")


async def test_two_callers_of_one_number_share_a_room(server: Sfu, tmp_path: Path) -> None:
    """The second one doesn't put the first one out."""
    shared = FILE.replace('agent = "nobody"', 'agent = "nobody"\nkind = "direct"\nroom = "lobby-of-two"')
    async with (
        line(server, tmp_path, shared) as running_line,
        handset(running_line.port) as first,
        handset(running_line.port) as second,
    ):
        for phone in (first, second):
            phone.send("INVITE", phone.offer())

        async def both() -> bool:
            there = await server.participants("lobby-of-two")
            return sum(identity.startswith("sip_+15550001111_") for identity in there) == 2

        await until(both)
