"""Events come in the order of their times, whatever the order in which they were noticed."""

from hypothesis import given
from hypothesis import strategies as st

from caller import AgentSilent, AgentSound, Event, SpeechEnd
from caller.event_order import HOLD_S, EventOrder


def test_a_silence_that_is_noticed_late_comes_before_what_followed_it() -> None:
    order = EventOrder()
    order.put(SpeechEnd(17.36, "Stop, please."))
    assert order.due(17.4) == []
    order.put(AgentSilent(17.0))
    assert order.next_at == 17.0 + HOLD_S
    assert order.due(17.36 + HOLD_S) == [AgentSilent(17.0), SpeechEnd(17.36, "Stop, please.")]
    assert order.next_at is None


def test_an_event_that_is_noticed_too_late_has_the_time_of_the_one_before_it() -> None:
    order = EventOrder()
    order.put(AgentSound(5.0))
    assert order.due(6.0) == [AgentSound(5.0)]
    order.put(AgentSilent(4.0))
    assert order.due(6.0) == [AgentSilent(5.0)]


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans())))
def test_times_never_go_backwards_and_no_event_is_lost(steps: list[tuple[float, bool]]) -> None:
    order, given_back = EventOrder(), list[Event]()
    for t, looks in steps:
        order.put(AgentSound(t))
        given_back += order.due(t) if looks else []
    given_back += order.rest()
    assert len(given_back) == len(steps)
    assert [event.t for event in given_back] == sorted(event.t for event in given_back)
