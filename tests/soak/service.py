"""The emulator of a soak: limits scaled down, faults over the control endpoint, nothing written to disk."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from demo.parts import Program, running
from tests.e2e.stack import Gemini
from tests.soak.account import ENDING

MODEL = "gemini-3.8-live"
_ROUNDS = 50
"""So many times a session answers all topics one after the other, when it is asked aloud."""
_TOPICS = (
    "lighthouses", "harbours", "gardens", "bridges", "clocks", "violins", "rivers", "trains", "bakers", "comets", "deserts",
    "islands", "lanterns", "meadows", "orchards", "parrots", "quarries", "rainbows", "shepherds", "towers",
)  # fmt: skip


def _answer(topic: str) -> str:
    """Answers begin in different ways: what is said again after a loss is recognised by its words."""
    return f"{topic.capitalize()} are what you asked about, and this is the story of {topic}, told {ENDING}."


QUESTIONS = {
    "typed": [f"Say something about {topic}." for topic in _TOPICS],
    "tool": [f"Look up the time in Paris, and then say something about {topic}." for topic in _TOPICS],
}
"""What callers type."""


def _script() -> str:
    """Whatever it is asked; what the link reminds it of (agent/gemini/exchange/prompt_texts.py) never calls a tool again.

    A call that the client didn't declare is left out: the links' callers have the one tool, the worker has the other.
    """
    calls = '[{ name = "look_up" }, { name = "local_time", args = { place = "Paris" } }]'
    again = _answer("reminders")
    rules = [
        ("<instructions>\\s*greet", "Hello, this is Earshot.", ""),
        ("cut off before", again, ""),
        ("cut off", f"And so it is told {ENDING}.", ""),
        ("so far|no answer yet|have returned", again, ""),
        *((f"Look up .*{topic}", _answer(topic), calls) for topic in _TOPICS),
        *((topic, _answer(topic), "") for topic in _TOPICS),
    ]
    typed = (
        f"[[typed]]\nmatches = '{matches}'\nsays = '{says}'\n" + (f"calls = {called}\n" if called else "")
        for matches, says, called in rules
    )
    spoken = (f"[[turn]]\nsays = '{_answer(topic)}'\n" for topic in _TOPICS * _ROUNDS)
    return "\n".join([*typed, *spoken])


SPOKEN = ("Hello, can you hear me?", "I have a question about the harbour.", "And what happened then, please tell me?")


@dataclass(frozen=True)
class Service:
    gemini: Gemini
    control_url: str

    async def held(self) -> int:
        """How many of its sessions are on a socket."""
        async with aiohttp.ClientSession(self.control_url) as control, control.get("/sessions") as response:
            known: list[dict[str, Any]] = await response.json()
        return sum(session["held"] for session in known)


@asynccontextmanager
async def service(folder: Path, time_scale: float) -> AsyncIterator[Service]:
    """Run it."""
    ca_file, script = folder / "ca.pem", folder / "script.toml"
    script.write_text(_script())
    argv = [sys.executable, "-m", "emulator", "--ca-file", str(ca_file), "--script", str(script)]
    argv += ["--time-scale", str(time_scale), "--control-port", "0"]
    program = Program("emulator", argv, None, re.compile("^ready "), show=lambda _: None)
    async with running(program) as part:
        url = (await part.ready()).split()[1]
        control_url = (await part.says("control ")).split()[1]
        yield Service(Gemini(url, ca_file, folder / "no-journal"), control_url)
