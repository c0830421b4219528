"""Keys of a telephone whose call is handed over from another process."""

import asyncio

from livekit import rtc

from agent.room.telephone import Telephone
from tests.agent.people import PeopledRoom, human


def press(room: PeopledRoom, key: str) -> None:
    who = human("phone", kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP)
    room.emit("sip_dtmf_received", rtc.SipDTMF(code=0, digit=key, participant=who))


async def test_keys_since_the_call_was_given_away_count_once_the_caller_is_known() -> None:
    room, callers, turns = PeopledRoom(), set[str](), asyncio.Queue[str]()
    telephone = Telephone(room, callers.__contains__)
    telephone.keep_keys()
    press(room, "1")  # which the other process has heard
    given_at = asyncio.get_running_loop().time()
    press(room, "2")
    press(room, "3")
    callers.add("phone")
    telephone.take_kept(given_at)
    assert telephone.is_pressed
    press(room, "#")
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(telephone.listen(turns.put))
        assert await turns.get() == "(pressed on the telephone: 2 3 #)"
        listening.cancel()


async def test_keys_of_a_telephone_that_is_not_the_caller_do_not_count() -> None:
    room = PeopledRoom()
    telephone = Telephone(room, lambda _: False)
    telephone.keep_keys()
    press(room, "1")
    telephone.take_kept(0.0)
    press(room, "2")
    assert not telephone.is_pressed
