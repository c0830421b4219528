"""The caller of bench/calls.py and bench/recording.py: joins, asks, listens, interrupts, measures. Times are in seconds."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.peers import Peer
from bench.sounds import question
from caller import AgentSilent, AgentSound, AgentTrack, Caller, NotHeardError, SpeechStart
from caller.caller import SAMPLE_RATE_HZ
from caller.conversation import ANSWER_IN_BUFFER_S, buffer_delay_s

ANSWER_S = 4.0
_SHORT = question(1.6, SAMPLE_RATE_HZ)
_LONG = question(ANSWER_S, SAMPLE_RATE_HZ)
"""Speech as long as an answer, so that both sides speak for the same time."""
_WAIT_S = 15.0
_TURN_OVER_S = 0.5
_BARGE_IN_AFTER_S = 1.0
_TICK_S, _LATE_S, _MOST_LATE_TICKS = 0.01, 0.01, 5


@dataclass
class Heard:
    """The measurements of one peer at the caller's ear."""

    answers: list[float] = field(default_factory=list)
    """Response latency, behind the caller's jitter buffer."""
    answers_at_arrival: list[float] = field(default_factory=list)
    """Response latency, before it."""
    barge_ins: list[float] = field(default_factory=list)
    """Start of speech to silence."""
    tracks: list[float] = field(default_factory=list)
    """Token used to the agent's track."""
    greetings: list[float] = field(default_factory=list)
    """Token used to the greeting's first sound."""
    left_out: int = 0
    """Turns in which this machine was too busy for the caller's own clock."""
    unanswered: int = 0


class Punctuality:
    """The caller's own clock: whether it was on time lately."""

    def __init__(self) -> None:
        self._late = 0

    async def run(self) -> None:
        """Compare the event loop's clock with its timers, until cancelled."""
        while True:
            due = time.monotonic() + _TICK_S
            await asyncio.sleep(_TICK_S)
            self._late += time.monotonic() - due > _LATE_S

    def begin(self) -> None:
        self._late = 0

    @property
    def kept(self) -> bool:
        """Whether the clock has been punctual since `begin`."""
        return self._late <= _MOST_LATE_TICKS


@asynccontextmanager
async def in_call(peer: Peer, url: str, room: str, heard: Heard) -> AsyncIterator[Caller]:
    """A call whose greeting is over."""
    began_at = time.monotonic()
    async with peer.invite(room), Caller(url, peer.token(room)) as caller:
        heard.tracks.append((await caller.first(AgentTrack, within_s=_WAIT_S)).t - began_at)
        heard.greetings.append((await caller.first(AgentSound, within_s=_WAIT_S)).t - began_at)
        await caller.quiet(for_s=_TURN_OVER_S, within_s=_WAIT_S)
        yield caller


async def timed_turns(caller: Caller, number: int, heard: Heard, clock: Punctuality) -> None:
    """Ask, listen to the end, ask again and interrupt the answer, and so on."""
    for index in range(number):
        clock.begin()
        try:
            found = await (_interrupted(caller) if index % 2 else _answered(caller))
            await caller.quiet(for_s=_TURN_OVER_S, within_s=_WAIT_S)
        except NotHeardError:
            heard.unanswered += 1
            continue
        if not clock.kept:
            heard.left_out += 1
            continue
        heard.answers += found.answers
        heard.answers_at_arrival += found.answers_at_arrival
        heard.barge_ins += found.barge_ins


async def _answered(caller: Caller) -> Heard:
    mark = len(caller.log)
    ended_at = await caller.say(_SHORT)
    before = await caller.jitter_buffer()
    sound = await caller.first(AgentSound, since=mark, within_s=_WAIT_S, where=lambda sound: sound.t > ended_at)
    delay_s = await buffer_delay_s(caller, before)
    latency_s = sound.t - ended_at
    return Heard(answers=[latency_s], answers_at_arrival=[] if delay_s is None else [latency_s - delay_s])


async def _interrupted(caller: Caller) -> Heard:
    first = await _answered(caller)
    await asyncio.sleep(_BARGE_IN_AFTER_S - ANSWER_IN_BUFFER_S)
    mark = len(caller.log)
    second = await _answered(caller)
    started = await caller.first(SpeechStart, since=mark, within_s=_WAIT_S)
    silent = await caller.first(AgentSilent, since=mark, within_s=_WAIT_S, where=lambda silent: silent.t > started.t)
    at_arrival = first.answers_at_arrival + second.answers_at_arrival
    return Heard(first.answers + second.answers, at_arrival, [silent.t - started.t])


async def talk(caller: Caller, heard: Heard) -> None:
    """Question and answer in turn, until cancelled."""
    while True:
        await exchange(caller, heard)


async def exchange(caller: Caller, heard: Heard) -> None:
    """A question, and an answer as long as it."""
    mark = len(caller.log)
    await caller.say(_LONG)
    try:
        await caller.first(AgentSound, since=mark, within_s=_WAIT_S)
        await caller.quiet(for_s=_TURN_OVER_S, within_s=_WAIT_S)
    except NotHeardError:
        heard.unanswered += 1
