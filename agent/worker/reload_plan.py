"""The rules of `--reload`: which files concern a worker, and what happens when they change and when workers come and go. Pure.

A new worker starts beside the running one. Once it has registered it takes the calls, and the one before is told to drain: that
one takes no more calls, and its running calls go on in it to their end. A change that can't be used changes nothing.

    worker      event               then
    starting    has registered      it is the current one; the one before is told to drain
    starting    has ended           the current one goes on, and the reason is said; without a current one the program ends
    starting    START_S have passed it is killed, if there is a current one
    current     has ended           the program ends with its exit code
    draining    has ended           its place is free
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

START_S = 60.0
"""Seconds within which a new worker must have registered."""
MOST_WORKERS = 4
"""Workers that run at the same time at most: with that many, a change waits until one has ended."""

_OTHERS = {
    *("bench", "build", "caller", "demo", "deploy", "dist", "docs", "emulator", "node_modules", "scripts", "speech"),
    *("telephony", "testing", "tests", "token_server", "web"),
}
"""Folders of the repository that no worker imports anything of."""
_SUFFIXES = {".py", ".toml"}
_FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>\d+)')
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Start:
    """Start the worker of this number."""

    number: int


@dataclass(frozen=True)
class Drain:
    """Tell a worker to take no more calls, and to end after its last one."""

    number: int


@dataclass(frozen=True)
class Kill:
    number: int


@dataclass(frozen=True)
class Say:
    """Print a line."""

    line: str


@dataclass(frozen=True)
class Exit:
    """End the program, with the exit code of a worker."""

    code: int


Action = Start | Drain | Kill | Say | Exit
State = Literal["starting", "current", "draining"]


class ReloadPlan:
    """The workers of one program by number, and their states."""

    def __init__(self, most: int = MOST_WORKERS) -> None:
        self.states: dict[int, State] = {}
        self._most = most
        self._started = 0
        self._starts_by = 0.0
        self._is_stale = False
        """Whether files have changed since the newest worker was started."""
        self._is_ending = False

    @property
    def next_at(self) -> float | None:
        """The time at which `due` has something to do; None: at no time."""
        return self._starts_by if self._starting is not None and self._current is not None else None

    def begin(self, now: float) -> list[Action]:
        """Start the first worker."""
        return self._start(now)

    def changed(self, files: Sequence[str], problem: str | None, now: float) -> list[Action]:
        """Files of the worker have changed. `problem`: the sentence about one of them that can't be compiled."""
        if self._is_ending:
            return []
        if problem is not None:
            return [Say(f"{problem}; calls go on with the last good version")]
        shown = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
        self._is_stale = True
        return [Say(f"{shown} changed"), *self._take_changes(now)]

    def registered(self, number: int, now: float) -> list[Action]:
        """A worker has registered: the next call comes to it."""
        if self.states.get(number) != "starting":
            return []
        before = self._current
        self.states[number] = "current"
        if before is None:
            return self._take_changes(now)
        self.states[before] = "draining"
        said = Say("the next call has the change; calls that run go on in the worker before")
        return [said, Drain(before), *self._take_changes(now)]

    def ended(self, number: int, code: int, reason: str, now: float) -> list[Action]:
        """A worker has ended. `reason`: its last words."""
        state = self.states.pop(number, None)
        if self._is_ending or state == "draining" or state is None:
            return self._take_changes(now)
        if state == "current" or self._current is None:
            return [Exit(code)]
        return [Say(f"the change can't be used: {reason}; calls go on with the last good version"), *self._take_changes(now)]

    def due(self, now: float) -> list[Action]:
        """End a new worker that hasn't registered in time."""
        if self.next_at is None or now < self.next_at or self._starting is None:
            return []
        self._starts_by += START_S
        return [Say(f"the new worker has not registered within {START_S:g} s"), Kill(self._starting)]

    def end(self) -> list[int]:
        """Start nothing more. Returns the numbers of the workers that don't drain yet."""
        self._is_ending = True
        return [number for number, state in self.states.items() if state != "draining"]

    def _take_changes(self, now: float) -> list[Action]:
        """Start a worker with the changes, unless one is starting: its successor will have them."""
        if not self._is_stale or self._is_ending or self._starting is not None:
            return []
        if len(self.states) >= self._most:
            return [Say(f"{len(self.states)} workers hold calls; the change is taken when one of them has ended")]
        return self._start(now)

    def _start(self, now: float) -> list[Action]:
        self._is_stale = False
        self._started += 1
        self._starts_by = now + START_S
        self.states[self._started] = "starting"
        return [Start(self._started)]

    @property
    def _current(self) -> int | None:
        return self._in_state("current")

    @property
    def _starting(self) -> int | None:
        return self._in_state("starting")

    def _in_state(self, state: State) -> int | None:
        return next((number for number, known in self.states.items() if known == state), None)


@dataclass(frozen=True)
class ReloadOptions:
    """A command line that asks for reload."""

    words: tuple[str, ...]
    """The words of the workers' command line."""
    health_ports: tuple[int, ...] = ()
    """The ports of the workers' health servers, one for each worker that runs; without any each picks a free one."""


def reload_options(words: Sequence[str]) -> ReloadOptions | None:
    """What a command line of `agent.py` asks for: `dev`, unless it says --no-reload, and `start --reload`. None: no reload.

    LiveKit's own `dev` takes both options, and reloads nothing (docs/facts.md L220).

    Raises:
        ValueError: `--health-ports` has no ports.
    """
    if not words or words[0] not in {"dev", "start"} or "--help" in words or "--no-reload" in words:
        return None
    if words[0] == "start" and "--reload" not in words:
        return None
    kept = [word for word in words if word != "--reload"]
    ports: tuple[int, ...] = ()
    if "--health-ports" in kept:
        at = kept.index("--health-ports")
        given = "".join(kept[at + 1 : at + 2])
        if not re.fullmatch(r"\d{1,5}(,\d{1,5})*", given):
            raise ValueError(f"--health-ports is {given!r}: write ports with commas between them, such as 8081,8082")
        ports = tuple(int(port) for port in given.split(","))
        del kept[at : at + 2]
    return ReloadOptions((*kept, "--no-reload") if kept[0] == "dev" else tuple(kept), ports)


def concerns_worker(path: PurePath) -> bool:
    """Whether a worker has to start anew to have a change of this file; the path begins at the repository's root."""
    *folders, name = path.parts
    if any(folder.startswith(".") or folder == "__pycache__" for folder in folders):
        return False
    if not folders:
        return name == ".env" or path.suffix == ".py"
    return folders[0] not in _OTHERS and path.suffix in _SUFFIXES


def watched_folders(names: Iterable[str]) -> list[str]:
    """Those of the names of the root's folders that have files which concern a worker."""
    return sorted(name for name in names if name not in _OTHERS and name != "__pycache__" and not name.startswith("."))


def syntax_problem(path: PurePath, source: bytes) -> str | None:
    """The sentence about a Python file that can't be compiled, with its line; None if it can be."""
    try:
        compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"{path}:{error.lineno or 1}: {error.msg}"
    except ValueError as error:  # a NUL character
        return f"{path}: {error}"
    return None


def reason_of(lines: Sequence[str], root: PurePath) -> str:
    """The reason for which a worker has ended, by its last lines: a sentence, or the error of a traceback with its place."""
    written = [line for line in lines if line.strip()]
    if not written:
        return "it has ended without a word"
    reason = _message(written[-1])[:_LONGEST_REASON]
    places = [found for line in written if (found := _FRAME.match(line)) is not None]
    inside = [found for found in places if PurePath(found["path"]).is_relative_to(root)]
    if not inside or not written[-1].startswith(reason):
        return reason
    return f"{PurePath(inside[-1]['path']).relative_to(root)}:{inside[-1]['line']}: {reason}"


def _message(line: str) -> str:
    """A line of a log as JSON by its message alone; any other line as it is."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line.strip()
    return str(entry["message"]).strip() if isinstance(entry, dict) and "message" in entry else line.strip()
