"""`python -m bench.line --calls 1 5 10`: what the embedded line costs for each call.

sipp makes the calls, with sound; each is answered by a stand-in agent of this process that speaks a tone; one more call is
baresip's, whose recording is searched for holes. Prints a Markdown table; CPU is the line's process's, in percent of a core.
"""

import argparse
import asyncio
import re
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import psutil
from livekit import api, rtc

from caller.ear import Samples
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, sfu
from tests.line.sipp import sipp_calls
from tests.line.softphone import softphone
from tests.line.stack import NUMBER, OPEN, SipLine, line
from tests.progress import raw_output_in_file, steps

MEASURED_S = 20
SETTLED_S = 5
RATE_HZ = 48000
FILE = OPEN.replace('trunks = ["phones"]', 'trunks = ["phones"]\nagent = "nobody"') + "\n[line]\nmost_calls = 100\n"


class StandIns:
    """Agents that answer every room with a tone, until cancelled."""

    def __init__(self, server: Sfu) -> None:
        self._server = server
        self._rooms: dict[str, rtc.Room] = {}
        self._sources: list[rtc.AudioSource] = []

    async def join(self) -> None:
        while True:
            async with self._server.api() as livekit:
                rooms = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
            await asyncio.gather(*(self._answer(room.name) for room in rooms if room.name not in self._rooms))
            await asyncio.sleep(0.2)

    async def speak(self) -> None:
        at, frame = 0, RATE_HZ // 100
        tone = (6000 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.int16)
        next_at = time.monotonic()
        while True:
            piece = rtc.AudioFrame(tone[at : at + frame].tobytes(), RATE_HZ, 1, frame)
            await asyncio.gather(*(source.capture_frame(piece) for source in self._sources))
            at, next_at = (at + frame) % RATE_HZ, next_at + 0.01
            await asyncio.sleep(max(next_at - time.monotonic(), 0))

    async def _answer(self, name: str) -> None:
        room = self._rooms[name] = rtc.Room()
        token = api.AccessToken(API_KEY, API_SECRET).with_identity(f"agent-{name}").with_kind("agent")
        grants = api.VideoGrants(room_join=True, room=name, agent=True, can_publish=True, can_subscribe=True)
        await room.connect(self._server.url, token.with_grants(grants).to_jwt(), rtc.RoomOptions(auto_subscribe=False))
        source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)
        await room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("agent", source))
        self._sources.append(source)


def holes(heard: Samples) -> int:
    """Stretches of 40 ms and more without the tone, after it began."""
    levels = np.sqrt(np.mean(heard[: len(heard) // 80 * 80].astype(np.float32).reshape(-1, 80) ** 2, axis=1))
    [*loud] = np.flatnonzero(levels > 500)
    return int(np.sum(np.diff(loud) > 4)) if loud else -1


async def measured(running_line: SipLine, calls: int, folder: Path) -> str:
    """Measure with so many calls; returns a row of the table."""
    process = psutil.Process(running_line.part.pid)
    async with AsyncExitStack() as stack:
        group = await stack.enter_async_context(asyncio.TaskGroup())
        phone = await stack.enter_async_context(softphone(folder / "phone"))
        talk_s = MEASURED_S + 2 * SETTLED_S + calls
        if calls > 1:
            group.create_task(
                sipp_calls(
                    folder, running_line.port, NUMBER, caller="+15550005555", calls=calls - 1, at_once=calls - 1, talk_s=talk_s
                )
            )
            await asyncio.sleep(calls)
        await phone.dial(running_line.uri)
        await phone.first("CALL_ESTABLISHED", within_s=60)
        await asyncio.sleep(SETTLED_S)
        before, began_at = process.cpu_times(), time.monotonic()
        psutil.cpu_percent()
        await asyncio.sleep(MEASURED_S)
        after, took_s, host = process.cpu_times(), time.monotonic() - began_at, psutil.cpu_percent()
        percent = 100 * (after.user + after.system - before.user - before.system) / took_s
        heard = phone.recorded()
        await phone.hang_up()
        await phone.first("CALL_CLOSED")
    return f"| {calls} | {percent:.0f} | {percent / calls:.1f} | {holes(heard)} | {host:.0f} |"


async def main(counts: list[int]) -> None:
    """Print the table."""
    rows = [
        "| calls | line's CPU, % of a core | for each call | holes of 40 ms in 20 s | host busy, % |\n|---|---|---|---|---|"
    ]
    with raw_output_in_file("line"), steps("rows", len(counts)) as told:
        async with sfu() as server:
            for calls in counts:
                with tempfile.TemporaryDirectory() as folder:
                    agents = StandIns(server)
                    standing = [asyncio.create_task(agents.join()), asyncio.create_task(agents.speak())]
                    async with line(server, Path(folder), FILE) as running_line:
                        row = await measured(running_line, calls, Path(folder))
                        rows += [row, *(text for text in running_line.part.lines if re.search("missing", text))]
                    told.step(row)
                    for task in standing:
                        task.cancel()
                    await asyncio.gather(*standing, return_exceptions=True)
    print(*rows, sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.line", description=__doc__)
    parser.add_argument("--calls", type=int, nargs="+", default=[1, 5, 10])
    asyncio.run(main(parser.parse_args().calls))
