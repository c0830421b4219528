"""The state machine of a call in every order of events: one final answer, one BYE at most, an end, and never silence."""

import math
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from telephony.line.call import Action, Answer, CallState, EndReason, HangUp, Limits, Phase, Play, Status, Tone

LIMITS = Limits(longest_s=600)


def answered(now: float = 1.0) -> CallState:
    call = CallState(LIMITS, 0.0)
    assert call.agent_heard(now) == [Answer(200, media=True)]
    assert call.acknowledged(now) == [Status("active")]
    return call


def run_until(call: CallState, end: float) -> list[tuple[float, Action]]:
    done: list[tuple[float, Action]] = []
    while (now := call.next_at) <= end:
        done += [(now, action) for action in call.due(now)]
    return done


def test_it_rings_until_the_agent_is_heard() -> None:
    call = answered()
    assert call.phase is Phase.ACTIVE
    assert call.hung_up() == [Status("hangup")]
    assert (call.phase, call.end_reason) == (Phase.ENDED, EndReason.CALLER_HUNG_UP)


def test_without_an_agent_a_tone_and_480() -> None:
    call = CallState(LIMITS, 0.0)
    assert run_until(call, 100) == [
        (20.0, Answer(183, media=True)),
        (20.0, Play(Tone.UNREACHABLE)),
        (22.0, Answer(480)),
        (22.0, Status("hangup")),
    ]
    assert call.end_reason is EndReason.NO_AGENT


def test_without_a_room_a_tone_and_503() -> None:
    call = CallState(LIMITS, 0.0)
    assert call.room_failed(0.5) == [Answer(183, media=True), Play(Tone.UNREACHABLE)]
    assert call.agent_heard(1.0) == []
    assert run_until(call, 100) == [(2.5, Answer(503)), (2.5, Status("hangup"))]


def test_an_agent_that_comes_after_the_tone_began_is_too_late() -> None:
    call = CallState(LIMITS, 0.0)
    call.due(20.0)
    assert call.agent_heard(20.5) == []


def test_cancel_while_ringing_and_cancel_too_late() -> None:
    call = CallState(LIMITS, 0.0)
    assert call.cancelled() == [Answer(487), Status("hangup")]
    assert answered().cancelled() == []


def test_the_room_s_end_is_the_agent_s_goodbye() -> None:
    call = answered()
    assert call.room_gone(5.0) == [HangUp(), Status("hangup")]
    assert call.end_reason is EndReason.AGENT_HUNG_UP


def test_a_lost_agent_is_waited_for_with_a_tone() -> None:
    call = answered()
    call.sound(5.0)
    assert call.agent_gone(5.0) == []
    done = run_until(call, 16.0)
    assert done[:2] == [(6.0, Play(Tone.RINGING)), (15.0, Play(Tone.UNREACHABLE))]
    assert run_until(call, 100) == [(17.0, HangUp()), (17.0, Status("hangup"))]
    assert call.end_reason is EndReason.AGENT_LOST


def test_an_agent_that_comes_back_is_heard_again() -> None:
    call = answered()
    call.agent_gone(5.0)
    call.due(6.0)
    assert call.agent_heard(7.0) == [Play(None)]
    assert call.next_at > 15


def test_an_agent_that_leaves_before_its_room_ends_is_no_tone() -> None:
    call = answered()
    call.agent_gone(5.0)
    assert call.room_gone(5.5) == [HangUp(), Status("hangup")]


def test_a_phone_that_falls_silent_is_gone() -> None:
    call = answered()
    call.sound(10.0)
    assert run_until(call, 100) == [(25.0, HangUp()), (25.0, Status("hangup"))]
    assert call.end_reason is EndReason.NO_SOUND


def test_on_hold_a_phone_may_be_silent() -> None:
    call = answered()
    call.held(10.0, held=True)
    call.sound(11.0)
    assert call.next_at == 311.0
    call.held(100.0, held=False)
    assert call.next_at == 115.0


def test_a_call_that_begins_on_hold_may_be_silent() -> None:
    call = CallState(LIMITS, 0.0, held=True)
    call.agent_heard(1.0)
    call.acknowledged(1.0)
    assert call.next_at == 301.0
    call.held(100.0, held=False)
    assert call.next_at == 115.0


def test_a_phone_that_dies_on_hold_is_gone_too() -> None:
    call = answered()
    call.held(10.0, held=True)
    assert run_until(call, 1000) == [(310.0, HangUp()), (310.0, Status("hangup"))]
    assert call.end_reason is EndReason.NO_SOUND


def test_a_phone_that_never_sends_anything_is_gone_as_soon() -> None:
    """Killed right after its ACK, it is no other than one that falls silent later."""
    call = answered(1.0)
    assert run_until(call, 100) == [(16.0, HangUp()), (16.0, Status("hangup"))]
    assert call.end_reason is EndReason.NO_SOUND


def test_before_the_ack_silence_is_no_end() -> None:
    """A 200 that is lost is sent again for 32 s, and its phone can't send sound before it has it."""
    call = CallState(LIMITS, 0.0)
    call.agent_heard(1.0)
    call.sound(2.0)
    assert run_until(call, 40.0) == []
    call.acknowledged(40.0)
    assert call.next_at == 55.0


def test_a_call_that_fails_ends_at_once_and_is_told_so() -> None:
    ringing = CallState(LIMITS, 0.0)
    assert ringing.failed(503, EndReason.NO_PORT) == [Answer(503), Status("hangup")]
    call = answered()
    assert call.failed(500, EndReason.FAILED) == [HangUp(), Status("hangup")]
    assert call.end_reason is EndReason.FAILED
    assert call.failed(500, EndReason.FAILED) == []


def test_no_call_is_longer_than_it_may_be() -> None:
    call = CallState(replace(LIMITS, hold_s=1000), 0.0)
    call.agent_heard(1.0)
    call.acknowledged(1.0)
    call.held(2.0, held=True)
    assert run_until(call, 1000) == [(601.0, Play(Tone.UNREACHABLE)), (603.0, HangUp()), (603.0, Status("hangup"))]


def test_without_an_ack_the_call_ends() -> None:
    call = CallState(LIMITS, 0.0)
    call.agent_heard(1.0)
    assert call.unacknowledged() == [HangUp(), Status("hangup")]


EVENTS = (
    *("agent_heard", "agent_gone", "room_gone", "room_failed", "ack", "no_ack", "cancel", "bye", "sound"),
    *("hold", "resume", "shut_down", "failed", "wait"),
)


def heard(call: CallState, now: float) -> list[Action]:
    call.sound(now)
    return []


def happen(call: CallState, event: str, now: float) -> list[Action]:
    happens: dict[str, Callable[[], list[Action]]] = {
        "agent_heard": lambda: call.agent_heard(now),
        "agent_gone": lambda: call.agent_gone(now),
        "room_gone": lambda: call.room_gone(now),
        "room_failed": lambda: call.room_failed(now),
        "ack": lambda: call.acknowledged(now),
        "no_ack": call.unacknowledged,
        "cancel": call.cancelled,
        "bye": call.hung_up,
        "sound": lambda: heard(call, now),
        "hold": lambda: call.held(now, held=True),
        "resume": lambda: call.held(now, held=False),
        "shut_down": lambda: call.shut_down(now),
        "failed": lambda: call.failed(500, EndReason.FAILED),
        "wait": lambda: call.due(now),
    }
    return happens[event]()


@given(st.lists(st.tuples(st.sampled_from(EVENTS), st.floats(0, 20)), max_size=40))
def test_in_any_order_there_is_one_final_answer_and_an_end(events: list[tuple[str, float]]) -> None:
    call, now, done = CallState(LIMITS, 0.0), 0.0, list[Action]()
    for event, wait_s in events:
        while call.next_at <= now + wait_s:
            done += call.due(max(call.next_at, now))
        now += wait_s
        done += happen(call, event, now)
        if call.phase is Phase.ENDED:
            assert call.next_at == math.inf
    done += [action for _, action in run_until(call, 1e9)]
    finals = [action.status for action in done if isinstance(action, Answer) and action.status >= 200]
    hang_ups = sum(isinstance(action, HangUp) for action in done)
    assert call.phase is Phase.ENDED
    assert call.end_reason is not None
    assert len(finals) == 1
    assert hang_ups <= (finals == [200])
    assert done.count(Status("hangup")) == 1
    if finals[0] in {480, 503}:
        assert Play(Tone.UNREACHABLE) in done
