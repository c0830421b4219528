"""The sound of calls that are over is compressed, and nothing of it is lost meanwhile."""

import logging
import os
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from agent.settings import read_settings
from agent.worker.finished_records import finish_records
from agent.worker.record_metrics import RecordMetrics
from records import CallFolder
from records.__main__ import DONE, FAILED, main
from records.call_folder import BEGUN_OPUS, OPUS, SOUND, WAVEFORM
from records.compressing import compress, compress_calls
from records.finishing import Finishing, alone, waiting_calls
from records.measured import measure
from records.opus import encode
from records.retention import RUNS_S
from records.sound import blocks
from records.waveform import from_json, read_waveform
from tests.records.test_measured import MOST_WRONG_S, RESPONSES_S
from tests.records.test_measured import folder as measured_folder
from tests.records.test_uploading import OVER, RUNS, record

LEFT_OVER = f"{BEGUN_OPUS}0123abcd"
"""What a killed process has left."""
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
    (calls / OVER / LEFT_OVER).touch()
    os.utime(calls / OVER / LEFT_OVER, (0, 0))
    assert waiting_calls(calls, finishing, time.time()) == 1
    assert compress_calls(calls, time.time()) == ([OVER], [])
    assert waiting_calls(calls, finishing, time.time()) == 0
    assert not (calls / OVER / LEFT_OVER).exists()
    over, runs = CallFolder(calls, OVER).path, CallFolder(calls, RUNS).path
    assert (over / OPUS).exists()
    assert not (over / SOUND).exists()
    assert (over / OPUS).stat().st_mode & 0o777 == 0o600
    assert (runs / SOUND).exists()


def test_the_waveform_of_an_opus_file_is_that_of_its_wav_file(folder: CallFolder) -> None:
    """One that was compressed without it gets it later. It is nobody's business outside of this folder."""
    drawn = read_waveform(folder.path / SOUND)
    compress(folder)
    assert from_json(folder.read(WAVEFORM)) == drawn
    assert (folder.path / WAVEFORM).stat().st_mode & 0o777 == 0o600
    (folder.path / WAVEFORM).unlink()
    finishing = Finishing(compresses=True, uploads=False)
    later = time.time() + 2 * RUNS_S
    assert waiting_calls(folder.path.parent, finishing, later) == 1
    assert compress_calls(folder.path.parent, later) == ([folder.name], [])
    assert waiting_calls(folder.path.parent, finishing, later) == 0
    found = from_json(folder.read(WAVEFORM))
    for kept, read in ((found.left, drawn.left), (found.right, drawn.right)):
        loud, was_loud = (np.frombuffer(each, dtype=np.uint8).astype(int) for each in (kept, read))
        shared = min(len(loud), len(was_loud))
        assert abs(len(loud) - len(was_loud)) <= 2
        assert np.median(np.abs(loud[:shared] - was_loud[:shared])) <= 3, "Opus isn't exact"
    folder.delete()
    assert not folder.path.exists()


def test_sound_of_a_killed_process_is_compressed_up_to_its_last_whole_frame(calls: Path) -> None:
    sound = calls / OVER / SOUND
    sound.write_bytes(sound.read_bytes() + b"\0")
    assert compress_calls(calls, time.time()) == ([OVER], [])


def test_sound_that_can_not_be_compressed_stays(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (calls / OVER / SOUND).write_bytes(b"RIFF")
    monkeypatch.setenv("RECORD_DIR", str(calls))
    monkeypatch.setenv("RECORD_FORMAT", "opus")
    assert main(["finish"]) == FAILED
    assert (calls / OVER / SOUND).exists()
    assert not (calls / OVER / OPUS).exists()


def test_while_one_process_finishes_calls_another_does_nothing(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECORD_DIR", str(calls))
    monkeypatch.setenv("RECORD_FORMAT", "opus")
    with alone(calls) as is_alone:
        assert is_alone
        assert main(["finish"]) == DONE
        assert (calls / OVER / SOUND).exists()
    assert main(["finish"]) == DONE
    assert not (calls / OVER / SOUND).exists()


def test_two_processes_that_compress_one_call_at_once_leave_it_whole(
    folder: CallFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on two machines that share a folder: both have encoded it before either goes on."""
    both = threading.Barrier(2, timeout=60)

    def encode_as_slowly(source: Path, target: Path) -> None:
        encode(source, target)
        both.wait()

    monkeypatch.setattr("records.compressing.encode", encode_as_slowly)
    length_s = sum(len(block) / rate_hz for rate_hz, block in blocks(folder))
    with ThreadPoolExecutor(2) as threads:
        for done in [threads.submit(compress, folder) for _ in range(2)]:
            done.result()
    assert [path.name for path in folder.files() if path.name.startswith((".", "call."))] == [OPUS, WAVEFORM]
    assert sum(len(block) / rate_hz for rate_hz, block in blocks(folder)) == pytest.approx(length_s, abs=0.05)


def test_the_sound_is_deleted_only_when_the_disk_has_the_compressed_one(
    folder: CallFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[int] = []

    def fsync(opened: int) -> None:
        assert (folder.path / SOUND).exists()
        kept.append(os.fstat(opened).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    compress(folder)
    assert kept == [(folder.path / OPUS).stat().st_ino, folder.path.stat().st_ino]


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
