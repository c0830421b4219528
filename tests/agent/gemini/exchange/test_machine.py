"""The table of the exchange: it is whole, and what happens is what it says."""

import functools
import inspect
import itertools
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_args, get_type_hints

import hypothesis.strategies as st
from hypothesis import given, settings

from agent.gemini.exchange import machine, states
from agent.gemini.exchange.overlap import Overlap
from tests.agent.gemini.tables import columns, rows, table

TABLE = table(machine)
STATES: tuple[type[Any], ...] = get_args(states.State)
EVENTS: dict[str, Callable[..., states.State]] = {
    name: function
    for name, function in inspect.getmembers(machine, inspect.isfunction)
    if function.__module__ == machine.__name__ and not name.startswith("_")
}

NOW = st.floats(0, 100)
WORDS = st.sampled_from(["", "Well, ", "Once upon a time "])
REQUESTS = st.builds(states.Request, WORDS, st.booleans(), NOW, NOW, st.integers(0, 3))
PIECES = st.lists(st.tuples(NOW, WORDS), max_size=3).map(tuple)
ANSWERS = st.builds(states.Answer, NOW, NOW, PIECES, st.floats(0, 9), st.none() | REQUESTS)
PARTS: dict[Any, st.SearchStrategy[Any]] = {
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
    """A state with any facts."""
    return st.builds(kind, **{field.name: PARTS[field.type] for field in fields(kind)})


@st.composite
def happenings(draw: st.DrawFn, name: str) -> Callable[[states.State], states.State]:
    """An event with any facts."""
    event = EVENTS[name]
    hints = {each: hint for each, hint in get_type_hints(event).items() if each not in {"state", "return"}}
    return functools.partial(event, **{each: draw(PARTS[hint]) for each, hint in hints.items()})


ANY_STATE = st.one_of(*map(any_of, STATES))
ANY_EVENT = st.sampled_from(sorted(EVENTS)).flatmap(lambda name: st.tuples(st.just(name), happenings(name)))


def test_there_is_a_row_for_each_event_and_a_column_for_each_state() -> None:
    assert sorted(rows(TABLE)) == sorted(EVENTS)
    assert sorted(columns(TABLE)) == sorted(each.__name__ for each in STATES)


@settings(deadline=None, max_examples=500)
@given(ANY_STATE, ANY_EVENT)
def test_what_happens_is_what_the_table_says(before: Any, event: Any) -> None:
    """Whatever the facts of the state and of the event are."""
    name, happens = event
    assert type(happens(before)).__name__ in TABLE[name, type(before).__name__]


def test_all_that_the_table_names_can_follow() -> None:
    """From each state, with the facts that decide and without them."""
    request, answer = states.Request("", addressed_to_model=True, since=1, asked_at=1), states.Answer(1, 1)
    talked_over = states.Answer(1, 1, said_over=request)
    overlap = Overlap("")
    before: list[states.State] = [
        states.Quiet(),
        states.Owed(request),
        states.Answering(request, answer),
        states.Answering(request, answer, asked_since=request),
        states.Answering(request, talked_over),
        states.Superseded(request, answer, 0, is_whole=True),
        states.Superseded(request, answer, 9, is_whole=False),
        states.PlayingOut(request, answer),
        states.PlayingOut(request, answer, asked_since=request),
        states.PlayingOut(request, talked_over),
        states.BrokenOff(request, answer, "", overlap, 1),
        states.BrokenOff(request, answer, "", overlap, 1, asked_since=request),
        states.BrokenOff(request, talked_over, "", overlap, 1),
        states.RestOwed(request, answer, "", overlap),
    ]
    decides: dict[str, list[dict[str, Any]]] = {
        "caller_said": [
            {"words": "", "is_played": is_played, "waits": waits}
            for is_played, waits in itertools.product((True, False), repeat=2)
        ],
        "output": [{"words": "", "sound_s": 0.0}],
        "opened": [{"is_reminded": True}],
    }
    seen: dict[tuple[str, str], set[str]] = {cell: set() for cell in TABLE}
    for state, (name, happens) in itertools.product(before, EVENTS.items()):
        now = {} if name == "generated" else {"now": 2.0}
        for facts in decides.get(name, [{}]):
            seen[name, type(state).__name__].add(type(happens(state, **now, **facts)).__name__)
    assert seen == TABLE


@settings(deadline=None)
@given(ANY_STATE, ANY_EVENT)
def test_what_was_addressed_to_the_model_is_forgotten_by_its_end_only(before: Any, event: Any) -> None:
    """It stays asked, unless its turn ends, is interrupted or is left alone."""
    name, happens = event
    ends = {"turn_complete", "interrupted", "barged_in", "left_alone"}
    if isinstance(before, states.Awaited) and before.request.addressed_to_model and name not in ends:
        after = happens(before)
        assert isinstance(after, states.Requested)
        assert after.request.addressed_to_model


@settings(deadline=None)
@given(any_of(states.BrokenOff), NOW)
def test_who_types_while_an_answer_is_broken_off_is_owed_an_answer_and_not_the_rest(before: Any, now: float) -> None:
    after = machine.asked(before, now)
    assert isinstance(after, states.Owed)
    assert after.request.addressed_to_model
    assert after.request.asked_at == now
