"""A call that is recorded: what the folder has is what was said and heard, and when."""

import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from caller import AgentSilent, AgentSound, Caller, Caption
from caller.caller import SAMPLE_RATE_HZ
from records import CallSummary, TranscriptLine
from records.call_folder import BACKGROUND, SOUND, SUBTITLES, SUMMARY, TIMELINE, TRANSCRIPT
from records.transcript import from_json
from records.writer import RATE_HZ
from speech import synthesize
from tests.e2e.conftest import ANSWER, GREETING, STORY
from tests.e2e.faults import tones
from tests.e2e.stack import Gemini, Sfu, until, worker

pytestmark = pytest.mark.sound

SPEECH = synthesize("Hello, can you hear me?", sample_rate_hz=SAMPLE_RATE_HZ)
MARKERS = tones.sound(range(10, 20), sample_rate_hz=SAMPLE_RATE_HZ)
"""2 s of tones, each with its own place."""
MOST_DRIFT_S = 0.02
MOST_WRONG_S = 0.2
"""Of a line in the transcript, against the sound."""

Samples = npt.NDArray[np.int16]


def folder_of(records: Path) -> Path:
    [folder] = records.iterdir()
    return folder


def channels(path: Path) -> tuple[Samples, Samples]:
    with wave.open(str(path)) as file:
        both = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def lag_s(part: npt.NDArray[np.float32], whole: npt.NDArray[np.float32]) -> float:
    """Where a part lies in a recording at the same rate, in seconds."""
    length = len(part) + len(whole)
    found = np.fft.irfft(np.fft.rfft(whole, length) * np.conj(np.fft.rfft(part, length)), length)
    return int(np.argmax(found[: len(whole)])) / RATE_HZ


def loud(samples: Samples) -> list[tuple[float, float]]:
    """The stretches of sound, in seconds; pauses below 0.5 s don't divide one."""
    levels = np.abs(samples[: len(samples) // 240 * 240].astype(np.float32).reshape(-1, 240)).mean(axis=1)
    found: list[tuple[float, float]] = []
    for block in np.flatnonzero(levels > 60).tolist():
        start_s, end_s = block / 100, (block + 1) / 100
        if found and start_s - found[-1][1] < 0.5:
            found[-1] = (found[-1][0], end_s)
        else:
            found.append((start_s, end_s))
    return found


async def conversation(caller: Caller) -> None:
    """A greeting, a spoken turn, and a story that the caller interrupts."""
    await caller.first(AgentSound, within_s=20)
    await caller.first(AgentSilent, within_s=20)
    mark = len(caller.log)
    await caller.say(SPEECH, text="hello")
    await caller.first(AgentSound, since=mark, within_s=15)
    await caller.first(AgentSilent, since=mark, within_s=15)
    mark = len(caller.log)
    await caller.send_text("Tell me the story")
    await caller.first(Caption, since=mark, within_s=10, where=lambda caption: "lighthouse" in caption.text)
    await caller.say(MARKERS, text="stop")
    cut = await caller.first(AgentSilent, since=mark, within_s=10)
    answer = await caller.first(AgentSound, within_s=15, where=lambda sound: sound.t > cut.t)
    await caller.first(AgentSilent, within_s=15, where=lambda silent: silent.t > answer.t)


async def test_a_record_is_what_was_said_and_heard(server: Sfu, model: Gemini, tmp_path: Path, room: str) -> None:
    records = tmp_path / "records"
    settings = {"AGENT_NAME": "recorder", "RECORD": "audio,transcript,timeline", "RECORD_DIR": str(records)}
    async with worker(server, model, **settings) as part:
        async with server.caller(room, agent_name="recorder") as caller:
            await conversation(caller)
            heard = caller.recording
        await part.says("call ended: the caller left")
        folder = folder_of(records)
        await until((folder / SUBTITLES).exists)
        events = [json.loads(line) for line in (folder / TIMELINE).read_text().splitlines()]
        left, both = channels(folder / SOUND)
        right = without_soft_sound(both, events)
        check_sound(left, right, heard)
        lines = from_json((folder / TRANSCRIPT).read_text())
        check_lines(lines, left, right)
        summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
        assert (summary.room, summary.ending, summary.stopped, summary.dropped_s) == (room, "caller_left", None, 0)
        assert summary.duration_s == pytest.approx(len(left) / RATE_HZ, abs=1.5)
        assert summary.interrupted_turns == 1
        assert {"caller", "turn", "link", "usage"} <= {event["type"] for event in events}


def without_soft_sound(right: Samples, events: list[dict[str, Any]]) -> Samples:
    """What the agent says, without the sound that plays while the caller waits: the caller's side records the voice alone."""
    voice = right.copy()
    for event in events:
        if event["type"] == BACKGROUND:
            voice[int(event["t"] * RATE_HZ) : int(event["until_s"] * RATE_HZ)] = 0
    return voice


def check_sound(left: Samples, right: Samples, heard: Samples) -> None:
    """Both channels have what the caller's side has, and run by the same clock.

    The jitter buffer of the caller's side learns its delay during the greeting: the answer after it is the first measure.
    """
    ear = soxr.resample(heard.astype(np.float32), SAMPLE_RATE_HZ, RATE_HZ)
    spoken = loud(right)
    lags = []
    for start_s, end_s in (spoken[1], spoken[-1]):
        window = slice(int((start_s - 0.1) * RATE_HZ), int(min(start_s + 1.5, end_s) * RATE_HZ))
        lags.append(lag_s(right[window].astype(np.float32), ear) - window.start / RATE_HZ)
    print(f"lags of the ear behind the record: {lags}")  # noqa: T201  the figures that docs/records.md has
    assert lags[0] == pytest.approx(lags[1], abs=MOST_DRIFT_S)
    as_sent = [soxr.resample(each.astype(np.float32), SAMPLE_RATE_HZ, RATE_HZ) for each in (SPEECH, MARKERS)]
    assert [abs(float(np.corrcoef(each, at(left, each))[0, 1])) > 0.5 for each in as_sent] == [True, True]
    assert not tones.lost(range(10, 20), tones.read(left, sample_rate_hz=RATE_HZ))
    story_heard, story_recorded = (loud(each.astype(np.int16))[2] for each in (ear, right))
    assert story_recorded[1] - story_recorded[0] == pytest.approx(story_heard[1] - story_heard[0], abs=0.25), "cut as heard"


def at(whole: Samples, part: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    start = round(lag_s(part, whole.astype(np.float32)) * RATE_HZ)
    return whole[start : start + len(part)].astype(np.float32)


def check_lines(lines: list[TranscriptLine], left: Samples, right: Samples) -> None:
    """The words are those that were heard, with the times of their sound."""
    agents, callers = [line for line in lines if line.who == "agent"], [line for line in lines if line.who == "caller"]
    assert [line.text for line in agents[:2]] == [GREETING, ANSWER]
    assert STORY.startswith(agents[2].text)
    assert [line.interrupted for line in agents[:3]] == [False, False, True]
    assert [(line.typed, line.interrupts) for line in callers] == [(False, False), (True, False), (False, True)]
    for line, (start_s, end_s) in zip(agents, loud(right), strict=True):
        assert (line.start_s, line.end_s) == pytest.approx((start_s, end_s), abs=MOST_WRONG_S)
    spoken = [line for line in callers if not line.typed]
    for line, (start_s, end_s) in zip(spoken, loud(left), strict=True):
        assert (line.start_s, line.end_s) == pytest.approx((start_s, end_s), abs=MOST_WRONG_S)
