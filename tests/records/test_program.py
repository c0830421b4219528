"""`python -m records`: what it shows and does, and its exit codes."""

import json
import os
import time
import wave
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest

from records import CallFolder, CallSummary, RecordWriter, TranscriptLine
from records.__main__ import DONE, FAILED, WRONG_USAGE, main
from records.call_folder import OPUS, SOUND, SUBTITLES, SUMMARY, TRANSCRIPT
from records.stereo_wav import LEFT, RIGHT
from records.summary import latency
from records.summary import to_json as summary_json
from records.transcript import to_json
from records.writer import RATE_HZ, Sound, Text

NAME = "20261129T080000Z-0123abcd"
SUMMARY_OF_CALL = CallSummary(
    call=NAME,
    room="room-1",
    persona="assistant",
    model="gemini-3.8-live",
    started_at=datetime(2026, 11, 29, 8, 0, tzinfo=UTC),
    recorded=("audio", "transcript"),
    duration_s=61.4,
    ending="caller_left",
    response=latency([0.5, 0.2, 0.9]),
)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one recorded call, and the environment of a worker that has it."""
    monkeypatch.chdir(tmp_path)
    for name in ("RECORD_KEEP_DAYS", "RECORD_KEEP_GB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RECORD_DIR", str(tmp_path / "calls"))
    folder = CallFolder(tmp_path / "calls", NAME)
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.int16).tobytes()
    with RecordWriter(folder, pytest.fail, has_sound=True) as writer:
        writer.put(Sound(LEFT, "caller", 0, RATE_HZ, tone))
        writer.put(Sound(RIGHT, "agent", 1, RATE_HZ, tone))
        writer.put(Text(TRANSCRIPT, to_json(TranscriptLine(start_s=0, end_s=1, who="caller", text="Hello?"))))
    folder.replace(SUMMARY, summary_json(SUMMARY_OF_CALL))
    return tmp_path / "calls"


def test_the_list_has_each_call(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    CallFolder(calls, "20261130T080000Z-0123abcd").make()
    (calls / "other").mkdir()
    assert main(["list"]) == DONE
    head, call, broken = capsys.readouterr().out.splitlines()
    assert head.split() == ["CALL", "LENGTH", "ENDING", "PERSONA", "ROOM"]
    assert call.split() == [NAME, "61", "s", "caller_left", "assistant", "room-1"]
    assert "no summary" in broken
    assert main(["list", "--json"]) == DONE
    assert CallSummary.model_validate(json.loads(capsys.readouterr().out)[0]) == SUMMARY_OF_CALL


@pytest.mark.usefixtures("calls")
def test_a_call_is_shown_with_what_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", NAME]) == DONE
    text = capsys.readouterr().out
    assert "ending: caller_left" in text
    assert '"p50_s": 0.5' in text
    assert "caller  Hello?" in text


@pytest.mark.usefixtures("calls")
def test_a_call_is_exported_with_its_sound_as_opus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sound has both channels in their places, and the subtitles are made if a killed process has left none."""
    assert main(["export", NAME, "--to", str(tmp_path / "out"), "--opus"]) == DONE
    target = Path(capsys.readouterr().out.strip())
    assert target == tmp_path / "out" / NAME
    assert {path.name for path in target.iterdir()} == {OPUS, TRANSCRIPT, SUBTITLES, SUMMARY}
    with av.open(str(target / OPUS)) as opus:
        frames = [frame.to_ndarray() for frame in opus.decode(audio=0)]
    sound = np.concatenate(frames, axis=1)
    assert sound.shape == (2, pytest.approx(2 * 48_000, abs=2000))
    first, second = (np.abs(sound[:, span]).mean(axis=1) for span in (slice(5000, 40_000), slice(55_000, 90_000)))
    assert first[0] > 20 * first[1]
    assert second[1] > 20 * second[0]
    assert main(["export", NAME, "--to", str(tmp_path / "out")]) == WRONG_USAGE
    assert "can't be made" in capsys.readouterr().err


def test_named_calls_are_deleted(calls: Path) -> None:
    assert main(["purge", NAME]) == DONE
    assert list(calls.iterdir()) == []


def test_expired_calls_are_deleted(calls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["purge", "--days", "0.5"]) == DONE
    assert capsys.readouterr().out == "no call is to be deleted\n"
    make_old(calls / NAME)
    monkeypatch.setenv("RECORD_KEEP_DAYS", "1")
    assert main(["purge"]) == DONE
    assert capsys.readouterr().out == f"{NAME}\n"
    assert list(calls.iterdir()) == []


def make_old(folder: Path) -> None:
    two_days_ago = time.time() - 2 * 86_400
    for path in (*folder.iterdir(), folder):
        os.utime(path, (two_days_ago, two_days_ago))


def test_an_expired_call_that_the_storage_lacks_is_deleted_only_by_its_name(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORD_S3", "s3://calls")
    make_old(calls / NAME)
    assert main(["purge", "--days", "1"]) == DONE
    assert (calls / NAME).exists()
    assert main(["purge", NAME]) == DONE
    assert not (calls / NAME).exists()


def test_a_folder_with_foreign_files_stays(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (calls / NAME / "notes.txt").write_text("mine")
    assert main(["purge", NAME]) == FAILED
    assert "can't be deleted" in capsys.readouterr().err
    assert (calls / NAME / "notes.txt").exists()


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("argv", "code", "text"),
    [
        (["purge"], WRONG_USAGE, "RECORD_KEEP_DAYS is not set"),
        (["show", "../secrets"], FAILED, "is no name of a call"),
        (["show", "20260101T000000Z-00000000"], FAILED, "there is no call"),
    ],
)
def test_mistakes_are_told(argv: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == code
    assert text in capsys.readouterr().err


def test_without_the_folders_setting_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("RECORD_DIR", raising=False)
    monkeypatch.chdir("/")
    assert main(["list"]) == WRONG_USAGE
    assert capsys.readouterr().err.startswith("RECORD_DIR is not set: ")


def test_a_record_of_a_killed_process_can_be_played(calls: Path) -> None:
    """The header is whole without anybody closing the file."""
    with wave.open(str(calls / NAME / SOUND)) as file:
        assert file.getnframes() == 2 * RATE_HZ
