"""`python -m failover`: what it shows, and its exit codes."""

import asyncio
import json
from pathlib import Path

import pytest
from livekit import api

from failover.__main__ import DONE, FAILED, WRONG_USAGE, main
from failover.lease import Lease, State
from failover.listing import as_text, listed
from failover.opening import open_store
from failover.settings import read_settings, store_config
from tests.failover.livekit_stand_in import livekit_stand_in
from tests.ports import free_port

CALL = Lease("call-1", State.HELD, "agent-1", "AW_1", generation=1, takeovers=0, changed_at=5.0)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a worker that has its leases in a folder of the test's."""
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "CHECKPOINT_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "LIVEKIT_URL", "AGENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FAILOVER_DIR", str(tmp_path))


def test_the_table_has_each_call_with_its_state_age_and_worker() -> None:
    lost = Lease("call-2", State.CLAIMED, "agent-2", "AW_2", generation=3, takeovers=1, changed_at=5.0)
    text = as_text(listed([lost, CALL], {"call-1": 1000.0}, 1000.0 + 3_725))
    assert text.splitlines() == [
        "room    state    age      takeovers  worker  agent",
        "call-1  held     1:02:05  0          AW_1    agent-1",
        "call-2  claimed  ?        1          AW_2    agent-2",
        "",
        "calls: 2; by worker: AW_1: 1, AW_2: 1",
    ]


@pytest.mark.usefixtures("settings")
def test_without_calls_it_says_so_and_asks_no_livekit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == DONE
    assert capsys.readouterr() == ("no calls\n", "")


@pytest.mark.usefixtures("settings")
async def test_it_lists_what_the_workers_have_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with livekit_stand_in() as livekit:
        livekit.rooms["call-1"] = [api.ParticipantInfo(identity="caller")]
        monkeypatch.setenv("LIVEKIT_URL", livekit.url)
        config = store_config(read_settings())
        assert config is not None
        async with open_store(config) as store:
            assert await store.acquire("call-1", "agent-1", "AW_1") is not None
            assert await asyncio.to_thread(main, ["list", "--json"]) == DONE
    [call] = json.loads(capsys.readouterr().out)
    assert {**call, "age_s": None} == {
        "room": "call-1",
        "state": "held",
        "age_s": None,
        "takeovers": 0,
        "worker": "AW_1",
        "agent": "agent-1",
    }
    assert call["age_s"] is not None


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CHECKPOINT_KEY", "short", "CHECKPOINT_KEY is '***': it is one Fernet key"),
        ("LIVEKIT_URL", "wss://livekit.example.com", "LIVEKIT_API_KEY is not set: "),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence_and_exit_code_2(
    name: str, value: str, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["list"]) == WRONG_USAGE
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith(says)


@pytest.mark.usefixtures("settings")
def test_a_store_that_cannot_be_reached_is_one_sentence_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAILOVER_DIR")
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{free_port()}/0")
    assert main(["list"]) == FAILED
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("settings")
async def test_drain_shows_what_a_worker_still_runs_and_asks_for_its_hand_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with livekit_stand_in() as livekit:
        monkeypatch.setenv("LIVEKIT_URL", livekit.url)
        config = store_config(read_settings())
        assert config is not None
        async with open_store(config) as store:
            mine = await store.acquire("call-1", "agent-1", "AW_1")
            other = await store.acquire("call-2", "agent-2", "AW_2")
            assert mine is not None
            assert other is not None
            assert await asyncio.to_thread(main, ["drain", "--json"]) == FAILED, "calls still run"
            assert len(json.loads(capsys.readouterr().out)) == 2
            assert await asyncio.to_thread(main, ["drain", "--worker", "AW_1", "--hand-over", "--json"]) == FAILED
            [call] = json.loads(capsys.readouterr().out)
            assert call["room"] == "call-1"
            assert [(await store.renew(lease)).state for lease in (mine, other)] == [State.ASKED, State.HELD]
            waiting = asyncio.create_task(asyncio.to_thread(main, ["drain", "--worker", "AW_1", "--wait"]))
            await store.release(mine)
            assert await waiting == DONE


@pytest.mark.usefixtures("settings")
def test_the_calls_of_a_whole_fleet_are_not_handed_over_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["drain", "--hand-over"]) == WRONG_USAGE
    assert capsys.readouterr().err.startswith("--hand-over needs --worker: ")
