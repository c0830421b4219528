"""The checkpoint of a call: what is read back, what is refused, and what the next process uses of it."""

import json
from dataclasses import replace

import pytest

from agent.call.checkpoint import (
    LONGEST_AWAY_S,
    CallersState,
    Checkpoint,
    UnusableCheckpointError,
    from_json,
    taken_over,
    to_json,
)
from agent.call.endings import Ending
from agent.call.limits import CallTimes
from agent.call.record import SavedFigures
from agent.call.remembered_call import Terms
from agent.gemini import Line, SavedLink, Snapshot, TokenUsage

TERMS = Terms("assistant", "gemini-3.8-live", "hash-of-a-key")
CHECKPOINT = Checkpoint(
    terms=TERMS,
    metadata='{"persona": "assistant"}',
    caller=CallersState("caller-1", is_engaged=True, greeted=("caller-1", "caller-2")),
    link=Snapshot(TERMS.model, SavedLink("a-handle", 3.0), (Line(by_caller=True, text="My number is 4711."),)),
    shown={"lights": "on"},
    agent={"booking": {"guests": 4}},
    times=CallTimes(lasted_s=61.5, with_caller_s=60.0, reply_owed=True),
    figures=SavedFigures(2, 1, (0.9,), {"local_time": 1}, 0, TokenUsage({"text": 5}, {"audio": 7}), 0.001),
    written_at=1000.0,
    hangs_up=True,
    goodbye=Ending.TOO_LONG,
    sound="0123.sound",
    call_id="RM_1",
    trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
)


def changed(**fields: object) -> bytes:
    return json.dumps(json.loads(to_json(CHECKPOINT)) | fields).encode()


def test_what_is_written_is_read() -> None:
    assert from_json(to_json(CHECKPOINT)) == CHECKPOINT


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        to_json(CHECKPOINT)[:-20],
        b"\xff\xfe" + to_json(CHECKPOINT),
        changed(format=2),
        changed(format=0),
        changed(goodbye="for no reason"),
        changed(written_at="yesterday"),
        changed(link={"model": "m", "version": 99}),
        changed(caller={"identity": ["4711"]}),
    ],
)
def test_anything_else_is_refused_without_a_word_of_the_call(content: bytes) -> None:
    with pytest.raises(UnusableCheckpointError, match="no checkpoint of version 1") as refused:
        from_json(content)
    assert "4711" not in str(refused.value)


def test_the_call_goes_on_with_all_of_it_and_the_time_in_between_counts() -> None:
    found = taken_over(CHECKPOINT, TERMS, {"caller-1"}, 1002.0)
    assert found == replace(CHECKPOINT, times=CallTimes(63.5, 62.0, reply_owed=True))


@pytest.mark.parametrize(("now", "away_s"), [(999.0, 0.0), (1000.0 + 3600, LONGEST_AWAY_S)])
def test_a_clock_that_jumps_neither_gives_time_nor_takes_much(now: float, away_s: float) -> None:
    assert taken_over(CHECKPOINT, TERMS, {"caller-1"}, now).times.lasted_s == 61.5 + away_s


def test_another_key_has_no_use_for_the_handle_and_is_told_the_lines() -> None:
    found = taken_over(CHECKPOINT, replace(TERMS, access="hash-of-another-key"), {"caller-1"}, 1000.0)
    assert (found.link.link.handle, found.link.lines) == (None, CHECKPOINT.link.lines)


@pytest.mark.parametrize(
    ("terms", "humans", "reason"),
    [
        (replace(TERMS, persona="waiter"), {"caller-1"}, "another persona"),
        (TERMS, {"caller-2"}, "caller isn't in the room"),
        (TERMS, set(), "caller isn't in the room"),
    ],
)
def test_a_call_with_another_persona_or_without_its_caller_is_a_new_one(terms: Terms, humans: set[str], reason: str) -> None:
    with pytest.raises(UnusableCheckpointError, match=reason):
        taken_over(CHECKPOINT, terms, humans, 1000.0)


def test_a_checkpoint_without_a_caller_is_of_no_use() -> None:
    with pytest.raises(UnusableCheckpointError, match="caller isn't in the room"):
        taken_over(replace(CHECKPOINT, caller=CallersState()), TERMS, {"caller-1"}, 1000.0)
