"""The decisions of a call's machine are carried out, in time and in order. The machine has tests of its own."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from agent.call.call_ending import CallEnding
from agent.call.ending_events import CallEnded, CallerListens, LinkFailed, LinkWaits
from agent.call.ending_machine import EndingMachine
from agent.call.endings import Ending
from agent.call.limits import CallLimits, CallTimer
from agent.call.transport import Console
from agent.errors import SessionOverError
from tests.agent.listeners import LIMITS

SHORT = replace(LIMITS, caller_join_s=0.05, caller_silence_s=1.0, still_there_s=0.5)


class Spoken:
    """Keeps what would be said. Goodbyes go on until `said` is set."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.said = asyncio.Event()
        self.is_over = False

    def say_one_moment(self, *, again: bool) -> None:
        if self.is_over:
            raise SessionOverError
        self.words.append("still waiting" if again else "waiting")

    def ask_still_there(self) -> None:
        self.words.append("still there?")

    async def say_goodbye(self) -> bool:
        self.words.append("goodbye")
        try:
            await self.said.wait()
        except asyncio.CancelledError:
            self.words.append("goodbye is cancelled")
            raise
        return False

    async def say_local_goodbye(self) -> None:
        self.words.append("local goodbye")
        await self.said.wait()


class Place(Console):
    """A console whose room can be deleted, and whose caller may speak."""

    def __init__(self, told: list[str]) -> None:
        super().__init__(lambda: None)
        self.is_spoken_at = False
        self._told = told

    @property
    def caller_speaks(self) -> bool:  # type: ignore[override]
        return self.is_spoken_at

    async def delete_if_empty(self) -> None:
        self._told.append("room deleted")


class Ended:
    """A call that runs, without a caller until `joined`; `told` is what happens to its room and its job."""

    def __init__(self, goodbye_s: float, limits: CallLimits = SHORT) -> None:
        self.told: list[str] = []
        self.over = asyncio.Event()
        self.speech, self.place = Spoken(), Place(self.told)
        self._timer = CallTimer(limits, time.monotonic())
        self.ending = CallEnding(EndingMachine(self._timer, goodbye_s), self._shut_down)

    def joined(self) -> None:
        self._timer.caller_joined(time.monotonic())
        self.ending.tell(CallerListens())

    def _shut_down(self, reason: str) -> None:
        self.told.append(reason)
        self.over.set()


@asynccontextmanager
async def calling(goodbye_s: float = 5.0, limits: CallLimits = SHORT) -> AsyncIterator[Ended]:
    call = Ended(goodbye_s, limits)
    running = asyncio.create_task(call.ending.run(call.speech, call.place))
    async with asyncio.timeout(10):
        yield call
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()


async def turn() -> None:
    """Let every task run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_silence_ends_with_a_question_and_a_goodbye() -> None:
    async with calling() as call:
        call.joined()
        call.speech.said.set()
        await call.over.wait()
        assert call.speech.words == ["still there?", "goodbye"]
        assert (call.told, call.ending.ending) == ([Ending.SILENCE.value], Ending.SILENCE)


async def test_a_goodbye_that_takes_too_long_is_cut_short() -> None:
    async with calling(goodbye_s=0.1) as call:
        call.joined()
        await call.over.wait()
        await turn()
        assert call.speech.words == ["still there?", "goodbye", "goodbye is cancelled"]
        assert call.told == [Ending.SILENCE.value]


async def test_an_empty_room_is_deleted_before_the_job_ends() -> None:
    async with calling() as call:
        await call.over.wait()
        assert call.told == ["room deleted", Ending.NOBODY_JOINED.value]


async def test_a_goodbye_of_the_model_gives_way_to_the_workers_own_when_the_link_fails() -> None:
    async with calling() as call:
        call.joined()
        while "goodbye" not in call.speech.words:
            await asyncio.sleep(0.01)
        call.ending.tell(LinkFailed(Ending.MODEL_FAILED))
        await turn()
        assert call.speech.words[-3:] == ["goodbye", "goodbye is cancelled", "local goodbye"]
        call.speech.said.set()
        await call.over.wait()
        assert call.told == [Ending.MODEL_FAILED.value]


async def test_nobody_is_talked_over_and_a_session_that_is_over_says_nothing() -> None:
    async with calling(limits=LIMITS) as call:
        call.joined()
        call.place.is_spoken_at = True
        call.ending.tell(LinkWaits(again=False))
        await turn()
        assert call.speech.words == []
        call.place.is_spoken_at, call.speech.is_over = False, True
        call.ending.tell(LinkWaits(again=False))
        await turn()
        call.speech.is_over = False
        call.ending.tell(LinkWaits(again=True))
        await turn()
        assert call.speech.words == ["still waiting"]


async def test_a_call_may_end_before_anything_runs() -> None:
    call = Ended(1.0)
    call.ending.tell(CallEnded(Ending.SECOND_AGENT))
    call.ending.tell(CallEnded(Ending.SHUT_DOWN))
    assert call.told == [Ending.SECOND_AGENT.value]
    assert call.ending.ending is Ending.SECOND_AGENT
