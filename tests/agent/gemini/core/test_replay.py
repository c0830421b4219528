"""The caller's words over a loss: what goes again, how fast, and what doesn't."""

import pytest

from tests.agent.gemini.rig import Cause, Frame, Kind, connected

STREAM_END = {"realtime_input": {"audioStreamEnd": True}}


def test_a_drop_in_the_callers_sentence_loses_no_word() -> None:
    rig = connected()
    rig.caller.speaks(1, 100)
    rig.gemini.drops()
    rig.caller.speaks(101, 150)
    rig.connects()
    rig.passes(1.5)
    assert rig.gemini.words() == list(range(1, 151)), "all of it, in order, once"
    assert rig.gemini.texts == []


def test_what_was_heard_is_not_sent_again() -> None:
    rig = connected()
    rig.caller.speaks(1, 50)
    rig.caller.pauses(51, 80)
    rig.gemini.understands("What time is it?")
    rig.gemini.notices("END")
    rig.gemini.drops()
    rig.connects()
    assert rig.gemini.words() == []
    [reminder] = rig.gemini.texts
    assert "What time is it?" in reminder, "but the answer is still owed"


def test_a_replay_is_four_times_as_fast_as_speech() -> None:
    rig = connected()
    rig.caller.speaks(1, 100)
    rig.gemini.drops()
    rig.connects()
    began_at = rig.now
    assert rig.events[-1].kind is Kind.RESTORED
    assert rig.events[-1].replayed_ms == pytest.approx(2000)
    rig.until(lambda: rig.gemini.words() == list(range(1, 101)), within_s=2, step_s=0.005)
    assert 0.3 <= rig.now - began_at <= 0.8


def test_silence_is_not_worth_repeating() -> None:
    rig = connected()
    rig.gemini.answers_pings()
    rig.caller.speaks(1, 50)
    rig.caller.pauses(51, 300)
    rig.gemini.drops()
    rig.connects()
    rig.passes(2)
    assert 50 + 30 <= len(rig.gemini.frames()) <= 50 + 40, "the words, and the pause that ends a turn"


def test_frames_that_stop_are_a_closed_microphone() -> None:
    """After a second without frames the service is told that the stream has ended; what is spoken later follows that."""
    rig = connected()
    rig.gemini.answers_pings()
    rig.caller.speaks(1, 50)
    rig.passes(0.9)
    assert STREAM_END not in rig.gemini.connections[0]
    rig.passes(5)
    rig.caller.speaks(51, 60)
    ended = rig.gemini.connections[0].index(STREAM_END)
    assert rig.gemini.connections[0].count(STREAM_END) == 1
    assert rig.gemini.words(0) == list(range(1, 61))
    assert [item.number for item in rig.gemini.connections[0][ended:] if isinstance(item, Frame)] == list(range(51, 61))


def test_a_cough_that_was_ignored_stands_for_no_question() -> None:
    """The service took the cough for no interruption: after a loss, the model is asked to go on at once."""
    rig = connected()
    rig.gemini.answers("Once upon a time there was a lighthouse", 6.0)
    rig.caller.speaks(1, 15)
    rig.caller.pauses(16, 100)
    rig.gemini.drops()
    rig.connects()
    [asked] = rig.gemini.received("client_content")
    assert asked["turnComplete"], "the model goes on at once"


def test_what_a_deaf_session_is_told_again_goes_to_another() -> None:
    """What is said again to a session that hears nothing is said to a new one."""
    rig = connected()
    rig.gemini.answers_pings()
    rig.caller.speaks(1, 50)
    rig.gemini.drops()
    rig.connects()
    rig.passes_connected(50)
    assert rig.causes(Kind.LOST) == [Cause.DROPPED, Cause.UNACKNOWLEDGED, Cause.UNACKNOWLEDGED]
    assert rig.gemini.handles[-1] is None, "a new session"


def test_a_session_that_forgot_is_told_an_understood_question() -> None:
    """The question was transcribed before the loss, and the caller has gone on speaking since."""
    rig = connected()
    rig.caller.speaks(1, 50)
    rig.gemini.understands("What time is it?")
    rig.gemini.drops()
    rig.caller.speaks(51, 80)
    rig.until_dialing()
    rig.gemini.upgrades()
    rig.gemini.closes(1008, "BidiGenerateContent session not found")
    rig.connects()
    [told] = rig.gemini.texts
    assert "Caller: What time is it?" in told


def test_what_a_full_socket_does_not_take_goes_when_it_has_room_again() -> None:
    """In order, and at the pace of a replay."""
    rig = connected()
    rig.caller.speaks(1, 10)
    rig.gemini.stops_reading()
    rig.caller.speaks(11, 60)
    rig.caller.types("What time is it?")
    rig.passes(0.5)
    assert rig.gemini.words() == list(range(1, 11))
    assert rig.gemini.received("typed") == []
    rig.gemini.reads_on()
    assert 10 < len(rig.gemini.words()) < 60
    rig.passes(0.5)
    assert rig.gemini.words() == list(range(1, 61))
    assert rig.gemini.received("typed") == ["What time is it?"]
