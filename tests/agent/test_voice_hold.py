"""The agent's voice waits while livekit-server is away, and goes on once somebody hears it again."""

import math

from hypothesis import given
from hypothesis import strategies as st

from agent.voice.voice_hold import ARRIVES_S, DOUBT_S, HELD, TRANSITIONS, UNHEARD_S, Reach, ReachChange, VoiceHold

_CHANGES = st.sampled_from(list(ReachChange))


def test_a_signalling_connection_that_is_back_soon_stops_no_voice() -> None:
    hold = VoiceHold()
    assert not hold.change(ReachChange.RECONNECTING, 10.0)
    assert hold.due_at == 10.0 + DOUBT_S
    assert not hold.change(ReachChange.RECONNECTED, 10.2)
    assert hold.due_at == math.inf


def test_the_voice_waits_for_the_room_and_then_for_somebody_who_hears_it() -> None:
    hold = VoiceHold()
    hold.change(ReachChange.RECONNECTING, 10.0)
    assert not hold.change(ReachChange.ELAPSED, 10.4), "too early"
    assert hold.change(ReachChange.ELAPSED, 10.5)
    assert hold.is_held
    assert not hold.change(ReachChange.REPUBLISHED, 14.0)
    assert not hold.change(ReachChange.RECONNECTED, 14.0), "it is in the room, and nobody hears it"
    assert not hold.change(ReachChange.SUBSCRIBED, 16.0), "the first sound after a subscription isn't heard"
    assert hold.change(ReachChange.ELAPSED, 16.0 + ARRIVES_S)
    assert not hold.is_held


def test_the_voice_does_not_wait_for_ever_for_somebody_who_only_reads() -> None:
    hold = VoiceHold()
    hold.change(ReachChange.REPUBLISHED, 14.0)
    assert hold.is_held
    assert hold.change(ReachChange.ELAPSED, 14.0 + UNHEARD_S)
    assert not hold.is_held


@given(st.lists(st.tuples(_CHANGES, st.floats(0, 40)), max_size=40))
def test_after_any_order_of_changes_the_voice_goes_on(changes: list[tuple[ReachChange, float]]) -> None:
    """Either the room is gone, and LiveKit says whether it comes back, or the time of the state ends it."""
    hold, now = VoiceHold(), 0.0
    for change, wait_s in changes:
        before = hold.is_held
        now += wait_s
        assert hold.change(change, now) is (hold.is_held is not before)
        assert (hold.due_at < math.inf) is (hold.reach in {Reach.DOUBTFUL, Reach.UNHEARD, Reach.SUBSCRIBED})
    hold.change(ReachChange.RECONNECTED, now)
    hold.change(ReachChange.ELAPSED, now + UNHEARD_S)
    assert not hold.is_held


def test_each_state_in_which_the_voice_waits_has_a_way_out() -> None:
    for reach in HELD:
        assert {after for (before, _), after in TRANSITIONS.items() if before is reach} & {Reach.CONNECTED, Reach.SUBSCRIBED}
