"""The table of a marked activity: it is whole, and what happens is what it says."""

import itertools
from collections.abc import Callable
from typing import get_args

from agent.gemini.exchange import activity
from tests.agent.gemini.tables import columns, rows, table

TABLE = table(activity)
STATES: tuple[activity.ActivityState, ...] = (activity.NoActivity(), activity.ActivityOpen(0.5), activity.ActivityEnding())
EVENTS: dict[str, Callable[[activity.ActivityState], activity.ActivityState]] = {
    "sound_sent": lambda state: activity.sound_sent(state, 0.02),
    "end_sent": activity.end_sent,
    "end_reported": activity.end_reported,
    "opened": activity.opened,
}


def test_there_is_a_row_for_each_event_and_a_column_for_each_state() -> None:
    assert rows(TABLE) == list(EVENTS)
    assert columns(TABLE) == [each.__name__ for each in get_args(activity.ActivityState)]


def test_what_happens_is_what_the_table_says() -> None:
    for state, (name, happens) in itertools.product(STATES, EVENTS.items()):
        assert TABLE[name, type(state).__name__] == {type(happens(state)).__name__}


def test_the_speech_of_an_activity_is_counted_from_its_start() -> None:
    first = activity.sound_sent(activity.NoActivity(), 0.02)
    assert activity.sound_sent(first, 0.02).speech_s == 0.04
    assert activity.sound_sent(activity.end_sent(first), 0.02).speech_s == 0.02
