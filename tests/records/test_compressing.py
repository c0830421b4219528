"""The sound of calls that are over is compressed, and nothing of it is lost meanwhile."""

import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from agent.settings import read_settings
from agent.worker.finished_records import finish_records
from agent.worker.record_metrics import RecordMetrics
from records import CallFolder
from records.__main__ import DONE, FAILED, main
from records.call_folder import OPUS, SOUND
from records.compressing import compress, compress_calls
from records.finishing import Finishing, waiting_calls
from records.measured import measure
from records.sound import blocks
from tests.records.test_measured import MOST_WRONG_S, RESPONSES_S
from tests.records.test_measured import folder as measured_folder
from tests.records.test_uploading import OVER, RUNS, record

folder = measured_folder
"""A call with known latencies."""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A folder with a call that is over and one that runs."""
    record(tmp_path / "calls", OVER, "caller_left")
    record(tmp_path / "calls", RUNS, None)
    return tmp_path / "calls"


def test_only_a_call_that_is_over_is_compressed(calls: Path) -> None:
    finishing = Finishing(compresses=True, uploads=False)
    assert waiting_calls(calls, finishing, time.time()) == 1
    assert compress_calls(calls, time.time()) == ([OVER], [])
    assert waiting_calls(calls, finishing, time.time()) == 0
    over, runs = CallFolder(calls, OVER).path, CallFolder(calls, RUNS).path
    assert (over / OPUS).exists()
    assert not (over / SOUND).exists()
    assert (over / OPUS).stat().st_mode & 0o777 == 0o600
    assert (runs / SOUND).exists()


def test_sound_that_can_not_be_compressed_stays(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (calls / OVER / SOUND).write_bytes(b"RIFF")
    monkeypatch.setenv("RECORD_DIR", str(calls))
    monkeypatch.setenv("RECORD_FORMAT", "opus")
    assert main(["finish"]) == FAILED
    assert (calls / OVER / SOUND).exists()
    assert not (calls / OVER / OPUS).exists()


async def test_the_worker_has_it_done_by_another_process_and_says_once_that_it_fails(
    calls: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """After a failure a minute passes: the two further moments come to nothing."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"RECORD_DIR": str(calls), "RECORD_FORMAT": "opus", "GOOGLE_API_KEY": "key"}.items():
        monkeypatch.setenv(name, value)

    async def moments(count: int) -> AsyncIterator[None]:
        for _ in range(count):
            yield None

    metrics = RecordMetrics(CollectorRegistry())
    with caplog.at_level(logging.INFO, logger="earshot.worker"):
        await finish_records(read_settings(env_file=None), moments(1), metrics)
        assert (calls / OVER / OPUS).exists()
        (calls / OVER / SOUND).write_bytes(b"RIFF")
        await finish_records(read_settings(env_file=None), moments(3), metrics)
    assert [record.levelname for record in caplog.records if record.name == "earshot.worker"] == ["INFO", "WARNING"]
    assert caplog.records[-1].__dict__["reason"] == f"the sound of {OVER} can't be compressed"


def test_compressed_sound_has_the_times_of_the_call(folder: CallFolder, tmp_path: Path) -> None:
    length_s = sum(len(block) / rate_hz for rate_hz, block in blocks(folder))
    compress(folder)
    assert sum(len(block) / rate_hz for rate_hz, block in blocks(folder)) == pytest.approx(length_s, abs=0.05)
    assert [each.latency_s for each in measure(folder).responses] == pytest.approx(RESPONSES_S, abs=MOST_WRONG_S)
    assert main(["export", folder.name, "--to", str(tmp_path / "copy"), "--opus"]) == DONE
    assert (tmp_path / "copy" / folder.name / OPUS).exists()
