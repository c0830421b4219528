"""A new user's first hour, in a clean clone with an empty HOME: `make journey`. Each step is printed with its time.

The demo, a call, a new persona, the tool of CONTRIBUTING.md as pasted with its test, a call in which the tool is heard, the
lights taken out, and then the checks and tests. `--quick` leaves `make test` out. The first step that fails ends the journey.
"""

import argparse
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

ROOT = Path(__file__).parents[1]
GIT, MAKE = (shutil.which(name) or name for name in ("git", "make"))
PORT_BASE = 14_880
NOT_A_NEW_USERS = ("XDG_", "VIRTUAL_ENV", "PYTHON", "PYTEST", "GOOGLE_", "GEMINI_", "LIVEKIT_", "TOKEN_", "MAKE", "MFLAGS")
"""The beginnings of the names of variables that a new user doesn't have."""
READY_S, CALL_S, RELOAD_S = 900, 120, 90
PERSONA = """title = "City guide"
voice = "Kore"
language = "de-DE"
greeting = "Begrüße den Anrufer in einem kurzen Satz."
instructions = "Du bist ein Stadtführer. Antworte in kurzen Sätzen."
"""


class JourneyError(Exception):
    """A step that a new user would be stuck at."""


class Journey:
    """The clone, its environment, and the time of each step."""

    def __init__(self, folder: Path) -> None:
        self.clone = folder / "earshot"
        home = folder / "home"
        home.mkdir()
        # how this machine reaches package registries (proxies, certificates, mirrors) is its own business
        others = {name: value for name, value in os.environ.items() if not name.startswith(NOT_A_NEW_USERS)}
        self.environment = {**others, "HOME": str(home), "PORT_BASE": str(PORT_BASE)}

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Print a step with its time in seconds."""
        began_at = time.monotonic()
        print(f"{what} ...", flush=True)
        yield
        print(f"    {time.monotonic() - began_at:.1f} s", flush=True)

    def run(self, *argv: str, within_s: float = 1800.0) -> str:
        """Run a command in the clone; returns its output.

        Raises:
            JourneyError: it fails.
        """
        done = subprocess.run(
            argv, cwd=self.clone, env=self.environment, capture_output=True, text=True, timeout=within_s, check=False
        )
        if done.returncode != 0:
            raise JourneyError(
                f"{' '.join(argv)} ends with exit code {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
            )
        return done.stdout

    def edit(self, path: str, pattern: str, replacement: str) -> None:
        """Replace the one place of a file that the pattern matches."""
        file = self.clone / path
        text, count = re.subn(pattern, lambda _: replacement, file.read_text(), flags=re.MULTILINE)
        if count != 1:
            raise JourneyError(f"{path} has {count} places like {pattern!r}")
        file.write_text(text)


class Demo:
    """`make demo`, with its output in a file."""

    def __init__(self, journey: Journey, log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                (MAKE, "demo"),
                cwd=journey.clone,
                env=journey.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def says(self, pattern: str, within_s: float, since: int = 0) -> int:
        """Wait until the demo has printed the pattern; returns the length of its output.

        Raises:
            JourneyError: it ends, or doesn't print it in time.
        """
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            text = self._log.read_text(errors="replace")
            if re.search(pattern, text[since:]):
                return len(text)
            if self._process.poll() is not None:
                break
            time.sleep(0.2)
        raise JourneyError(f"the demo has not printed {pattern!r}:\n{self._log.read_text(errors='replace')[-3000:]}")

    def end(self) -> None:
        """Press Ctrl-C."""
        os.killpg(self._process.pid, signal.SIGINT)
        self._process.wait(60)


def blocks_of(text: str) -> list[str]:
    """The Python blocks of a Markdown text."""
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def travel(journey: Journey) -> None:
    """All steps, in order.

    Raises:
        JourneyError: a step fails.
    """
    with journey.step("git clone"):
        subprocess.run((GIT, "clone", "--quiet", str(ROOT), str(journey.clone)), check=True)
    with journey.step("make demo, with everything that it installs and builds"):
        demo = Demo(journey, journey.clone.parent / "demo.log")
        demo.says(r"(?m)^ready after", READY_S)
    try:
        calls(journey, demo)
    finally:
        demo.end()


def calls(journey: Journey, demo: Demo) -> None:
    """The steps while the demo runs."""
    with journey.step("make call"):
        heard(journey.run("make", "call", "SAY=What time is it in Tokyo?", within_s=CALL_S), "Tokyo")
    with journey.step("a new persona, and a call with it"):
        (journey.clone / "agent/personas/city_guide.toml").write_text(PERSONA)
        journey.run("make", "call", "PERSONA=city_guide", "TYPE=What time is it?", within_s=CALL_S)
    with journey.step("the tool of CONTRIBUTING.md, pasted, and a call in which it is heard"):
        imported, tool, test = tool_blocks(journey)
        mark = demo.says("ready after", 1)
        journey.edit("agent/assistant.py", r"\A(\"\"\".*?\"\"\"\n)\n", docstring_of(journey) + "\n" + imported)
        file = journey.clone / "agent/assistant.py"
        file.write_text(paste_into_class(file.read_text(), tool))
        journey.run(".venv/bin/ruff", "format", "--quiet", "agent/assistant.py")
        journey.run(".venv/bin/ruff", "check", "--quiet", "--fix", "--select", "I", "agent/assistant.py")
        demo.says(r"reload: .*calls", RELOAD_S, mark)
        heard(journey.run("make", "call", "TYPE=roll the dice", within_s=CALL_S), "The die shows")
    with journey.step("its test, pasted"):
        tests = journey.clone / "tests/agent/test_assistant.py"
        tests.write_text(f"{tests.read_text()}\n\n{test}")
        journey.run(".venv/bin/python", "-m", "pytest", "-q", "tests/agent/test_assistant.py")


def tool_blocks(journey: Journey) -> tuple[str, str, str]:
    """The import, the tool and the test of CONTRIBUTING.md's section "Add a tool"."""
    section = (journey.clone / "CONTRIBUTING.md").read_text().partition("## Add a tool")[2]
    blocks = blocks_of(section)
    test = next(block for block in blocks if "assistant().roll_dice" in block)
    return blocks[0], blocks[1], test


def docstring_of(journey: Journey) -> str:
    text = (journey.clone / "agent/assistant.py").read_text()
    return text[: text.index('"""', 3) + 4]


def paste_into_class(text: str, tool: str) -> str:
    """The text with a method at the end of its first class."""
    lines = text.splitlines(keepends=True)
    begins = next(index for index, line in enumerate(lines) if line.startswith("class "))
    ends = next(
        (index for index in range(begins + 1, len(lines)) if lines[index].strip() and not lines[index].startswith((" ", ")"))),
        len(lines),
    )
    method = "".join(f"    {line}" if line.strip() else line for line in tool.splitlines(keepends=True))
    return "".join([*lines[:ends], "\n", method, "\n\n", *lines[ends:]])


def heard(output: str, words: str) -> None:
    """Check that a call's output has the agent's words.

    Raises:
        JourneyError: it hasn't.
    """
    if words not in output:
        raise JourneyError(f"the call has no {words!r}:\n{output[-3000:]}")


def check(journey: Journey, *, quick: bool) -> None:
    """The lights taken out as CONTRIBUTING.md says, and everything still green."""
    with journey.step("the lights taken out"):
        (journey.clone / "examples/lights.py").unlink()
        (journey.clone / "tests/examples/test_lights.py").unlink()
        journey.edit("agent/personas/assistant.toml", r"^toolsets = .*\n", "")
    with journey.step("make check"):
        journey.run("make", "check")
    if not quick:
        with journey.step("make test"):
            journey.run("make", "test", within_s=3600)


def main(words: Sequence[str] | None = None) -> int:
    """Make the journey; returns the exit code."""
    parser = argparse.ArgumentParser(description="A new user's first hour, in a clean clone with an empty HOME.")
    parser.add_argument("--quick", action="store_true", help="leave `make test` out")
    quick = parser.parse_args(words).quick
    folder = Path(tempfile.mkdtemp(prefix="earshot-journey-"))
    journey = Journey(folder)
    try:
        travel(journey)
        check(journey, quick=quick)
    except JourneyError as error:
        print(f"\nthe journey ends here ({folder} is kept): {error}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    print("the journey is made")
    return 0


if __name__ == "__main__":
    sys.exit(main())
