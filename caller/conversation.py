"""A scripted call: listen to the greeting, then speak turn after turn, interrupt if asked to, and time the answers."""

import asyncio
from dataclasses import dataclass

from caller.caller import Caller
from caller.ear import Samples
from caller.errors import CallEndedError, NotHeardError
from caller.events import AgentSilent, AgentSound, AgentTrack, SpeechStart, Timing

_GREETING_S = 6.0
_TURN_OVER_S = 1.0
_LONGEST_ANSWER_S = 180.0


@dataclass(frozen=True)
class Turn:
    """A turn of the caller: sound (mono int16, 48 kHz) with its text, or, without sound, a typed text."""

    text: str
    samples: Samples | None = None


@dataclass(frozen=True)
class BargeIn:
    """An interruption of the last turn's answer, `after_s` after its first sound."""

    after_s: float
    turn: Turn


async def converse(caller: Caller, turns: list[Turn], *, barge_in: BargeIn | None, wait_s: float) -> list[Timing]:
    """Hold the conversation.

    Args:
        caller: in the room.
        turns: what is said, each once the agent has finished; without turns the greeting is listened to.
        barge_in: interrupts the answer to the last turn.
        wait_s: the longest wait for the agent to come, and for each answer to begin.

    Returns:
        What was measured, in order.

    Raises:
        NotHeardError: the agent didn't come or didn't answer.
        CallEndedError: it left before everything was said.
    """
    await caller.first(AgentTrack, within_s=wait_s)
    try:
        await caller.first(AgentSound, within_s=_GREETING_S if turns else wait_s)
        await caller.quiet(for_s=_TURN_OVER_S, within_s=_LONGEST_ANSWER_S)
    except NotHeardError:
        if not turns:
            raise
    timings: list[Timing] = []
    for turn in turns:
        timings.append(await _answered(caller, turn, wait_s))
        if barge_in is not None and turn is turns[-1]:
            timings += await _interrupted(caller, barge_in, wait_s)
        try:
            await caller.quiet(for_s=_TURN_OVER_S, within_s=_LONGEST_ANSWER_S)
        except CallEndedError:
            if turn is not turns[-1]:
                raise  # after the last turn it is the agent that hung up
    return timings


async def _answered(caller: Caller, turn: Turn, wait_s: float) -> Timing:
    asked_at = await _say(caller, turn)
    sound = await caller.first(AgentSound, within_s=wait_s, where=lambda sound: sound.t > asked_at)
    return _timed(caller, Timing(sound.t, "answer", sound.t - asked_at))


async def _interrupted(caller: Caller, barge_in: BargeIn, wait_s: float) -> list[Timing]:
    await asyncio.sleep(barge_in.after_s)
    sounding, mark = caller.agent_sounding, len(caller.log)
    ended_at = await _say(caller, barge_in.turn)
    timings = []
    if sounding:
        started = await caller.first(SpeechStart, since=mark, within_s=wait_s)
        silent = await caller.first(AgentSilent, within_s=wait_s, where=lambda silent: silent.t > started.t)
        timings.append(_timed(caller, Timing(silent.t, "barge_in", silent.t - started.t)))
    answer = await caller.first(AgentSound, within_s=wait_s, where=lambda sound: sound.t > ended_at)
    return [*timings, _timed(caller, Timing(answer.t, "answer", answer.t - ended_at))]


def _timed(caller: Caller, timing: Timing) -> Timing:
    caller.tell(timing)
    return timing


async def _say(caller: Caller, turn: Turn) -> float:
    """Returns the end of the speech, or the moment at which the text was sent."""
    if turn.samples is not None:
        async with caller.holding_button():
            return await caller.say(turn.samples, text=turn.text)
    await caller.send_text(turn.text)
    return caller.now
