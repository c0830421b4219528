"""The table of the connection: it is whole, and what happens is what it says."""

import itertools
from collections import defaultdict
from typing import get_args

import hypothesis.strategies as st
from hypothesis import given, settings

from agent.gemini.actions import Close, Dial, Tell
from agent.gemini.connection import machine
from agent.gemini.connection.machine import Connection
from agent.gemini.connection.states import Lost, Open, Opened, Outcome, Over, State
from agent.gemini.events import Cause, Kind
from agent.gemini.limits import LinkLimits
from tests.agent.gemini.tables import columns, rows, table

TABLE = table(machine)
LIMITS = LinkLimits()
CLOSES = [(None, ""), (1011, "Internal error encountered."), (1007, "Request contains an invalid argument."), (1007, "API key")]
EVENTS = ["start", "time_passes", "upgraded", "set_up", "failed", "gone", "replace", "give_up", "too_long"]
STEPS = st.tuples(st.sampled_from(EVENTS), st.integers(0, len(CLOSES) - 1), st.floats(0, 20))


class Watched:
    """A connection whose changes are held against the table. `now` is its clock."""

    def __init__(self) -> None:
        self.connection = Connection(LIMITS, seed=1)
        self.now = 1000.0
        self.seen: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.sockets = 0
        self.events: list[object] = []
        self._note(self.connection.start(self.now))

    def happens(self, event: str, form: int = 0, later_s: float = 0.0) -> None:
        """`form`: which close it is; and of time, whether it is time for something."""
        connection, before = self.connection, self.name
        self.now += later_s
        match event:
            case "time_passes":
                self.now = max(self.now, min(connection.next_at, self.now + 100)) if form else self.now
                hopeless_at = self._hopeless_at()
                event = "too_long" if self.now >= hopeless_at else event
                outcomes = connection.time_passes(self.now)
            case "too_long":
                self.now = max(self.now, min(self._hopeless_at(), self.now + 100))
                outcomes = connection.time_passes(self.now)
            case "failed":
                code, reason = CLOSES[form]
                outcomes = connection.failed(self.now, code=code, reason=reason)
            case "replace":
                outcomes = connection.replace(Cause.GOAWAY, self.now)
            case "give_up":
                outcomes = connection.give_up(Cause.WORKER)
            case _:
                outcomes = getattr(connection, event)(self.now)
        self._note(outcomes)
        assert self.name in TABLE[event, before], f"{before}: {event}"
        self.seen[event, before].add(self.name)

    @property
    def name(self) -> str:
        return type(self.connection.state).__name__

    def _hopeless_at(self) -> float:
        state = self.connection.state
        return float("inf") if isinstance(state, Open | Over) else state.outage.hopeless_at(LIMITS.unreachable_s)

    def _note(self, outcomes: list[Outcome]) -> None:
        self.events += outcomes
        self.sockets += sum(isinstance(each, Dial) for each in outcomes)


def test_there_is_a_row_for_each_event_and_a_column_for_each_state() -> None:
    assert sorted(rows(TABLE)) == sorted(EVENTS)
    assert sorted(columns(TABLE)) == sorted(each.__name__ for each in get_args(State))


@settings(deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_what_happens_is_what_the_table_says(steps: list[tuple[str, int, float]]) -> None:
    """In any order; and it ends once, opens what it has dialled, and loses what was open."""
    watched = Watched()
    for step in steps:
        watched.happens(*step)
    opened, lost = (sum(isinstance(each, kind) for each in watched.events) for kind in (Opened, Lost))
    assert lost <= opened <= watched.sockets
    told = [each.event.kind for each in watched.events if isinstance(each, Tell)]
    assert told.count(Kind.FAILED) == (watched.name == "Over")
    assert sum(isinstance(each, Close) for each in watched.events) <= watched.sockets


def test_all_that_the_table_names_can_follow() -> None:
    """From each state, each event in each of its forms."""
    ways = {
        "Waiting": ["failed"],
        "Dialling": [],
        "SettingUp": ["upgraded"],
        "Open": ["upgraded", "set_up"],
        "Closing": ["upgraded", "set_up", "replace"],
        "Over": ["give_up"],
    }
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (state, way), event, form, later_s in itertools.product(ways.items(), EVENTS, range(len(CLOSES)), (0.0, 1.0)):
        watched = Watched()
        for step in way:
            watched.happens(step)
        assert watched.name == state
        watched.happens(event, form, later_s)
        for cell, names in watched.seen.items():
            seen[cell] |= names
    assert {cell: seen[cell] for cell in TABLE} == {cell: set(names) for cell, names in TABLE.items()}


def test_a_call_that_is_over_before_it_begins_is_never_dialled() -> None:
    connection = Connection(LIMITS, seed=1)
    connection.end()
    assert connection.start(1000.0) == []
    assert isinstance(connection.state, Over)
