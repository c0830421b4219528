"""The end of a call: the machine does what its table says, and every call ends, once, whatever happens in it."""

import math
import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.call import ending_machine
from agent.call.ending_events import (
    CallEnded,
    CallerListens,
    CallerTurnBegan,
    CallerTyped,
    Event,
    GoodbyeSaid,
    HangUpRequested,
    LimitReached,
    LinkConnected,
    LinkFailed,
    LinkWaits,
    ReplyBegan,
    ReplyEnded,
    TimeUp,
)
from agent.call.ending_machine import (
    Action,
    AskStillThere,
    Done,
    EndingMachine,
    Goodbye,
    HangingUp,
    LastReply,
    LeaveEmptyRoom,
    LocalGoodbye,
    SayGoodbye,
    SayLocalGoodbye,
    SayOneMoment,
    ShutDown,
    Starting,
    State,
    Talking,
)
from agent.call.endings import Ending
from agent.call.limits import CallTimer
from agent.voice.playout import SOUND_IN_FLIGHT_S
from tests.agent.listeners import LIMITS

GOODBYE_S = 15
SAYS_GOODBYE = (CallerListens(), LimitReached(Ending.SILENCE))
WAYS: dict[str, list[tuple[Event, ...]]] = {
    "Starting": [(), (LinkWaits(again=False),)],
    "Talking": [(CallerListens(),)],
    "HangingUp": [(CallerListens(), HangUpRequested())],
    "LastReply": [(CallerListens(), HangUpRequested(), ReplyBegan("last"))],
    "Goodbye": [SAYS_GOODBYE, (CallerListens(), LimitReached(Ending.TOO_LONG))],
    "ModelLost": [(LinkFailed(Ending.MODEL_FAILED),)],
    "LocalGoodbye": [
        (CallerListens(), LinkFailed(Ending.MODEL_FAILED)),
        (LimitReached(Ending.TOO_LONG, link_is_down=True),),
    ],
    "Done": [(CallEnded(Ending.SHUT_DOWN),)],
}
"""Events that lead to each state."""
EVENTS: dict[str, list[Event]] = {
    "LimitReached: nobody there": [LimitReached(Ending.NOBODY_JOINED), LimitReached(Ending.CALLER_LEFT, link_is_down=True)],
    "LimitReached: no answer": [LimitReached(Ending.NO_ANSWER)],
    "LimitReached: link is up": [*map(LimitReached, (Ending.SILENCE, Ending.TOO_LONG))],
    "LimitReached: link is down": [LimitReached(Ending.TOO_LONG, link_is_down=True)],
    "LimitReached: cost, link up": [LimitReached(Ending.COST_CAP)],
    "LimitReached: cost, no link": [LimitReached(Ending.COST_CAP, link_is_down=True)],
    "HangUpRequested": [HangUpRequested()],
    "ReplyBegan": [ReplyBegan("last")],
    "ReplyEnded: heard": [ReplyEnded("last", interrupted=False)],
    "ReplyEnded: interrupted": [ReplyEnded("last", interrupted=True)],
    "CallerTurnBegan": [CallerTurnBegan()],
    "CallerTyped": [CallerTyped()],
    "CallerListens": [CallerListens()],
    "LinkWaits": [LinkWaits(again=False), LinkWaits(again=True)],
    "LinkConnected": [LinkConnected()],
    "LinkFailed": [LinkFailed(Ending.MODEL_REFUSED)],
    "GoodbyeSaid: heard": [GoodbyeSaid()],
    "GoodbyeSaid: interrupted": [GoodbyeSaid(interrupted=True)],
    "TimeUp": [TimeUp()],
    "CallEnded": [CallEnded(Ending.ROOM_GONE)],
}
"""The events that each row of the table stands for."""


def table() -> dict[tuple[str, str], set[str]]:
    """The table of the module's docstring: names of the states that may come next, by row and column; "." is none."""
    lines = [line.strip("|").split("|") for line in (ending_machine.__doc__ or "").splitlines() if line.startswith("|")]
    _, *states = (cell.strip() for cell in lines[0])
    rows = {cells[0].strip(): [set(cell.strip().split("/")) for cell in cells[1:]] for cells in lines[2:]}
    return {(event, state): cell for event, row in rows.items() for state, cell in zip(states, row, strict=True)}


TABLE = table()


def after(*events: Event, now: float = 0.0) -> EndingMachine:
    machine = EndingMachine(CallTimer(LIMITS, now), GOODBYE_S)
    for event in events:
        machine.on(event, now)
    return machine


def named(state: State) -> str:
    return type(state).__name__


def test_the_table_has_a_row_for_every_event_and_a_column_for_every_state() -> None:
    assert {state for _, state in TABLE} == {state.__name__ for state in typing.get_args(State)} == set(WAYS)
    assert {event for event, _ in TABLE} == set(EVENTS)
    assert {event.partition(":")[0] for event, _ in TABLE} == {event.__name__ for event in typing.get_args(Event)}


@pytest.mark.parametrize(("row", "column"), TABLE, ids=lambda name: name)
def test_each_event_does_in_each_state_what_the_table_says(row: str, column: str) -> None:
    """In every way that the state can be reached, with every event of the row; and each state in a cell does come about."""
    came: set[str] = set()
    for way in WAYS[column]:
        for event in EVENTS[row]:
            machine = after(*way)
            before = machine.state
            assert named(before) == column
            actions = machine.on(event, 1.0)
            if TABLE[row, column] == {"."}:
                assert (machine.state, actions) == (before, [])
            else:
                came.add(named(machine.state))
    assert came == TABLE[row, column] - {"."}


@pytest.mark.parametrize(
    ("way", "event", "actions"),
    [
        (SAYS_GOODBYE[:1], SAYS_GOODBYE[1], [SayGoodbye()]),
        (SAYS_GOODBYE, GoodbyeSaid(), []),
        (SAYS_GOODBYE, TimeUp(), [ShutDown(Ending.SILENCE)]),
        ((CallerListens(),), LimitReached(Ending.NO_ANSWER), [ShutDown(Ending.NO_ANSWER)]),
        ((CallerListens(),), LimitReached(Ending.CALLER_LEFT), [LeaveEmptyRoom(Ending.CALLER_LEFT)]),
        ((CallerListens(),), LimitReached(Ending.TOO_LONG, link_is_down=True), [SayLocalGoodbye()]),
        ((CallerListens(),), LinkFailed(Ending.MODEL_FAILED), [SayLocalGoodbye()]),
        ((LinkFailed(Ending.MODEL_FAILED),), CallerListens(), [SayLocalGoodbye()]),
        ((CallerListens(), LinkFailed(Ending.MODEL_FAILED)), GoodbyeSaid(), [ShutDown(Ending.MODEL_FAILED)]),
        ((CallerListens(),), LinkWaits(again=True), [SayOneMoment(again=True)]),
        ((LinkWaits(again=True),), CallerListens(), [SayOneMoment(again=False)]),
        ((LinkWaits(again=True), LinkConnected()), CallerListens(), []),
        ((), LinkWaits(again=False), []),
        ((), CallEnded(Ending.SECOND_AGENT), [ShutDown(Ending.SECOND_AGENT)]),
    ],
)
def test_what_is_done(way: tuple[Event, ...], event: Event, actions: list[Action]) -> None:
    assert after(*way).on(event, 1.0) == actions


def test_the_call_ends_once_the_last_reply_has_reached_the_caller() -> None:
    machine = after(CallerListens(), HangUpRequested(), ReplyBegan("last"))
    machine.on(ReplyBegan("another"), 2.0)
    machine.on(ReplyEnded("another", interrupted=True), 3.0)
    assert machine.state == LastReply("last", GOODBYE_S)
    machine.on(ReplyEnded("last", interrupted=False), 4.0)
    assert machine.next_at == 4.0 + SOUND_IN_FLIGHT_S
    assert machine.due(4.0) == []
    assert machine.due(4.0 + SOUND_IN_FLIGHT_S) == [ShutDown(Ending.HUNG_UP)]


def test_the_cost_of_a_last_reply_that_was_heard_is_no_reason_for_another_goodbye() -> None:
    """The service counts the tokens of a turn when that is over, and the caller may have heard its sound by then."""
    machine = after(CallerListens(), HangUpRequested(), ReplyBegan("last"), ReplyEnded("last", interrupted=False))
    assert machine.on(LimitReached(Ending.COST_CAP), 0.1) == []
    assert machine.due(SOUND_IN_FLIGHT_S) == [ShutDown(Ending.HUNG_UP)]


def test_a_last_reply_that_never_comes_is_waited_for_no_longer_than_a_goodbye() -> None:
    """Asked for twice, it is still one."""
    machine = after(CallerListens(), HangUpRequested())
    machine.on(HangUpRequested(), 5.0)
    assert machine.state == HangingUp(GOODBYE_S)
    assert machine.due(GOODBYE_S) == [ShutDown(Ending.HUNG_UP)]


def test_who_interrupts_a_goodbye_keeps_the_call_unless_it_is_too_long() -> None:
    machine = after(*SAYS_GOODBYE)
    assert machine.on(GoodbyeSaid(interrupted=True), 1.0) == []
    assert named(machine.state) == "Talking"
    machine.on(LimitReached(Ending.TOO_LONG), 2.0)
    assert machine.next_at == 2.0 + GOODBYE_S
    assert machine.on(GoodbyeSaid(interrupted=True), 3.0) == [ShutDown(Ending.TOO_LONG)]


def test_the_limits_are_kept_by_the_machine() -> None:
    """The caller is asked once whether they are there; then a goodbye; and what nobody hears is not said."""
    timer = CallTimer(LIMITS, 0.0)
    timer.caller_joined(0.0)
    machine = EndingMachine(timer, GOODBYE_S)
    machine.on(CallerListens(), 0.0)
    assert machine.next_at == LIMITS.still_there_s
    assert machine.due(LIMITS.still_there_s) == [AskStillThere()]
    assert machine.next_at == LIMITS.caller_silence_s
    assert machine.due(LIMITS.caller_silence_s) == [SayGoodbye()]
    assert machine.next_at == LIMITS.caller_silence_s + GOODBYE_S
    assert machine.due(LIMITS.caller_silence_s + GOODBYE_S) == [ShutDown(Ending.SILENCE)]
    assert machine.next_at is None


def test_a_failed_model_waits_for_its_caller_as_long_as_any_call() -> None:
    machine = after(LinkFailed(Ending.MODEL_REFUSED))
    assert not machine.accepts_turns
    assert machine.next_at == LIMITS.caller_join_s
    assert machine.due(LIMITS.caller_join_s) == [LeaveEmptyRoom(Ending.NOBODY_JOINED)]


@pytest.mark.parametrize("way", [way for ways in WAYS.values() for way in ways])
def test_the_model_is_asked_for_nothing_once_it_cannot_answer(way: tuple[Event, ...]) -> None:
    machine = after(*way)
    assert machine.accepts_turns == isinstance(machine.state, Starting | Talking | HangingUp | LastReply | Goodbye)


ALL_EVENTS = [event for events in EVENTS.values() for event in events]


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(ALL_EVENTS), st.floats(0, 20)), max_size=30))
def test_every_call_ends_once_and_every_change_is_in_the_table(steps: list[tuple[Event, float]]) -> None:
    """A goodbye that was asked for is said in bounded time, as the edge promises; everything else is the machine's."""
    timer = CallTimer(LIMITS, 0.0)
    timer.caller_joined(0.0)
    machine, now, ends = EndingMachine(timer, GOODBYE_S), 0.0, 0
    changes = {(column, cell) for (_, column), cells in TABLE.items() for cell in cells}
    for event, wait_s in [*steps, (CallerListens(), 1.0)]:
        now += wait_s
        for happens in (machine.due, lambda at, event=event: machine.on(event, at)):
            before = machine.state
            ends += sum(isinstance(action, ShutDown | LeaveEmptyRoom) for action in happens(now))
            if machine.state != before:
                assert (named(before), named(machine.state)) in changes
    while (next_at := machine.next_at) is not None:
        assert next_at < math.inf
        if isinstance(machine.state, LocalGoodbye):
            break
        ends += sum(isinstance(action, ShutDown | LeaveEmptyRoom) for action in machine.due(max(next_at, now)))
    if isinstance(machine.state, LocalGoodbye):
        ends += len(machine.on(GoodbyeSaid(), now))
    assert isinstance(machine.state, Done)
    assert ends == 1
