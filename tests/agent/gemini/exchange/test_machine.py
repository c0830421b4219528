"""The table of the exchange: it is whole, and what happens is what it says."""

import itertools
from typing import Any, get_args

import hypothesis.strategies as st
from hypothesis import given, settings

from agent.gemini.exchange import events, machine, states
from agent.gemini.exchange.overlap import Overlap
from tests.agent.gemini.tables import columns, rows, table

TABLE = table(machine)
STATES: tuple[type[Any], ...] = get_args(states.State)
EVENTS = sorted(events.Event.__subclasses__(), key=lambda each: each.__name__)

NOW = st.floats(0, 100)
WORDS = st.sampled_from(["", "Well, ", "Once upon a time "])
REQUESTS = st.builds(states.Request, WORDS, st.booleans(), NOW, NOW, st.integers(0, 3))
ANSWERS = st.builds(states.Answer, NOW, NOW, st.lists(st.tuples(NOW, WORDS), max_size=3).map(tuple), st.floats(0, 9))
PARTS = {
    states.Request: REQUESTS,
    states.Answer: ANSWERS,
    Overlap: st.builds(Overlap, WORDS),
    states.Request | None: st.none() | REQUESTS,
    Overlap | None: st.none() | st.builds(Overlap, WORDS),
    str: WORDS,
    float: NOW,
    bool: st.booleans(),
}


def any_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """One with any facts."""
    return st.builds(kind, **{name: PARTS[annotation] for name, annotation in _fields(kind).items()})


def _fields(kind: type[Any]) -> dict[str, Any]:
    return {field.name: field.type for field in kind.__dataclass_fields__.values()}


def test_there_is_a_row_for_each_event_and_a_column_for_each_state() -> None:
    assert sorted(rows(TABLE)) == [each.__name__ for each in EVENTS]
    assert sorted(columns(TABLE)) == sorted(each.__name__ for each in STATES)


@settings(deadline=None, max_examples=500)
@given(st.one_of(*map(any_of, STATES)), st.one_of(*map(any_of, EVENTS)))
def test_what_happens_is_what_the_table_says(before: Any, happens: Any) -> None:
    """Whatever the facts of the state and of the event are."""
    after = machine.after(before, happens)
    assert type(after).__name__ in TABLE[type(happens).__name__, type(before).__name__]


def test_all_that_the_table_names_can_follow() -> None:
    """From each state, with the facts that decide and without them."""
    request, answer = states.Request("", addressed_to_model=True, since=1, asked_at=1), states.Answer(1, 1)
    overlap = Overlap("")
    before: list[states.State] = [
        states.Quiet(),
        states.Owed(request),
        states.Answering(request, answer),
        states.Answering(request, answer, asked_since=request),
        states.Superseded(request, answer, 0, is_whole=True),
        states.Superseded(request, answer, 9, is_whole=False),
        states.PlayingOut(request, answer),
        states.PlayingOut(request, answer, asked_since=request),
        states.BrokenOff(request, answer, "", overlap, 1),
        states.RestOwed(request, answer, "", overlap),
    ]
    happens = [each(2) for each in EVENTS if each not in {events.CallerSaid, events.Output, events.Opened}]
    happens += [events.CallerSaid(2, "", is_played=True), events.CallerSaid(2, "", is_played=False)]
    happens += [events.Output(2, "", 0), events.Opened(2, is_reminded=True)]
    seen: dict[tuple[str, str], set[str]] = {cell: set() for cell in TABLE}
    for state, event in itertools.product(before, happens):
        seen[type(event).__name__, type(state).__name__].add(type(machine.after(state, event)).__name__)
    assert seen == TABLE


@settings(deadline=None)
@given(st.one_of(*map(any_of, STATES)), st.one_of(*map(any_of, EVENTS)))
def test_nothing_that_was_asked_of_the_model_is_forgotten_but_by_its_end(before: Any, happens: Any) -> None:
    """What was addressed to the model for certain stays owed, unless its turn ends, is interrupted or is given up."""
    ends = (events.TurnComplete, events.Interrupted, events.BargedIn, events.LeftAlone)
    if isinstance(before, states.Awaited) and before.request.addressed_to_model and not isinstance(happens, ends):
        after = machine.after(before, happens)
        assert isinstance(after, states.Requested)
        assert after.request.addressed_to_model


@settings(deadline=None)
@given(any_of(states.BrokenOff), NOW)
def test_who_types_while_an_answer_is_broken_off_is_owed_an_answer_and_not_the_rest(before: Any, now: float) -> None:
    after = machine.after(before, events.Asked(now))
    assert isinstance(after, states.Owed)
    assert after.request.addressed_to_model
    assert after.request.asked_at == now
