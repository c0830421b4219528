"""How faults are asked for and counted; and that any of them, in any order, leave a connection in a legal state."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import messages
from emulator.errors import FaultError, FaultNotHappenedError
from emulator.faults.asked import Faults
from emulator.faults.catalogue import CATALOGUE, catalogue_table, fault_from_table, fault_from_text
from emulator.faults.fault import UpgradeFault
from emulator.faults.sound import MidStall
from emulator.profile import Profile
from emulator.profiles import PROFILES
from emulator.sessions import Memory
from tests.emulator.faulty_talk import FaultyTalk
from tests.emulator.talk import LOUD, QUIET

SECTION_15 = {
    "slow_pong",
    "goaway_silent",
    "goaway_missing",
    "idle_abort",
    "resume_lock",
    "resume_cooldown",
    "resume_chain_amnesia",
    "poisoned_resume",
    "stale_handle",
    "transcript_no_audio",
    "empty_turn",
    "tool_no_id",
    "tool_reissue",
    "tool_response_ignored",
    "tool_1008",
    "tool_1011",
    "vertex_double_turn",
    "late_turn_complete",
    "late_audio",
    "unknown_message",
    "keepalive_flood",
    "resumption_flood",
    "mid_stall_7s",
    "slower_than_realtime",
    "control_text",
    "vad_deaf",
    "echo_text_as_transcription",
    "frame_over_1MiB",
    "split_transcript_replay",
    "abrupt_1006",
    "audio_deaf_key",
    "early_interrupt_no_turn",
}


def test_every_fault_of_the_reference_is_there_with_a_line_of_help() -> None:
    assert set(CATALOGUE) >= SECTION_15
    lines = catalogue_table().splitlines()
    for kind in CATALOGUE.values():
        [line] = [line for line in lines if line.startswith(f"{kind.name} ")]
        assert kind.what in line
        assert f"[{kind.evidence}]" in line


def test_text_and_table_make_the_same_fault() -> None:
    text = fault_from_text("close:at=audio, code=1008, after_s=0.5, reason=No, not now, times=0")
    assert text.parameters()["reason"] == "No, not now"
    table = fault_from_table({"name": "close", "at": "audio", "code": 1008, "after_s": 0.5, "reason": "x", "times": 0})
    assert text.parameters().keys() == table.parameters().keys()
    assert fault_from_text("mid_stall_7s").parameters() == MidStall().parameters()
    assert fault_from_text("goaway:code=1011").parameters()["code"] == 1011
    assert table.parameters() == {
        "times": 0,
        "connection": 0,
        "model": "",
        "at": "audio",
        "after_s": 0.5,
        "turn": 0,
        "code": 1008,
        "reason": "x",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mid_stall", "there is no fault 'mid_stall'; did you mean mid_stall_7s? known are slow_handshake, "),
        ("", "there is no fault ''; known are "),
        (
            "mid_stall_7s:secs=3",
            "fault mid_stall_7s: there is no parameter 'secs'; known are after_s, connection, model, seconds, ",
        ),
        ("mid_stall_7s:seconds", "fault mid_stall_7s: 'seconds' is no parameter; write mid_stall_7s:k=v,... with "),
        ("mid_stall_7s:seconds=soon", "fault mid_stall_7s: seconds is 'soon'; it must be a number from 0 to 1e+06"),
        ("mid_stall_7s:seconds=-1", "fault mid_stall_7s: seconds is -1; it must be a number from 0"),
        ("mid_stall_7s:seconds=inf", "fault mid_stall_7s: seconds is inf; it must be a number"),
        ("mid_stall_7s:times=1.5", "fault mid_stall_7s: times is 1.5; it must be a whole number from 0"),
        ("upgrade_refused:status=200", "fault upgrade_refused: status is 200; it must be a whole number from 400 to 599"),
        ("resumption_flood:every_s=0", "fault resumption_flood: every_s is 0; it must be a number from 0.05"),
        ("close:at=lunch", "fault close: at is 'lunch'; it must be one of start, setup, speech, "),
        ("goaway:code=1007", "fault goaway: code is '1007'; it must be one of 1008, 1011"),
        ("slow_handshake:model=m", "fault slow_handshake: there is no parameter 'model'; known are connection, seconds, times"),
        ("stale_handle:code=1011", "fault stale_handle: there is no parameter 'code'"),
    ],
)
def test_what_means_nothing_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(FaultError) as caught:
        fault_from_text(text)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "table",
    [
        None,
        [],
        {},
        {"name": 3},
        {"name": "nothing"},
        {"name": "close", "code": True},
        {"name": "close", "code": "1011"},
        {"name": "close", "reason": 5},
        {"name": "goaway", "seconds": 10**400},
        {"name": "goaway", "seconds": float("nan")},
        {"name": "close", "at": []},
    ],
)
def test_a_table_that_is_no_fault_is_refused(table: Any) -> None:
    with pytest.raises(FaultError):
        fault_from_table(table)


def test_the_same_askings_are_added_up_and_count_what_really_happened() -> None:
    faults = Faults([fault_from_text(text) for text in ("empty_turn", "empty_turn", "empty_turn:turn=9")])
    talk = FaultyTalk(faults=faults)
    talk.typed()
    counts = [(told["parameters"]["turn"], told["asked"], told["happened"]) for told in faults.report()]
    assert counts == [(0, 2, 1), (9, 1, 0)]
    assert json.loads(json.dumps(faults.report())) == faults.report()


def test_times_bounds_a_fault_over_all_connections() -> None:
    faults = Faults([fault_from_text("echo_text_as_transcription:times=3")])
    for _ in range(2):
        talk = FaultyTalk(faults=faults)
        for _ in range(2):
            talk.send(messages.Text("x"))
    assert faults.report()[0]["happened"] == 3


def test_a_fault_selects_a_connection_and_a_model() -> None:
    faults = Faults([fault_from_text("abrupt_1006:connection=2"), fault_from_text("close:model=another")])
    assert [FaultyTalk(faults=faults).closed() for _ in range(3)] == [None, 1006, None]


def test_a_fault_that_never_happened_fails_the_test_that_asked() -> None:
    faults = Faults()
    with faults.expecting(fault_from_text("empty_turn")):
        FaultyTalk(faults=faults).typed()
    assert faults.report() == [], "it was for the block"
    with (
        pytest.raises(FaultNotHappenedError, match=r"asked for and never happened: tool_1008$"),
        faults.expecting(fault_from_text("tool_1008"), fault_from_text("empty_turn")),
    ):
        FaultyTalk(faults=faults).typed()
    with pytest.raises(ZeroDivisionError), faults.expecting(fault_from_text("tool_1008")):
        _ = 1 / 0
    faults.add(fault_from_text("goaway"))
    with pytest.raises(FaultNotHappenedError) as caught:
        faults.check_happened()
    assert caught.value.faults == ["goaway"]


def test_faults_join_running_connections_until_they_are_left_or_cleared() -> None:
    woken: list[str] = []
    faults = Faults()
    stays = faults.for_connection("m", None, lambda: woken.append("stays"))
    leaves = faults.for_connection("m", None, lambda: woken.append("leaves"))
    faults.leave(leaves)
    faults.add(fault_from_text("close"))
    assert woken == ["stays"]
    assert len(stays.take_new()) == len(stays.faults) == 1
    faults.clear()
    assert woken == ["stays", "stays"]
    assert stays.faults == []


def test_more_than_a_thousand_are_refused() -> None:
    faults = Faults([MidStall() for _ in range(1000)])
    with pytest.raises(FaultError, match="1000 faults are asked for already"):
        faults.add(MidStall())


def test_a_fault_that_is_asked_for_on_a_running_connection_begins_then() -> None:
    talk = FaultyTalk()
    talk.pass_time(5)
    talk.ask("goaway:after_s=1,seconds=2")
    talk.pass_time(3)
    assert talk.times("goAway") == [7.0]
    assert talk.closed() == 1008


KINDS = [kind for kind in CATALOGUE.values() if not issubclass(kind, UpgradeFault)]
SHORT = {"seconds": st.floats(0.1, 5), "after_s": st.floats(0, 3), "times": st.integers(0, 2), "turn": st.integers(0, 2)}


@st.composite
def asking(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(KINDS))
    chosen = {key: draw(values) for key, values in SHORT.items() if key in kind().parameters()}
    if draw(st.booleans()):
        chosen = {}
    return {"name": kind.name, **chosen}


STEPS = st.one_of(
    st.tuples(st.just("wait"), st.floats(0.001, 4)),
    st.tuples(st.just("loud"), st.integers(1, 60)),
    st.tuples(st.just("quiet"), st.integers(1, 60)),
    st.tuples(st.just("type"), st.booleans()),
    st.tuples(st.just("text"), st.none()),
    st.tuples(st.just("answer"), st.none()),
    st.tuples(st.just("ask"), asking()),
    st.tuples(st.just("clear"), st.none()),
)


class CheckedTalk(FaultyTalk):
    """Looks at each moment whether the connection is in a legal state."""

    idle_rounds = 0
    collected_at = -1.0

    def collect(self) -> None:
        closed = self.conversation.close is not None
        before = len(self.sent) + len(self.raw)
        super().collect()
        self.idle_rounds = self.idle_rounds + 1 if self.now == self.collected_at else 0
        self.collected_at = self.now
        assert self.idle_rounds < 1000, "it always has something to do at once"
        next_at = self.conversation.next_at
        assert next_at is None or next_at >= self.now - 1e-9
        assert not (closed and next_at is not None)
        assert len(self.sent) + len(self.raw) - before < 2000

    def step(self, kind: str, value: Any) -> None:
        match kind:
            case "wait":
                self.pass_time(value)
            case "loud":
                self.say(LOUD[: 640 * value])
            case "quiet":
                self.say(QUIET[: 640 * value])
            case "type":
                self.send(messages.ClientContent("x", turn_complete=value))
            case "text":
                self.send(messages.Text("x"))
            case "answer":
                self.responds()
            case "ask":
                self.faults.add(fault_from_table(value))
            case "clear":
                self.faults.clear()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(asking(), max_size=5),
    st.lists(STEPS, max_size=12),
    st.sampled_from([None, "BLOCKING"]),
    st.booleans(),
    st.sampled_from(list(PROFILES.values())),
)
def test_any_faults_in_any_order_leave_a_legal_connection(
    asked: list[dict[str, Any]], steps: list[tuple[str, Any]], behavior: str | None, resumes: bool, profile: Profile
) -> None:
    faults = Faults([fault_from_table(table) for table in asked])
    memory = Memory() if resumes else None
    talk = CheckedTalk(faults=faults, resumes=memory, tools={"clock": behavior}, profile=profile)
    for kind, value in steps:
        talk.step(kind, value)
    for told in faults.report():
        limit = told["parameters"]["times"] * told["asked"]
        assert not limit or told["happened"] <= limit
    faults.clear()
    talk.pass_time(60)
    talk.type("x")  # a call that nobody answers holds its turn until the caller goes on
    talk.pass_time(60)
    if talk.closed() is None:
        assert (talk.conversation.reads, talk.conversation.writes) == (True, True)
        assert not talk.conversation.turn_open
        assert talk.conversation.next_at is None
        assert talk.conversation.pinged() == 0
