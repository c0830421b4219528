"""`python -m bench.emulator --sessions 10 25 50 100 150`: how many sessions one core of the emulator carries.

The emulator is pinned to one core, the load runs as another process on the others. Each session streams a quiet microphone in
frames of 20 ms and types one turn after the other; each answer is another sentence, so that nothing comes from a cache. A
frame of an answer is due when its place in the answer says so, at four times the speed of speech, counted from the most
punctual frame of that answer; how late it arrives at the client is its lateness. Prints a Markdown table, with the load's own
lag, below which nothing can be measured.
"""

import argparse
import asyncio
import base64
import json
import os
import re
import ssl
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from demo.parts import Part, Program, running
from emulator.profiles import GEMINI_3_8_LIVE
from tests.e2e.stack import ROOT
from tests.progress import steps

PATH = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent?key=bench"
SETUP = {
    "model": "models/gemini-3.8-live",
    "generationConfig": {"responseModalities": ["AUDIO"]},
    "outputAudioTranscription": {},
}
FRAME_S = 0.02
QUIET = {"audio": {"mimeType": "audio/pcm;rate=16000", "data": base64.b64encode(bytes(640)).decode()}}
MICROPHONE = json.dumps({"realtimeInput": QUIET})
STARTED_IN_S = 5.0
LATE_S = 0.02
SENT_BYTES_PER_S = 48000 * GEMINI_3_8_LIVE.speaking.pace
SCRIPT = """
[[typed]]
matches = "."
says = "{typed} That is what you wrote, and this is an answer that goes on for some ten seconds, in order that there are always many sessions that speak at the same time, as there would be with people who listen."
"""  # noqa: E501  # a sentence


@dataclass
class Measured:
    """The load's measurements, in seconds."""

    late: list[float] = field(default_factory=list)
    """The lateness of each frame of sound."""
    waits: list[float] = field(default_factory=list)
    """The time from each typed turn to the first sound of its answer."""
    lag: list[float] = field(default_factory=list)
    """The lag of the load's own event loop."""
    lost: int = 0
    """Sessions that ended before their time."""

    def cells(self) -> list[str]:
        """The table's cells, in milliseconds."""
        share = f"{100 * np.mean(np.array(self.late) > LATE_S):.1f}" if self.late else "-"
        return [*_spread(self.late), share, *_spread(self.waits), _spread(self.lag)[1], str(self.lost)]


def _spread(seconds: list[float]) -> tuple[str, str]:
    """Median and 99th percentile."""
    if not seconds:
        return "-", "-"
    return f"{1000 * np.median(seconds):.1f}", f"{1000 * np.percentile(seconds, 99):.1f}"


class LoadClient:
    """The client of one session."""

    def __init__(self, number: int, measured: Measured) -> None:
        self._number = number
        self._measured = measured
        self._arrived: list[tuple[float, int]] = []
        """The arrival of each frame of the open answer, and the bytes of sound before it."""
        self._position = 0

    async def call(self, url: str, tls: ssl.SSLContext, begin_at: float, end_at: float) -> None:
        """Talk until `end_at`; what is measured begins at `begin_at`."""
        try:
            async with connect(url, ssl=tls, compression=None, ping_interval=None, open_timeout=60, max_size=None) as socket:
                await socket.send(json.dumps({"setup": SETUP}))
                await socket.recv()
                microphone = asyncio.create_task(self._stream(socket))
                with suppress(TimeoutError):
                    async with asyncio.timeout(end_at - time.monotonic()):
                        await self._turns(socket, begin_at)
                microphone.cancel()
        except (ConnectionClosed, OSError):
            self._measured.lost += 1

    async def _turns(self, socket: ClientConnection, begin_at: float) -> None:
        turn = 0
        while True:
            turn += 1
            text = f"This is caller {self._number} with sentence {turn}."
            content = {"turns": [{"role": "user", "parts": [{"text": text}]}], "turnComplete": True}
            await socket.send(json.dumps({"clientContent": content}))
            asked_at = time.monotonic()
            while not self._take(await socket.recv(decode=False), time.monotonic()):
                pass
            if asked_at > begin_at and self._arrived:
                self._measured.waits.append(self._arrived[0][0] - asked_at)
            self._measured.late += [late for at, late in self._lateness() if at > begin_at]

    def _take(self, frame: bytes, now: float) -> bool:
        """Note a frame; returns whether the answer is complete."""
        if b"inlineData" in frame:
            [part] = json.loads(frame)["serverContent"]["modelTurn"]["parts"]
            self._arrived.append((now, self._position))
            self._position += len(part["inlineData"]["data"]) * 3 // 4
        return b"turnComplete" in frame

    def _lateness(self) -> list[tuple[float, float]]:
        starts = [at - position / SENT_BYTES_PER_S for at, position in self._arrived]
        late = [(at, start - min(starts)) for (at, _), start in zip(self._arrived, starts, strict=True)]
        self._arrived, self._position = [], 0
        return late

    async def _stream(self, socket: ClientConnection) -> None:
        due = time.monotonic()
        while True:
            await socket.send(MICROPHONE)
            due += FRAME_S
            await asyncio.sleep(max(due - time.monotonic(), 0))


async def load(url: str, ca_file: Path, sessions: int, seconds: float) -> Measured:
    """Hold that many sessions for that long after all have begun."""
    measured = Measured()
    tls = ssl.create_default_context(cafile=str(ca_file))
    begin_at = time.monotonic() + STARTED_IN_S
    lagging = asyncio.create_task(_lag(measured, begin_at))
    async with asyncio.TaskGroup() as calls:
        for number in range(sessions):
            calls.create_task(LoadClient(number, measured).call(url, tls, begin_at, begin_at + seconds))
            await asyncio.sleep(STARTED_IN_S / sessions)
    lagging.cancel()
    return measured


async def _lag(measured: Measured, begin_at: float) -> None:
    while True:
        due = time.monotonic() + FRAME_S
        await asyncio.sleep(FRAME_S)
        if due > begin_at:
            measured.lag.append(time.monotonic() - due)


def pin(pid: int, cores: set[int]) -> None:
    """Keep a process, with the threads it has, on these cores."""
    for thread in psutil.Process(pid).threads():
        os.sched_setaffinity(thread.id, cores)


async def measured(folder: Path, sessions: int, seconds: float) -> str:
    """Run the emulator and the load; returns a row of the table."""
    (folder / "script.toml").write_text(SCRIPT)
    [core, *others] = sorted(os.sched_getaffinity(0))
    argv = [sys.executable, "-m", "emulator", "--ca-file", str(folder / "ca.pem"), "--script", str(folder / "script.toml")]
    async with running(Program("emulator", argv, None, re.compile("^ready "), show=_hide)) as emulator:
        url = (await emulator.ready()).split()[1].replace("https", "wss") + PATH
        pin(emulator.pid, {core})
        argv = [sys.executable, "-m", "bench.emulator", "--load", url, str(folder / "ca.pem"), str(sessions), str(seconds)]
        program = Program("load", argv, None, re.compile(r"^\["), ready_within_s=seconds + 120, folder=ROOT, show=_hide)
        async with running(program) as loading:
            pin(loading.pid, set(others) or {core})
            percent = await _busy(emulator, seconds)
            cells = json.loads(await loading.ready())
    return f"| {sessions} | {percent:.0f} | {' | '.join(cells)} |"


def _hide(_line: str) -> None:
    return None


async def _busy(emulator: Part, seconds: float) -> float:
    """The emulator's CPU time while all sessions are there, in percent of its core."""
    await asyncio.sleep(STARTED_IN_S)
    process = psutil.Process(emulator.pid)
    before = process.cpu_times()
    await asyncio.sleep(seconds)
    after = process.cpu_times()
    return 100 * (after.user + after.system - before.user - before.system) / seconds


async def main(counts: list[int], seconds: float) -> None:
    """Print the table."""
    late = "late, median, ms | p99 | > 20 ms, %"
    rows = [f"| sessions | core busy, % | {late} | text to sound, median, ms | p99 | lag of the load, p99 | lost |"]
    rows.append("|---|---|---|---|---|---|---|---|---|")
    with steps("rows", len(counts)) as told:
        for sessions in counts:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(await measured(Path(folder), sessions, seconds))
            told.step(rows[-1])
    print(*rows, sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.emulator", description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[10, 25, 50, 100, 150])
    parser.add_argument("--seconds", type=float, default=30, help="measured for each number of sessions")
    parser.add_argument(
        "--load", nargs=4, metavar=("URL", "CA_FILE", "SESSIONS", "SECONDS"), help="the other process; its own use"
    )
    arguments = parser.parse_args()
    if arguments.load:
        where, ca, count, duration = arguments.load
        print(json.dumps(asyncio.run(load(where, Path(ca), int(count), float(duration))).cells()))
    else:
        asyncio.run(main(arguments.sessions, arguments.seconds))
