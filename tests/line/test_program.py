"""`python -m telephony line`: its first line, its sentences, its end; sipp as a second telephone."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from demo.parts import Program, running
from telephony.__main__ import main
from tests.e2e.stack import API_KEY, API_SECRET, Sfu
from tests.line.conftest import GREETING
from tests.line.messages import OFFER, request_bytes
from tests.line.relay import NetworkConditions, relay
from tests.line.sipp import sipp_calls
from tests.line.softphone import softphone
from tests.line.stack import NUMBER, OPEN, SipLine, line, rooms_of_caller
from tests.line.test_calls import check_said, until_silent
from tests.telephony.files import EXAMPLE

WORLD = OPEN.replace("127.0.0.0/8", "0.0.0.0/0")
PIN = OPEN.replace('trunks = ["phones"]', 'trunks = ["phones"]\npin = "1234"')


@pytest.mark.parametrize(
    ("file", "options", "words"),
    [
        (WORLD, (), ("telephony.toml:5", "'0.0.0.0/0', which is everybody", "auth_username")),
        (OPEN, ("--host", "0.0.0.0"), ("--host", "0.0.0.0", "one address of this machine")),
        (OPEN, ("--host", "::"), ("--host", "'::'", "one address of this machine")),
        (OPEN, ("--port", "99999"), ("--port", "99999")),
        (OPEN, ("--rtp-ports", "5"), ("--rtp-ports", "20000-20400")),
        (PIN, (), ("--file", "no [[rule]] without a PIN")),
        (OPEN.replace("numbers", "nubers"), (), ("telephony.toml:4", "did you mean numbers")),
    ],
    ids=[
        "open to the world",
        "every address",
        "every IPv6 address",
        "port",
        "RTP ports",
        "PIN",
        "a mistake in the file",
    ],
)
def test_what_can_t_be_used_is_named_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (tmp_path / "telephony.toml").write_text(file)
    assert main(["line", "--file", str(tmp_path / "telephony.toml"), *options]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    [sentence] = errors.strip().splitlines()
    assert [word for word in words if word not in sentence] == []


def test_an_address_of_another_machine_ends_the_program_with_exit_code_2(tmp_path: Path) -> None:
    """It is found when the port is opened, the last thing that can be refused."""
    (tmp_path / "telephony.toml").write_text(OPEN)
    argv = [sys.executable, "-m", "telephony", "line", "--file", str(tmp_path / "telephony.toml"), "--host", "192.0.2.1"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    [sentence] = ended.stderr.strip().splitlines()
    assert "can't be opened on 192.0.2.1" in sentence


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_line_says_its_number_and_ends_with_0(number: signal.Signals, tmp_path: Path) -> None:
    async with line(Sfu("ws://127.0.0.1:9"), tmp_path) as idle:
        assert idle.uri.startswith(f"sip:{NUMBER}@127.0.0.1:")
        idle.part.signal(number)
        async with asyncio.timeout(10):
            assert await idle.part.ended() == 0


def asked(port: int, data: bytes, times: int = 1, *, within_s: float = 5) -> list[str]:
    """The first line of the answer to a datagram, each time that it is sent."""
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(within_s)
        for _ in range(times):
            phone.sendto(data, ("127.0.0.1", port))
            answers.append(phone.recv(8192).decode().split("\r\n")[0])
    return answers


async def test_what_is_no_call_is_answered(tmp_path: Path) -> None:
    async with line(Sfu("ws://127.0.0.1:9"), tmp_path) as idle:
        ask = asyncio.to_thread
        unknown = request_bytes("INVITE", OFFER, To="<sip:+15559999999@127.0.0.1>")
        assert await ask(asked, idle.port, unknown, 2) == ["SIP/2.0 404 Not Found"] * 2
        assert await ask(asked, idle.port, request_bytes("OPTIONS")) == ["SIP/2.0 200 OK"]
        assert await ask(asked, idle.port, request_bytes("REGISTER")) == ["SIP/2.0 405 Method Not Allowed"]
        for method in ("BYE", "CANCEL", "UPDATE", "INFO"):
            [answer] = await ask(asked, idle.port, request_bytes(method, To=f"<sip:{NUMBER}@127.0.0.1>;tag=none"))
            assert answer.startswith("SIP/2.0 481")


async def test_numbers_of_callers_are_not_in_the_log(tmp_path: Path) -> None:
    invited = request_bytes("INVITE", OFFER, From="<sip:+4915123456789@127.0.0.1>;tag=theirs")
    async with line(Sfu("ws://127.0.0.1:9"), tmp_path, options=("--drain-s", "0")) as unreached:
        assert await asyncio.to_thread(asked, unreached.port, invited) == ["SIP/2.0 100 Trying"]
        await unreached.part.says("a call from [number] to [number]: ")
        await unreached.part.says("a call from [number] has no room")
    await unreached.part.says("the call from [number] ended: ")
    assert not any("15123456789" in text or NUMBER[1:] in text for text in unreached.part.lines if not text.startswith("ready"))


async def test_a_stranger_gets_silence_and_a_line_of_the_log_can_t_be_forged(tmp_path: Path) -> None:
    """The log's lines are this program's own, whatever a phone writes; one that is kept out causes one, and no answer."""
    forged = request_bytes("INVITE", OFFER, Require="x\x1b[2K\u2028a call from 203.0.113.9 to 700: G722" + "A" * 5000)
    elsewhere = OPEN.replace("127.0.0.0/8", "192.0.2.0/24")
    for file, told in ((OPEN, "is refused with 420"), (elsewhere, "it is in no allowed_addresses")):
        async with line(Sfu("ws://127.0.0.1:9"), tmp_path, file) as idle:
            if file is OPEN:
                assert await asyncio.to_thread(asked, idle.port, forged) == ["SIP/2.0 420 Bad Extension"]
            else:
                for data in (forged, request_bytes("OPTIONS"), b"\x1b[2J"):
                    with pytest.raises(TimeoutError):
                        await asyncio.to_thread(asked, idle.port, data, within_s=0.3)
            await idle.part.says(told)
            [caused] = [text for text in idle.part.lines if not text.startswith("ready")]
            assert caused.isascii()
            assert caused.isprintable()
            assert len(caused) < 500


@pytest.mark.long
@pytest.mark.usefixtures("shared_worker")
async def test_calls_come_through_15_percent_loss(server: Sfu, shared_line: SipLine, tmp_path: Path) -> None:
    """Four calls one after the other, every message may be lost both ways: each is one room, is answered and ends."""
    async with relay(shared_line.port, sip=NetworkConditions(loss=0.15), seed=4) as network:
        await sipp_calls(tmp_path, network.port, NUMBER, caller="+15550005555", calls=4, at_once=1, talk_s=1)
        assert network.lost >= 3
    assert len(await rooms_of_caller(server, "+15550005555")) <= 4


@pytest.mark.usefixtures("shared_worker")
async def test_two_sipp_calls_at_once(shared_line: SipLine, tmp_path: Path) -> None:
    await sipp_calls(tmp_path, shared_line.port, NUMBER, caller="+15550006666", calls=2, at_once=2, talk_s=2)


@pytest.mark.sound
@pytest.mark.usefixtures("shared_worker")
async def test_make_phone_is_answered_without_credentials(server: Sfu, tmp_path: Path) -> None:
    """`make phone`'s line for any number, at PORT_BASE + 5: a softphone rings it, and hears the agent."""
    base = int(server.url.rpartition(":")[2])
    pair = tmp_path / "earshot" / "demo" / f"{base}.env"
    pair.parent.mkdir(parents=True)
    pair.write_text(f"LIVEKIT_API_KEY={API_KEY}\nLIVEKIT_API_SECRET={API_SECRET}\n")  # as a demo on this server would
    environment = {**os.environ, "PORT_BASE": str(base), "XDG_CACHE_HOME": str(tmp_path)}
    program = Program("phone", ["make", "phone"], environment, re.compile("^ready "))
    async with running(program) as part, softphone(tmp_path / "phone") as phone:
        ready = await part.ready()
        assert ready == f"ready sip:100@127.0.0.1:{base + 5}"
        await phone.dial(ready.removeprefix("ready "))
        await phone.first("CALL_ESTABLISHED")
        await until_silent(phone, 1, 8000)
        await phone.hang_up()
        check_said(phone.recorded(), [GREETING], 8000)


async def test_a_file_with_a_pin_starts_the_line_which_says_what_it_leaves_out(tmp_path: Path) -> None:
    """The example of deploy/sip, as its README promises."""
    example = EXAMPLE.read_text()
    async with line(Sfu("ws://127.0.0.1:9"), tmp_path, example, SIP_PBX_PASSWORD="secret") as started:
        [told] = [text for text in started.part.lines if "PIN" in text]
        assert "'staff' is never taken" in told
