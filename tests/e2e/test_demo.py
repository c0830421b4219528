"""`make demo` and `make call`, as a person runs them."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
import yaml
from dotenv import dotenv_values
from livekit import api

from caller.caller import SAMPLE_RATE_HZ
from caller.ear import spans
from demo.livekit_config import own_address
from demo.livekit_server import VERSION, locate
from demo.parts import Part, Program, running
from demo.settings import Ports, read_settings
from speech import read_wav
from tests.e2e.stack import ROOT
from tests.ports import free_ports

PAIR = ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


def environment(base: int) -> dict[str, str]:
    nothing = dict.fromkeys(("GOOGLE_API_KEY", "GEMINI_API_KEY", "GEMINI_BASE_URL", "LIVEKIT_URL", "PERSONA", *PAIR), "")
    return {**os.environ, **nothing, "PORT_BASE": str(base)}


@asynccontextmanager
async def demo(base: int, *argv: str, folder: Path = ROOT, **settings: str) -> AsyncIterator[Part]:
    argv = argv or (sys.executable, "-m", "demo")
    program = Program("demo", list(argv), environment(base) | settings, re.compile("^ready "), 300, folder=folder)
    async with running(program) as part:
        yield part


def livekit_line(part: Part) -> tuple[str, str, str]:
    """The URL, the key and the secret of the demo's livekit-server."""
    [found] = [
        re.fullmatch(r"livekit (\S+) LIVEKIT_API_KEY=(\S+) LIVEKIT_API_SECRET=(\S+)", line)
        for line in part.lines
        if line.startswith("livekit ")
    ]
    assert found is not None
    return found[1], found[2], found[3]


async def lists_rooms(url: str, key: str, secret: str) -> bool:
    """Whether the server takes that pair."""
    async with api.LiveKitAPI(url.replace("ws", "http", 1), key, secret) as livekit:
        try:
            await livekit.room.list_rooms(api.ListRoomsRequest())
        except api.TwirpError as error:
            assert error.status == 401
            return False
    return True


def family(part: Part) -> list[psutil.Process]:
    return [psutil.Process(part.pid), *psutil.Process(part.pid).children(recursive=True)]


def listening(part: Part) -> set[tuple[str, str]]:
    """Where the demo's programs listen, with the transport."""
    opened = [one for process in family(part) for one in process.net_connections()]
    found = {(str(one.laddr[0]), "tcp") for one in opened if one.status == psutil.CONN_LISTEN}
    return found | {(str(one.laddr[0]), "udp") for one in opened if one.type == socket.SOCK_DGRAM}


async def all_gone(processes: list[psutil.Process]) -> bool:
    _, alive = await asyncio.to_thread(psutil.wait_procs, processes, 15)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


async def run(*argv: str, base: int) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(
        subprocess.run, argv, cwd=ROOT, env=environment(base), capture_output=True, text=True, timeout=90, check=False
    )


async def test_make_demo_make_call_and_ctrl_c(tmp_path: Path) -> None:
    """From `ready` to the answer heard there is no human step, and after Ctrl-C there is nothing left."""
    base = free_ports()
    async with demo(base, "make", "demo") as part:
        assert re.match(r"ready after [\d.]+ s", await part.ready())
        shown = [line for line in part.lines if not line.startswith(("[", " ", "installing"))]
        assert livekit_line(part)[0] == f"ws://127.0.0.1:{base}"
        assert re.fullmatch(rf"emulator https://127\.0\.0\.1:{base + 3} \S+\.pem", shown[1])
        page = f"http://127.0.0.1:{base + 2}/"
        assert shown[2:5] == [f"token {page}token", f"page {page}", "worker earshot"]
        assert await part.says("in a browser") == f"  Open {page} in a browser, and talk."
        assert sum(line.startswith("ready") for line in part.lines) == 1
        await part.says("Ctrl-C ends everything.")
        shown_after = "\n".join(part.lines)
        assert f"PORT_BASE={base} make call" in shown_after
        assert re.search(rf"URL    ws://127\.0\.0\.1:{base}\n.*token  ey\w+\.\w+\.[\w-]+\n", shown_after)
        assert listening(part) == {("127.0.0.1", "tcp"), ("127.0.0.1", "udp"), (own_address() or "127.0.0.1", "udp")}
        ca_file = Path(shown[1].split()[2])
        assert ca_file.read_text().startswith("-----BEGIN CERTIFICATE")

        out = tmp_path / "reply.wav"
        called = await run("make", "call", "SAY=What time is it in Tokyo?", "BARGE_IN_AT=2", f"OUT={out}", base=base)
        assert called.returncode == 0, called.stdout + called.stderr
        assert "you: What time is it in Tokyo?" in called.stdout
        assert "you: Stop, please." in called.stdout, "the emulator is told what is said"
        times = [float(time) for time in re.findall(r"^ *([\d.]+) s  ", called.stdout, re.MULTILINE)]
        assert times == sorted(times)
        assert "tool local_time runs" in called.stdout
        assert re.search(r"agent: In Tokyo it is \d\d:\d\d", called.stdout)
        assert re.search(r"s  greeting latency: \d+ ms$", called.stdout, re.MULTILINE)
        behind, at_arrival = map(
            int, re.findall(r"^response latency (\d+) ms \((\d+) ms at arrival\)", called.stdout, re.MULTILINE)[0]
        )
        assert 0 < at_arrival < behind, "the jitter buffer delays what has arrived"
        heard = read_wav(out, sample_rate_hz=SAMPLE_RATE_HZ)
        assert len(spans(heard, sample_rate_hz=SAMPLE_RATE_HZ, pause_s=0.9)) == 3, "greeting, answer, and that it stops"
        ended = await part.says("call ended: the caller left")
        assert re.match(
            r"\[worker\] \d\d:\d\d:\d\d INFO +call ended: the caller left \(\d+ s, \d turns, 1 interrupted, .*room=", ended
        )

        told = await run("make", "call", "TYPE=goodbye", f"OUT={out}", "JSON=1", base=base)
        events = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
        kinds = {event["type"] for event in events}
        assert {"joined", "agent_track", "agent_sound", "agent_silent", "caption", "event", "left"} <= kinds
        times = [event["t"] for event in events]
        assert times[0] == 0
        assert times == sorted(times)
        assert (events[-1]["type"], events[-1]["ended"], events[-1]["error"]) == ("summary", "hung_up", None)

        processes = family(part)
        os.killpg(part.pid, signal.SIGINT)
        await part.says("ending")
        async with asyncio.timeout(30):
            await part.ended()
        assert await all_gone(processes)
        assert not ca_file.exists()
        Ports(base).check_free()


async def test_the_secret_is_new_at_each_start_and_the_public_one_opens_nothing(tmp_path: Path) -> None:
    """It stands in a file that only this user can read, for as long as the demo runs."""
    [(key, public)] = yaml.safe_load((ROOT / "livekit.yaml").read_text())["keys"].items()
    base, secrets = free_ports(), []
    (tmp_path / "earshot").mkdir()
    (tmp_path / "earshot" / f"livekit-server-{VERSION}").symlink_to(await locate(read_settings(), print))
    for _ in range(2):
        async with demo(base, XDG_CACHE_HOME=str(tmp_path)) as part:
            await part.says("livekit ws://")
            url, name, secret = livekit_line(part)
            secrets.append(secret)
            file = tmp_path / "earshot" / "demo" / f"{base}.env"
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert dotenv_values(file) == {"LIVEKIT_URL": url, "LIVEKIT_API_KEY": name, "LIVEKIT_API_SECRET": secret}
            assert await lists_rooms(url, name, secret)
            assert not await lists_rooms(url, key, public)
        assert not file.exists()
    assert len({public, *secrets}) == 3


async def test_the_environments_pair_is_neither_shown_nor_kept(tmp_path: Path) -> None:
    """The server takes it; a public one is warned of, and the file of a demo that was killed goes."""
    [(key, public)] = yaml.safe_load((ROOT / "livekit.yaml").read_text())["keys"].items()
    base = free_ports()
    file = tmp_path / "earshot" / "demo" / f"{base}.env"
    for secret in (public, "a-secret-of-my-own-that-is-long-enough"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("LIVEKIT_API_SECRET=stale\n")
        built = file.parent.parent / f"livekit-server-{VERSION}"
        if not built.exists():
            built.symlink_to(await locate(read_settings(), print))
        async with demo(base, XDG_CACHE_HOME=str(tmp_path), LIVEKIT_API_KEY=key, LIVEKIT_API_SECRET=secret) as part:
            await part.says("emulator https://")
            url, name, shown = livekit_line(part)
            assert (name, shown) == (key, "***")
            assert await lists_rooms(url, key, secret)
            assert not file.exists()
            assert not [line for line in part.lines if secret in line]
            assert bool([line for line in part.lines if "everybody knows" in line]) == (secret == public)


@pytest.mark.long
async def test_an_env_file_for_a_public_deployment_is_left_out_by_name_and_the_key_reaches_the_worker_alone(
    tmp_path: Path,
) -> None:
    """The key is none of Google's: with GEMINI_CHECK=off the worker registers all the same, and asks Google in a call only."""
    public = {
        "LIVEKIT_URL": "wss://x.livekit.cloud",
        "LIVEKIT_API_KEY": "cloud",
        "LIVEKIT_API_SECRET": "a-secret-of-the-cloud-that-is-long-enough",
        "TOKEN_MODE": "key",
        "TOKEN_HOSTS": "voice.example.com",
        "TOKEN_TRUSTED_PROXIES": "10.0.0.0/8",
        "TOKEN_ROOM_PATTERN": "call-[0-9]+",
        "LOG_LEVEL": "WARNING",
    }
    for name in ("agent", "agent.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in public.items()))
    base, key = free_ports(), "gemini-key-of-this-test"
    async with demo(base, folder=tmp_path, PYTHONPATH=str(ROOT), GOOGLE_API_KEY=key, GEMINI_CHECK="off") as part:
        await part.ready()
        left_out = ", ".join(sorted(public.keys() - {"TOKEN_ROOM_PATTERN"}))
        assert part.lines[0] == f"[demo] is for this machine alone and doesn't take these settings: {left_out}"
        url, *pair = livekit_line(part)
        assert await lists_rooms(url, *pair)
        assert "a-secret-of-the-cloud" not in "".join(part.lines)
        children = psutil.Process(part.pid).children()
        holders = [child for child in children if key in child.environ().values()]
        assert ["agent.py" in " ".join(child.cmdline()) for child in holders] == [True]
        assert len(children) == 3


@pytest.mark.long
async def test_ctrl_c_during_a_call_ends_everything_with_exit_code_0() -> None:
    base = free_ports()
    async with demo(base) as part:
        await part.ready()
        argv = [sys.executable, "-m", "caller", "--token-url", f"http://127.0.0.1:{base + 2}/token", "--json"]
        async with running(Program("caller", argv, environment(base), re.compile('"agent_sound"'))) as caller:
            await caller.ready()
            processes = family(part)
            part.signal(signal.SIGINT)
            async with asyncio.timeout(30):
                assert await part.ended() == 0
            async with asyncio.timeout(60):
                await caller.ended()  # LiveKit's client gives the SFU up after some half a minute
        assert await all_gone(processes)


@pytest.mark.long
@pytest.mark.parametrize("victim", ["livekit", "emulator", "token", "worker"])
async def test_a_part_that_dies_is_named_and_ends_the_rest(victim: str) -> None:
    words = {"livekit": "livekit-server", "emulator": "emulator", "token": "token_server", "worker": "agent.py"}
    base = free_ports()
    async with demo(base) as part:
        await part.ready()
        processes = family(part)
        [killed] = [
            child for child in psutil.Process(part.pid).children() if any(words[victim] in word for word in child.cmdline())
        ]
        killed.kill()
        async with asyncio.timeout(30):
            assert await part.ended() == 1
        await part.says(f"{victim} was killed by SIGKILL. Its last lines:")
        assert not [line for line in part.lines if line.startswith("  {")], "they are in words"
        assert await all_gone(processes)


async def test_a_taken_port_is_named_with_the_setting_that_moves_it() -> None:
    base = free_ports()
    with socket.create_server(("127.0.0.1", base + 2)):
        done = await run(sys.executable, "-m", "demo", base=base)
    assert done.returncode == 2
    assert done.stderr.startswith(f"port {base + 2}, for the token server, is taken")
    assert re.search(r"PORT_BASE=\d+ make demo moves all", done.stderr)


async def test_ctrl_c_while_starting_leaves_nothing() -> None:
    base = free_ports()
    async with demo(base) as part:
        await part.says("livekit ws://")
        processes = family(part)
        part.signal(signal.SIGINT)
        async with asyncio.timeout(30):
            assert await part.ended() == 0
        assert await all_gone(processes)
