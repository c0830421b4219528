"""Recorded calls are copied into storage when they are over, and deleted here only when all of it is there."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from configuration import ValueMistakeError
from records import CallFolder, CallSummary, RecordWriter
from records.call_folder import SOUND, SUMMARY, TIMELINE, UPLOADED
from records.errors import StorageError, UploadError
from records.retention import RUNS_S, Retention, purge
from records.s3_address import S3Address, s3_address
from records.stereo_wav import LEFT
from records.summary import to_json
from records.uploading import is_uploaded, upload_calls
from records.writer import Sound, Text

OVER, RUNS = "20261129T080000Z-00000001", "20261129T080000Z-00000002"
FILES = {SOUND, TIMELINE, SUMMARY}


class Folder:
    """Storage that is a folder; it takes so many files, and then fails."""

    def __init__(self, path: Path, takes: int = 100) -> None:
        self.path = path
        self.takes = takes
        self.on_upload: Callable[[str], object] = lambda _: None

    def upload(self, source: Path, name: str) -> None:
        self.on_upload(name)
        if self.takes == 0:
            raise StorageError("the storage is full")
        self.takes -= 1
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())

    def files(self, call: str) -> set[str]:
        return {path.name for path in (self.path / call).iterdir()} if (self.path / call).exists() else set()


def record(calls: Path, name: str, ending: str | None) -> CallFolder:
    folder = CallFolder(calls, name)
    with RecordWriter(folder, pytest.fail, has_sound=True) as writer:
        writer.put(Sound(LEFT, "caller", 0, 24_000, bytes(48_000)))
        writer.put(Text(TIMELINE, "{}"))
    begun = CallSummary(call=name, room="r", persona="p", model="m", started_at=datetime.now(UTC), recorded=("audio",))
    folder.replace(SUMMARY, to_json(begun.model_copy(update={"ending": ending})))
    return folder


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A folder with a call that is over and one that runs."""
    record(tmp_path / "calls", OVER, "caller_left")
    record(tmp_path / "calls", RUNS, None)
    return tmp_path / "calls"


def test_a_call_that_is_over_is_copied_once_and_one_that_runs_is_not(calls: Path, tmp_path: Path) -> None:
    storage = Folder(tmp_path / "storage")
    assert upload_calls(calls, storage, time.time(), deletes=False).done == [OVER]
    assert (storage.files(OVER), storage.files(RUNS)) == (FILES, set())
    assert upload_calls(calls, storage, time.time(), deletes=False).done == []
    assert is_uploaded(CallFolder(calls, OVER))


def test_a_call_whose_process_has_died_is_copied_when_no_other_one_goes_on(calls: Path, tmp_path: Path) -> None:
    storage = Folder(tmp_path / "storage")
    assert upload_calls(calls, storage, time.time() + RUNS_S + 1, deletes=False).done == [OVER, RUNS]


def test_a_folder_is_deleted_only_when_the_storage_has_all_its_files(calls: Path, tmp_path: Path) -> None:
    storage = Folder(tmp_path / "storage", takes=2)
    failed = upload_calls(calls, storage, time.time(), deletes=True)
    assert (failed.done, failed.failures) == ([], ["the storage is full"])
    assert {path.name for path in (calls / OVER).iterdir()} == FILES
    storage.takes = 100
    assert upload_calls(calls, storage, time.time(), deletes=True).done == [OVER]
    assert storage.files(OVER) == FILES
    assert [path.name for path in calls.iterdir() if path.is_dir()] == [RUNS]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(FileNotFoundError(2, "No such file or directory"), "No such file or directory"), (UploadError("it grew"), "it grew")],
)
def test_a_call_that_can_not_be_copied_does_not_hold_up_the_others(
    calls: Path, tmp_path: Path, error: Exception, reason: str
) -> None:
    def refuse(name: str) -> None:
        if name.startswith(OVER):
            raise error

    storage = Folder(tmp_path / "storage")
    storage.on_upload = refuse
    found = upload_calls(calls, storage, time.time() + RUNS_S + 1, deletes=True)
    assert (found.done, found.failures) == ([RUNS], [f"{OVER}: {reason}"])
    assert (calls / OVER / SOUND).exists()


def test_when_the_storage_can_not_be_used_no_other_call_is_tried(calls: Path, tmp_path: Path) -> None:
    tried: list[str] = []
    storage = Folder(tmp_path / "storage", takes=0)
    storage.on_upload = tried.append
    found = upload_calls(calls, storage, time.time() + RUNS_S + 1, deletes=True)
    assert (found.done, found.failures, len(tried)) == ([], ["the storage is full"], 1)


def test_a_file_that_is_gone_is_no_missing_bucket(tmp_path: Path) -> None:
    pytest.importorskip("obstore", reason="the package obstore isn't installed")
    from obstore.store import MemoryStore  # noqa: PLC0415  it may not be installed

    from records.s3 import Storage  # noqa: PLC0415

    storage, source = Storage(MemoryStore()), tmp_path / "call.wav"
    source.write_bytes(bytes(10))
    storage.upload(source, "call/call.wav")
    source.unlink()
    with pytest.raises(FileNotFoundError, match=r"call\.wav"):
        storage.upload(source, "call/call.wav")


def test_a_folder_that_is_not_there_has_no_calls(tmp_path: Path) -> None:
    assert upload_calls(tmp_path / "none", Folder(tmp_path), time.time(), deletes=True).done == []


def test_what_has_changed_since_it_was_copied_is_copied_again(calls: Path, tmp_path: Path) -> None:
    storage, folder = Folder(tmp_path / "storage"), CallFolder(calls, OVER)
    upload_calls(calls, storage, time.time(), deletes=False)
    folder.replace(SUMMARY, folder.read(SUMMARY).replace("caller_left", "hung_up"))
    assert not is_uploaded(folder)
    assert upload_calls(calls, storage, time.time(), deletes=False).done == [OVER]
    assert (storage.path / OVER / SUMMARY).read_text() == folder.read(SUMMARY)
    folder.replace(UPLOADED, "{}")
    assert not is_uploaded(folder)


@pytest.mark.parametrize("deletes", [True, False])
def test_a_call_that_another_process_goes_on_with_meanwhile_stays_and_is_copied_later(
    calls: Path, tmp_path: Path, deletes: bool
) -> None:
    """Its process seemed dead, and the files were being copied."""
    storage = Folder(tmp_path / "storage")
    later = time.time() + RUNS_S + 1
    for path in (calls / RUNS, *(calls / RUNS).iterdir()):
        os.utime(path, (later - 2 * RUNS_S, later - 2 * RUNS_S))

    def goes_on(name: str) -> None:
        if name.startswith(RUNS):
            os.utime(calls / RUNS, (later, later))

    storage.on_upload = goes_on
    assert upload_calls(calls, storage, later, deletes=deletes).done == [OVER]
    assert (calls / RUNS / SOUND).exists()
    assert not is_uploaded(CallFolder(calls, RUNS))
    storage.on_upload = lambda _: None
    assert upload_calls(calls, storage, later + RUNS_S + 1, deletes=deletes).done == [RUNS]


def test_what_is_not_in_the_storage_does_not_expire(calls: Path, tmp_path: Path) -> None:
    later = time.time() + 10 * RUNS_S
    assert purge(calls, Retention(days=0.001), later, is_uploaded) == ([], [])
    upload_calls(calls, Folder(tmp_path / "storage"), time.time(), deletes=False)
    assert purge(calls, Retention(days=0.001), later, is_uploaded) == ([OVER], [])


@pytest.mark.parametrize("url", ["calls", "s3://", "https://calls", "s3://key:secret@calls", "s3://calls?x=1"])
def test_an_address_that_can_not_be_used_is_refused_without_its_key(url: str) -> None:
    with pytest.raises(ValueMistakeError, match=r"^RECORD_S3 is") as refused:
        s3_address(url, None)
    assert "secret" not in str(refused.value)


def test_an_endpoint_is_a_url_without_a_key() -> None:
    for endpoint in ("minio:9000", "http://key:secret@minio"):
        with pytest.raises(ValueMistakeError, match=r"^RECORD_S3_ENDPOINT is") as refused:
            s3_address("s3://calls", endpoint)
        assert "secret" not in str(refused.value)


def test_an_address_has_a_bucket_and_perhaps_a_folder_and_an_endpoint() -> None:
    pytest.importorskip("obstore", reason="the package obstore isn't installed")
    assert s3_address("s3://calls", None) == S3Address("calls", "", None)
    assert s3_address("s3://calls/a/b/", "http://minio:9000") == S3Address("calls", "a/b", "http://minio:9000")
