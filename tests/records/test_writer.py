"""The thread that writes a call's folder."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
import wave
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from records import CallFolder, RecordWriter
from records.call_folder import SOUND, TRANSCRIPT, new_name
from records.retention import RUNS_S
from records.running import is_over
from records.stereo_wav import LEFT
from records.writer import RATE_HZ, Sound, Text

ROOT = Path(__file__).parents[2]


def folder_in(calls: Path) -> CallFolder:
    return CallFolder(calls, new_name(datetime(2026, 11, 29, 8, 0, tzinfo=UTC)))


def test_sound_of_another_rate_is_resampled_without_a_seam(tmp_path: Path) -> None:
    """A tone in pieces of 20 ms at 16 kHz is one tone at the file's rate, in its place."""
    folder = folder_in(tmp_path)
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)).astype(np.int16)
    with RecordWriter(folder, pytest.fail, has_sound=True) as writer:
        for start in range(0, len(tone), 320):
            writer.put(Sound(LEFT, "caller", 1 + start / 16000, 16000, tone[start : start + 320].tobytes()))
    with wave.open(str(folder.path / SOUND)) as file:
        left = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).reshape(-1, 2)[:, 0]
    assert not left[:RATE_HZ].any()
    wanted = 8000 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)
    heard = left[RATE_HZ : RATE_HZ + len(wanted)]
    assert len(heard) > 0.98 * len(wanted), "some milliseconds stay in the resampler"
    middle = slice(1000, len(heard) - 1000)
    assert np.abs(heard[middle] - wanted[: len(heard)][middle]).max() < 200


def test_lines_are_there_as_they_come(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    with RecordWriter(folder, pytest.fail, has_sound=False) as writer:
        writer.put(Text(TRANSCRIPT, "one"))
        writer.put(Text(TRANSCRIPT, "two"))
    assert folder.read(TRANSCRIPT) == "one\ntwo\n"
    assert not (folder.path / SOUND).exists()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (folder.path / TRANSCRIPT).stat().st_mode & 0o777 == 0o600


def test_half_a_surrogate_pair_in_a_line_does_not_end_the_recording(tmp_path: Path) -> None:
    folder = folder_in(tmp_path)
    with RecordWriter(folder, pytest.fail, has_sound=False) as writer:
        writer.put(Text(TRANSCRIPT, "cut: \ud83d"))
        writer.put(Text(TRANSCRIPT, "next"))
    assert folder.read(TRANSCRIPT) == "cut: ?\nnext\n"


def test_an_error_that_nobody_has_foreseen_is_told_like_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    shown: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: shown.append(args.exc_type))
    with RecordWriter(folder_in(tmp_path), told.append, has_sound=True) as writer:
        writer.put(Sound(LEFT, "caller", 0, RATE_HZ, b"odd"))
    assert told == ["an error of the program"]
    assert shown == [ValueError]
    assert writer.is_failed


class Watched(CallFolder):
    """Says when it is shown that the call runs."""

    def __init__(self, calls: Path, name: str) -> None:
        super().__init__(calls, name)
        self.shown = threading.Event()

    def show_running(self) -> None:
        super().show_running()
        self.shown.set()


@pytest.mark.parametrize("is_stopped", [False, True])
def test_a_call_that_runs_does_not_seem_over_though_nothing_is_written(tmp_path: Path, is_stopped: bool) -> None:
    """Neither in a quiet call without sound, nor after the recording has stopped."""
    folder, failed = Watched(tmp_path, folder_in(tmp_path).name), threading.Event()
    with RecordWriter(folder, lambda _: failed.set(), has_sound=False, shows_every_s=0.01) as writer:
        if is_stopped:
            (folder.path / TRANSCRIPT).mkdir()
            writer.put(Text(TRANSCRIPT, "one"))
            assert failed.wait(10)
        long_ago = time.time() - RUNS_S - 1
        os.utime(folder.path, (long_ago, long_ago))
        for _ in range(2):  # the first one may have begun before
            folder.shown.clear()
            assert folder.shown.wait(10)
        assert not is_over(folder, time.time())
    assert is_over(folder, time.time() + RUNS_S + 1)


KILLED = """
import sys, time
from pathlib import Path
from records import CallFolder, RecordWriter
from records.writer import RATE_HZ, Sound

with RecordWriter(CallFolder(Path(sys.argv[1]), sys.argv[2]), print, has_sound=True) as writer:
    for tenth in range(100_000):
        writer.put(Sound(0, "caller", tenth / 10, RATE_HZ, bytes([1, 1]) * (RATE_HZ // 10)))
        if tenth >= 30:
            print(tenth / 10, flush=True)
        time.sleep(0.02)
"""
"""Writes a second of sound in 0.2 s, and says how much there is."""


def test_after_a_kill_the_sound_until_then_can_be_played(tmp_path: Path) -> None:
    """All but the last second: five times real time leaves a fifth of that."""
    folder = folder_in(tmp_path)
    argv = [sys.executable, "-c", KILLED, str(tmp_path), folder.name]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        written_s = float(process.stdout.readline())
        process.kill()
    with wave.open(str(folder.path / SOUND)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    assert file.getnframes() / RATE_HZ >= written_s - 1
    assert sound.reshape(-1, 2)[:, 0].all()


def test_a_full_disk_is_told_once_and_nothing_waits(tmp_path: Path) -> None:
    """A limit on the size of files refuses sound as a full disk does."""
    told: list[str] = []
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    folder = folder_in(tmp_path)
    try:
        with RecordWriter(folder, told.append, has_sound=True) as writer:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
            for second in range(4):
                writer.put(Sound(LEFT, "caller", second, RATE_HZ, bytes(2 * RATE_HZ)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert told == ["File too large"]
    assert writer.is_failed
    assert not writer.put(Text(TRANSCRIPT, "three"))
    with wave.open(str(folder.path / SOUND)) as file:
        assert file.getnframes() > 0, "what was there can be played"
