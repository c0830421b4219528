"""The link's edge when something in the worker is broken: one error stops nothing else, and isn't repeated without a pause."""

import asyncio
import itertools
from collections.abc import Sequence

from agent.gemini import CAPABILITIES, ApiKey, Endpoint, LinkLimits
from agent.gemini.actions import Action, Deliver, Dial
from agent.gemini.core import LinkCore
from agent.gemini.events import LinkEvent
from agent.gemini.link import Link
from agent.gemini.messages import TURN_COMPLETE, Received
from tests.e2e.stack import until

MODEL = "gemini-3.8-live"


class BrokenCore(LinkCore):
    """Something is always due once it has begun, and asking what is an error."""

    def __init__(self, begins_with: Sequence[Action] = ()) -> None:
        super().__init__(CAPABILITIES[MODEL], LinkLimits(), tuple, 1)
        self._begins_with = begins_with
        self.due_at: list[float] = []

    def start(self, now: float) -> list[Action]:
        self.next_at = now
        return [*self._begins_with]

    def message(self, payload: bytes, now: float, *, text: str = "", typed: str = "", wants_answer: bool) -> list[Action]:
        del payload, text, typed, wants_answer
        return self.start(now)

    def due(self, now: float) -> list[Action]:
        self.due_at.append(now)
        raise ValueError(now)


class Listening:
    def __init__(self) -> None:
        self.told: list[Received] = []
        self.skipped = 0

    def on_received(self, received: Received) -> None:
        """Nothing is received."""

    def on_message(self, received: Received) -> None:
        self.told.append(received)

    def on_caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        del is_loud, ago_s

    def on_event(self, event: LinkEvent) -> None:
        """Events are nothing to these tests."""

    def on_opened(self, known_until: float) -> None:
        """No picture waits for a connection."""

    def on_snapshot_due(self) -> None:
        """No other process goes on here."""

    def on_skipped(self, *, is_unreadable: bool) -> None:
        assert not is_unreadable
        self.skipped += 1


def link_of(core: LinkCore, listener: Listening) -> Link:
    return Link(Endpoint(MODEL, ApiKey("key")).address(), MODEL, core, LinkLimits(), listener)


async def test_what_is_due_and_fails_is_tried_again_after_a_pause() -> None:
    core, listener = BrokenCore(), Listening()
    link = link_of(core, listener)
    running = asyncio.create_task(link.run())
    await until(lambda: len(core.due_at) >= 4)
    pauses = [after - before for before, after in itertools.pairwise(core.due_at)]
    assert min(pauses) >= 0.09
    assert listener.skipped >= 3, "each is counted"
    await link.aclose()
    await running


async def test_an_action_that_fails_keeps_nothing_else_from_being_done() -> None:
    """There are no tasks to dial in before the link runs. What comes after the dialling is done, and the timer is set."""
    core, listener = BrokenCore([Dial(), Deliver(TURN_COMPLETE)]), Listening()
    link = link_of(core, listener)
    link.send(b"{}", wants_answer=False)
    assert listener.told == [TURN_COMPLETE]
    assert listener.skipped == 1
    await until(lambda: bool(core.due_at))
    await link.aclose()
