"""The conversation, on a clock that the test moves: the recorded order and pace, barge-in at each moment, tools, any order."""

import base64
import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import closes, messages
from emulator.answers import Answers, Call, Rule
from emulator.conversation import Conversation
from emulator.profiles import GEMINI_3_8_LIVE, PROFILES, Profile
from emulator.script import Script
from emulator.sessions import Memory

SPEECH_S = 1.0
QUIET_S = 2.0
LOUD = (3000 * np.sin(np.arange(16000) * 0.3)).astype(np.int16).tobytes()
QUIET = bytes(int(QUIET_S * 32000))
LONG = "This is a long answer, and it goes on and on, so that there is time to interrupt it before it has been said."
SCRIPT = Script(
    turns=(
        Rule(hears="What time is it?", calls=(Call("clock"),), says="It is {clock}."),
        Rule(hears="Tell me a story.", says=LONG),
        Rule(silent=True),
    ),
    otherwise=Rule(LONG),
)


class StandIn:
    """Instead of espeak: 50 ms of sound for each character."""

    def prepare(self, text: str, _voice: str, _language: str) -> None:
        assert text

    def speak(self, text: str, _voice: str, _language: str) -> bytes:
        return b"\1\0" * 1200 * len(text)


VOICE = StandIn()


def duration_s(text: str) -> float:
    return 0.05 * len(text)


class Talk:
    """A conversation with its own clock, and everything that was sent, with times."""

    def __init__(
        self,
        answers: Answers = SCRIPT,
        tools: dict[str, str | None] | None = None,
        profile: Profile = GEMINI_3_8_LIVE,
        **setup: Any,
    ) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.memory = Memory()
        accepted = messages.Setup(
            "models/gemini-3.8-live",
            tools={name: messages.Tool(behavior) for name, behavior in (tools or {}).items()},
            input_transcription=True,
            output_transcription=True,
            **{"vad": messages.ActivityDetection(silence_duration_ms=500), **setup},
        )
        self.conversation = Conversation(profile, accepted, answers, self.memory, VOICE)
        self.conversation.begin(0.0, resumed=False)
        self.pass_time(1.0)

    def collect(self) -> None:
        self.sent += [(self.now, dict(message)) for message in self.conversation.take()]

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while (at := self.conversation.next_at) is not None and at <= until:
            self.now = max(at, self.now)
            self.conversation.advance(self.now)
            self.collect()
        self.now = until
        self.conversation.advance(self.now)
        self.collect()

    def send(self, message: messages.ClientMessage) -> None:
        self.conversation.receive(message, self.now)
        self.collect()

    def say(self, pcm: bytes) -> None:
        """Sound, 20 ms by 20 ms, in real time."""
        for offset in range(0, len(pcm), 640):
            self.send(messages.Audio(pcm[offset : offset + 640], 16000))
            self.pass_time(0.02)

    def type(self, text: str) -> None:
        self.send(messages.ClientContent(text, turn_complete=True))

    def answer_calls(self, **fields: Any) -> None:
        for _, call in self.find("toolCall"):
            for function in call["functionCalls"]:
                scheduling, more = fields.get("scheduling"), fields.get("will_continue", False)
                response = messages.FunctionResponse(function["id"], function["name"], {"output": "noon"}, scheduling, more)
                self.send(messages.ToolResponse((response,)))

    def find(self, key: str) -> list[tuple[float, Any]]:
        """Messages, or fields of serverContent, of that name with their times."""
        found = []
        for at, message in self.sent:
            if key in message:
                found.append((at, message[key]))
            elif key in message.get("serverContent", {}):
                found.append((at, message["serverContent"][key]))
        return found

    def times(self, key: str) -> list[float]:
        return [at for at, _ in self.find(key)]

    def audio_s(self, since: float = 0.0) -> float:
        parts = [part for at, turn in self.find("modelTurn") if at >= since for part in turn["parts"]]
        return sum(len(base64.b64decode(part["inlineData"]["data"])) for part in parts) / 48000

    def text(self, since: float = 0.0) -> str:
        return "".join(each.get("text", "") for at, each in self.find("outputTranscription") if at >= since)


def test_the_setup_is_answered_at_the_recorded_pace() -> None:
    talk = Talk()
    assert talk.times("setupComplete") == [pytest.approx(0.28)]
    [(at, update)] = talk.find("sessionResumptionUpdate")
    assert at == pytest.approx(0.293)
    assert update == {"newHandle": talk.memory.handle, "resumable": True}


def test_a_spoken_turn_goes_as_recorded() -> None:
    talk = Talk(Script((Rule(hears="Hello.", says=LONG),)))
    start = talk.now
    talk.say(LOUD + QUIET)
    talk.pass_time(10)
    heard = start + SPEECH_S
    [(started, first), (ended, last)] = talk.find("voiceActivity")
    assert (first["type"], last["type"]) == ("ACTIVITY_START", "ACTIVITY_END")
    assert started == pytest.approx(start + 0.14, abs=0.03)
    assert ended == pytest.approx(heard + 0.5 + 0.2, abs=0.05)
    assert talk.find("inputTranscription") == [(ended, {"text": "Hello."})]
    sound = talk.times("modelTurn")
    assert sound[0] == pytest.approx(ended + 0.55, abs=0.001)
    assert talk.audio_s() == pytest.approx(duration_s(LONG))
    assert sound[-1] - sound[0] == pytest.approx(duration_s(LONG) / 4, abs=0.06)
    assert talk.text() == LONG
    [generated], [complete] = talk.times("generationComplete"), talk.times("turnComplete")
    assert sound[-1] < generated < complete
    assert complete == pytest.approx(sound[0] + duration_s(LONG), abs=0.001)


def test_keepalives_surround_the_sound() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(10)
    assert sum(message == {} for _, message in talk.sent) == len(talk.find("modelTurn")) + 3
    assert any(message == {"serverContent": {}} for _, message in talk.sent)


def test_the_first_chunk_is_short_and_the_rest_200_ms() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(10)
    sizes = [len(base64.b64decode(turn["parts"][0]["inlineData"]["data"])) for _, turn in talk.find("modelTurn")]
    assert sizes[0] == 1920
    assert set(sizes[1:-1]) == {9600}


def test_usage_counts_the_whole_context_again() -> None:
    talk = Talk()
    talk.type("x" * 40)
    talk.pass_time(10)
    talk.type("again")
    talk.pass_time(10)
    first, second = (message["usageMetadata"] for _, message in talk.sent if "usageMetadata" in message)
    spoken = round(duration_s(LONG) * 25)
    assert first["promptTokensDetails"][1] == {"modality": "AUDIO", "tokenCount": 222}
    assert first["responseTokensDetails"][1] == {"modality": "AUDIO", "tokenCount": spoken}
    assert second["promptTokensDetails"][1] == {"modality": "AUDIO", "tokenCount": 222 + spoken}
    for usage in (first, second):
        assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["responseTokenCount"]
        for kind in ("prompt", "response"):
            details = usage[f"{kind}TokensDetails"]
            assert usage[f"{kind}TokenCount"] == sum(detail["tokenCount"] for detail in details)


def test_barge_in_while_it_generates_cuts_the_rest() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(0.9)
    assert talk.conversation.turn_open
    heard_before = talk.audio_s()
    talk.say(LOUD[:9600])
    [interrupted], [complete] = talk.times("interrupted"), talk.times("turnComplete")
    [(started, _)] = talk.find("voiceActivity")
    assert interrupted == started
    assert complete == pytest.approx(interrupted + 0.075)
    assert talk.find("generationComplete") == []
    assert talk.audio_s() < heard_before + 1.0
    assert not any(interrupted < at < complete for at in talk.times("modelTurn"))


def test_barge_in_during_the_playback_hold_comes_after_generation_complete() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(3)
    assert talk.find("generationComplete")
    assert talk.conversation.turn_open
    talk.say(LOUD + QUIET)
    talk.pass_time(10)
    assert talk.times("generationComplete")[0] < talk.times("interrupted")[0] < talk.times("turnComplete")[0]
    assert talk.times("inputTranscription")[0] > talk.times("turnComplete")[0]
    assert len(talk.times("turnComplete")) == 2


def test_speech_after_the_turn_interrupts_nothing() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(10)
    talk.say(LOUD + QUIET)
    assert talk.find("interrupted") == []


def test_no_interruption_is_honoured() -> None:
    talk = Talk(interruptible=False)
    talk.type("x")
    talk.pass_time(1)
    talk.say(LOUD)
    talk.pass_time(10)
    assert talk.find("interrupted") == []
    assert talk.audio_s() == pytest.approx(duration_s(LONG))


def test_a_caller_who_goes_on_before_the_answer_has_one_turn() -> None:
    talk = Talk(Script((Rule("First.", hears="A question."), Rule("Second."))))
    talk.say(LOUD + bytes(32000 * 9 // 10) + LOUD + QUIET)
    talk.pass_time(5)
    assert talk.text() == "First."
    assert talk.memory.spoken_turns == 1
    assert [each["text"] for _, each in talk.find("inputTranscription")] == ["A question."], "its line is sent once"


def test_an_answer_that_waits_for_its_turn_is_forgotten_when_the_caller_goes_on() -> None:
    talk = Talk(Script((Rule("First."), Rule("Second.")), otherwise=Rule(LONG)), interruptible=False)
    talk.type("x")
    talk.pass_time(0.7)
    talk.say(LOUD + QUIET)
    talk.say(LOUD + QUIET)
    talk.pass_time(20)
    assert talk.text().endswith("First.")
    assert "Second." not in talk.text()


def test_typed_text_interrupts_at_once() -> None:
    talk = Talk()
    talk.type("x")
    talk.pass_time(1)
    before = talk.now
    talk.type("y")
    assert talk.times("interrupted") == [before]
    talk.pass_time(10)
    assert len(talk.times("turnComplete")) == 2


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


def test_a_non_blocking_call_ends_its_turn_and_the_answer_is_a_new_one() -> None:
    talk = Talk(tools={"clock": None})
    talk.say(LOUD + QUIET)
    [(called, call)] = talk.find("toolCall")
    assert call["functionCalls"][0]["name"] == "clock"
    assert call["functionCalls"][0]["id"].startswith("call_")
    assert talk.times("turnComplete") == [pytest.approx(called + 0.01)]
    talk.pass_time(5)
    assert talk.find("modelTurn") == []
    answered = talk.now
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.times("modelTurn")[0] == pytest.approx(answered + 0.6)
    assert talk.text() == "It is noon."


def test_a_blocking_call_holds_its_turn() -> None:
    talk = Talk(tools={"clock": "BLOCKING"})
    talk.say(LOUD + QUIET)
    assert talk.find("toolCall")
    assert talk.find("turnComplete") == []
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.text() == "It is noon."
    assert len(talk.times("turnComplete")) == 1


def test_a_blocking_call_is_dropped_without_a_word_when_the_caller_goes_on() -> None:
    talk = Talk(tools={"clock": "BLOCKING"})
    talk.say(LOUD + QUIET)
    talk.type("something else")
    talk.pass_time(8)
    said = talk.text()
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.text() == said
    assert talk.find("toolCallCancellation") == []


def test_a_silent_result_is_not_spoken_about() -> None:
    talk = Talk(tools={"clock": None})
    talk.say(LOUD + QUIET)
    talk.answer_calls(scheduling="SILENT")
    talk.pass_time(5)
    assert talk.find("modelTurn") == []


@pytest.mark.parametrize(("scheduling", "interrupts"), [(None, False), ("WHEN_IDLE", False), ("INTERRUPT", True)])
def test_a_result_during_other_speech_waits_or_interrupts(scheduling: str | None, interrupts: bool) -> None:
    talk = Talk(tools={"clock": None})
    talk.say(LOUD + QUIET)
    talk.type("x")
    talk.pass_time(1)
    assert talk.conversation.turn_open
    talk.answer_calls(scheduling=scheduling)
    talk.pass_time(15)
    assert bool(talk.find("interrupted")) == interrupts
    assert talk.text().endswith("It is noon.")
    assert (LONG in talk.text()) != interrupts


@pytest.mark.parametrize(("pattern", "said"), [("noon", "Lunch time."), ("midnight", "It is noon."), (None, "Lunch time.")])
def test_a_result_may_have_its_own_rule(pattern: str | None, said: str) -> None:
    matches = None if pattern is None else re.compile(pattern)
    script = dataclasses.replace(SCRIPT, results=(Rule("Lunch time.", tool="clock", matches=matches),))
    talk = Talk(script, tools={"clock": None})
    talk.say(LOUD + QUIET)
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.text() == said


def test_a_result_that_will_continue_is_not_the_last() -> None:
    talk = Talk(tools={"clock": None})
    talk.say(LOUD + QUIET)
    talk.answer_calls(will_continue=True)
    talk.pass_time(5)
    assert talk.find("modelTurn") == []
    talk.answer_calls()
    talk.pass_time(5)
    assert talk.text() == "It is noon."


def test_tools_that_the_client_has_not_declared_are_not_called() -> None:
    talk = Talk()
    talk.say(LOUD + QUIET)
    talk.pass_time(5)
    assert talk.find("toolCall") == []
    assert talk.text() == "It is something."


def test_an_answer_to_no_call_is_ignored() -> None:
    talk = Talk()
    talk.send(messages.ToolResponse((messages.FunctionResponse("call_9", "x", {}, None, will_continue=False),)))
    talk.pass_time(5)
    assert talk.find("modelTurn") == []
    assert talk.conversation.close is None


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


def test_what_comes_before_setup_complete_waits_for_it() -> None:
    conversation = Conversation(GEMINI_3_8_LIVE, messages.Setup("m"), SCRIPT, Memory(), VOICE)
    conversation.begin(0, resumed=False)
    conversation.receive(messages.Text("x"), 0.1)
    assert conversation.take() == []
    conversation.advance(5)
    assert conversation.take()[0] == {"setupComplete": {}}
    assert conversation.turn_open


def test_a_flood_before_setup_complete_is_refused() -> None:
    conversation = Conversation(GEMINI_3_8_LIVE, messages.Setup("m"), SCRIPT, Memory(), VOICE)
    conversation.begin(0, resumed=False)
    for _ in range(600):
        conversation.receive(messages.Audio(b"", 16000), 0.1)
    assert conversation.close == closes.INVALID_ARGUMENT


def test_a_second_setup_is_refused() -> None:
    talk = Talk()
    talk.send(messages.Setup("models/gemini-3.8-live"))
    assert talk.conversation.close == closes.INVALID_ARGUMENT


STEPS = st.one_of(
    st.tuples(st.just("wait"), st.floats(0.001, 4)),
    st.tuples(st.just("loud"), st.integers(1, 60)),
    st.tuples(st.just("quiet"), st.integers(1, 60)),
    st.tuples(st.just("type"), st.booleans()),
    st.tuples(st.just("answer"), st.sampled_from([None, "SILENT", "WHEN_IDLE", "INTERRUPT"])),
    st.tuples(st.just("end"), st.none()),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(STEPS, max_size=14), st.sampled_from([None, "BLOCKING", "NON_BLOCKING"]), st.sampled_from(list(PROFILES.values()))
)
def test_any_order_of_events_is_a_legal_conversation(
    steps: list[tuple[str, Any]], behavior: str | None, profile: Profile
) -> None:
    talk = Talk(tools={"clock": behavior}, profile=profile, resumable=True)
    for kind, value in steps:
        match kind:
            case "wait":
                talk.pass_time(value)
            case "loud":
                talk.say(LOUD[: 640 * value])
            case "quiet":
                talk.say(QUIET[: 640 * value])
            case "type":
                talk.send(messages.ClientContent("x", turn_complete=value))
            case "answer":
                talk.answer_calls(scheduling=value)
            case "end":
                talk.send(messages.AudioStreamEnd())
    for _ in range(3):
        talk.pass_time(30)
        talk.answer_calls()
    talk.pass_time(30)
    assert talk.conversation.close is None
    assert talk.conversation.next_at is None, "an agenda that never ends"
    assert not talk.conversation.turn_open
    check_turns([message for _, message in talk.sent])


def check_turns(messages: list[dict[str, Any]]) -> None:
    """Every turn: sound or a call, at most one generationComplete, nothing after its end or interruption, one turnComplete."""
    open_turn = ended = interrupted = False
    for message in messages:
        content = message.get("serverContent", {})
        if "modelTurn" in content or "toolCall" in message:
            assert not ended
            assert not interrupted
            open_turn = True
        if "generationComplete" in content:
            assert open_turn
            assert not ended
            ended = True
        if "interrupted" in content:
            assert open_turn
            assert not interrupted
            interrupted = True
        if "turnComplete" in content:
            assert open_turn
            assert "usageMetadata" in message
            open_turn = ended = interrupted = False
    assert not open_turn


@pytest.mark.parametrize("behavior", ["BLOCKING", "NON_BLOCKING"])
def test_a_rule_with_a_sound_of_its_own_plays_that(behavior: str) -> None:
    """In a spoken turn, a typed one, and after a tool's result; its words are the transcript."""
    tune = np.arange(36000, dtype="<i2").tobytes()
    plain, tool = Rule("one two", plays=tune), Rule("three", plays=tune, calls=(Call("clock"),))
    typed = dataclasses.replace(plain, matches=re.compile("play"))
    talk = Talk(Script((plain, tool), typed=(typed,)), {"clock": behavior})
    for text in ("", "play", ""):
        since = len(talk.sent)
        talk.type(text) if text else talk.say(LOUD + QUIET)
        talk.answer_calls()
        talk.pass_time(4.0)
        talk.sent, earlier = talk.sent[since:], talk.sent[:since]
        parts = [part["inlineData"]["data"] for _, turned in talk.find("modelTurn") for part in turned["parts"]]
        assert b"".join(map(base64.b64decode, parts)) == tune
        assert talk.text() in {"one two", "three"}
        talk.sent = earlier + talk.sent
