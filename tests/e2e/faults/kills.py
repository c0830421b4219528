"""`python -m tests.e2e.faults.kills`: calls whose process is killed again and again; how long until the voice is back.

Each call loses its process three times: while the agent speaks, while the caller speaks, and while nobody speaks. All times are
read from the recording at the caller's ear.
"""

import argparse
import asyncio
import datetime
import functools
import json
import os
import secrets
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from caller import AgentTrack
from configuration import argument_parser
from demo.parts import Part
from tests.chaos.fleet import fleet
from tests.chaos.stock import LISTENS_S, stock_silence_s
from tests.e2e.faults.judge import Evidence, Turn
from tests.e2e.faults.rig import Rig, rig
from tests.e2e.faults.sentences import FIRST, LONG_QUESTION, QUESTIONS, SECOND, THIRD
from tests.e2e.faults.stage import Stage, evidence_of
from tests.e2e.faults.tones import lost, silences
from tests.e2e.stack import until
from tests.progress import output_in

AGENT_SPEAKS, CALLER_SPEAKS, NOBODY_SPEAKS = "the agent speaks", "the caller speaks", "nobody speaks"
_NAME = "killed"
_AT_THE_EAR_S = 0.6
"""Sound is on its way for at most so long."""
_PAUSE_S = 0.3
_INTO_ANSWER_S = 1.0
_INTO_QUESTION_S = 3.5
"""Of five seconds."""
_ASKS_AFTER_S = 1.0
_RESTS_S = 3.0
"""Between an answer and the next kill: the worker has a process to spare again."""
_EXAMPLES = (
    "python -m tests.e2e.faults.kills --calls 7                    # 21 kills",
    "python -m tests.e2e.faults.kills --calls 2 --results FILE     # adds to the results of runs before",
)


@dataclass(frozen=True)
class Killed:
    """What one kill cost. Times are in seconds."""

    during: str
    voice_s: float
    """From the kill to the agent's next word at the ear."""
    track_s: float
    """From the kill to the next agent's voice in the room, spoken or not."""
    wait_s: float | None
    """From the caller's last word to the answer; None: the kill was in the answer."""
    agents_words: int
    """Lost."""
    callers_words: int
    """Lost."""
    is_remembered: bool
    """The answer was the one to a question of its number in the conversation."""


async def killed_call(made: Rig, part: Part) -> list[Killed]:
    """One call and its three kills."""
    room = f"killed-{secrets.token_hex(3)}"
    async with made.server.caller(room, agent_name=_NAME) as caller:
        stage = Stage(made, caller, room)
        kills: list[float] = []
        await stage.greeted()
        await stage.says(QUESTIONS[0], FIRST)
        await stage.begins(FIRST, after_s=_INTO_ANSWER_S)
        kills.append(_kill(part, stage))
        await stage.hears(FIRST, within_s=20)
        await stage.caller_pauses(_RESTS_S)
        async with stage.meanwhile(_INTO_QUESTION_S, lambda: kills.append(_kill(part, stage))):
            await stage.asks(LONG_QUESTION, SECOND)
        await stage.caller_pauses(_RESTS_S)
        kills.append(_kill(part, stage))
        await stage.caller_pauses(_ASKS_AFTER_S)
        await stage.asks(QUESTIONS[1], THIRD)
        joined_at = caller.joined_at
        tracks = [event.t - joined_at for event in caller.log if isinstance(event, AgentTrack)]
    await until(functools.partial(made.server.is_empty, room), within_s=30)
    await until(made.is_free, within_s=30)
    evidence = evidence_of(stage)
    turns = zip(stage.turns[1:], (*stage.turns[2:], None), (AGENT_SPEAKS, CALLER_SPEAKS, NOBODY_SPEAKS), kills, strict=True)
    return [effect(evidence, (turn, after), during, at, tracks) for turn, after, during, at in turns]


def _kill(part: Part, stage: Stage) -> float:
    """Kill the process that answers the call. Returns the time in the call."""
    started = [json.loads(line) for line in part.lines if '"call started"' in line and stage.room in line]
    os.kill(int(started[-1]["pid"]), signal.SIGKILL)
    return stage.now_s


def effect(evidence: Evidence, turns: tuple[Turn, Turn | None], during: str, at: float, tracks: Sequence[float]) -> Killed:
    """What a kill cost. `turns`: the caller's turn that it concerned, and the next one; `at` is in seconds of the call."""
    turn, after = turns
    until = evidence.length_s if after is None else after.end_s
    answer = [one for one in evidence.heard if one.marker in turn.owed and turn.start_s <= one.start_s < until]
    missing = lost(turn.owed, answer)
    begins = min((one.start_s for one in answer), default=until)
    pauses = [
        one for one in silences(answer) if at < one.end_s and one.start_s < at + _AT_THE_EAR_S and one.duration_s > _PAUSE_S
    ]
    voice = max((one.end_s for one in pauses), default=at) if during == AGENT_SPEAKS else begins
    return Killed(
        during,
        voice_s=round(voice - at, 2),
        track_s=round(min((track for track in tracks if track > at), default=until) - at, 2),
        wait_s=None if during == AGENT_SPEAKS else round(begins - turn.end_s, 2),
        agents_words=len(missing),
        callers_words=len(lost(turn.said, [one for connection in evidence.taken for one in connection])),
        is_remembered=len(missing) < len(turn.owed) / 2,
    )


def report(kills: Sequence[Killed]) -> str:
    """Markdown: a line for each situation, and one for all kills."""
    head = (
        "| killed while | kills | from the kill to the voice, s | the next agent in the room after, s "
        "| from the question to the answer, s | agent's words lost | caller's words lost | conversation known |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for what in (AGENT_SPEAKS, CALLER_SPEAKS, NOBODY_SPEAKS):
        lines += [_line(what, [kill for kill in kills if kill.during == what])]
    return "\n".join([*lines, _line("all", kills)])


def _line(what: str, kills: Sequence[Killed]) -> str:
    cells = [
        what,
        str(len(kills)),
        _spread([kill.voice_s for kill in kills]),
        _spread([kill.track_s for kill in kills]),
        _spread([kill.wait_s for kill in kills if kill.wait_s is not None]),
        _words([kill.agents_words for kill in kills]),
        _words([kill.callers_words for kill in kills]),
        f"{sum(kill.is_remembered for kill in kills)} of {len(kills)}",
    ]
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float]) -> str:
    return f"**{statistics.median(values):.1f}** / {max(values):.1f}" if values else "-"


def _words(counts: Sequence[int]) -> str:
    return f"{sum(counts)}, {max(counts)} at most" if sum(counts) else "0"


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    what = "Kill the process of a call three times in each call, and say how long the caller heard nothing."
    parser = argument_parser("python -m tests.e2e.faults.kills", what, _EXAMPLES)
    parser.add_argument("--calls", type=int, default=7, help="(default 7: 21 kills)")
    parser.add_argument("--results", type=Path, help="a file of results (JSON lines), to which those of this run are added")
    parser.add_argument("--stock", action="store_true", help="kill a call of LiveKit's own example, too")
    return parser.parse_args(argv)


async def _stock(folder: Path) -> str:
    """What the caller of LiveKit's own example hears after one kill."""
    folder.mkdir()
    async with fleet(folder, workers=0, with_redis=False) as made:
        silence_s = await stock_silence_s(made)
    heard = f"nothing more in {LISTENS_S:g} s" if silence_s is None else f"a voice after {silence_s:.1f} s"
    return f"LiveKit's own example, its process killed in an answer: the caller heard {heard}."


async def _kills(folder: Path, calls: int, results: Path) -> None:
    """Make so many calls, and add what their kills cost to the file."""
    async with rig(folder) as parts, parts.sharing_worker(_NAME, IDLE_PROCESSES="2") as part:
        for _ in range(calls):
            found = await killed_call(parts, part)
            with results.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(asdict(kill)) + "\n" for kill in found)
            for kill in found:
                print(kill, file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run it; returns the exit code."""
    given = _arguments(argv)
    folder = Path(tempfile.mkdtemp(prefix="earshot-kills-"))
    results: Path = given.results or folder / "results.jsonl"
    print(f"the programs' output is in {folder}", file=sys.stderr, flush=True)
    with output_in(folder / "programs.log"):
        stock = asyncio.run(_stock(folder / "stock")) if given.stock else ""
        if given.calls:
            asyncio.run(_kills(folder, given.calls, results))
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    today, load = datetime.datetime.now(datetime.UTC), os.getloadavg()[0]
    when = f"{today:%d %B %Y}, {os.cpu_count()} cores, load {load:.1f} at the end."
    print("\n\n".join([when, report([Killed(**json.loads(line)) for line in lines]), stock]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
