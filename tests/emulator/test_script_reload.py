"""A script that is saved counts for the sessions that open from then on; those that are open keep theirs."""

import asyncio
from pathlib import Path

import pytest

from emulator.answers import Answers, Situation
from emulator.script import load
from emulator.script_reload import rereading
from tests.e2e.stack import until
from tests.emulator.conftest import Connect, Running
from tests.emulator.test_sdk import turn


def write(path: Path, words: str) -> None:
    path.write_text(f'think_ms = 0\n[[typed]]\nmatches = "."\nsays = "{words}"\n')


async def test_a_saved_script_is_read_and_one_with_a_mistake_is_named_and_not_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, taken = tmp_path / "script.toml", asyncio.Queue[Answers](maxsize=9)
    write(path, "one")
    async with asyncio.timeout(20), rereading(path, taken.put_nowait):
        write(path, "number two")
        assert (await taken.get()).answer(Situation("?")).says == "number two"
        path.write_text('[[typed]]\nmatches = "."\nsay = "x"\n')
        await until(lambda: "sessions go on with the last good script" in caplog.text)
        assert "script.toml: typed 1 has the unknown key 'say'" in caplog.text
        path.unlink()
        write(path, "three")
        assert (await taken.get()).answer(Situation("?")).says == "three"
    assert taken.empty()


async def test_an_open_session_keeps_its_script(tmp_path: Path, quick: Running, connect: Connect) -> None:
    path = tmp_path / "script.toml"
    write(path, "The first script.")
    quick[0].answer_with(load(path))
    async with connect("quick") as before:
        await before.send_realtime_input(text="Hello")
        assert (await turn(before)).text == "The first script."
        write(path, "The second script.")
        quick[0].answer_with(load(path))
        async with connect("quick") as after:
            await after.send_realtime_input(text="Hello")
            assert (await turn(after)).text == "The second script."
        await before.send_realtime_input(text="Hello again")
        assert (await turn(before)).text == "The first script."
