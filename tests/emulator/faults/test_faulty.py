"""A conversation that no fault is asked for is the conversation itself."""

import pytest

from tests.emulator.faulty_talk import FaultyTalk
from tests.emulator.talk import LOUD, QUIET, Talk


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
