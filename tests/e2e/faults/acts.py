"""What happens in each row: when the fault is made, and what the caller does meanwhile."""

from collections.abc import Awaitable, Callable
from typing import Any

from emulator.profiles import GEMINI_3_8_LIVE
from tests.e2e.faults.sentences import FIRST, LATER, LONG_QUESTION, QUESTIONS, REMINDED, RESULT, SECOND, STORY
from tests.e2e.faults.stage import Stage

_ONE, _TWO, _ = QUESTIONS
_NOTHING = range(0)
_QUESTIONS_ENOUGH = (*QUESTIONS, LONG_QUESTION)
_ASKS_AGAIN_S = 9.0
"""From the end of a question that isn't answered to the caller's next."""
_LOCK_S = 8.0
"""How long a session is locked in row 7."""

Act = Callable[[Stage], Awaitable[None]]


def in_first_answer(fault: str, *, within_s: float = 20, next_question: range = _TWO, **options: Any) -> Act:
    """The fault strikes in the answer to the first question, which is heard to its end within so many seconds."""

    async def act(stage: Stage) -> None:
        await stage.greeted()
        await stage.breaks(fault, **options)
        await stage.says(_ONE, FIRST)
        await stage.begins(FIRST)
        stage.struck()
        await stage.hears(FIRST, within_s=within_s)
        await stage.asks(next_question, SECOND)

    return act


def in_story(fault: str, **options: Any) -> Act:
    """The fault strikes in a long answer, which is heard to its end."""

    async def act(stage: Stage) -> None:
        await stage.greeted()
        await stage.breaks(fault, **options)
        await stage.types("Tell me the story", STORY)
        await stage.begins(STORY)
        stage.struck()
        await stage.hears(STORY, within_s=30)
        await stage.asks(_ONE, FIRST)

    return act


async def nothing(stage: Stage) -> None:
    await stage.greeted()
    await stage.asks(_ONE, FIRST)
    await stage.asks(_TWO, SECOND)


async def goaway_mid_sentence(stage: Stage) -> None:
    """The caller goes on just when the connections are being changed."""
    await stage.greeted()
    await stage.breaks("goaway", at="audio", after_s=0.5, seconds=10)
    await stage.says(_ONE, FIRST)
    await stage.begins(FIRST)
    stage.struck()
    await stage.hears(FIRST, within_s=20)
    await stage.redials(within_s=8)
    await stage.asks(_TWO, SECOND)


goaway_caller_speaking = in_first_answer("goaway", at="audio", after_s=0.5, seconds=6, next_question=LONG_QUESTION)
"""The deadline falls into the caller's next question."""
goaway_no_pause = in_story("goaway", at="audio", after_s=0.5, seconds=2)
goaway_silent = in_first_answer("goaway_silent", at="audio", after_s=0.5, seconds=3)


async def abrupt_drop_idle(stage: Stage) -> None:
    await stage.greeted()
    await stage.asks(_ONE, FIRST)
    await stage.caller_pauses(0.5)
    stage.cut()
    await stage.caller_pauses(3)
    await stage.asks(_TWO, SECOND)


async def abrupt_drop_before_speech(stage: Stage) -> None:
    await stage.greeted()
    await stage.asks(_ONE, FIRST)
    await stage.caller_pauses(0.5)
    stage.cut(reset=False)
    await stage.asks(_TWO, SECOND)


async def abrupt_drop_agent_speaking(stage: Stage) -> None:
    await stage.greeted()
    await stage.says(_ONE, FIRST)
    await stage.begins(FIRST)
    stage.cut()
    await stage.hears(FIRST, within_s=20)
    await stage.asks(_TWO, SECOND)


async def abrupt_drop_caller_speaking(stage: Stage) -> None:
    await stage.greeted()
    async with stage.meanwhile(2.5, stage.cut):
        await stage.asks(LONG_QUESTION, FIRST)
    await stage.asks(_TWO, SECOND)


async def resume_locked(stage: Stage) -> None:
    await stage.greeted()
    await stage.asks(_ONE, FIRST)
    # the fault begins when the usual cooldown is over
    await stage.breaks("resume_cooldown", seconds=_LOCK_S - GEMINI_3_8_LIVE.connection.cooldown_s)
    stage.cut()
    await stage.asks(_TWO, SECOND)


async def handle_dead(stage: Stage) -> None:
    """The service has forgotten the session: what is the second question to the caller is the first to it."""
    await stage.greeted()
    await stage.asks(_ONE, FIRST)
    await stage.breaks("stale_handle", times=0)
    stage.cut()
    await stage.asks(_TWO, FIRST)
    stage.expects_retold("m24")


async def handshake_refused(stage: Stage) -> None:
    """Two TLS handshakes that fail, and one upgrade that is refused."""
    await stage.greeted()
    await stage.asks(_ONE, FIRST)
    await stage.breaks("upgrade_refused", status=503)
    stage.rig.model.slams = 2
    stage.cut()
    await stage.asks(_TWO, SECOND)


def gemini_away(seconds: float) -> Act:
    async def act(stage: Stage) -> None:
        await stage.greeted()
        await stage.asks(_ONE, FIRST)
        async with stage.rig.model.away():
            stage.struck()
            await stage.says(_TWO, SECOND)
            await stage.caller_pauses(seconds - (stage.caller.now - stage.struck_at))
        stage.back()
        await stage.hears(SECOND, within_s=20)

    return act


async def gemini_gone(stage: Stage) -> None:
    await stage.greeted()
    async with stage.rig.model.away():
        stage.struck()
        await stage.says(_ONE, _NOTHING)
        await stage.over(within_s=90)


async def setup_never_completes(stage: Stage) -> None:
    stage.struck()
    await stage.greeted()
    await stage.asks(_ONE, FIRST)


async def silent_model(stage: Stage) -> None:
    await stage.greeted()
    await stage.rig.announce("keep silent")
    await _owes_an_answer(stage)


async def empty_turn(stage: Stage) -> None:
    await stage.greeted()
    await stage.breaks("empty_turn")
    await _owes_an_answer(stage)


async def _owes_an_answer(stage: Stage) -> None:
    """The first question is answered when the model has been reminded of it."""
    stage.struck()
    await stage.asks(_ONE, REMINDED)
    await stage.asks(_TWO, SECOND)


async def half_open(stage: Stage) -> None:
    await stage.greeted()
    await stage.asks(_ONE, FIRST)
    stage.rig.model.swallow()
    stage.struck()
    await stage.asks_who_may_forget(_TWO, SECOND, FIRST, word="m24")


phantom_interrupt = in_story("phantom_interrupted", at="audio", after_s=1.5)
phantom_interrupt_early = in_first_answer("phantom_interrupted", at="audio", after_s=0.5)
stalled_audio = in_first_answer("mid_stall_7s", within_s=25, after_s=0.5, seconds=7)


async def bursty_audio(stage: Stage) -> None:
    await stage.greeted()
    await stage.breaks("burst_audio", times=0)
    await stage.asks(_ONE, FIRST)
    await stage.types("Tell me the story", STORY)
    await stage.begins(STORY, after_s=1.0)
    await stage.says(_TWO, SECOND, interrupting=True)
    await stage.hears(SECOND, within_s=10)


async def slow_audio(stage: Stage) -> None:
    await stage.greeted()
    await stage.breaks("slower_than_realtime", speed=0.8)
    await stage.asks(_ONE, FIRST)
    await stage.asks(_TWO, SECOND)


async def tool_lost(stage: Stage) -> None:
    await stage.greeted()
    async with stage.meanwhile(1.0, stage.cut):
        await stage.types("slow switch", RESULT)
        await stage.hears(RESULT, within_s=20)
    await stage.asks(_ONE, FIRST)


async def tool_ignored(stage: Stage) -> None:
    await stage.greeted()
    await stage.breaks("tool_response_ignored")
    stage.struck()
    await stage.types("slow switch", RESULT)
    await stage.hears(RESULT, within_s=20)
    await stage.asks(_ONE, FIRST)


def fatal_close(code: int, reason: str, at: str) -> Act:
    async def act(stage: Stage) -> None:
        await stage.greeted()
        if at == "start":
            await stage.asks(_ONE, FIRST)
        await stage.breaks("close", code=code, reason=reason, at=at, times=0)
        stage.struck()
        if at != "start":
            await stage.says(_ONE, _NOTHING)
        await stage.over(within_s=20)

    return act


async def fatal_from_the_start(stage: Stage) -> None:
    stage.owes_no_greeting()
    stage.struck()
    await stage.over(within_s=30)


async def agent_signal_drop(stage: Stage) -> None:
    await stage.greeted()
    await stage.types("Tell me the story", STORY)
    await stage.begins(STORY, after_s=1.0)
    stage.struck()
    if not stage.rig.signalling.cut(where=lambda connection: b"/rtc" in connection.opening):
        stage.wrong.append("there was no signalling connection to cut")
    await stage.hears(STORY, within_s=30)
    await stage.asks(_ONE, FIRST)


def switching(tool: str, owed: range) -> Act:
    async def act(stage: Stage) -> None:
        await stage.greeted()
        stage.struck()
        await stage.types(tool, owed)
        await stage.hears(owed, within_s=20)
        await stage.asks(_ONE, FIRST)

    return act


def deaf(keeps: str, lasts: str, *, times: int, owed: range) -> Act:
    """The service does no more than it keeps, and the caller says something so many times. `owed`: the answer to the last."""

    async def act(stage: Stage) -> None:
        await stage.greeted()
        await stage.breaks("deaf", keeps=keeps, lasts=lasts)
        stage.struck()
        *before, last = _QUESTIONS_ENOUGH[:times]
        for said in before:
            await stage.says(said, _NOTHING)
            await stage.caller_pauses(_ASKS_AGAIN_S)
        await stage.says(last, owed)
        await stage.hears(owed, within_s=20)

    return act


async def deaf_and_mute(stage: Stage) -> None:
    """Nothing that the worker tries brings a sign of the caller's having been heard."""
    await stage.greeted()
    await stage.breaks("deaf", keeps="sound", lasts="always")
    stage.struck()
    for said in QUESTIONS:
        await stage.says(said, _NOTHING)
        await stage.caller_pauses(_ASKS_AGAIN_S)
    await stage.over(within_s=60)


async def mute(stage: Stage) -> None:
    """The service transcribes and never speaks, on no connection; when it does again, the next question is answered."""
    await stage.greeted()
    await stage.breaks("deaf", keeps="transcript", lasts="always")
    stage.struck()
    for said in QUESTIONS:
        await stage.says(said, _NOTHING)
        await stage.caller_pauses(_ASKS_AGAIN_S)
    await stage.rig.mend()
    await stage.asks(LONG_QUESTION, LATER)
