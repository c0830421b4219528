"""`python -m bench.turns`: how long a caller waits, through the whole path and without it.

Interleaved, in one run, against the same emulator: a call through livekit-server, WebRTC and the worker, timed by
`python -m caller --json` at the caller's ear; and Google's SDK alone on the emulator's socket, the baseline. Prints a
Markdown table of medians (10th to 90th percentile).
"""

import argparse
import asyncio
import json
import re
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from google import genai
from google.genai import types

from caller import spans
from demo.parts import Program, running
from speech import synthesize
from tests.e2e.stack import Gemini, Sfu, gemini, sfu, worker
from tests.progress import raw_output_in_file, steps

QUESTION = "Can you hear me? I have a question."
SILENCE_MS = 500
RATE_HZ = 16000
SCRIPT = """
[otherwise]
says = "Yes, I can hear you well, and this is an answer that is long enough to be interrupted in the middle, by and by."
"""


async def through_the_room(server: Sfu, room: str) -> dict[str, list[float]]:
    """Time one call with two turns and a barge-in, in seconds by the name of the timing."""
    argv = [sys.executable, "-m", "caller", "--json", "--url", server.url, "--token", server.token(room, "caller")]
    argv += ["--say", QUESTION, "--say", QUESTION, "--barge-in-at", "2", "--barge-in", QUESTION]
    found: dict[str, list[float]] = {name: [] for name in ("response_latency", "at_arrival", "greeting_latency", "barge_in")}
    async with running(Program("caller", argv, None, re.compile("joined"), show=lambda _: None)) as part:
        await part.ended()
        for line in part.lines:
            event = json.loads(line) if line.startswith("{") else {}
            if event.get("type") == "timing":
                found[event["name"]].append(event["seconds"])
                found["at_arrival"] += [event["at_arrival_s"]] if event["at_arrival_s"] is not None else []
    return found


async def without_a_room(model: Gemini) -> list[float]:
    """Time two turns on a bare SDK session: from the last audible sample, as in the room, to the first sound received."""
    tls = ssl.create_default_context(cafile=str(model.ca_file))
    options = types.HttpOptions(base_url=model.url, api_version="v1beta", async_client_args={"ssl": tls})
    vad = types.AutomaticActivityDetection(silence_duration_ms=SILENCE_MS)
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO],
        realtime_input_config=types.RealtimeInputConfig(automatic_activity_detection=vad),
    )
    question = synthesize(QUESTION, sample_rate_hz=RATE_HZ)
    audible_s = spans(question, sample_rate_hz=RATE_HZ)[-1].end_s
    waits = []
    client = genai.Client(api_key="bench", http_options=options)
    async with client.aio.live.connect(model="gemini-3.8-live", config=config) as session:
        for _ in range(3):
            first_sound = asyncio.create_task(_first_sound(session))
            started = time.monotonic()
            await _speak(session, question.tobytes())
            quiet = asyncio.create_task(_speak(session, bytes(2 * RATE_HZ * 30)))
            waits.append(await first_sound - started - audible_s)
            async for _ in session.receive():
                pass
            quiet.cancel()
    await client.aio.aclose()
    return waits


async def _first_sound(session: genai.live.AsyncSession) -> float:
    async for message in session.receive():
        if message.server_content and message.server_content.model_turn:
            return time.monotonic()
    raise RuntimeError("no answer")


async def _speak(session: genai.live.AsyncSession, pcm: bytes) -> None:
    due = time.monotonic()
    for offset in range(0, len(pcm), 640):
        await session.send_realtime_input(audio=types.Blob(data=pcm[offset : offset + 640], mime_type="audio/pcm;rate=16000"))
        due += 0.02
        await asyncio.sleep(max(due - time.monotonic(), 0))


def spread(seconds: Iterable[float]) -> str:
    """Median and 10th to 90th percentile, in milliseconds."""
    values = sorted(1000 * value for value in seconds)
    low, high = values[len(values) // 10], values[-1 - len(values) // 10]
    return f"**{statistics.median(values):.0f}** ({low:.0f}-{high:.0f})"


async def measure(rounds: int) -> None:
    """Run the rounds and print the table."""
    answers, at_arrival, barge_ins, bare = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        settings = {"GEMINI_SILENCE_MS": str(SILENCE_MS)}
        with raw_output_in_file("turns"), steps("rounds", rounds) as told:
            async with sfu() as server, gemini(Path(folder) / "gemini", SCRIPT) as model, worker(server, model, **settings):
                for number in range(rounds):
                    timings = await through_the_room(server, f"bench-{number}")
                    answers += timings["response_latency"]
                    at_arrival += timings["at_arrival"]
                    barge_ins += timings["barge_in"]
                    bare += await without_a_room(model)
                    told.step(f"{1000 * statistics.median(timings['response_latency']):.0f} ms through the room")
    ratio = statistics.median(answers) / statistics.median(bare)
    turns = f"{len(answers)} turns with {len(barge_ins)} barge-ins"
    print(f"\n| ms, median (p10-p90), {turns} | through the room | the SDK alone | ratio |")
    print("|---|---|---|---|")
    print(f"| response latency | {spread(answers)} | {spread(bare)} | {ratio:.2f} |")
    print(f"| response latency at arrival | {spread(at_arrival)} | - | - |")
    print(f"| barge-in -> silence | {spread(barge_ins)} | - | - |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.turns", description="Measure how long a caller waits.")
    parser.add_argument("--rounds", type=int, default=5)
    asyncio.run(measure(parser.parse_args().rounds))
