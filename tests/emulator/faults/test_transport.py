"""Faults of sockets and frames, by what they do to a scripted conversation."""

import json

import pytest

from emulator.faults.asked import Faults
from emulator.faults.catalogue import fault_from_text
from tests.emulator.faulty_talk import PLAYED_S, FaultyTalk, undisturbed


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
