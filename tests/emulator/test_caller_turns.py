"""The caller's turns: typed, announced, seeded, marked by the client, ended by the stream."""

import re

import numpy as np

from emulator import closes, messages
from emulator.answers import Rule
from emulator.script import Script
from tests.emulator.talk import LOUD, QUIET, Talk


def test_content_without_turn_complete_waits() -> None:
    script = Script(typed=(Rule("both", matches=re.compile("one\ntwo")),))
    talk = Talk(script)
    talk.send(messages.ClientContent("one", turn_complete=False))
    talk.pass_time(3)
    assert talk.find("modelTurn") == []
    talk.type("two")
    talk.pass_time(3)
    assert talk.text() == "both"


def test_words_that_were_announced_are_what_the_caller_says() -> None:
    script = Script(turns=(Rule("One."),), typed=(Rule("Yes: {typed}", matches=re.compile("lights")),))
    talk = Talk(script)
    talk.memory.announced.append("The lights, please.")
    talk.say(LOUD + QUIET)
    talk.pass_time(5)
    assert [each["text"] for _, each in talk.find("inputTranscription")] == ["The lights, please."]
    assert talk.text() == "Yes: The lights, please."
    talk.say(LOUD + QUIET)
    talk.pass_time(5)
    assert talk.find("inputTranscription")[-1][1]["text"].startswith("[")


def test_a_blank_text_is_about_the_end_of_the_seed() -> None:
    talk = Talk(Script(typed=(Rule("You wrote: {typed}.", matches=re.compile(".")),)), seeded=True)
    talk.send(messages.ClientContent("Hello?", turn_complete=True, all_text="Be brief.\nHello?"))
    talk.send(messages.Text(" "))
    talk.pass_time(3)
    assert talk.text() == "You wrote: Hello?."


def test_seeded_history_is_not_answered() -> None:
    talk = Talk(seeded=True)
    talk.type("history")
    talk.pass_time(3)
    assert talk.find("modelTurn") == []
    talk.type("question")
    talk.pass_time(3)
    assert talk.find("modelTurn")


def test_a_silent_rule_says_nothing() -> None:
    talk = Talk(Script((Rule(silent=True),)))
    talk.say(LOUD + QUIET)
    talk.pass_time(5)
    assert talk.find("inputTranscription")
    assert talk.find("modelTurn") == []
    assert talk.find("turnComplete") == []


def test_manual_activity_needs_the_vad_off() -> None:
    talk = Talk()
    talk.send(messages.ActivityStart())
    assert talk.conversation.close == closes.PRECONDITION

    manual = Talk(Script((Rule("Yes."),)), vad=messages.ActivityDetection(disabled=True))
    manual.say(LOUD + QUIET)
    assert manual.find("voiceActivity") == []
    manual.send(messages.ActivityStart())
    manual.say(LOUD)
    manual.send(messages.AudioStreamEnd())
    manual.send(messages.ActivityEnd())
    manual.pass_time(3)
    assert [each["type"] for _, each in manual.find("voiceActivity")] == ["ACTIVITY_START", "ACTIVITY_END"]
    assert manual.text() == "Yes."


def test_an_activity_without_sound_closes_the_socket() -> None:
    talk = Talk(vad=messages.ActivityDetection(disabled=True))
    talk.send(messages.ActivityStart())
    talk.send(messages.ActivityEnd())
    assert talk.sent[-1][1] == {"serverContent": {"turnComplete": True}, "usageMetadata": {}}
    assert talk.conversation.close == closes.PRECONDITION


def test_the_end_of_the_stream_ends_the_turn() -> None:
    talk = Talk(Script((Rule("Yes."),)))
    talk.say(LOUD)
    talk.send(messages.AudioStreamEnd())
    talk.pass_time(3)
    assert talk.text() == "Yes."


def test_sound_at_another_rate_is_heard() -> None:
    talk = Talk(Script((Rule("Yes."),)))
    loud = (3000 * np.sin(np.arange(48000) * 0.1)).astype(np.int16).tobytes()
    for pcm in (loud, bytes(3 * 96000)):
        for offset in range(0, len(pcm), 1920):
            talk.send(messages.Audio(pcm[offset : offset + 1920], 48000))
            talk.pass_time(0.02)
    talk.pass_time(3)
    assert talk.text() == "Yes."


def test_an_activity_without_speech_is_acknowledged_and_not_answered() -> None:
    talk = Talk(Script((Rule("Yes."),)), vad=messages.ActivityDetection(disabled=True))
    talk.send(messages.ActivityStart())
    talk.say(QUIET)
    talk.send(messages.ActivityEnd())
    talk.pass_time(5)
    assert [each["type"] for _, each in talk.find("voiceActivity")] == ["ACTIVITY_START", "ACTIVITY_END"]
    assert talk.find("inputTranscription") == []
    assert talk.find("modelTurn") == []
    assert talk.conversation.close is None


def test_an_activity_that_begins_within_another_is_the_same() -> None:
    talk = Talk(Script((Rule("Yes."), Rule("No."))), vad=messages.ActivityDetection(disabled=True))
    for message in (messages.ActivityStart(), messages.ActivityStart()):
        talk.send(message)
        talk.say(LOUD)
    talk.send(messages.ActivityEnd())
    talk.send(messages.ActivityEnd())
    talk.pass_time(5)
    assert [each["type"] for _, each in talk.find("voiceActivity")] == ["ACTIVITY_START", "ACTIVITY_END"]
    assert talk.text() == "Yes."


def test_an_activity_that_begins_right_after_another_is_the_same_turn() -> None:
    talk = Talk(Script((Rule("Yes."), Rule("No."))), vad=messages.ActivityDetection(disabled=True))
    for _ in range(2):
        talk.send(messages.ActivityStart())
        talk.say(LOUD)
        talk.send(messages.ActivityEnd())
        talk.pass_time(0.1)
    talk.pass_time(5)
    assert talk.text() == "Yes."


def test_the_start_of_an_activity_interrupts_the_model() -> None:
    talk = Talk(vad=messages.ActivityDetection(disabled=True))
    talk.type("Go on.")
    talk.pass_time(1.5)
    talk.say(LOUD)
    assert talk.find("interrupted") == []
    talk.send(messages.ActivityStart())
    assert len(talk.find("interrupted")) == 1
