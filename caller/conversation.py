"""A scripted call: listen to the greeting, then speak turn after turn, interrupt if asked to, and time the answers."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from caller.caller import Caller
from caller.ear import Samples
from caller.errors import CallEndedError, NoAgentError, NotHeardError
from caller.events import AgentSilent, AgentSound, AgentTrack, Left, SpeechStart, Timing
from caller.jitter_buffer import BufferTotals

_GREETING_S = 6.0
_TURN_OVER_S = 1.0
_LONGEST_ANSWER_S = 180.0
_HANGS_UP_S = 5.0
"""An agent that ends the call leaves the room within this, in seconds."""
ANSWER_IN_BUFFER_S = 0.2
"""The jitter buffer's delay is taken from so much of an answer, in seconds."""

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
        await _greeted(caller, _GREETING_S if turns else wait_s)
    except NotHeardError:
        if not turns:
            raise
    for turn in turns:
        answer_at = await _answered(caller, await _say(caller, turn, announce), wait_s)
        if barge_in is not None and turn is turns[-1]:
            await asyncio.sleep(max(answer_at + barge_in.after_s - caller.now, 0))
            await _interrupted(caller, barge_in.turn, wait_s, announce)
        try:
            await caller.quiet(for_s=_TURN_OVER_S, within_s=_LONGEST_ANSWER_S)
        except CallEndedError:
            if turn is not turns[-1] or caller.ending.failure:
                raise  # after the last turn it is the agent that hung up
    if caller.ending.code:  # the agent has told that it ends the call
        with contextlib.suppress(NotHeardError):
            await caller.first(Left, within_s=_HANGS_UP_S)


async def _greeted(caller: Caller, wait_s: float) -> None:
    sound = await caller.first(AgentSound, within_s=wait_s)
    caller.tell(Timing(sound.t, "greeting_latency", sound.t - caller.joined_at))
    await caller.quiet(for_s=_TURN_OVER_S, within_s=_LONGEST_ANSWER_S)


@dataclass(frozen=True)
class _Asked:
    """A turn that was said or typed."""

    at: float
    """The end of the speech, or the moment at which the text was sent."""
    is_typed: bool
    buffer: BufferTotals | None
    """The jitter buffer at that moment."""


async def _answered(caller: Caller, asked: _Asked, wait_s: float) -> float:
    """Measure the answer. Returns the time of its first sound."""
    sound = await caller.first(AgentSound, within_s=wait_s, where=lambda sound: sound.t > asked.at)
    latency_s = sound.t - asked.at
    if asked.is_typed:
        caller.tell(Timing(sound.t, "typed_answer", latency_s))
        return sound.t
    delay_s = await buffer_delay_s(caller, asked.buffer)
    at_arrival_s = None if delay_s is None else latency_s - delay_s
    caller.tell(Timing(sound.t, "response_latency", latency_s, at_arrival_s))
    return sound.t


async def buffer_delay_s(caller: Caller, before: BufferTotals | None) -> float | None:
    """The delay of the jitter buffer as an answer begins, in seconds. `before`: at the end of the question. None: not known."""
    await asyncio.sleep(ANSWER_IN_BUFFER_S)
    now = await caller.jitter_buffer()
    return None if now is None else now.delay_since(before)


async def _interrupted(caller: Caller, turn: Turn, wait_s: float, announce: Announce | None) -> None:
    sounding, mark = caller.agent_sounding, len(caller.log)
    said = _say(caller, turn, announce)
    if sounding:
        asked, _ = await asyncio.gather(said, _time_barge_in(caller, mark, wait_s))
    else:
        asked = await said
    await _answered(caller, asked, wait_s)


async def _time_barge_in(caller: Caller, mark: int, wait_s: float) -> None:
    """Measure while the caller still speaks: the silence is told when it comes."""
    started = await caller.first(SpeechStart, since=mark, within_s=wait_s)
    silent = await caller.first(AgentSilent, within_s=wait_s, where=lambda silent: silent.t > started.t)
    caller.tell(Timing(silent.t, "barge_in", silent.t - started.t))


async def _say(caller: Caller, turn: Turn, announce: Announce | None) -> _Asked:
    if turn.samples is not None:
        if announce is not None and turn.words:
            await announce(turn.words)
        async with caller.holding_button():
            ended_at = await caller.say(turn.samples, text=turn.text)
        return _Asked(ended_at, is_typed=False, buffer=await caller.jitter_buffer())
    await caller.send_text(turn.text)
    return _Asked(caller.now, is_typed=True, buffer=None)
