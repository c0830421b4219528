"""A new user's first hour, in a clean clone with an empty HOME: `make journey`. Each step is printed with its time.

The demo, a call, a new persona, the tool of CONTRIBUTING.md as pasted with its test, a call in which the tool is heard, the
lights taken out, and then: the checks and tests, the wheels in environments of their own with Google's SDK and with an agent
that isn't ours, and a stop of the service under two running calls. `--quick` leaves `make test` and what follows out. The
first step that fails ends the journey. Caches that UV_CACHE_DIR, GOCACHE or GOMODCACHE name are used; without them, as a new
user's, everything is downloaded and built.
"""

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from demo.errors import DemoError
from demo.parts import Part, Program, running, while_alive
from tests.examples.contributing import TEST_OF_TOOL, TOOL, pasted_test, pasted_tool

ROOT = Path(__file__).parents[1]
PORT_BASE = 20_880
NOT_A_NEW_USERS = ("XDG_", "VIRTUAL_ENV", "PYTHON", "PYTEST", "GOOGLE_", "GEMINI_", "LIVEKIT_", "TOKEN_", "MAKE", "MFLAGS")
"""The beginnings of the names of variables that a new user doesn't have. How this machine reaches package registries (proxies,
certificates, mirrors) is its own business."""
CACHES = ("UV_CACHE_DIR", "GOCACHE", "GOMODCACHE")
READY_S, CALL_S, RELOAD_S, CHECK_S, TEST_S = 1800, 120, 90, 900, 5400
TAKEN = "reload: the next call has the change"
PERSONA = """title = "City guide"
voice = "Kore"
language = "de-DE"
greeting = "Begrüße den Anrufer in einem kurzen Satz."
instructions = "Du bist ein Stadtführer. Antworte in kurzen Sätzen."
"""
PIECES = ("tests/e2e/test_installed_wheels.py", "tests/e2e/test_systemd.py")


class JourneyError(Exception):
    """A step that a new user would be stuck at."""


class Journey:
    """The clone, its environment, and the time of each step."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "earshot"
        home = folder / "home"
        home.mkdir()
        others = {name: value for name, value in os.environ.items() if not name.startswith(NOT_A_NEW_USERS)}
        self.environment = {**others, "HOME": str(home), "PORT_BASE": str(PORT_BASE)}
        self.log = folder / "demo.log"

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Print a step with its time in seconds."""
        began_at = time.monotonic()
        print(f"{what} ...", flush=True)
        yield
        print(f"    {time.monotonic() - began_at:.1f} s", flush=True)

    async def run(self, *argv: str, within_s: float) -> str:
        """Run a command in the clone; returns its output.

        Raises:
            JourneyError: it fails, or takes longer.
        """
        program = Program(argv[0], list(argv), self.environment, re.compile("(?!)"), folder=self.clone, show=lambda _: None)
        async with running(program) as part:
            try:
                code = await asyncio.wait_for(part.ended(), within_s)
            except TimeoutError:
                code = None
        output = "\n".join(part.lines)
        if code != 0:
            how = f"is not done in {within_s:g} s" if code is None else f"ends with exit code {code}"
            raise JourneyError(f"{' '.join(argv)} {how}:\n{output[-6000:]}")
        return output


class DemoLog:
    """The lines of `make demo`, which go to a file as well."""

    def __init__(self, file: Path) -> None:
        self._file, self._changed = file, asyncio.Event()
        self._lines: list[str] = []

    def take(self, line: str) -> None:
        """Take a line as the demo prints it."""
        self._lines.append(line)
        with self._file.open("a") as file:
            file.write(f"{line}\n")
        self._changed.set()

    async def has(self, words: str, times: int, within_s: float) -> None:
        """Wait until so many lines have the words.

        Raises:
            JourneyError: they don't in time.
        """
        try:
            async with asyncio.timeout(within_s):
                while sum(words in line for line in self._lines) < times:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            last = "\n".join(self._lines[-30:])
            raise JourneyError(f"the demo has not printed {words!r} {times} times in {within_s:g} s:\n{last}") from None


async def travel(journey: Journey) -> None:
    """The steps up to the demo's end.

    Raises:
        JourneyError: a step fails.
        DemoError: the demo ends.
    """
    with journey.step("git clone"):
        await asyncio.to_thread(subprocess.run, ("git", "clone", "--quiet", str(ROOT), str(journey.clone)), check=True)
    log = DemoLog(journey.log)
    program = Program(
        *("demo", ["make", "demo"], journey.environment, re.compile("^ready after")),
        ready_within_s=READY_S,
        folder=journey.clone,
        show=log.take,
    )
    async with running(program) as demo:
        with journey.step("make demo, with everything that it installs and builds"):
            await demo.ready()
        await while_alive([demo], calls(journey, log))
        with journey.step("Ctrl-C"):
            await leave(demo)


async def calls(journey: Journey, log: DemoLog) -> None:
    """The steps while the demo runs."""
    with journey.step("make call"):
        await hears(journey, "Tokyo", "SAY=What time is it in Tokyo?")
    with journey.step("a new persona, and a call with it"):
        (journey.clone / "agent/personas/city_guide.toml").write_text(PERSONA)
        await log.has(TAKEN, 1, RELOAD_S)
        await hears(journey, "agent:", "PERSONA=city_guide", "TYPE=What time is it?")
    with journey.step("the tool of CONTRIBUTING.md, pasted, and a call in which it is heard"):
        (journey.clone / TOOL).write_text(pasted_tool(journey.clone))
        await log.has(TAKEN, 2, RELOAD_S)
        await hears(journey, "The die shows", "TYPE=roll the dice")
    with journey.step("its test, pasted"):
        (journey.clone / TEST_OF_TOOL).write_text(pasted_test(journey.clone))
        await journey.run(".venv/bin/python", "-m", "pytest", "-q", TEST_OF_TOOL, within_s=CHECK_S)


async def hears(journey: Journey, words: str, *settings: str) -> None:
    """Hold a call.

    Raises:
        JourneyError: it hasn't the agent's words.
    """
    output = await journey.run("make", "call", *settings, within_s=CALL_S)
    if words not in output:
        raise JourneyError(f"the call has no {words!r}:\n{output[-3000:]}")


async def leave(demo: Part) -> None:
    """Press Ctrl-C.

    Raises:
        JourneyError: the demo goes on.
    """
    os.killpg(demo.pid, signal.SIGINT)
    try:
        await asyncio.wait_for(demo.ended(), 60)
    except TimeoutError:
        raise JourneyError("the demo goes on after Ctrl-C") from None


async def check(journey: Journey, *, quick: bool) -> None:
    """The lights taken out as CONTRIBUTING.md says, and everything still green."""
    with journey.step("the lights taken out"):
        (journey.clone / "examples/lights.py").unlink()
        (journey.clone / "tests/examples/test_lights.py").unlink()
        persona = journey.clone / "agent/personas/assistant.toml"
        lines = persona.read_text().splitlines(keepends=True)
        persona.write_text("".join(line for line in lines if "examples.lights:Lights" not in line))
    with journey.step("make check"):
        await journey.run("make", "check", within_s=CHECK_S)
    if quick:
        return
    with journey.step("make test"):
        await journey.run("make", "test", within_s=TEST_S)
    with journey.step("the wheels, with Google's SDK and with an agent that isn't ours; a stop under two calls"):
        await journey.run(".venv/bin/python", "-m", "pytest", "-q", *PIECES, within_s=TEST_S)


def main(words: Sequence[str] | None = None) -> int:
    """Make the journey; returns the exit code."""
    parser = argparse.ArgumentParser(description="A new user's first hour, in a clean clone with an empty HOME.")
    parser.add_argument("--quick", action="store_true", help="leave out `make test` and what follows")
    quick = parser.parse_args(words).quick
    folder = Path(tempfile.mkdtemp(prefix="earshot-journey-"))
    journey = Journey(folder)
    for name in CACHES:
        print(f"{name}: {'a cache that is there' if name in journey.environment else 'empty'}")
    try:
        asyncio.run(travel(journey))
        asyncio.run(check(journey, quick=quick))
    except (JourneyError, DemoError) as error:
        print(f"\nthe journey ends here ({folder} is kept): {error}", file=sys.stderr)
        return 1
    subprocess.run(("chmod", "-R", "u+w", str(folder)), check=True)  # Go's modules are read-only
    shutil.rmtree(folder)
    print("the journey is made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
