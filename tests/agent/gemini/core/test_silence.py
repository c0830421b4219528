"""Nothing comes: what the caller is told, and how a connection that only looks open is noticed."""

import pytest

from tests.agent.gemini.rig import Cause, Kind, connected, messages


def test_the_caller_is_told_when_silence_grows_long() -> None:
    rig = connected()
    rig.gemini.answers(seconds=1.0)
    rig.gemini.drops()
    rig.passes_refused(3.0)
    assert rig.kinds(Kind.WAITING) == []
    rig.passes_refused(1.0)
    assert rig.kinds(Kind.WAITING) == [Kind.WAITING]
    assert rig.conversation.ends_with("turnComplete"), "so that something else can be said"
    rig.connects()
    assert "cut off" in rig.gemini.texts[0], "and the answer is still wanted"


def test_nobody_notices_a_drop_in_silence() -> None:
    rig = connected()
    rig.gemini.answers()
    rig.gemini.completes()
    rig.passes(5)
    rig.gemini.drops()
    rig.connects()
    assert [event.kind for event in rig.events[1:]] == [Kind.LOST, Kind.RESTORED]
    assert rig.events[-1].gap_ms == 0
    assert rig.gemini.texts == []


def test_a_socket_that_is_open_and_dead_is_noticed_by_speech() -> None:
    """A dead socket answers no pings: it is given up within four seconds of the caller's last word."""
    rig = connected()
    rig.passes(1)
    rig.caller.speaks(1, 75)
    ended = rig.now
    rig.until(lambda: rig.socket != "open", within_s=10)
    assert rig.now - ended <= 4
    assert rig.causes(Kind.LOST) == [Cause.UNACKNOWLEDGED]


def test_a_caller_whom_nobody_hears_gets_another_session() -> None:
    """The link tries another socket, then another session, and leaves it at that."""
    rig = connected()
    rig.gemini.answers_pings()
    for number in range(4):
        rig.caller.speaks(1000 * number, 1000 * number + 50)
        rig.passes(25)
        if rig.socket == "closing":
            rig.connects()
    assert rig.gemini.handles == [None, "h1", None]
    assert set(rig.causes(Kind.LOST)) == {Cause.UNACKNOWLEDGED}


def test_a_caller_whose_end_nobody_notices_is_answered() -> None:
    rig = connected()
    rig.gemini.notices("START")
    rig.caller.speaks(1, 50)
    rig.passes(5)
    assert rig.kinds(Kind.NUDGED) == []
    rig.passes(2)
    assert rig.kinds(Kind.NUDGED) == [Kind.NUDGED]


def test_who_says_hello_again_does_not_put_the_alarm_off() -> None:
    rig = connected()
    for number in range(6):
        rig.caller.speaks(1000 * number, 1000 * number + 25)
        rig.gemini.understands("Hello?")
        rig.passes(2.0)
    assert rig.kinds(Kind.NUDGED) == [Kind.NUDGED]


def test_a_connection_in_silence_is_pinged_every_ten_seconds() -> None:
    """The microphone is closed, so that nothing but the pongs shows that the connection lives; then they stop."""
    rig = connected()
    rig.gemini.answers_pings()
    rig.passes(60)
    began_at = rig.gemini.pinged_at[0]
    assert rig.gemini.pinged_at == pytest.approx([began_at + 10 * number for number in range(6)])
    rig.gemini.answers_pings(does=False)
    rig.until(lambda: rig.socket != "open", within_s=51)
    assert rig.now - began_at == pytest.approx(100, abs=0.2), "ten seconds after the last pong, and forty more"
    assert rig.causes(Kind.LOST) == [Cause.PONGS]


def test_sound_takes_the_place_of_a_pong() -> None:
    """The model's sound is played for a minute, so that nothing but the ping is due."""
    rig = connected(hang_s=100.0)
    rig.gemini.answers(seconds=60.0)
    rig.passes(11)
    assert len(rig.gemini.pinged_at) == 1
    rig.gemini.says(seconds=0.2)
    rig.passes(10.5)
    assert len(rig.gemini.pinged_at) == 2


def test_who_was_told_to_wait_is_told_again_soon_after_more_sound() -> None:
    """Words and sound come in separate messages, and stop."""
    rig = connected()
    rig.gemini.understands("Tell me a story.")
    rig.gemini.sends(messages.words("Once upon a time "))
    rig.passes(3)
    assert rig.kinds(Kind.WAITING) == [Kind.WAITING]
    rig.gemini.sends(messages.words("there was "))
    rig.gemini.says()
    rig.passes(3)
    assert rig.kinds(Kind.WAITING) == [Kind.WAITING, Kind.WAITING]


def test_who_asks_late_in_an_outage_is_told_once_that_it_takes_a_moment() -> None:
    rig = connected()
    rig.passes(20)
    rig.gemini.drops()
    rig.passes_refused(45)
    rig.caller.types("What time is it?")
    rig.passes_refused(1)
    assert rig.kinds(Kind.WAITING) == [Kind.WAITING]
