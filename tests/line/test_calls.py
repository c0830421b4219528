"""Real calls: baresip rings the line, the line joins a real livekit-server, the real worker answers, the emulator speaks."""

import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soxr

from caller.ear import Samples, dropouts, spans
from emulator import voice
from speech import synthesize
from tests.e2e.stack import Gemini, Sfu, until
from tests.line.conftest import ANSWER, GOODBYE, GREETING, STORY
from tests.line.relay import NetworkConditions, relay
from tests.line.softphone import RATE_HZ, Person, Softphone, softphone
from tests.line.stack import (
    NUMBER,
    OPEN,
    SipLine,
    garbage,
    line,
    onlooker,
    remove_agent,
    room_of_call,
    rooms_of_caller,
    rtp_ports_of,
    until_gone,
)

pytestmark = [pytest.mark.usefixtures("shared_worker"), pytest.mark.sound]

HELLO = "Hello, can you hear me?"


def as_spoken(text: str, rate_hz: int) -> Samples:
    """The emulator's own sound for a text, in the persona's voice, as far as the phone's rate can carry it."""
    spoken = np.frombuffer(voice.speak(text, "Puck", "en-US"), dtype=np.int16).astype(np.float32)
    resampled = np.clip(soxr.resample(spoken, 24000, rate_hz), -32768, 32767)
    return np.asarray(resampled, dtype=np.int16)


def check_said(recorded: Samples, texts: Sequence[str], rate_hz: int) -> None:
    """The phone heard these texts, one after the other: each as long as it was spoken, and without a hole."""
    heard = spans(recorded, sample_rate_hz=rate_hz, pause_s=0.8)
    assert len(heard) == len(texts)
    for span, text in zip(heard, texts, strict=True):
        spoken = as_spoken(text, rate_hz)
        assert span.duration_s == pytest.approx(len(spoken) / rate_hz, abs=0.25)
        piece = recorded[max(round((span.start_s - 0.2) * rate_hz), 0) : round((span.end_s + 0.5) * rate_hz)]
        # in halves: on a busy machine WebRTC stretches time, which moves what comes later
        for part in np.array_split(spoken, max(round(len(spoken) / rate_hz / 1.7), 1)):
            # beside other calls, a process that is not run for 150 ms makes a hole; a lost word is longer
            assert [hole for hole in dropouts(piece, part, sample_rate_hz=rate_hz) if hole.duration_s > 0.2] == []


def heard_turns(model: Gemini, since: int) -> list[str]:
    """The turns that the model understood."""
    contents = [line["message"].get("serverContent", {}) for line in model.lines()[since:]]
    return [content["inputTranscription"]["text"] for content in contents if "inputTranscription" in content]


async def until_silent(phone: Softphone, spans_wanted: int, rate_hz: int, within_s: float = 20) -> None:
    """Wait until the phone heard so many utterances, and then nothing for a while."""

    def is_silent() -> bool:
        recorded = phone.recorded()
        heard = spans(recorded, sample_rate_hz=rate_hz, pause_s=0.8)
        return len(heard) >= spans_wanted and heard[-1].end_s < len(recorded) / rate_hz - 0.9

    await until(is_silent, within_s=within_s)


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
async def test_a_call_is_heard_both_ways(codec: str, server: Sfu, model: Gemini, shared_line: SipLine, tmp_path: Path) -> None:
    since = len(model.lines())
    async with softphone(tmp_path / "phone", Person(codec, says=[(4.0, HELLO)])) as phone:
        dialled_at = time.monotonic()
        await phone.dial(shared_line.uri)
        await phone.first("CALL_RINGING")
        established = await phone.first("CALL_ESTABLISHED")
        await until_silent(phone, 2, RATE_HZ[codec])
        await phone.hang_up()
        await phone.first("CALL_CLOSED")
        check_said(phone.recorded(), [GREETING, ANSWER], RATE_HZ[codec])
    assert established.at - dialled_at < 10
    assert heard_turns(model, since) == [HELLO]


async def test_the_caller_interrupts_and_the_agent_hangs_up(shared_line: SipLine, tmp_path: Path) -> None:
    says = [(3.5, HELLO), (11.0, "Tell me a story."), (16.0, "Stop. I have another question."), (22.0, "Goodbye.")]
    async with softphone(tmp_path / "phone", Person(says=says)) as phone:
        await phone.dial(shared_line.uri)
        await phone.first("CALL_ESTABLISHED")
        await phone.first("CALL_CLOSED", within_s=45)
        _, _, story, polite, goodbye = spans(phone.recorded(), sample_rate_hz=8000, pause_s=0.8)
    assert story.duration_s < len(as_spoken(STORY, 8000)) / 8000 - 2
    assert story.end_s < 16.0 + 2.5
    assert polite.start_s > 17
    assert goodbye.duration_s == pytest.approx(len(as_spoken(GOODBYE, 8000)) / 8000, abs=0.3)


async def test_the_room_sees_a_sip_participant_and_digits_go_both_ways(
    server: Sfu, shared_line: SipLine, tmp_path: Path
) -> None:
    async with softphone(tmp_path / "phone") as phone:
        await phone.dial(shared_line.uri)
        await phone.first("CALL_ESTABLISHED")
        async with onlooker(server, await room_of_call(server)) as room:
            attributes = await room.until_status("active")
            assert room.caller is not None
            assert (room.caller.identity, room.caller.name) == ("sip_+15550001111", "Phone +15550001111")
            assert attributes["sip.phoneNumber"] == "+15550001111"
            assert attributes["sip.trunkPhoneNumber"] == NUMBER
            assert attributes["sip.callID"].startswith("SCL_")
            assert {"sip.callIDFull", "sip.callTag", "sip.hostname", "sip.trunkID", "sip.ruleID"} <= attributes.keys()
            await phone.press("15#")
            await room.until_digits("15#")
            await room.press_until_heard("D", phone)  # the server drops data of somebody who has only just joined
            already = len(phone.digits)
            await room.press("42*")
            await phone.until_digits("42*", since=already)
            await phone.hang_up()
            await room.until_status("hangup")


@pytest.mark.long
async def test_a_call_over_a_bad_network_is_heard(server: Sfu, model: Gemini, shared_line: SipLine, tmp_path: Path) -> None:
    """5 % of the sound lost and 40 ms of jitter: the room hears no hole, and the model the sentence."""
    since = len(model.lines())
    async with (
        relay(shared_line.port, sound=NetworkConditions(loss=0.05, jitter_s=0.04)) as network,
        softphone(tmp_path / "phone", Person(says=[(4.0, HELLO)])) as phone,
    ):
        await phone.dial(shared_line.through(network.port))
        await phone.first("CALL_ESTABLISHED")
        async with onlooker(server, await room_of_call(server), listens=True) as room:
            await until_silent(phone, 2, 8000)
            heard = room.recording
        await phone.hang_up()
        await phone.first("CALL_CLOSED")
    assert network.lost > 20
    assert heard_turns(model, since) == [HELLO]
    assert dropouts(heard, synthesize(HELLO, sample_rate_hz=8000), sample_rate_hz=8000) == []


@pytest.mark.long
async def test_every_packet_three_times_is_one_call_with_whole_sound(
    server: Sfu, model: Gemini, shared_line: SipLine, tmp_path: Path
) -> None:
    since, thrice = len(model.lines()), NetworkConditions(copies=3)
    async with (
        relay(shared_line.port, sip=thrice, sound=thrice) as network,
        softphone(tmp_path / "phone", Person(user="+15550003333", says=[(4.0, HELLO)])) as phone,
    ):
        await phone.dial(shared_line.through(network.port))
        await phone.first("CALL_ESTABLISHED")
        room = await room_of_call(server, "+15550003333")
        await until_silent(phone, 2, 8000)
        assert await rooms_of_caller(server, "+15550003333") == [room]
        await phone.hang_up()
        await phone.first("CALL_CLOSED")
        await until_gone(server, room)
        check_said(phone.recorded(), [GREETING, ANSWER], 8000)
    assert heard_turns(model, since) == [HELLO]


@pytest.fixture(scope="module")
async def short_line(server: Sfu, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SipLine]:
    """A line without patience for silent phones."""
    async with line(server, tmp_path_factory.mktemp("short"), OPEN + "\n[line]\nsilence_s = 2\n") as running_line:
        yield running_line


@pytest.mark.long
async def test_a_call_on_hold_goes_on_afterwards(model: Gemini, short_line: SipLine, tmp_path: Path) -> None:
    """The held phone sends nothing for longer than a phone that isn't held may."""
    since = len(model.lines())
    async with (
        relay(short_line.port) as network,
        softphone(tmp_path / "phone", Person(says=[(7.0, HELLO)])) as phone,  # its sound begins anew after the hold
    ):
        await phone.dial(short_line.through(network.port))
        await phone.first("CALL_ESTABLISHED")
        await until_silent(phone, 1, 8000)
        await phone.hold()
        held_at = await network.silence("phone", for_s=1)
        await network.silence("line", for_s=3)
        await phone.resume()
        await network.sound("phone", packets=100)
        await network.sound("line", packets=100)
        assert time.monotonic() - held_at > 3
        await until(lambda: bool(heard_turns(model, since)), within_s=20)
        await phone.hang_up()
        await phone.first("CALL_CLOSED")


@pytest.mark.long
async def test_a_phone_that_dies_is_noticed(server: Sfu, short_line: SipLine, tmp_path: Path) -> None:
    async with softphone(tmp_path / "phone") as phone:
        await phone.dial(short_line.uri)
        await phone.first("CALL_ESTABLISHED")
        await phone.first("CALL_RTPESTAB")
        room = await room_of_call(server)
        phone.part.signal(signal.SIGKILL)
        killed_at = time.monotonic()
        await until_gone(server, room)
        assert 1.5 < time.monotonic() - killed_at < 8
        await short_line.part.says("the phone sends nothing any more")


@pytest.mark.long
async def test_garbage_on_the_ports_changes_nothing(server: Sfu, model: Gemini, shared_line: SipLine, tmp_path: Path) -> None:
    since = len(model.lines())
    async with softphone(tmp_path / "phone", Person(says=[(4.0, HELLO)])) as phone:
        await phone.dial(shared_line.uri)
        await phone.first("CALL_ESTABLISHED")
        ports = [shared_line.port, *rtp_ports_of(shared_line)]
        assert len(ports) == 2
        async with garbage(ports, per_second=500):
            await until_silent(phone, 2, 8000)
        await phone.hang_up()
        await phone.first("CALL_CLOSED")
        check_said(phone.recorded(), [GREETING, ANSWER], 8000)
    assert heard_turns(model, since) == [HELLO]
    assert "Traceback" not in "\n".join(shared_line.part.lines)


@pytest.mark.long
async def test_sigterm_lets_the_call_end_and_takes_no_other(server: Sfu, tmp_path: Path) -> None:
    async with line(server, tmp_path) as ending, softphone(tmp_path / "phone", Person(says=[(4.0, HELLO)])) as phone:
        await phone.dial(ending.uri)
        await phone.first("CALL_ESTABLISHED")
        ending.part.signal(signal.SIGTERM)
        await ending.part.says("calls may go on")
        async with softphone(tmp_path / "other", Person(user="+15550004444")) as other:
            await other.dial(ending.uri)
            assert "503" in (await other.first("CALL_CLOSED")).param
        await until_silent(phone, 2, 8000)
        await phone.hang_up()
        assert await ending.part.ended() == 0
        recorded = phone.recorded()
        check_said(recorded[-5 * 8000 :], [ANSWER], 8000)


@pytest.mark.long
async def test_sigint_ends_the_call_with_a_bye(server: Sfu, tmp_path: Path) -> None:
    async with line(server, tmp_path) as ending, softphone(tmp_path / "phone") as phone:
        await phone.dial(ending.uri)
        await phone.first("CALL_ESTABLISHED")
        ending.part.signal(signal.SIGINT)
        await phone.first("CALL_CLOSED", within_s=5)
        assert await ending.part.ended() == 0


@pytest.mark.long
async def test_an_agent_that_is_lost_is_not_dead_air(server: Sfu, shared_line: SipLine, tmp_path: Path) -> None:
    """The phone hears ringing, then the tone of a line that can't be reached, then the end."""
    async with softphone(tmp_path / "phone") as phone:
        await phone.dial(shared_line.uri)
        await phone.first("CALL_ESTABLISHED")
        await until_silent(phone, 1, 8000)
        room = await room_of_call(server)
        await remove_agent(server, room)
        await phone.first("CALL_CLOSED", within_s=25)
        _greeting, *tones = spans(phone.recorded(), sample_rate_hz=8000, pause_s=0.8)
        ringing = [span.duration_s for span in tones[:-1]]
        assert ringing[0] == pytest.approx(2.0, abs=0.1)
        assert tones[-1].duration_s > 1.5
