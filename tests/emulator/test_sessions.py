"""Handles and their lock: a session is on one socket at a time, and comes back with its memory."""

import pytest

from emulator import closes
from emulator.answers import Rule
from emulator.closes import Close
from emulator.errors import RefusedError
from emulator.profile import Profile
from emulator.profiles import GEMINI_2_5_NATIVE, GEMINI_3_1_FLASH_LIVE, GEMINI_3_8_LIVE
from emulator.sessions import Sessions
from emulator.tool_rounds import ToolRound


def refused(sessions: Sessions, handle: str, now: float) -> Close:
    with pytest.raises(RefusedError) as caught:
        sessions.open(handle, now)
    return caught.value.close


def test_a_resume_gets_the_memory_back() -> None:
    sessions = Sessions()
    memory = sessions.open(None, 0)
    memory.spoken_turns = 7
    sessions.leave(memory, 10, GEMINI_3_8_LIVE, clean=True, speaking=False)
    assert sessions.open(memory.handle, 10).spoken_turns == 7


@pytest.mark.parametrize("profile", [GEMINI_3_8_LIVE, GEMINI_3_1_FLASH_LIVE, GEMINI_2_5_NATIVE])
def test_a_handle_brings_back_the_session_or_the_moment_it_was_given_at(profile: Profile) -> None:
    sessions = Sessions()
    memory = sessions.open(None, 0)
    memory.spoken_turns, memory.notes["name"] = 1, ["Ada"]
    handle = memory.give_handle(profile)
    memory.spoken_turns, memory.audio_s = 2, 8.0
    memory.notes["name"].append("Lovelace")
    sessions.leave(memory, 10, profile, clean=True, speaking=False)
    back = sessions.open(handle, 10)
    whole = (2, 8.0, {"name": ["Ada", "Lovelace"]})
    assert (back.spoken_turns, back.audio_s, back.notes) == (
        whole if profile is GEMINI_3_8_LIVE else (1, 0.0, {"name": ["Ada"]})
    )


def test_of_the_handles_to_moments_the_oldest_are_forgotten() -> None:
    sessions = Sessions()
    memory = sessions.open(None, 0)
    handles = [memory.give_handle(GEMINI_3_1_FLASH_LIVE) for _ in range(101)]
    sessions.leave(memory, 10, GEMINI_3_1_FLASH_LIVE, clean=True, speaking=False)
    assert refused(sessions, handles[0], 10) == closes.SESSION_NOT_FOUND
    assert sessions.open(handles[1], 10) is memory


def test_a_held_session_is_locked() -> None:
    sessions = Sessions()
    memory = sessions.open(None, 0)
    assert refused(sessions, memory.handle, 900) == closes.SESSION_LOCKED


@pytest.mark.parametrize(("clean", "speaking", "locked"), [(True, False, False), (False, True, False), (False, False, True)])
def test_a_drop_in_silence_locks_for_a_moment(clean: bool, speaking: bool, locked: bool) -> None:
    sessions = Sessions()
    memory = sessions.open(None, 0)
    sessions.leave(memory, 10, GEMINI_3_8_LIVE, clean=clean, speaking=speaking)
    if locked:
        assert refused(sessions, memory.handle, 11.4) == closes.SESSION_LOCKED
    sessions.open(memory.handle, 11.5 if locked else 10)


@pytest.mark.parametrize(("profile", "survives"), [(GEMINI_3_8_LIVE, True), (GEMINI_2_5_NATIVE, False)])
def test_a_call_that_was_open_at_the_drop_survives_where_it_is_known_to(profile: Profile, survives: bool) -> None:
    sessions = Sessions()
    memory = sessions.open(None, 0)
    memory.rounds.open(ToolRound(Rule("x"), {}, {"call_1": "book"}, blocking=True))
    sessions.leave(memory, 10, profile, clean=True, speaking=False)
    assert sessions.open(memory.handle, 12).rounds.ids() == (["call_1"] if survives else [])


def test_unknown_and_expired_handles_are_not_found() -> None:
    sessions = Sessions()
    assert refused(sessions, "bogus", 0) == closes.SESSION_NOT_FOUND
    memory = sessions.open(None, 0)
    sessions.leave(memory, 10, GEMINI_3_8_LIVE, clean=True, speaking=False)
    assert refused(sessions, memory.handle, 10 + 7201) == closes.SESSION_NOT_FOUND


def test_the_sessions_that_were_left_first_are_forgotten_first() -> None:
    sessions = Sessions(most=2)
    one, two, three = (sessions.open(None, 0) for _ in range(3))
    for at, memory in enumerate((two, one, three), 1):
        sessions.leave(memory, at, GEMINI_3_8_LIVE, clean=True, speaking=False)
    assert refused(sessions, two.handle, 9) == closes.SESSION_NOT_FOUND
    assert {sessions.open(memory.handle, 9).handle for memory in (one, three)} == {one.handle, three.handle}
