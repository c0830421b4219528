"""The table of the exchange with a model that translates: it is whole, and what happens is what it says."""

from collections.abc import Callable
from typing import get_args

import hypothesis.strategies as st
from hypothesis import given

from agent.gemini.exchange import translation
from tests.agent.gemini.tables import columns, rows, table

TABLE = table(translation)
TIMES = st.floats(0, 100)
STATES = st.builds(translation.Listening, TIMES) | st.builds(translation.Translating, TIMES, TIMES, st.floats(0, 2))
EVENTS: dict[str, Callable[[translation.State, float, float], translation.State]] = {
    "sounds": lambda state, now, _: translation.sounds(state, now, has_words=True),
    "pauses": lambda state, now, silence_s: translation.pauses(state, silence_s, now),
    "stops": lambda state, now, _: translation.stops(state, now),
}


def test_there_is_a_row_for_each_event_and_a_column_for_each_state() -> None:
    assert sorted(rows(TABLE)) == sorted(EVENTS)
    assert sorted(columns(TABLE)) == sorted(each.__name__ for each in get_args(translation.State))


@given(STATES, st.sampled_from(sorted(EVENTS)), TIMES, st.floats(0, 2))
def test_what_happens_is_in_the_table(state: translation.State, event: str, now: float, silence_s: float) -> None:
    after = EVENTS[event](state, now, silence_s)
    assert type(after).__name__ in TABLE[event, type(state).__name__]
