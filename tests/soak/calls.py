"""Long real calls through livekit-server and a worker, on an emulator that breaks them: `soak_calls`.

The calls are recorded, so that the bound of their processes' memory is one of recording as well.
"""

import asyncio
import random
import secrets
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from agent.gemini import Cause, During, Kind, LinkEvent
from caller import AgentSound, CallEndedError, Caller, Caption, Event, NotHeardError, RoomEvent
from caller.caller import SAMPLE_RATE_HZ
from demo.parts import Part
from speech import synthesize
from tests.e2e.stack import Sfu, sfu, until, worker
from tests.soak.account import Book
from tests.soak.faults import Mischief
from tests.soak.footprint import Footprint, Sample, sample, slope, typical
from tests.soak.recordings import RECORD, recorded_figures, wrong_recordings
from tests.soak.service import QUESTIONS, SPOKEN, Service, service

_WARM_UP_S = 120.0
_GROWTH_KB_PER_MINUTE = 300.0
"""Of a call's process, private memory: its history is kept, and allocators settle slowly."""
_EVERY_S = 10.0
_TYPES = 0.3
_TURN_OVER_S = 1.0
_LONGEST_ANSWER_S = 60.0
_KINDS: dict[str, type] = {"kind": Kind, "cause": Cause, "during": During}


@dataclass(frozen=True)
class CallsPlan:
    """What is soaked, and for how long."""

    calls: int = 3
    seconds: float = 1200.0
    seed: int = 1
    faults_per_call_minute: float = 2.0
    time_scale: float = 0.03
    patience_s: float = 60.0


@dataclass
class SoakedCalls:
    """What came of it."""

    plan: CallsPlan
    books: list[Book]
    footprints: dict[int, Footprint] = field(default_factory=dict)
    """Of the worker and its processes, by their number."""
    asked: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)
    lasted_s: dict[str, float] = field(default_factory=dict)
    """The seconds that each caller was in the room, by the room's name."""
    recorded: str = ""
    """What was recorded, for the table."""

    def settled(self, footprint: Footprint) -> list[Sample]:
        """Samples from when everything has been used once."""
        return footprint.settled(min(_WARM_UP_S, self.plan.seconds / 3))

    def wrong(self) -> list[str]:
        """Everything that isn't accounted for, in sentences."""
        found = [each for book in self.books for each in book.wrong] + self.left
        if self.plan.seconds < 3 * _WARM_UP_S:
            return found  # too short to tell growth from a beginning
        for pid, footprint in self.footprints.items():
            settled = self.settled(footprint)
            grown_kb = 1024 * slope(settled, lambda each: each.memory_mb)
            if grown_kb > _GROWTH_KB_PER_MINUTE:
                found.append(
                    f"memory of process {pid} grows by {grown_kb:.0f} KB a minute; {_GROWTH_KB_PER_MINUTE:.0f} are allowed"
                )
            first, last = typical(settled, lambda each: each.files) if settled else (0, 0)
            if last > first + 3:
                found.append(f"file descriptors of process {pid} grow: {first:.0f} in the first third, {last:.0f} in the last")
        return found


class _Line:
    """One caller in a room, with its book."""

    def __init__(self, server: Sfu, room: str, book: Book, dice: random.Random) -> None:
        self._book, self._dice = book, dice
        self._caller = Caller(server.url, server.token(room, "caller"), on_event=self._on_event)
        self._shown: dict[str, str] = {}
        """The caption of each segment so far."""

    def _on_event(self, event: Event) -> None:
        match event:
            case Caption(who="agent", segment=segment, text=text):
                before = self._shown.get(segment, "")
                self._shown[segment] = text
                if new := text.removeprefix(before):
                    self._book.hears(new, event.t)
            case RoomEvent(body={"type": "link", **facts}):
                self._book.happens(_link_event(facts), event.t)
            case RoomEvent(body={"type": "tool_started"}):
                self._book.runs_tool(event.t)
            case RoomEvent(body={"type": "call_ended", "reason": reason}):
                self._book.misses(f"the agent ends the call: {reason}", event.t)

    async def call(self, for_s: float) -> float:
        """Be greeted, ask every ten seconds, and listen. Returns the seconds in the room."""
        book, caller = self._book, self._caller
        async with caller:
            began_at = caller.now
            until_at = began_at + for_s
            try:
                await caller.first(AgentSound, within_s=30)
                await caller.quiet(for_s=_TURN_OVER_S, within_s=30)
                while caller.now < until_at:
                    began = caller.now
                    await self._ask()
                    await self._listen()
                    book.settles(caller.now)
                    await asyncio.sleep(max(_EVERY_S - (caller.now - began), self._dice.uniform(0.5, 2)))
            except (CallEndedError, NotHeardError) as error:
                book.misses(str(error), caller.now)
            book.close(caller.now)
            return caller.now - began_at

    async def _ask(self) -> None:
        if self._dice.random() < _TYPES:
            how = self._dice.choice(list(QUESTIONS))
            await self._caller.send_text(self._dice.choice(QUESTIONS[how]))
            self._book.asks(how, self._caller.now)
            return
        sentence = self._dice.choice(SPOKEN)
        await self._caller.say(synthesize(sentence, sample_rate_hz=SAMPLE_RATE_HZ), text=sentence)
        self._book.asks("spoken", self._caller.now)

    async def _listen(self) -> None:
        question, mark = self._book.question, len(self._caller.log)
        assert question is not None
        with suppress(NotHeardError):
            await self._caller.first(
                AgentSound, since=mark, within_s=self._book.patience_s, where=lambda sound: sound.t > question.asked_at
            )
        await until(lambda: question.is_answered or self._book.is_stuck(self._caller.now), within_s=2 * self._book.patience_s)
        self._book.waited(self._caller.now)
        await self._caller.quiet(for_s=_TURN_OVER_S, within_s=_LONGEST_ANSWER_S)


def _link_event(facts: dict[str, Any]) -> LinkEvent:
    known = {each.name for each in fields(LinkEvent)}
    return LinkEvent(
        **{name: _KINDS[name](value) if name in _KINDS else value for name, value in facts.items() if name in known}
    )


async def soak_calls(plan: CallsPlan) -> SoakedCalls:
    """Run it to its end."""
    soaked = SoakedCalls(plan, [Book(f"call {number}", plan.patience_s) for number in range(plan.calls)])
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records"
        settings = {"TMPDIR": folder, "LONGEST_CALL_S": str(round(plan.seconds) + 600)}
        settings |= {"RECORD": RECORD, "RECORD_DIR": str(records)}
        async with (
            service(Path(folder), plan.time_scale) as model,
            sfu() as server,
            worker(server, model.gemini, **settings) as running_worker,
        ):
            await _run(soaked, model, server, running_worker)
            soaked.left += wrong_recordings(records, soaked.lasted_s)
            soaked.recorded = recorded_figures(records)
    return soaked


async def _run(soaked: SoakedCalls, model: Service, server: Sfu, running_worker: Part) -> None:
    plan = soaked.plan
    parent = psutil.Process(running_worker.pid)
    before = len(parent.children(recursive=True))
    rooms = [f"soak-{secrets.token_hex(4)}" for _ in soaked.books]
    mischief = Mischief(model.control_url, plan.seed, every_s=60 / (plan.calls * plan.faults_per_call_minute))
    following = asyncio.create_task(_follow(parent, soaked.footprints))
    calls: dict[str, asyncio.Task[float]] = {}
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(mischief.make(plan.seconds))
            for number, (book, room) in enumerate(zip(soaked.books, rooms, strict=True)):
                dice = random.Random(plan.seed * 1000 + number)
                calls[room] = tasks.create_task(_Line(server, room, book, dice).call(plan.seconds))
    finally:
        following.cancel()
    soaked.asked, soaked.happened = mischief.asked, mischief.happened
    soaked.lasted_s = {room: call.result() for room, call in calls.items()}
    try:
        await until(lambda: len(parent.children(recursive=True)) <= before, within_s=20)
    except TimeoutError:
        soaked.left.append(f"the worker has {len(parent.children(recursive=True))} processes; {before} before the calls")
    soaked.left += [f"room {room} isn't empty" for room in rooms if not await server.is_empty(room)]
    if sessions := await model.held():
        soaked.left.append(f"the service still holds {sessions} sessions")


async def _follow(parent: psutil.Process, footprints: dict[int, Footprint]) -> None:
    """All processes of the worker, also those that come later, until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        while True:
            with suppress(psutil.Error):
                for process in [parent, *parent.children(recursive=True)]:
                    if process.pid not in footprints:
                        footprints[process.pid] = Footprint()
                        tasks.create_task(footprints[process.pid].follow(partial(sample, process)))
            await asyncio.sleep(1)
