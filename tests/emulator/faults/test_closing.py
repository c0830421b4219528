"""Faults that end the connection, by what they do to a scripted conversation."""

import pytest

from tests.emulator.faulty_talk import FaultyTalk, undisturbed
from tests.emulator.talk import LOUD, QUIET


@pytest.mark.parametrize(
    ("moment", "kind"),
    [
        ("audio", "modelTurn"),
        ("generated", "generationComplete"),
        ("turn_complete", "turnComplete"),
        ("tool_call", "toolCall"),
        ("interrupted", "interrupted"),
    ],
)
def test_a_close_comes_right_after_the_message_of_its_moment(moment: str, kind: str) -> None:
    talk = FaultyTalk(f"close:at={moment},code=1008", tools={"clock": "BLOCKING"})
    talk.spoken()
    talk.typed()
    talk.typed()
    talk.pass_time(8)
    assert talk.closed() == 1008
    assert kind in talk.sent[-1][1] or kind in talk.sent[-1][1]["serverContent"]
    assert talk.conversation.next_at is None


def test_a_close_in_place_of_setup_complete() -> None:
    talk = FaultyTalk("close:at=setup,code=1007,reason=Too bad, really.")
    assert talk.find("setupComplete") == []
    assert talk.conversation.close is not None
    assert (talk.conversation.close.code, talk.conversation.close.reason) == (1007, "Too bad, really.")


def test_a_close_while_the_caller_speaks_and_while_the_model_thinks() -> None:
    speaking = FaultyTalk("close:at=speech,after_s=0.3")
    speaking.say(LOUD)
    assert speaking.conversation.caller_speaking
    assert speaking.closed() == 1011
    thinking = FaultyTalk("abrupt_1006:at=thinking,after_s=0.1")
    thinking.say(LOUD + QUIET)
    assert thinking.closed() == 1006
    assert thinking.find("modelTurn") == []


def test_a_close_in_the_second_turn() -> None:
    talk = FaultyTalk("abrupt_1006:at=audio,turn=2")
    assert undisturbed(talk)
    assert talk.closed() is None
    talk.typed()
    assert talk.closed() == 1006


def test_a_goaway_is_told_with_its_time_and_kept() -> None:
    talk = FaultyTalk("goaway:after_s=2,seconds=3.5")
    talk.pass_time(1.1)
    assert talk.find("goAway") == [(2.0, {"timeLeft": "3.500s"})]
    talk.type("x")
    talk.pass_time(3)
    assert talk.find("modelTurn"), "content may go on"
    assert talk.closed() is None
    talk.pass_time(0.5)
    assert talk.closed() == 1008


def test_what_is_said_after_a_goaway_does_not_move_the_end() -> None:
    """Another turn begins meanwhile, the moment at which the fault was to strike."""
    talk = FaultyTalk("goaway:at=audio,after_s=0.1,seconds=3")
    began = talk.typed()
    talk.type("and another")
    talk.pass_time(2)
    assert talk.conversation.close is None
    talk.pass_time(began + 3.2 - talk.now)
    assert talk.conversation.close is not None


def test_after_a_silent_goaway_nothing_comes() -> None:
    talk = FaultyTalk("goaway_silent:after_s=2,seconds=3,code=1011")
    talk.pass_time(1.1)
    talk.type("x")
    talk.pass_time(5)
    assert "goAway" in talk.sent[-1][1]
    assert talk.closed() == 1011


def test_a_missing_goaway_is_a_close_only() -> None:
    talk = FaultyTalk("goaway_missing:after_s=4")
    talk.pass_time(5)
    assert talk.find("goAway") == []
    assert talk.closed() == 1008


def test_the_idle_are_aborted_and_the_busy_are_not() -> None:
    talk = FaultyTalk("idle_abort:seconds=3")
    talk.say(bytes(32000 * 5))
    assert talk.closed() is None
    talk.pass_time(3)
    assert talk.closed() == 1008
