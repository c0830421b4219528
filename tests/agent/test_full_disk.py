"""The recording of a call on a disk that is full: the call goes on, and the summary says what has become of the recording.

The disk is a small file system in memory. As a program, this module records a call there.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from agent.call.recording import CallRecording
from agent.gemini import INPUT_RATE_HZ
from records.call_folder import SUMMARY
from tests.agent.test_recording import frame, only_folder, plan, said, summary_of
from tests.e2e.stack import ROOT, until

FULL = "No space left on device"
DISK_BYTES = 1_000_000
_MOUNTED = 'mount -t tmpfs -o size=1000k none "$1"; cd "$2"; exec "$3" -m tests.agent.test_full_disk "$1"'


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can mount a file system of its own")
def test_the_summary_says_at_once_that_the_recording_has_stopped_and_later_how_the_call_ended(tmp_path: Path) -> None:
    enter = ["unshare", "--map-root-user", "--mount", "sh", "-ec", _MOUNTED, "enter"]
    argv = [*enter, str(tmp_path), str(ROOT), sys.executable]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    running, over = map(json.loads, json.loads(done.stdout))
    assert (running["stopped"], running["ending"]) == (FULL, None)
    assert (over["stopped"], over["ending"], over["turns"]) == (FULL, "caller_left", 2)


async def record(disk: Path) -> list[str]:
    """Record a call until the disk is full. Returns its summary as it is then, and as it is after the call."""
    calls, told, start = disk / "calls", list[str](), time.monotonic() - 10
    calls.mkdir()
    call = CallRecording(plan(calls, record_redact_sound="on"), lambda at: at - start, lambda: told.append("stopped"))
    async with call:
        await call.begin()
        await said(call, start + 2)  # with a number, whose sound is silenced
        writing = asyncio.create_task(call.run())
        fill(disk / "other")
        await until(lambda: speaks_until_told(call, told))
        writing.cancel()
        running = (only_folder(calls) / SUMMARY).read_text()
        fill(disk / "another")
        await call.end(summary_of)
    return [running, (only_folder(calls) / SUMMARY).read_text()]


def speaks_until_told(call: CallRecording, told: list[str]) -> bool:
    call.caller_sounds(frame(6000 * np.sin(np.arange(320) / 5), INPUT_RATE_HZ), time.monotonic())
    return told == ["stopped"]


def fill(path: Path) -> None:
    """Write a file until there is no space left."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for _ in range(DISK_BYTES // 1000):
            os.write(file, bytes(4096))
    except OSError as error:
        assert os.strerror(error.errno or 0) == FULL
    else:
        raise AssertionError("the disk is larger")
    finally:
        os.close(file)


if __name__ == "__main__":
    json.dump(asyncio.run(record(Path(sys.argv[1]))), sys.stdout)
