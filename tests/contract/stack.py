"""What the contract's tests share: the emulator as its users start it, a question as sound, programs of other people's SDKs."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from speech import synthesize
from tests.e2e.stack import ROOT, Gemini, emulator

HERE = Path(__file__).parent
RATE_HZ = 16000
SPOKEN_BYTES_PER_S = 48000
QUIET_S = 2.0
CLIENT_S = 120.0
PYTHON = sys.executable


@dataclass(frozen=True)
class Turn:
    """What a client got for one turn."""

    turn: str
    audio_bytes: int
    transcript: str
    calls: tuple[str, ...] = ()

    @property
    def audio_s(self) -> float:
        return self.audio_bytes / SPOKEN_BYTES_PER_S


@asynccontextmanager
async def auto(folder: Path) -> AsyncIterator[Gemini]:
    """The emulator as a client that it knows nothing about finds it."""
    async with emulator(folder, "--script", "auto") as model:
        yield model


def question() -> bytes:
    """A sentence and the quiet after it: 16 kHz, 16 bit, one channel."""
    spoken = synthesize("Can you hear me? I have a question about the weather.", sample_rate_hz=RATE_HZ)
    return np.concatenate([spoken, np.zeros(int(QUIET_S * RATE_HZ), np.int16)]).tobytes()


def tool(path: Path | None, what: str) -> Path:
    """What `make contract` brings. Without it the test is skipped, and fails where CI=true says that all must run."""
    if path is not None and path.exists():
        return path
    sentence = f"{what} is missing; `make contract` installs it"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def python_of(client: str) -> Path:
    """The Python of a client that needs an environment of its own."""
    environments = os.environ.get("CONTRACT_ENVIRONMENTS")
    return tool(Path(environments, client, "bin", "python") if environments else None, f"{client}'s environment")


async def run(
    argv: list[str], *, environment: Mapping[str, str] | None = None, folder: Path = ROOT, within_s: float = CLIENT_S
) -> str:
    """Run a program to its end; returns what it printed. Fails the test, with its last words, if it fails or hangs."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        env={**os.environ, **(environment or {})},
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(within_s):
            out, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        out, errors = await process.communicate()
        pytest.fail(f"{argv[1]} did not end in {within_s:g} s\n{_tail(out)}\n{_tail(errors)}")
    if process.returncode != 0:
        pytest.fail(f"{argv[1]} ended with exit code {process.returncode}\n{_tail(out)}\n{_tail(errors)}")
    return out.decode()


async def turns_of(argv: list[str], model: Gemini, folder: Path, *, environment: Mapping[str, str] | None = None) -> list[Turn]:
    """Run a client that takes the emulator's address, its CA and a sound file, and prints each turn as a line of JSON."""
    sound = folder / "question.pcm"
    await asyncio.to_thread(sound.write_bytes, question())
    printed = await run([*argv, model.url, str(model.ca_file), str(sound)], environment=environment)
    turns = [json.loads(line) for line in printed.splitlines() if line.startswith('{"turn"')]
    return [Turn(turn["turn"], turn["audio_bytes"], turn["transcript"], tuple(turn["calls"])) for turn in turns]


def check(turns: list[Turn], model: Gemini) -> None:
    """What every client must get from the auto script: words and sound for each turn, memory, and answers about its tool,
    which is asked for by a typed turn, and called by the first spoken one.
    """
    assert [turn.turn for turn in turns] == ["told", "asked", "typed", "spoken"]
    for turn in turns:
        assert turn.transcript.strip(), f"{turn.turn}: no words"
        assert turn.audio_s >= 2, f"{turn.turn}: {turn.audio_s:.1f} s of sound"
    _, asked, typed, spoken = turns
    assert "42" in asked.transcript, f"it was told and forgot: {asked.transcript}"
    for turn in (typed, spoken):
        assert turn.calls == ("turn_on_the_lights",), turn.turn
        assert "violet" in turn.transcript, f"{turn.turn}: nothing about the tool's result: {turn.transcript}"
    sent = [line["message"] for line in model.lines() if line["direction"] == "sent"]
    assert not any(message.get("serverContent", {}).get("interrupted") for message in sent), "nobody interrupted"


def _tail(raw: bytes) -> str:
    return raw.decode(errors="replace")[-3000:]
