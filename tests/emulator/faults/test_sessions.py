"""Faults of setup and resumption, by what they do to a scripted conversation."""

import pytest

from emulator.faults.asked import Faults
from emulator.faults.catalogue import fault_from_text
from emulator.sessions import Memory
from tests.emulator.faulty_talk import FaultyTalk, undisturbed
from tests.emulator.talk import LONG


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
