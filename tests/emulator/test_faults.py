"""Each fault by what it does to a scripted conversation, on a clock that the test moves."""

import itertools
import json
from typing import Any

import pytest

from emulator import messages
from emulator.conversation import Conversation
from emulator.faults.asked import Faults
from emulator.faults.catalogue import fault_from_text
from emulator.faults.channel import Frame
from emulator.faults.faulty import FaultyConversation
from emulator.profiles import GEMINI_3_8_LIVE, Profile
from emulator.script import Script
from emulator.sessions import Memory
from tests.emulator.test_conversation import LONG, LOUD, QUIET, SCRIPT, VOICE, Talk, duration_s

PLAYED_S = duration_s(LONG)
MODEL = "gemini-3.8-live"


class FaultyTalk(Talk):
    """A talk whose faults are given as on the command line."""

    conversation: FaultyConversation  # type: ignore[assignment]

    def __init__(
        self,
        *asked: str,
        faults: Faults | None = None,
        resumes: Memory | None = None,
        script: Script = SCRIPT,
        profile: Profile = GEMINI_3_8_LIVE,
        tools: dict[str, str | None] | None = None,
    ) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self.raw: list[bytes] = []
        self.memory = resumes or Memory()
        self.faults = faults or Faults()
        for text in asked:
            self.faults.add(fault_from_text(text))
        setup = messages.Setup(
            f"models/{MODEL}",
            tools={name: messages.Tool(behavior) for name, behavior in (tools or {}).items()},
            input_transcription=True,
            output_transcription=True,
            resumable=True,
            handle=resumes.handle if resumes else None,
            vad=messages.ActivityDetection(silence_duration_ms=500),
        )
        in_force = self.faults.for_connection(MODEL, setup.handle)
        self.forgotten = in_force.forgets()
        self.conversation = FaultyConversation(Conversation(profile, setup, script, self.memory, VOICE), in_force)
        self.conversation.begin(0.0, resumed=resumes is not None)
        self.pass_time(1.0)

    def collect(self) -> None:
        frame: Frame
        for frame in self.conversation.take():
            if isinstance(frame, bytes):
                self.raw.append(frame)
            else:
                self.sent.append((self.now, dict(frame)))

    def ask(self, text: str) -> None:
        """Ask for a fault now, as the control endpoint does."""
        self.faults.add(fault_from_text(text))
        self.pass_time(0)

    def spoken(self) -> None:
        self.say(LOUD + QUIET)

    def typed(self) -> float:
        """A typed turn, and when its answer began."""
        self.type("x")
        self.pass_time(0.6)
        return self.now - 0.6 + 0.55

    def happened(self) -> int:
        return sum(int(told["happened"]) for told in self.faults.report())

    def closed(self) -> int | None:
        return self.conversation.close.code if self.conversation.close else None

    def responds(self) -> None:
        """Answers each call that was made, with the id that it had."""
        for _, call in self.find("toolCall"):
            for function in call["functionCalls"]:
                call_id, output = function.get("id", ""), {"output": "noon"}
                response = messages.FunctionResponse(call_id, function["name"], output, None, will_continue=False)
                self.send(messages.ToolResponse((response,)))


def undisturbed(talk: Talk) -> bool:
    """Whether a turn goes as it should: sound, then turnComplete when it has been played."""
    before, start = talk.audio_s(), talk.now
    talk.type("x")
    talk.pass_time(12)
    whole = talk.audio_s() - before == pytest.approx(PLAYED_S)
    return whole and talk.times("turnComplete")[-1] == pytest.approx(start + 0.55 + PLAYED_S, abs=0.01)


def test_without_faults_nothing_changes() -> None:
    plain, wrapped = Talk(), FaultyTalk()
    for talk in (plain, wrapped):
        talk.type("x")
        talk.pass_time(2)
        talk.say(LOUD + QUIET)
        talk.pass_time(10)
    kinds = [[list(message) + list(message.get("serverContent", ())) for _, message in talk.sent] for talk in (plain, wrapped)]
    assert kinds[0] == kinds[1]
    assert [at for at, _ in plain.sent] == pytest.approx([at for at, _ in wrapped.sent])


# Sockets and frames


def test_slow_pong_delays_pongs_and_counts_the_connection() -> None:
    talk = FaultyTalk("slow_pong:seconds=9")
    assert talk.happened() == 0, "no ping has come"
    assert [talk.conversation.pinged() for _ in range(3)] == [9, 9, 9]
    assert talk.happened() == 1
    assert FaultyTalk(faults=talk.faults).conversation.pinged() == 0, "once, if nothing else is said"


def test_a_stalled_socket_neither_reads_nor_writes_and_may_go_on() -> None:
    talk = FaultyTalk("stalled_socket:at=audio,after_s=0.2,seconds=5")
    talk.typed()
    talk.pass_time(0.5)
    assert (talk.conversation.reads, talk.conversation.writes) == (False, False)
    sent = len(talk.sent)
    talk.pass_time(4)
    assert len(talk.sent) == sent
    talk.pass_time(10)
    assert (talk.conversation.reads, talk.conversation.writes) == (True, True)
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert len(talk.times("turnComplete")) == 1


def test_clearing_the_faults_lets_a_stalled_connection_go_on() -> None:
    talk = FaultyTalk("stalled_socket")
    talk.type("x")
    talk.pass_time(10)
    assert talk.sent == []
    assert talk.conversation.next_at is None
    talk.faults.clear()
    talk.pass_time(10)
    assert talk.conversation.reads
    assert talk.audio_s() == pytest.approx(PLAYED_S)


def test_a_frame_over_1_mib_is_still_a_message() -> None:
    talk = FaultyTalk("frame_over_1MiB")
    talk.typed()
    talk.pass_time(10)
    [frame] = talk.raw
    assert len(frame) > 1024 * 1024
    assert json.loads(frame)["serverContent"]["modelTurn"]
    assert undisturbed(talk)


def test_an_unknown_message_comes_in_the_midst_of_the_sound() -> None:
    talk = FaultyTalk("unknown_message:key=novelty")
    talk.typed()
    talk.pass_time(10)
    [at] = talk.times("novelty")
    assert talk.times("modelTurn")[0] <= at < talk.times("modelTurn")[-1]


@pytest.mark.parametrize("form", ["cut", "array", "binary", "empty"])
def test_a_malformed_message_is_none(form: str) -> None:
    talk = FaultyTalk(f"malformed_message:at=turn_complete,form={form}")
    talk.typed()
    talk.pass_time(10)
    [frame] = talk.raw
    with pytest.raises((ValueError, AttributeError)):
        json.loads(frame).items()


def test_a_keepalive_flood_comes_before_each_message() -> None:
    talk = FaultyTalk("keepalive_flood")
    talk.typed()
    talk.pass_time(10)
    sent = [message for _, message in talk.sent]
    assert all(before == {} for before in sent[::2])
    assert talk.happened() == 1


def test_what_happens_to_the_upgrade_is_told_once() -> None:
    faults = Faults([fault_from_text("slow_handshake:seconds=3"), fault_from_text("upgrade_refused:connection=2")])
    upgrades = [faults.upgrade() for _ in range(3)]
    assert [(each.delay_s, each.status) for each in upgrades] == [(3, None), (0, 503), (0, None)]
    faults.check_happened()


# Closes


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


# Setup and resumption


def test_setup_complete_comes_late_or_never() -> None:
    late = FaultyTalk("setup_complete_late:seconds=4")
    late.type("x")
    late.pass_time(10)
    assert late.times("setupComplete") == [pytest.approx(4.28)]
    assert late.find("modelTurn"), "what came before it is answered"
    never = FaultyTalk("setup_complete_never")
    never.type("x")
    never.pass_time(60)
    assert never.sent == []
    assert never.closed() is None


@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        ("resume_lock", 1011, "Internal error encountered."),
        ("stale_handle", 1008, "BidiGenerateContent session not found"),
        ("resume_refused", 1007, "Invalid session handle"),
        ("resume_refused:code=1008,reason=Requested entity was not found.", 1008, "Requested entity was not found."),
    ],
)
def test_a_resume_is_refused_and_the_next_one_isnt(fault: str, code: int, reason: str) -> None:
    first = FaultyTalk(fault)
    assert first.closed() is None
    assert first.happened() == 0, "it was no resume"
    second = FaultyTalk(faults=first.faults, resumes=first.memory)
    assert second.sent == []
    assert second.conversation.close is not None
    assert (second.conversation.close.code, second.conversation.close.reason) == (code, reason)
    assert FaultyTalk(faults=first.faults, resumes=first.memory).find("setupComplete")


def test_a_refused_resume_is_none_of_a_running_connection() -> None:
    talk = FaultyTalk(resumes=Memory())
    talk.ask("resume_lock")
    talk.pass_time(2)
    assert talk.closed() is None
    assert talk.happened() == 0


def test_a_cooldown_ends() -> None:
    faults = Faults([fault_from_text("resume_cooldown:seconds=0")])
    assert FaultyTalk(faults=faults, resumes=Memory()).closed() is None
    faults = Faults([fault_from_text("resume_cooldown:seconds=5")])
    memory = Memory()
    assert [FaultyTalk(faults=faults, resumes=memory).closed() for _ in range(3)] == [1011, 1011, 1011]


def test_the_second_resume_of_a_chain_forgets() -> None:
    first = FaultyTalk("resume_chain_amnesia")
    second, third = (FaultyTalk(faults=first.faults, resumes=first.memory) for _ in range(2))
    assert [talk.forgotten for talk in (first, second, third)] == [False, False, True]
    assert first.happened() == 1


def test_a_poisoned_resume_hears_and_never_speaks() -> None:
    first = FaultyTalk("poisoned_resume")
    assert undisturbed(first)
    second = FaultyTalk(faults=first.faults, resumes=first.memory)
    second.spoken()
    second.pass_time(10)
    assert second.find("inputTranscription")
    assert not second.find("modelTurn") + second.find("turnComplete") + second.find("outputTranscription")


def test_a_resumption_flood_repeats_the_handle() -> None:
    talk = FaultyTalk("resumption_flood:every_s=0.5")
    talk.pass_time(9.1)
    updates = talk.find("sessionResumptionUpdate")
    assert len(updates) == 21
    assert {update["newHandle"] for _, update in updates} == {talk.memory.handle}
    assert talk.happened() == 1


def test_the_last_transcript_is_replayed_after_a_resume() -> None:
    first = FaultyTalk("split_transcript_replay")
    assert undisturbed(first)
    second = FaultyTalk(faults=first.faults, resumes=first.memory)
    assert second.text() == LONG
    assert FaultyTalk(faults=first.faults, resumes=first.memory).text() == ""


# Turns


def test_an_empty_turn_is_complete_at_once() -> None:
    talk = FaultyTalk("empty_turn")
    began = talk.typed()
    assert talk.find("modelTurn") == []
    assert talk.times("generationComplete") == talk.times("turnComplete") == [pytest.approx(began)]
    assert undisturbed(talk)


def test_a_turn_that_is_being_spoken_can_not_be_empty_any_more() -> None:
    talk = FaultyTalk()
    talk.typed()
    talk.ask("empty_turn")
    talk.pass_time(12)
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert talk.happened() == 0
    talk.typed()
    assert talk.audio_s() == pytest.approx(PLAYED_S), "the next is"
    assert talk.happened() == 1


def test_an_early_turn_complete_comes_with_generation_complete() -> None:
    talk = FaultyTalk("early_turn_complete")
    talk.typed()
    talk.pass_time(10)
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert talk.times("turnComplete") == talk.times("generationComplete")
    assert undisturbed(talk)


def test_a_late_turn_complete_keeps_the_turn_open() -> None:
    talk = FaultyTalk("late_turn_complete:seconds=6")
    began = talk.typed()
    talk.pass_time(PLAYED_S + 5)
    assert talk.conversation.turn_open
    talk.pass_time(5)
    assert talk.times("turnComplete") == [pytest.approx(began + PLAYED_S + 6, abs=0.01)]


def test_speech_interrupts_a_turn_that_a_fault_holds_up() -> None:
    for fault in ("late_turn_complete:seconds=30", "mid_stall_7s:seconds=30"):
        talk = FaultyTalk(fault)
        talk.typed()
        talk.pass_time(8)
        talk.say(LOUD)
        [interrupted], [complete] = talk.times("interrupted"), talk.times("turnComplete")
        assert complete == pytest.approx(interrupted + 0.075)


def test_a_turn_complete_that_never_comes() -> None:
    talk = FaultyTalk("never_turn_complete")
    talk.typed()
    talk.pass_time(30)
    assert talk.find("generationComplete")
    assert talk.find("turnComplete") == []
    assert undisturbed(talk)


def test_a_phantom_interrupts_a_turn_and_only_a_turn() -> None:
    talk = FaultyTalk("phantom_interrupted:after_s=0.3")
    began = talk.typed()
    talk.pass_time(10)
    assert talk.times("interrupted") == [pytest.approx(began + 0.3)]
    assert talk.audio_s() < PLAYED_S
    short = FaultyTalk("phantom_interrupted:after_s=20")
    short.typed()
    short.pass_time(30)
    assert short.happened() == 0


def test_an_interrupt_without_a_turn_comes_first() -> None:
    talk = FaultyTalk("early_interrupt_no_turn")
    talk.typed()
    talk.pass_time(10)
    assert talk.times("interrupted")[0] <= talk.times("modelTurn")[0]
    assert len(talk.times("turnComplete")) == 2
    assert talk.audio_s() == pytest.approx(PLAYED_S)


def test_a_tool_answer_is_a_second_turn_as_on_vertex() -> None:
    talk = FaultyTalk("vertex_double_turn", tools={"clock": "BLOCKING"})
    talk.spoken()
    talk.responds()
    talk.pass_time(5)
    first, second = talk.times("turnComplete")
    assert first == talk.times("modelTurn")[0] < second


def test_typed_text_is_echoed_as_a_transcription() -> None:
    talk = FaultyTalk("echo_text_as_transcription")
    talk.send(messages.Text("Hello there."))
    assert talk.find("inputTranscription") == [(talk.now, {"text": "Hello there."})]
    talk.send(messages.Text("Hello again."))
    assert len(talk.find("inputTranscription")) == 1


# Sound


def test_a_transcript_comes_without_sound_and_without_response_tokens() -> None:
    talk = FaultyTalk("transcript_no_audio")
    talk.typed()
    talk.pass_time(10)
    assert talk.audio_s() == 0
    assert talk.text() == LONG
    [usage] = [message["usageMetadata"] for _, message in talk.sent if "usageMetadata" in message]
    assert "responseTokenCount" not in usage
    assert "promptTokenCount" in usage
    assert undisturbed(talk)


def test_control_text_comes_instead_of_sound() -> None:
    talk = FaultyTalk("control_text")
    talk.typed()
    talk.pass_time(10)
    assert talk.text() == "<ctrl46>"
    assert talk.audio_s() == 0


def test_a_stall_in_mid_sentence() -> None:
    talk = FaultyTalk("mid_stall_7s")
    talk.typed()
    talk.pass_time(20)
    times = talk.times("modelTurn")
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert sorted(gaps)[-2:] == [pytest.approx(0.05), pytest.approx(7.05)]
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert talk.times("turnComplete") == [pytest.approx(times[0] + PLAYED_S + 7)]


def test_sound_that_is_slower_than_it_plays() -> None:
    talk = FaultyTalk("slower_than_realtime:speed=0.5")
    talk.typed()
    talk.pass_time(30)
    times = talk.times("modelTurn")
    assert times[-1] - times[0] == pytest.approx(2 * PLAYED_S, abs=0.5)
    assert talk.times("turnComplete")[0] > times[-1]


def test_sound_in_one_burst() -> None:
    talk = FaultyTalk("burst_audio")
    began = talk.typed()
    talk.pass_time(10)
    assert set(talk.times("modelTurn")) == set(talk.times("generationComplete"))
    assert talk.times("modelTurn")[0] == pytest.approx(began)
    assert talk.times("turnComplete") == [pytest.approx(began + PLAYED_S)]
    assert undisturbed(talk)


def test_sound_after_generation_complete() -> None:
    talk = FaultyTalk("late_audio")
    talk.typed()
    talk.pass_time(10)
    kinds = [key for _, message in talk.sent for key in message.get("serverContent", ())]
    after = kinds[kinds.index("generationComplete") + 1 :]
    assert after.count("modelTurn") == 1
    assert talk.audio_s() == pytest.approx(PLAYED_S)
    assert undisturbed(talk)


def test_a_deaf_key_hears_nothing_but_reads() -> None:
    talk = FaultyTalk("audio_deaf_key")
    talk.say(bytes(32000))
    assert talk.happened() == 0, "silence wasn't worth hearing"
    talk.spoken()
    assert talk.find("voiceActivity") == []
    assert undisturbed(talk)


def test_a_deaf_vad_hears_the_first_turn_only() -> None:
    talk = FaultyTalk("vad_deaf")
    talk.spoken()
    talk.pass_time(10)
    assert talk.happened() == 0
    talk.spoken()
    talk.pass_time(10)
    assert talk.happened() == 1
    assert len(talk.find("inputTranscription")) == 1


def test_speech_that_does_not_end() -> None:
    talk = FaultyTalk("no_end_of_speech:seconds=4")
    talk.say(LOUD + QUIET + QUIET)
    assert talk.find("inputTranscription") == []
    talk.say(QUIET)
    assert len(talk.find("inputTranscription")) == 1


# Tools


def test_a_call_without_an_id_takes_a_response_without_one() -> None:
    talk = FaultyTalk("tool_no_id", tools={"clock": None})
    talk.spoken()
    [(_, call)] = talk.find("toolCall")
    assert call["functionCalls"] == [{"name": "clock", "args": {}}]
    talk.responds()
    talk.pass_time(5)
    assert talk.text() == "It is noon."


@pytest.mark.parametrize("behavior", ["BLOCKING", "NON_BLOCKING"])
def test_a_call_is_made_again_when_the_caller_goes_on(behavior: str) -> None:
    talk = FaultyTalk("tool_reissue", tools={"clock": behavior})
    talk.spoken()
    talk.typed()
    talk.pass_time(10)
    first, second = (call["functionCalls"][0] for _, call in talk.find("toolCall"))
    assert first["id"] != second["id"]
    assert (first["name"], first["args"]) == (second["name"], second["args"])
    talk.responds()
    talk.pass_time(5)
    assert talk.closed() is None
    assert ("It is noon." in talk.text()) == (behavior == "NON_BLOCKING")


def test_an_answered_call_is_not_made_again() -> None:
    talk = FaultyTalk("tool_reissue", tools={"clock": None})
    talk.spoken()
    talk.responds()
    talk.typed()
    talk.pass_time(10)
    assert len(talk.find("toolCall")) == 1
    assert talk.happened() == 0


def test_a_response_is_ignored() -> None:
    talk = FaultyTalk("tool_response_ignored", tools={"clock": None})
    talk.spoken()
    talk.responds()
    talk.pass_time(10)
    assert talk.find("modelTurn") == []
    talk.responds()
    talk.pass_time(10)
    assert talk.text() == "It is noon."


@pytest.mark.parametrize("code", [1008, 1011])
def test_tools_close_the_socket(code: int) -> None:
    on_call = FaultyTalk(f"tool_{code}:at=tool_call", tools={"clock": None})
    on_call.spoken()
    assert on_call.closed() == code
    on_response = FaultyTalk(f"tool_{code}", tools={"clock": None})
    on_response.spoken()
    assert on_response.closed() is None
    on_response.responds()
    assert on_response.closed() == code
