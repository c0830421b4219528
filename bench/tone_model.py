"""`python -m bench.tone_model --ca-file ca.pem`: the emulator with a model that takes no time and speaks in a tone.

What a service needs for itself is taken out, in order that ratios to a peer without any service (bench/floor_agent.py) tell
about the worker alone: the setup, the end of a turn and the answer come at once, and speech is noticed with its first 10 ms
instead of 140. What stays is 3.8's wire, its pace, and the quiet that the client asked for before a turn ends. Answers are
rising tones of constant loudness; their words are there for the captions.
"""

import argparse
import asyncio
import dataclasses
import signal
from pathlib import Path

import uvloop

from bench.sounds import answer
from emulator.answers import Rule
from emulator.journal import Journal
from emulator.profiles import GEMINI_3_8_LIVE, PROFILES
from emulator.script import Script
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from emulator.voice import Voices

WORDS_PER_S = 3
INSTANT = dataclasses.replace(
    GEMINI_3_8_LIVE,
    connection=dataclasses.replace(GEMINI_3_8_LIVE.connection, setup_s=0.0, resume_s=0.0),
    hearing=dataclasses.replace(GEMINI_3_8_LIVE.hearing, end_s=0.0, prefix_padding_ms=10),
    speaking=dataclasses.replace(GEMINI_3_8_LIVE.speaking, think_s=0.0),
)


class Tones(Voices):
    """A tone as long as the text would take."""

    def prepare(self, text: str, voice: str, language: str) -> None:
        """Do nothing: a tone needs no preparation."""

    def speak(self, text: str, voice: str, language: str) -> bytes:
        del voice, language
        return answer(len(text.split()) / WORDS_PER_S).tobytes()


async def serve(ca_file: Path, answer_s: float) -> None:
    """Serve sessions until SIGTERM."""
    words = " ".join(["So", *["la"] * (round(answer_s * WORDS_PER_S) - 1)]) + "."
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    PROFILES[INSTANT.model] = INSTANT
    emulator = Emulator(Script(otherwise=Rule(words), think_ms=0), Journal(None), voices=Tones())
    async with serving(emulator, host="127.0.0.1", port=0, tls=server_context(ca_file)) as port:
        print(f"ready https://127.0.0.1:{port}", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.tone_model", description=__doc__)
    parser.add_argument("--ca-file", type=Path, required=True)
    parser.add_argument("--answer-s", type=float, default=4.0)
    arguments = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(arguments.ca_file, arguments.answer_s))
