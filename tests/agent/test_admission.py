"""Whether a process answers in its room, and with whom: as the lease and the checkpoint say."""

import asyncio
import logging
from dataclasses import replace

import pytest

from agent.call.admission import Admission, Admitted
from agent.call.call_lease import LeaseAnswer, NoLease
from agent.call.checkpoint import CallersState, Checkpoint, to_json
from tests.agent.test_checkpoint import CHECKPOINT, TERMS

SUCCESSOR = LeaseAnswer(is_held=True, generation=3, checkpoint=to_json(CHECKPOINT), at=1001.0, away_s=1.5)


class Answering(NoLease):
    """A lease whose store gives this answer."""

    def __init__(self, answer: LeaseAnswer) -> None:
        self.given = answer
        self.looks = 0

    async def answer(self) -> LeaseAnswer:
        return self.given

    def look(self) -> None:
        self.looks += 1


class Taken:
    """What the parts of the call were told to take over."""

    def __init__(self, answer: LeaseAnswer) -> None:
        self.lease = Answering(answer)
        self.admission = Admission(self.lease, TERMS, self.take)
        self.told: list[tuple[Checkpoint, float | None]] = []

    def take(self, checkpoint: Checkpoint, away_s: float | None) -> None:
        self.told.append((checkpoint, away_s))


async def test_a_new_call_waits_for_nobody() -> None:
    call = Taken(LeaseAnswer(is_held=True))
    async with asyncio.timeout(1):
        assert await call.admission.takeover() is None, "before the room is joined"
    assert await call.admission.joined(lambda: {"caller-1"}) == Admitted()
    assert call.told == []


async def test_a_process_whose_call_another_one_answers_is_not_admitted() -> None:
    call = Taken(LeaseAnswer(is_held=False))
    assert await call.admission.joined(lambda: {"caller-1"}) is None
    assert await call.admission.takeover() is None


async def test_a_successor_goes_on_with_the_caller_once_it_is_in_the_room() -> None:
    call = Taken(SUCCESSOR)
    waiting = asyncio.create_task(call.admission.takeover())
    admitted = await call.admission.joined(lambda: {"caller-1", "somebody else"})
    assert admitted == Admitted(3, CHECKPOINT.caller, CHECKPOINT.shown)
    assert await waiting == replace(CHECKPOINT, times=replace(CHECKPOINT.times, lasted_s=62.5, with_caller_s=61.0))
    assert [away_s for _, away_s in call.told] == [1.5]


@pytest.mark.parametrize(
    ("answer", "humans"),
    [
        (SUCCESSOR, {"somebody else"}),
        (replace(SUCCESSOR, checkpoint=to_json(CHECKPOINT)[:-9]), {"caller-1"}),
    ],
)
async def test_what_it_can_not_use_is_told_in_the_log_without_words_and_the_call_is_new(
    answer: LeaseAnswer, humans: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    call = Taken(answer)
    with caplog.at_level(logging.WARNING, logger="earshot.call"):
        assert await call.admission.joined(lambda: humans) == Admitted(3, CallersState())
    assert await call.admission.takeover() is None
    assert call.told == []
    [record] = caplog.records
    assert "4711" not in str(vars(record))


async def test_a_second_agent_in_the_room_is_a_reason_to_look_at_the_lease() -> None:
    call = Taken(SUCCESSOR)
    call.admission.second_agent()
    assert call.lease.looks == 1


class Offering(Answering):
    """A lease of a call that another process hands over; `given` once that one has given it."""

    def __init__(self, answer: LeaseAnswer) -> None:
        super().__init__(answer)
        self.has_joined = False
        self.is_given = asyncio.Event()

    async def stands_by(self) -> bool:
        return True

    async def read(self) -> bytes | None:
        return self.given.checkpoint

    def joined(self) -> None:
        self.has_joined = True

    async def answer(self) -> LeaseAnswer:
        await self.is_given.wait()
        return self.given


async def test_a_call_that_is_handed_over_goes_on_with_the_sound_that_this_process_has_heard() -> None:
    checkpoint_of_other = to_json(replace(CHECKPOINT, sound="of the other"))
    lease = Offering(replace(SUCCESSOR, is_handed_over=True, came_at=100.0, checkpoint=checkpoint_of_other))
    told: list[float | None] = []
    admission = Admission(lease, TERMS, lambda _, away_s: told.append(away_s))
    assert await admission.standing_by(lambda: {"caller-1"}) == "caller-1"
    assert lease.has_joined
    lease.is_given.set()
    admitted = await admission.joined(lambda: {"caller-1"})
    assert admitted == Admitted(3, CHECKPOINT.caller, CHECKPOINT.shown, given_at=98.5)
    checkpoint = await admission.takeover()
    assert checkpoint is not None
    assert checkpoint.sound == ""
    assert told == [None], "nobody is to notice"


async def test_a_process_that_could_not_go_on_with_a_call_is_not_given_it() -> None:
    """One of another version, for example: the call stays where it is, and nobody is greeted again."""
    lease = Offering(replace(SUCCESSOR, checkpoint=b"of another version"))
    assert await Admission(lease, TERMS, lambda *_: None).standing_by(lambda: {"caller-1"}) == ""
    assert not lease.has_joined
