"""The memory of a call: taken once, kept privately and no longer than two hours; of a call with two callers nothing is kept."""

import asyncio
import logging
import os
import stat
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from livekit import rtc

from agent.call.caller_memory import CallerMemory, caller_memory, terms_of
from agent.call.caller_store import DirectoryStore, check_folder, delete_as_they_expire, delete_expired
from agent.call.remembered_call import REMEMBERED_S, RememberedCall, Resumption, Terms
from agent.errors import SettingsError
from agent.gemini import Line
from agent.persona import Persona
from agent.settings import Settings, read_settings
from tests.agent.people import PeopledRoom, human

TERMS = Terms("assistant", "gemini-3.8-live", "a-hash")
LINES = [Line(by_caller=True, text="My name is Ada."), Line(by_caller=False, text="Hello Ada.")]
PERSONA = Persona("assistant", instructions="Be brief.")
NUMBER = "+491701234567"


def store(folder: Path) -> DirectoryStore:
    return DirectoryStore(folder / "callers", b"a secret")


def remembered(handle: str | None = "h1") -> RememberedCall:
    return RememberedCall(TERMS, time.time(), handle, tuple(LINES))


def memory(folder: Path, identity: str = "ada", terms: Terms = TERMS, **options: bool) -> CallerMemory:
    """The memory of a call whose caller is there."""
    made = CallerMemory(store(folder), terms, lambda identity: f"identity {identity}", **options)
    made.caller_came(identity)
    return made


class TakenMeanwhile:
    """A store; something happens while a call is taken from it. `gives`: that call, instead of the store's own."""

    def __init__(self, kept: DirectoryStore, happens: Callable[[], None], gives: RememberedCall | None = None) -> None:
        self._kept = kept
        self._happens = happens
        self._gives = gives

    async def put(self, caller: str, remembered: RememberedCall) -> None:
        await self._kept.put(caller, remembered)

    async def take(self, caller: str) -> RememberedCall | None:
        taken = await self._kept.take(caller)
        self._happens()
        return self._gives or taken


def settings(folder: Path, **given: Any) -> Settings:
    return read_settings(None, **{"google_api_key": "key", "resume_callers_dir": folder / "callers", **given})


# The store


async def test_a_call_is_taken_once(tmp_path: Path) -> None:
    kept = remembered()
    await store(tmp_path).put("ada", kept)
    taken = await asyncio.gather(*(store(tmp_path).take("ada") for _ in range(8)))
    assert [call for call in taken if call is not None] == [kept], "of calls at once one gets it"
    assert list((tmp_path / "callers").iterdir()) == []


async def test_a_caller_gets_their_own_last_call(tmp_path: Path) -> None:
    await store(tmp_path).put("ada", remembered("h1"))
    await store(tmp_path).put("ada", remembered("h2"))
    assert await store(tmp_path).take("bob") is None
    assert await DirectoryStore(tmp_path / "callers", b"another secret").take("ada") is None
    taken = await store(tmp_path).take("ada")
    assert taken is not None
    assert taken.handle == "h2"


async def test_nobody_else_can_read_it_and_no_name_shows_whose_it_is(tmp_path: Path) -> None:
    await store(tmp_path).put(f"phone {NUMBER}", remembered())
    [file] = (tmp_path / "callers").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert NUMBER not in file.name + file.read_text()


async def test_what_has_expired_is_deleted(tmp_path: Path) -> None:
    """Whoever's call it was, at the next one of anybody; and what a crash has left of a taken one."""
    await store(tmp_path).put("ada", remembered())
    [file] = (tmp_path / "callers").iterdir()
    file.with_name("left.taken").touch()
    for path in file.parent.iterdir():
        os.utime(path, (0, time.time() - REMEMBERED_S - 1))
    assert await store(tmp_path).take("bob") is None
    assert list(file.parent.iterdir()) == []


async def test_a_file_that_is_no_remembered_call_is_none(tmp_path: Path) -> None:
    await store(tmp_path).put("ada", remembered())
    [file] = (tmp_path / "callers").iterdir()
    file.write_bytes(b"\xff\x00 broken")
    assert await store(tmp_path).take("ada") is None


async def test_a_running_worker_deletes_what_expires(tmp_path: Path) -> None:
    await store(tmp_path).put("ada", remembered())
    [file] = (tmp_path / "callers").iterdir()

    async def moments() -> AsyncIterator[None]:
        yield
        assert file.exists()
        os.utime(file, (0, time.time() - REMEMBERED_S - 1))
        yield

    await delete_as_they_expire(tmp_path / "callers", moments())
    assert not file.exists()


def test_only_files_of_the_store_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    os.utime(tmp_path / "notes.txt", (0, 0))
    delete_expired(tmp_path, time.time())
    assert (tmp_path / "notes.txt").exists()


def test_a_folder_that_others_may_read_is_refused_at_the_start(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "callers")
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(SettingsError, match=r"RESUME_CALLERS_DIR is .*others may read it; `chmod 700"):
        check_folder(tmp_path / "open")
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"RESUME_CALLERS_DIR is .*name a folder of this user's"):
        check_folder(tmp_path / "file")


def test_remembering_callers_needs_a_folder() -> None:
    with pytest.raises(
        SettingsError, match=r"RESUME_CALLERS_DIR is not set: RESUME_CALLERS keeps what callers have said there"
    ):
        read_settings(None, google_api_key="key", resume_callers="phone")


# The memory of a call


async def test_who_calls_back_goes_on_and_is_welcomed_back_once(tmp_path: Path) -> None:
    await memory(tmp_path).keep("h1", LINES, LINES)
    again = memory(tmp_path)
    assert await again.recall() == Resumption("h1", tuple(LINES))
    assert (again.takes_welcome(), again.takes_welcome()) == (True, False)
    third = memory(tmp_path)
    assert await third.recall() is None, "it was deleted when it was used"
    assert not third.takes_welcome()


async def test_a_service_whose_handles_restore_no_whole_session_gets_the_lines(tmp_path: Path) -> None:
    await memory(tmp_path, keeps_handle=False).keep("h1", LINES, LINES)
    assert await memory(tmp_path).recall() == Resumption(None, tuple(LINES))


async def test_of_a_call_with_two_callers_nothing_is_kept(tmp_path: Path) -> None:
    shared = memory(tmp_path)
    shared.caller_came("bob")
    await shared.keep("h1", LINES, LINES)
    assert await memory(tmp_path).recall() is None
    assert await memory(tmp_path, "bob").recall() is None


async def test_who_takes_the_call_of_somebody_who_came_back_is_not_welcomed_back(tmp_path: Path) -> None:
    await memory(tmp_path).keep("h1", LINES, LINES)
    again = memory(tmp_path)
    assert await again.recall() is not None
    again.caller_came("bob")
    assert not again.takes_welcome()


async def test_a_call_that_two_have_come_to_takes_nothing_of_the_first_ones_last_call(tmp_path: Path) -> None:
    """Ada is there without a microphone, and Bob comes with one before the call has asked for what it goes on from."""
    await memory(tmp_path).keep("h1", LINES, LINES)
    shared = memory(tmp_path)
    shared.caller_came("bob")
    assert await shared.recall() is None
    assert not shared.takes_welcome()
    assert await memory(tmp_path).recall() == Resumption("h1", tuple(LINES)), "it is kept for Ada's next call"


async def test_what_is_being_taken_as_somebody_else_comes_is_put_back_as_it_was(tmp_path: Path) -> None:
    await store(tmp_path).put("identity ada", remembered())
    [file] = (tmp_path / "callers").iterdir()
    before = (file.read_text(), file.stat().st_mtime)
    while_taken = TakenMeanwhile(store(tmp_path), lambda: shared.caller_came("bob"))
    shared: CallerMemory = CallerMemory(while_taken, TERMS, lambda identity: f"identity {identity}")
    shared.caller_came("ada")
    assert await shared.recall() is None
    assert not shared.takes_welcome()
    assert (file.read_text(), file.stat().st_mtime) == before


async def test_a_call_in_which_nothing_was_said_is_not_kept(tmp_path: Path) -> None:
    await memory(tmp_path).keep("h1", [], [])
    assert await memory(tmp_path).recall() is None


async def test_a_call_in_which_the_caller_said_nothing_leaves_the_last_one_as_it_was(tmp_path: Path) -> None:
    """Who calls every hour and a half and hangs up in silence doesn't have their words kept all day."""
    ended_at = time.time() - 5400
    await store(tmp_path).put("identity ada", replace(remembered("h1"), ended_at=ended_at))
    [file] = (tmp_path / "callers").iterdir()
    before = (file.read_text(), file.stat().st_mtime)
    assert before[1] == pytest.approx(ended_at, abs=0.001)
    silent = memory(tmp_path)
    assert await silent.recall() is not None
    greeting = Line(by_caller=False, text="Welcome back.")
    await silent.keep("h2", [*LINES, greeting], [greeting])
    assert (file.read_text(), file.stat().st_mtime) == before


@pytest.mark.parametrize("others", [[], ["bob"]], ids=["alone", "somebody else came as well"])
async def test_an_agent_that_leaves_the_call_to_another_gives_back_what_it_has_taken(tmp_path: Path, others: list[str]) -> None:
    """Of two Earshots in a room the second one leaves, and may have been the first at the store."""
    kept = remembered()
    await store(tmp_path).put("identity ada", kept)
    call = memory(tmp_path)
    assert await call.recall() is not None
    for identity in others:
        call.caller_came(identity)
    await call.give_back()
    await call.give_back()
    assert await store(tmp_path).take("identity ada") == kept
    await memory(tmp_path).give_back()
    assert await store(tmp_path).take("identity ada") is None, "nothing was taken"


async def test_what_is_put_back_replaces_no_newer_call(tmp_path: Path) -> None:
    await memory(tmp_path).keep("h1", LINES, LINES)
    silent = memory(tmp_path)
    assert await silent.recall() is not None
    await memory(tmp_path).keep("h2", LINES, LINES)
    await silent.keep("h3", LINES, [])
    assert await memory(tmp_path).recall() == Resumption("h2", tuple(LINES))


async def test_what_has_expired_in_a_call_is_not_put_back(tmp_path: Path) -> None:
    old = replace(remembered("h1"), ended_at=time.time() - REMEMBERED_S - 1)
    while_taken = TakenMeanwhile(store(tmp_path), lambda: None, old)
    silent = CallerMemory(while_taken, TERMS, lambda identity: f"identity {identity}")
    silent.caller_came("ada")
    assert await silent.recall() is None
    await silent.keep("h2", [], [])
    assert not (tmp_path / "callers").exists()


async def test_of_a_dispatchs_history_nothing_is_kept_if_the_caller_said_nothing(tmp_path: Path) -> None:
    await memory(tmp_path).keep("h1", LINES, LINES[1:])
    assert not (tmp_path / "callers").exists()


async def test_a_store_that_fails_costs_the_call_nothing_and_the_log_has_no_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "callers").touch()
    made = memory(tmp_path)
    assert await made.recall() is None
    await made.keep("h1", LINES, LINES)
    assert [record.levelname for record in caplog.records if record.name == "earshot.call"] == ["WARNING", "WARNING"]
    assert not [word for word in ("Ada", "ada", "h1") if word in caplog.text]


async def test_without_the_setting_nothing_is_taken_or_kept(tmp_path: Path) -> None:
    made = caller_memory(settings(tmp_path), PERSONA, PeopledRoom(), is_console=False)
    made.caller_came("ada")
    assert await made.recall() is None
    await made.keep("h1", LINES, LINES)
    assert not (tmp_path / "callers").exists()


async def test_a_telephone_is_known_by_its_number_and_a_browser_by_none(tmp_path: Path) -> None:
    """A browser can write the attribute of a telephone, and not its kind."""
    room, shown = PeopledRoom(), {"sip.phoneNumber": NUMBER}
    room.people = {
        "sip_1": human("sip_1", kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP, attributes=shown),
        "sip_2": human("sip_2", kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP, attributes=shown),
        "liar": human("liar", attributes=shown),
    }
    by_phone = settings(tmp_path, resume_callers="phone")
    calls = {name: caller_memory(by_phone, PERSONA, room, is_console=False) for name in room.people}
    for name, call in calls.items():
        call.caller_came(name)
    await calls["sip_1"].keep("h1", LINES, LINES)
    assert await calls["liar"].recall() is None
    found = await calls["sip_2"].recall()
    assert found == Resumption("h1", tuple(LINES))


def test_another_key_has_other_terms_and_shows_nothing_of_it(tmp_path: Path) -> None:
    one, other = (terms_of(settings(tmp_path, google_api_key=key), PERSONA) for key in ("s3cret-one", "s3cret-two"))
    assert one != other
    assert "s3cret" not in repr(one)
