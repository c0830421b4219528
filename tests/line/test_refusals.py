"""Calls that nobody answers: each ends with the right code, and none in silence. Without a worker."""

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from caller.ear import Samples, spans
from tests.e2e.stack import Sfu
from tests.line.softphone import Person, softphone
from tests.line.stack import NUMBER, OPEN, SipLine, line, room_of_call, rooms_of_caller, until_gone

GUARDED = f"""
[[inbound]]
name = "carrier"
numbers = ["{NUMBER}"]
allowed_numbers = ["+15550001111", "+15550001112"]
auth_username = "phone"
auth_password_env = "PHONE_PASSWORD"
ringing_timeout_s = 2

[[rule]]
name = "everybody"
trunks = ["carrier"]
agent = "nobody"
"""


@pytest.fixture(scope="module")
async def guarded(server: Sfu, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SipLine]:
    async with line(server, tmp_path_factory.mktemp("guarded"), GUARDED, PHONE_PASSWORD="secret") as running_line:
        yield running_line


def tone_hz(sound: Samples) -> set[int]:
    """The two loudest frequencies, to 10 Hz."""
    spectrum = np.abs(np.fft.rfft(sound.astype(np.float64) * np.hanning(len(sound))))
    hz = np.fft.rfftfreq(len(sound), 1 / 8000)
    first = hz[np.argmax(spectrum)]
    spectrum[np.abs(hz - first) < 40] = 0
    return {round(first, -1), round(hz[np.argmax(spectrum)], -1)}


async def test_without_an_agent_it_rings_then_a_tone_then_480(guarded: SipLine, server: Sfu, tmp_path: Path) -> None:
    async with softphone(tmp_path / "phone", Person(password="secret")) as phone:
        dialled_at = time.monotonic()
        await phone.dial(guarded.uri)
        await phone.first("CALL_RINGING")
        await phone.first("CALL_PROGRESS")
        closed = await phone.first("CALL_CLOSED")
        assert "480" in closed.param
        assert 3.5 < closed.at - dialled_at < 12
        sound = phone.recorded()
        [*beeps] = spans(sound, sample_rate_hz=8000, pause_s=0.1)
        assert len(beeps) >= 3
        middle = beeps[1]
        assert tone_hz(sound[int(middle.start_s * 8000) : int(middle.end_s * 8000)]) == {480, 620}
    await until_gone(server, (await rooms_of_caller(server, "+15550001111"))[0])


async def test_without_livekit_a_tone_then_503(tmp_path: Path) -> None:
    nowhere = Sfu("ws://127.0.0.1:9")
    async with line(nowhere, tmp_path, OPEN) as running_line, softphone(tmp_path / "phone") as phone:
        await phone.dial(running_line.uri)
        closed = await phone.first("CALL_CLOSED", within_s=30)
        assert "503" in closed.param
        assert len(spans(phone.recorded(), sample_rate_hz=8000, pause_s=0.1)) >= 3


async def test_a_caller_who_gives_up_while_it_rings(guarded: SipLine, server: Sfu, tmp_path: Path) -> None:
    person = Person(user="+15550001112", password="secret")
    async with softphone(tmp_path / "phone", person) as phone:
        await phone.dial(guarded.uri)
        await phone.first("CALL_RINGING")
        room = await room_of_call(server, person.user)
        await phone.hang_up()
        await phone.first("CALL_CLOSED")
        await until_gone(server, room, within_s=5)
    await guarded.part.says("the caller gave up while it rang")


@pytest.mark.parametrize(
    ("person", "number", "status"),
    [
        (Person(password="wrong"), NUMBER, "403"),
        (Person(user="+15550009999", password="secret"), NUMBER, "403"),
        (Person(password="secret"), "+15550007777", "404"),
    ],
    ids=["wrong password", "caller not allowed", "unknown number"],
)
async def test_who_may_not_call(
    person: Person, number: str, status: str, guarded: SipLine, server: Sfu, tmp_path: Path
) -> None:
    before = await rooms_of_caller(server, person.user)
    async with softphone(tmp_path / "phone", person) as phone:
        await phone.dial(re.sub(r"\+\d+", number, guarded.uri))
        assert status in (await phone.first("CALL_CLOSED")).param
    assert set(await rooms_of_caller(server, person.user)) <= set(before)


async def test_more_calls_than_the_line_takes(server: Sfu, tmp_path: Path) -> None:
    one = OPEN.replace('trunks = ["phones"]', 'trunks = ["phones"]\nagent = "nobody"') + "\n[line]\nmost_calls = 1\n"
    async with line(server, tmp_path, one) as running_line, softphone(tmp_path / "first") as first:
        await first.dial(running_line.uri)
        await first.first("CALL_RINGING")
        async with softphone(tmp_path / "second", Person(user="+15550001113")) as second:
            await second.dial(running_line.uri)
            assert "503" in (await second.first("CALL_CLOSED")).param
        await first.hang_up()
        await first.first("CALL_CLOSED")
