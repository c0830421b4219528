"""One call of a row: what the caller does, what is broken meanwhile, and all that is known of it afterwards."""

import asyncio
import contextlib
import dataclasses
import json
import re
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

from caller import AgentSound, CallEndedError, Caller, Left, NotHeardError, RoomEvent
from caller.caller import SAMPLE_RATE_HZ
from speech import read_wav
from tests.e2e.faults.judge import Evidence, Turn
from tests.e2e.faults.private import TOLD
from tests.e2e.faults.rig import Rig, RigError
from tests.e2e.faults.sentences import GREETING, asked_aloud, question
from tests.e2e.faults.tones import Stretch, read
from tests.e2e.stack import until

_LOOK_S = 0.1
_LOOKED_AT_S = 2.0
_HEARD_RATE_HZ = 16000
_NONE = range(0)
_TWO = 2


class Stage:
    """A caller in the room, and the hands that break things."""

    def __init__(self, rig: Rig, caller: Caller, room: str, *, look_s: float = _LOOK_S) -> None:
        """`look_s`: how often the recording is read while something is listened for. Reading takes some 10 ms of CPU."""
        self.rig = rig
        self._look_s = look_s
        self.caller = caller
        self.room = room
        self.fault_at: float | None = None
        self.back_at: float | None = None
        self.turns: list[Turn] = [Turn(_NONE, 0.0, 0.0, GREETING)]
        self.wrong: list[str] = []
        """What a row found out by itself."""
        self._retold: list[str] = []

    @property
    def now_s(self) -> float:
        return self.caller.now - self.caller.joined_at

    async def greeted(self) -> None:
        await self.hears(GREETING, within_s=20)

    async def asks(self, said: range, owed: range, *, within_s: float = 20.0) -> None:
        """Say something and listen to the answer."""
        await self.says(said, owed)
        await self.hears(owed, within_s=within_s)

    async def asks_who_may_forget(self, said: range, remembered: range, anew: range, *, word: str) -> None:
        """The same where the service may have begun a new session: then the answer is another, and the word was retold."""
        await self.says(said, remembered)
        await self._listens([*anew[:3], *remembered[:3]], 20.0)
        last = self.turns[-1]
        if await self._is_heard(anew, last.end_s):
            self.turns[-1] = dataclasses.replace(last, owed=anew)
            self.expects_retold(word)
        await self.hears(self.turns[-1].owed, within_s=10.0)

    async def says(self, said: range, owed: range, *, interrupting: bool = False) -> None:
        """Speak; returns with the last word."""
        if interrupting:
            last = self.turns[-1]
            self.turns[-1] = dataclasses.replace(last, is_interrupted=True)
        if not self.rig.counts_turns and (aloud := asked_aloud(owed)) is not None:
            with contextlib.suppress(RigError):  # the model is away, and will count what it is told then
                await self.rig.announce(aloud)
        samples = question(said)
        ended_at = await self.caller.say(samples) - self.caller.joined_at
        self.turns.append(Turn(said, ended_at - len(samples) / SAMPLE_RATE_HZ, ended_at, owed))

    async def types(self, text: str, owed: range) -> None:
        self.turns.append(Turn(_NONE, self.now_s, self.now_s, owed))
        await self.caller.send_text(f"{text} {TOLD}")

    async def hears(self, sentence: range, *, within_s: float) -> None:
        """Listen until the last word of a sentence has been said; in vain for `within_s` at most: the judge will say so."""
        await self._listens(sentence[-1:], within_s)
        await self.caller_pauses(0.3)

    async def begins(self, sentence: range, *, within_s: float = 10.0, after_s: float = 0.0) -> None:
        """Listen until a sentence can be heard, and then for so long."""
        await self._listens(sentence[:3], within_s)
        await self.caller_pauses(after_s)

    async def caller_pauses(self, seconds: float) -> None:
        """The caller takes their time."""
        await asyncio.sleep(seconds)

    @asynccontextmanager
    async def meanwhile(self, after_s: float, act: Callable[[], None]) -> AsyncIterator[None]:
        """After so long in the block, something happens."""

        async def later() -> None:
            await asyncio.sleep(after_s)
            act()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(later())
            yield

    async def over(self, *, within_s: float) -> None:
        """Wait for the end of the call."""
        try:
            await self.caller.first(Left, within_s=within_s)
        except NotHeardError:
            self.wrong.append(f"the call did not end in {within_s:g} s")

    async def reunited(self, *, within_s: float) -> None:
        """Wait until the caller and one agent are in the room and can be heard there."""
        try:
            await until(self._are_together, within_s=within_s)
        except TimeoutError:
            self.wrong.append(f"not both in the room after {within_s:g} s: {await self.rig.server.voices(self.room)}")

    async def _are_together(self) -> bool:
        voices = await self.rig.server.voices(self.room)
        return len(voices) == _TWO and all(voices.values())

    def owes_no_greeting(self) -> None:
        self.turns[0] = Turn(_NONE, 0.0, 0.0, _NONE)

    def expects_retold(self, word: str) -> None:
        """The newest session must have been told that word, in writing."""
        self._retold.append(word)

    def look_back(self) -> None:
        """The call is over: only now is there time to read all that went over the wire, while nobody listens."""
        if not self._retold:
            return
        newest = self.rig.connections(self.caller.joined_at)[-1]
        lines = self.rig.journal(self.caller.joined_at)
        told = json.dumps([line["message"] for line in lines if line["session"] == newest and line["direction"] == "received"])
        missing = [word for word in self._retold if not re.search(rf"\b{word}\b", told)]
        self.wrong += [f"the new session was not told {word!r}" for word in missing]

    @property
    def struck_at(self) -> float:
        assert self.fault_at is not None
        return self.fault_at

    def struck(self) -> None:
        """The fault is there."""
        self.fault_at = self.caller.now

    def back(self) -> None:
        """What was away is there again."""
        self.back_at = self.caller.now

    async def breaks(self, name: str, **parameters: Any) -> None:
        """Ask the emulator for a fault."""
        await self.rig.breaks(name, **parameters)

    def cut(self, *, reset: bool = True) -> None:
        """The connection to Gemini is gone."""
        self.struck()
        if not self.rig.model.cut(reset=reset):
            self.wrong.append("there was no connection to cut")

    async def redials(self, *, within_s: float) -> None:
        """Wait for a new connection to Gemini; in vain, if the agent opens none."""
        dialled = len(self.rig.model.attempts)
        with contextlib.suppress(TimeoutError):
            await until(lambda: len(self.rig.model.attempts) > dialled, within_s=within_s)

    async def _listens(self, markers: Collection[int], within_s: float) -> None:
        since_s = self.turns[-1].end_s
        with contextlib.suppress(NotHeardError, CallEndedError, TimeoutError):
            await self.caller.first(AgentSound, within_s=within_s)
            await until(lambda: self._is_heard(markers, since_s), within_s=within_s)

    async def _is_heard(self, markers: Collection[int], since_s: float) -> bool:
        await asyncio.sleep(self._look_s)
        from_s = max(since_s, self.now_s - _LOOKED_AT_S)
        tail = self.caller.recording[round(from_s * SAMPLE_RATE_HZ) :]
        return any(one.marker in markers for one in read(tail, sample_rate_hz=SAMPLE_RATE_HZ))


@asynccontextmanager
async def staged(rig: Rig, room: str, agent: str) -> AsyncIterator[Stage]:
    """A caller joins a room with that agent's dispatch; the block is the call."""
    await rig.agent(agent)
    async with rig.server.caller(room, agent_name=agent) as caller:
        yield Stage(rig, caller, room)


def evidence_of(stage: Stage, left_over: Sequence[str] = ()) -> Evidence:
    """What there is to know, once the call is over and everything has had time to go, but for `left_over`."""
    rig, caller = stage.rig, stage.caller
    events = [event.body for event in caller.log if isinstance(event, RoomEvent)]
    ended = [event["reason"] for event in events if event["type"] == "call_ended"]
    recording = caller.recording
    joined_at = caller.joined_at
    return Evidence(
        heard=read(recording, sample_rate_hz=SAMPLE_RATE_HZ),
        turns=stage.turns,
        taken=_taken(rig, joined_at),
        length_s=len(recording) / SAMPLE_RATE_HZ,
        fault_s=None if stage.fault_at is None else stage.fault_at - joined_at,
        back_s=None if stage.back_at is None else stage.back_at - joined_at,
        connections=len(rig.connections(joined_at)),
        events=[event for event in events if event["type"] == "link"],
        ended=ended[0] if ended else None,
        left_over=left_over,
    )


def _taken(rig: Rig, joined_at: float) -> list[list[Stretch]]:
    """What the emulator heard, connection by connection; the last words of the call before are not among it."""
    files = [rig.sounds / f"{session}.wav" for session in rig.connections(joined_at)]
    return [
        read(read_wav(file, sample_rate_hz=_HEARD_RATE_HZ), sample_rate_hz=_HEARD_RATE_HZ) for file in files if file.exists()
    ]
