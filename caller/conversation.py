"""A scripted call: listen to the greeting, then speak turn after turn, interrupt if asked to, and time the answers."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from caller.caller import Caller
from caller.ear import Samples
from caller.errors import CallEndedError, NoAgentError, NotHeardError
from caller.events import AgentSilent, AgentSound, AgentTrack, Left, SpeechStart, Timing

_GREETING_S = 6.0
_TURN_OVER_S = 1.0
_LONGEST_ANSWER_S = 180.0
_HANGS_UP_S = 5.0
"""An agent that ends the call leaves the room within this, in seconds."""

Announce = Callable[[str], Awaitable[None]]
"""Is given the words of a spoken turn before they are spoken."""


@dataclass(frozen=True)
class Turn:
    """A turn of the caller: sound (mono int16, 48 kHz) with its text, or, without sound, a typed text."""

    text: str
    samples: Samples | None = None
    words: str = ""
    """The words of the sound, for an emulator that is told what is said; empty: nobody knows them, as those of a WAV file."""


@dataclass(frozen=True)
class BargeIn:
    """An interruption of the last turn's answer, `after_s` after its first sound."""

    after_s: float
    turn: Turn


async def converse(
    caller: Caller, turns: list[Turn], *, barge_in: BargeIn | None, wait_s: float, announce: Announce | None = None
) -> None:
    """Hold the conversation; what is measured are `Timing` events of the caller.

    Args:
        caller: in the room.
        turns: what is said, each once the agent has finished; without turns the greeting is listened to.
        barge_in: interrupts the answer to the last turn.
        wait_s: the longest wait for the agent to come, and for each answer to begin.
        announce: is given the words of each spoken turn whose words are known.

    Raises:
        NoAgentError: no agent came.
        NotHeardError: the agent didn't answer.
        CallEndedError: it left before everything was said.
    """
    try:
        await caller.first(AgentTrack, within_s=wait_s)
    except NotHeardError as error:
        raise NoAgentError(error.awaited, wait_s) from error
    try:
        await caller.first(AgentSound, within_s=_GREETING_S if turns else wait_s)
        await caller.quiet(for_s=_TURN_OVER_S, within_s=_LONGEST_ANSWER_S)
    except NotHeardError:
        if not turns:
            raise
    for turn in turns:
        await _answered(caller, turn, wait_s, announce)
        if barge_in is not None and turn is turns[-1]:
            await _interrupted(caller, barge_in, wait_s, announce)
        try:
            await caller.quiet(for_s=_TURN_OVER_S, within_s=_LONGEST_ANSWER_S)
        except CallEndedError:
            if turn is not turns[-1] or caller.ending.failure:
                raise  # after the last turn it is the agent that hung up
    if caller.ending.code:  # the agent has told that it ends the call
        with contextlib.suppress(NotHeardError):
            await caller.first(Left, within_s=_HANGS_UP_S)


async def _answered(caller: Caller, turn: Turn, wait_s: float, announce: Announce | None) -> None:
    asked_at = await _say(caller, turn, announce)
    sound = await caller.first(AgentSound, within_s=wait_s, where=lambda sound: sound.t > asked_at)
    caller.tell(Timing(sound.t, "answer", sound.t - asked_at))


async def _interrupted(caller: Caller, barge_in: BargeIn, wait_s: float, announce: Announce | None) -> None:
    await asyncio.sleep(barge_in.after_s)
    sounding, mark = caller.agent_sounding, len(caller.log)
    said = _say(caller, barge_in.turn, announce)
    if sounding:
        ended_at, _ = await asyncio.gather(said, _time_barge_in(caller, mark, wait_s))
    else:
        ended_at = await said
    answer = await caller.first(AgentSound, within_s=wait_s, where=lambda sound: sound.t > ended_at)
    caller.tell(Timing(answer.t, "answer", answer.t - ended_at))


async def _time_barge_in(caller: Caller, mark: int, wait_s: float) -> None:
    """Measure while the caller still speaks: the silence is told when it comes."""
    started = await caller.first(SpeechStart, since=mark, within_s=wait_s)
    silent = await caller.first(AgentSilent, within_s=wait_s, where=lambda silent: silent.t > started.t)
    caller.tell(Timing(silent.t, "barge_in", silent.t - started.t))


async def _say(caller: Caller, turn: Turn, announce: Announce | None) -> float:
    """Returns the end of the speech, or the moment at which the text was sent."""
    if turn.samples is not None:
        if announce is not None and turn.words:
            await announce(turn.words)
        async with caller.holding_button():
            return await caller.say(turn.samples, text=turn.text)
    await caller.send_text(turn.text)
    return caller.now
