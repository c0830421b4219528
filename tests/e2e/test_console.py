"""`python agent.py console --text`: the same agent, tools and model at a terminal, without a room; and `dev`."""

import asyncio
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from caller import AgentSound
from demo.parts import Program, running
from tests.e2e.stack import ROOT, Gemini, Sfu, until, worker_environment
from tests.lights import PERSONAS

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A pseudo-terminal with a program in it."""

    def __init__(self, argv: list[str], environment: dict[str, str]) -> None:
        self._side, inside = pty.openpty()
        self.shown = ""
        self._news = asyncio.Event()
        self.process = subprocess.Popen(
            argv, cwd=ROOT, env=environment, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
        )
        os.close(inside)
        asyncio.get_running_loop().add_reader(self._side, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._side, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._side)
        self.shown += _ESCAPES.sub("", data.decode(errors="replace"))
        self._news.set()

    def type(self, keys: str) -> None:
        os.write(self._side, keys.encode())

    async def shows(self, text: str, within_s: float = 30.0) -> None:
        try:
            async with asyncio.timeout(within_s):
                while text not in self.shown:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"the terminal does not show {text!r}, but:\n{self.shown[-3000:]}") from None

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._side)
        os.close(self._side)
        self.process.kill()
        self.process.wait()


@pytest.mark.long
async def test_the_console_talks_to_the_same_agent(model: Gemini) -> None:
    environment = {
        **os.environ,
        "GEMINI_BASE_URL": model.url,
        "GEMINI_CA_FILE": str(model.ca_file),
        "LIVEKIT_API_KEY": "",
        "LIVEKIT_API_SECRET": "",
        "COLUMNS": "160",
        "PERSONAS_DIR": str(PERSONAS),
    }
    before = sessions(model)
    terminal = Terminal([sys.executable, "agent.py", "console", "--text"], environment)
    try:
        await until(
            lambda: bool(sessions(model, with_turn=True) - before), within_s=30
        )  # the console shows answers only, not the greeting
        terminal.type("switch on the lights\r")
        await terminal.shows("Done: The lights are on.")
        terminal.process.send_signal(signal.SIGINT)
        await terminal.shows("call ended")
        assert "eprecated" not in terminal.shown
    finally:
        terminal.close()


def sessions(model: Gemini, *, with_turn: bool = False) -> set[str]:
    """The emulator's sessions so far; `with_turn`: those in which the model has completed a turn.

    The emulator is shared: a call of the test before may end its turn in a session of its own.
    """
    return {
        line["session"] for line in model.lines() if not with_turn or "turnComplete" in line["message"].get("serverContent", {})
    }


@pytest.mark.long
async def test_dev_answers_calls(server: Sfu, model: Gemini) -> None:
    environment = worker_environment(server, model, AGENT_NAME="developer")
    program = Program("dev", [sys.executable, "agent.py", "dev"], environment, re.compile("registered worker"))
    async with running(program) as part:
        await part.ready()
        async with server.caller("dev-room", agent_name="developer") as caller:
            await caller.first(AgentSound, within_s=30)
