"""`make test`'s tests, in two stages: `python -m tests.stages [pytest's arguments]`.

Most tests want all of the processor, so as many files run at once as it bears. Then come the calls. They mostly wait, and their
sound is judged by the clock. Beside them run the tests that only compute, at a low priority: they get the time that no call
wants. With arguments, as of a folder, each stage has the tests that they name, and nothing runs beside the calls.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parent.parent
ELSEWHERE = "not contract and not sound and not faults and not real and not long"
CALLS = "sound and not faults and not long"
CALLS_IN = ("tests/e2e", "tests/line")
COMPUTING_IN = (
    *("tests/agent/gemini", "tests/bench", "tests/deploy", "tests/emulator", "tests/examples", "tests/failover"),
    *("tests/records", "tests/speech", "tests/telephony", "tests/tickets"),
)
"""Folders whose tests start few programs, or none, and judge no time: a slow processor makes them late, and not wrong."""
TIMED = {"tests/agent/gemini/test_link.py", "tests/emulator/test_journal.py", "tests/emulator/test_server.py"}
"""Files in these folders that judge times nevertheless."""
LATE = "--timeout=600"
"""While calls begin, the tests beside them get nearly nothing for some seconds."""
_NICENESS = "10"
NO_TESTS = 5
"""pytest's exit code when it has found none."""


@dataclass(frozen=True)
class Run:
    """One run of pytest.

    `marks` and `arguments` choose its tests, `at_once` is the number of its processes.
    """

    marks: str
    at_once: int
    arguments: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        scheduling = ("--dist", "loadfile", "--no-loadscope-reorder", "-n", str(self.at_once))
        return [sys.executable, "-m", "pytest", *scheduling, "-m", self.marks, *self.arguments]


@dataclass(frozen=True)
class Stage:
    """A run, and the one at a low priority beside it."""

    run: Run
    beside: Run | None = None


def stages(cores: int, arguments: Sequence[str]) -> tuple[Stage, Stage]:
    """What `make test` runs on a machine with so many cores.

    A call takes a third of a core.
    """
    files, calls = min(cores + 2, 8), min(cores // 2 + 1, 4)
    if arguments:
        return Stage(Run(ELSEWHERE, files, tuple(arguments))), Stage(Run(CALLS, calls, tuple(arguments)))
    computing = _computing()
    return (
        Stage(Run(ELSEWHERE, files, tuple(f"--ignore={path}" for path in computing))),
        Stage(Run(CALLS, calls, CALLS_IN), Run(ELSEWHERE, min(cores, 4), (LATE, *computing))),
    )


def _computing() -> list[str]:
    """The files whose tests only compute."""
    files = [path for folder in COMPUTING_IN for path in (ROOT / folder).rglob("test_*.py")]
    files += (ROOT / "tests").glob("test_*.py")
    return sorted({str(path.relative_to(ROOT)) for path in files} - TIMED)


def exit_code(codes: Sequence[int]) -> int:
    """0 if nothing has failed and something was tested; otherwise the first code of a failure."""
    failures = [code for code in codes if code not in {0, NO_TESTS}]
    return failures[0] if failures else min(codes)


@contextlib.contextmanager
def _at_low_priority(run: Run, output: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    command = ["nice", "-n", _NICENESS, *run.command]
    # a session of its own: Linux shares a processor between sessions first (autogroup, sched(7)), and has a priority for each
    process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
    with contextlib.suppress(OSError):
        Path(f"/proc/{process.pid}/autogroup").write_text(_NICENESS)
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 2


def _carry_out(stage: Stage) -> list[int]:
    if stage.beside is None:
        return [subprocess.run(stage.run.command, cwd=ROOT, check=False).returncode]
    with tempfile.TemporaryFile("w+") as output, _at_low_priority(stage.beside, output) as beside:
        code = subprocess.run(stage.run.command, cwd=ROOT, check=False).returncode
        codes = [code, beside.wait()]
        output.seek(0)
        sys.stdout.write(output.read())
    return codes


def main(arguments: Sequence[str]) -> int:
    """Run both stages, and stop after the first if something fails there."""
    first, second = stages(_cores(), arguments)
    codes = _carry_out(first)
    if exit_code(codes) in {0, NO_TESTS}:
        codes += _carry_out(second)
    return exit_code(codes)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
