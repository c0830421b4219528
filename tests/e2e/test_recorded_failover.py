"""A recorded call whose process is killed: the record goes on in its folder, and both processes have written by one clock."""

import json
import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soxr

from caller import AgentSilent, AgentSound, Caller, Event, RoomEvent
from caller.caller import SAMPLE_RATE_HZ
from caller.events import SpeechStart
from demo.parts import Part
from records import CallFolder, CallSummary
from records.call_folder import SOUND, SUBTITLES, SUMMARY, TIMELINE, TRANSCRIPT
from records.measured import measure
from records.transcript import from_json
from records.voice_spans import Span
from records.writer import RATE_HZ
from tests.e2e.faults import tones
from tests.e2e.stack import Sfu, emulator, until, worker
from tests.e2e.test_failover import HEARD_AFTER_S, pid_of_call
from tests.e2e.test_recording import MOST_DRIFT_S, Samples, channels, folder_of, lag_s

pytestmark = [pytest.mark.sound, pytest.mark.long]

NAME = "recorded-survivor"
BEFORE, AFTER = (tones.sound(markers, sample_rate_hz=SAMPLE_RATE_HZ) for markers in (range(10, 20), range(30, 40)))
"""2 s of tones each, which the caller says before the kill and after it."""
MOST_BUFFERS_APART_S = 0.1
LOST_S = 1.0
"""The most that the record of a killed process may lack of its end."""


async def says(caller: Caller, samples: Samples) -> float:
    """Say this, and wait until the agent has answered. Returns when the first sample went out."""
    since = len(caller.log)
    ended_at = await caller.say(samples)
    started = await caller.first(SpeechStart, since=since, within_s=1)
    answer = await caller.first(AgentSound, since=since, within_s=20, where=lambda sound: sound.t > ended_at)
    await caller.first(AgentSilent, since=since, within_s=60, where=lambda silent: silent.t > answer.t)
    return started.t


async def story_is_killed(part: Part, caller: Caller, room: str, sound: Path) -> float:
    """Kill the process 2 s into a long answer; `sound` is copied at once. Returns the time of the kill."""
    since = len(caller.log)
    await caller.send_text("Tell me a story.")
    began = await caller.first(AgentSound, since=since, within_s=20)
    await until(lambda: time.monotonic() > began.t + 2)
    os.kill(pid_of_call(part, room), signal.SIGKILL)
    at = time.monotonic()
    shutil.copyfile(sound, sound.with_name("killed.wav"))
    voice = await caller.first(AgentSound, since=since, within_s=20, where=lambda each: each.t > at + HEARD_AFTER_S)
    await caller.first(AgentSilent, since=since, within_s=60, where=lambda silent: silent.t > voice.t)
    return at


def begins_s(tone: Samples, channel: Samples) -> float:
    """Where a channel has what the caller said, in seconds."""
    resampled = soxr.resample(tone.astype(np.float32), SAMPLE_RATE_HZ, RATE_HZ)
    return lag_s(resampled, channel.astype(np.float32))


def ear_lag_s(right: Samples, ear: np.ndarray, span: Span) -> float:
    """How much later the ear has what the agent's channel has in this stretch. The ear is searched within a second."""
    window = slice(int((span.start_s - 0.1) * RATE_HZ), int(min(span.start_s + 1.5, span.end_s) * RATE_HZ))
    begin = max(window.start - RATE_HZ, 0)
    return lag_s(right[window].astype(np.float32), ear[begin : window.stop + RATE_HZ]) + (begin - window.start) / RATE_HZ


async def test_a_record_goes_on_in_its_folder_when_the_process_is_killed(server: Sfu, tmp_path: Path, room: str) -> None:
    """What was recorded until a second before can be played; the clock doesn't jump; the gap is told."""
    records = tmp_path / "records"
    settings = {"AGENT_NAME": NAME, "RECORD": "audio,transcript,timeline", "RECORD_DIR": str(records)}
    async with (
        emulator(tmp_path, "--script", "auto") as model,
        worker(server, model, FAILOVER_DIR=str(tmp_path / "calls"), **settings) as part,
    ):
        async with server.caller(room, agent_name=NAME) as caller:
            await caller.first(AgentSilent, within_s=30)
            said_at = [await says(caller, BEFORE)]
            folder = folder_of(records)
            killed_at = await story_is_killed(part, caller, room, folder / SOUND)
            said_at.append(await says(caller, AFTER))
            heard, log = caller.recording, [*caller.log]
        await part.says("call ended: the caller left")
        await until((folder / SUBTITLES).exists)
    assert folder_of(records) == folder
    left, right = channels(folder / SOUND)
    killed_s = killed_at - at_record_start(log, killed_at)
    check_caller(left, said_at, log, killed_at)
    check_agent(right, measure(CallFolder(records, folder.name)).agent, heard, killed_s)
    check_killed(folder.joinpath("killed.wav"), right, killed_s)
    check_texts(folder, killed_s)


def clocks(log: list[Event], killed_at: float) -> list[float]:
    """The caller's clock less the call's, before the kill and after it: that of the event that has come soonest."""
    told = [event for event in log if isinstance(event, RoomEvent)]
    return [min(event.t - event.body["t"] for event in told if (event.t > killed_at) is later) for later in (False, True)]


def at_record_start(log: list[Event], killed_at: float) -> float:
    """The beginning of the record on the caller's clock."""
    return clocks(log, killed_at)[0]


def check_caller(left: Samples, said_at: list[float], log: list[Event], killed_at: float) -> None:
    """The call's clock goes on exactly, and the caller's sound has its place by it.

    Each process has a jitter buffer of its own for the caller's sound, with a delay of its own.
    """
    before, after = clocks(log, killed_at)
    ways = [begins_s(tone, left) + before - at for tone, at in zip((BEFORE, AFTER), said_at, strict=True)]
    print(f"clock after the kill less before: {after - before:.4f}; the caller's sound came after {ways}")  # noqa: T201
    assert after == pytest.approx(before, abs=MOST_DRIFT_S)
    assert ways[0] == pytest.approx(ways[1], abs=MOST_BUFFERS_APART_S)


def check_agent(right: Samples, spoken: list[Span], heard: Samples, killed_s: float) -> None:
    """The ear is behind the record by as much before the kill as after it. Both begin with the call."""
    ear = soxr.resample(heard.astype(np.float32), SAMPLE_RATE_HZ, RATE_HZ)
    before, after = (
        [span for span in spoken if (span.start_s > killed_s) is later][-1 if later else 1] for later in (False, True)
    )
    assert before.end_s < killed_s < after.start_s
    lags = [ear_lag_s(right, ear, span) for span in (before, after)]
    print(f"lags of the ear behind the record: {lags}")  # noqa: T201
    assert lags[0] == pytest.approx(lags[1], abs=MOST_DRIFT_S)


def check_killed(sound: Path, right: Samples, killed_s: float) -> None:
    """The file as it was at the kill can be played, and has all but the last second."""
    before, _ = channels(sound)
    print(f"recorded until {killed_s - len(before) / RATE_HZ:.2f} s before the kill")  # noqa: T201
    assert killed_s - LOST_S < len(before) / RATE_HZ <= killed_s + MOST_DRIFT_S
    assert np.abs(right[int((killed_s - 2) * RATE_HZ) : int((killed_s - LOST_S) * RATE_HZ)]).mean() > 60, "the story"
    assert not right[int((killed_s + 0.1) * RATE_HZ) : int((killed_s + 1) * RATE_HZ)].any(), "nobody speaks in the gap"


def check_texts(folder: Path, killed_s: float) -> None:
    """The gap is in the timeline and in the summary, and the figures are those of the whole call."""
    summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
    assert (summary.processes, summary.ending) == (2, "caller_left")
    assert summary.turns >= 4
    events = [json.loads(line) for line in (folder / TIMELINE).read_text().splitlines()]
    [gap] = [event for event in events if event["type"] == "recording"]
    assert gap["state"] == "resumed"
    assert gap["t"] - gap["gap_s"] == pytest.approx(killed_s, abs=LOST_S)
    assert summary.gaps_s == gap["gap_s"]
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    lines = from_json((folder / TRANSCRIPT).read_text())
    assert {line.start_s < killed_s for line in lines if line.who == "agent"} == {True, False}
