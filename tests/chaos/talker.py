"""A caller who asks question after question in one call, listens, and calls again when the call is over."""

import asyncio
import contextlib
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeGuard

from caller import (
    AgentSilent,
    AgentSound,
    AgentTrack,
    CallEndedError,
    Caller,
    CallerError,
    Caption,
    Event,
    NotHeardError,
    RoomEvent,
)
from caller.caller import SAMPLE_RATE_HZ
from caller.ear import spans
from tests.chaos.judge import CallEvidence, Spoken
from tests.chaos.words import LAST_WORD, brief_question, question
from tests.e2e.faults.sentences import question as sound_of
from tests.e2e.faults.tones import Stretch, read
from tests.e2e.stack import Sfu

CALL_S = (60.0, 120.0)
"""A call lasts from so long to so long."""
_PATIENCE_S = 30.0
"""Who has no answer for so long asks the next question."""
_GREETED_WITHIN_S = 40.0
_CALLS_AGAIN_AFTER_S = 1.0
"""A caller who could not join tries again after this pause."""


@dataclass
class Talker:
    """One caller's calls."""

    number: int
    server: Sfu
    agent_name: str
    calls: dict[str, object]
    """Rooms in which a caller is, of all talkers."""
    dice: random.Random
    pauses_s: tuple[float, float] = (0.3, 1.5)
    """The caller waits for so long after half a second of silence, and asks."""
    is_brief: bool = False
    """Questions are two words long, 0.4 s."""
    found: list[CallEvidence] = field(default_factory=list)
    room: str = ""
    """Of the newest call."""
    turns: int = 0
    """Questions that were asked, or are being asked."""

    async def run(self, over: asyncio.Event) -> None:
        """Call again and again until it is over."""
        while not over.is_set():
            await self.call(self.dice.uniform(*CALL_S), over)

    async def call(self, for_s: float, over: asyncio.Event) -> None:
        """One call; it ends earlier when all is over."""
        self.room = room = f"chaos-{self.number}-{secrets.token_hex(3)}"
        caller = Caller(self.server.url, self.server.token(room, f"caller-{self.number}", agent_name=self.agent_name))
        turns = [Spoken((), time.monotonic(), time.monotonic())]
        ended = None
        try:
            async with caller:
                self.calls[room] = caller
                until = caller.now + for_s
                try:
                    await self._talk(caller, turns, lambda: over.is_set() or caller.now >= until)
                except (CallEndedError, NotHeardError) as error:
                    ended = str(error)
                finally:
                    self.calls.pop(room, None)
                evidence = _Heard(self.number, room, caller, turns, ended)
        except CallerError as error:
            self.found.append(CallEvidence(room, self.number, turns[0].start, time.monotonic(), failure=str(error)))
            await asyncio.sleep(_CALLS_AGAIN_AFTER_S)
            return
        self.found.append(await asyncio.to_thread(evidence.read))

    async def _talk(self, caller: Caller, turns: list[Spoken], is_over: Callable[[], bool]) -> None:
        await caller.first(AgentSound, within_s=_GREETED_WITHIN_S)
        await self._hears_out(caller, 0)
        while not is_over():
            await asyncio.sleep(self.dice.uniform(*self.pauses_s))
            said = (brief_question if self.is_brief else question)(self.number, self.turns)
            self.turns += 1
            samples, mark = sound_of(said), len(caller.log)
            ended_at = await caller.say(samples)
            turns.append(Spoken(said, ended_at - len(samples) / SAMPLE_RATE_HZ, ended_at))
            with contextlib.suppress(NotHeardError):
                await caller.first(
                    Caption, since=mark, within_s=_PATIENCE_S, where=lambda caption: caption.text.endswith(LAST_WORD)
                )
            await self._hears_out(caller, mark)

    async def _hears_out(self, caller: Caller, mark: int) -> None:
        with contextlib.suppress(NotHeardError):
            await caller.first(AgentSilent, since=mark, within_s=5)
        with contextlib.suppress(NotHeardError):
            await caller.quiet(for_s=0.5, within_s=15)


@dataclass
class _Heard:
    number: int
    room: str
    caller: Caller
    turns: list[Spoken]
    ended: str | None

    def __post_init__(self) -> None:
        self.left_at = time.monotonic()
        self.recording = self.caller.recording
        self.recordings = self.caller.recordings

    def read(self) -> CallEvidence:
        """What the recordings hold. Takes a second of CPU."""
        began = self.caller.joined_at
        heard = read(self.recording, sample_rate_hz=SAMPLE_RATE_HZ)
        by_agent = {
            identity: tuple(
                (began + each.start_s, began + each.end_s)
                for each in spans(samples, sample_rate_hz=SAMPLE_RATE_HZ, pause_s=0.1)
            )
            for identity, samples in self.recordings.items()
        }
        return CallEvidence(
            self.room,
            self.number,
            began,
            self.left_at,
            turns=tuple(self.turns),
            heard=tuple(Stretch(one.marker, began + one.start_s, began + one.end_s) for one in heard),
            by_agent=by_agent,
            tracks=tuple(event.t for event in self.caller.log if isinstance(event, AgentTrack)),
            failure=self.ended,
            told=next((event.body["reason"] for event in self.caller.log if _is_ending(event)), None),
        )


def _is_ending(event: Event) -> TypeGuard[RoomEvent]:
    return isinstance(event, RoomEvent) and event.body["type"] == "call_ended"
