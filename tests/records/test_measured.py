"""Latencies that are measured by a recorded call's sound."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from records import CallFolder, CallSummary, RecordWriter
from records.__main__ import DONE, FAILED, main
from records.call_folder import BACKGROUND, SOUND, SUMMARY, TIMELINE
from records.errors import NoRecordError
from records.measured import measure
from records.stereo_wav import LEFT, RIGHT
from records.summary import latency, to_json
from records.writer import Sound, Text
from tests.published_latencies import response_latencies_s

NAME = "20261129T080000Z-0123abcd"
RESPONSES_S = [0.412, 0.733, 1.506, 0.301, 0.954]
GREETING_S = 0.873
MOST_WRONG_S = 0.03


def speech(duration_s: float, rate_hz: int) -> bytes:
    """Syllables: a tone that swells five times a second, and is loud at both ends."""
    at = np.arange(round(duration_s * rate_hz)) / rate_hz
    swell = 0.2 + 0.8 * np.abs(np.cos(np.pi * 5 * at))
    return (6000 * swell * np.sin(2 * np.pi * 300 * at)).astype(np.int16).tobytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CallFolder:
    """A call with known latencies: a greeting, then questions with a pause within, each with its answer."""
    monkeypatch.setenv("RECORD_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    folder = CallFolder(tmp_path, NAME)
    with RecordWriter(folder, pytest.fail, has_sound=True) as writer:
        writer.put(Text(TIMELINE, json.dumps({"t": 0.5, "type": "caller", "identity": "me"})))
        writer.put(Sound(RIGHT, "agent", 0.5 + GREETING_S, 24_000, speech(2, 24_000)))
        at_s = 5.0
        for response_s in RESPONSES_S:
            writer.put(Sound(LEFT, "caller", at_s, 16_000, speech(1, 16_000)))
            writer.put(Sound(LEFT, "caller", at_s + 1.6, 16_000, speech(1, 16_000)))
            writer.put(Sound(RIGHT, "agent", at_s + 2.6 + response_s, 24_000, speech(2, 24_000)))
            at_s += 8
    known = CallSummary(
        call=NAME,
        room="room-1",
        persona="assistant",
        model="gemini",
        started_at=datetime(2026, 11, 29, 8, 0, tzinfo=UTC),
        recorded=("audio", "timeline"),
        response_latency=latency(RESPONSES_S),
        greeting_latency_s=GREETING_S,
    )
    folder.replace(SUMMARY, to_json(known))
    return folder


def test_known_latencies_are_measured_by_the_sound(folder: CallFolder) -> None:
    found = measure(folder)
    assert [each.latency_s for each in found.responses] == pytest.approx(RESPONSES_S, abs=MOST_WRONG_S)
    assert found.greeting_latency_s == pytest.approx(GREETING_S, abs=MOST_WRONG_S)
    assert response_latencies_s(folder.path / SOUND) == pytest.approx(RESPONSES_S, abs=MOST_WRONG_S)


def test_the_soft_sound_while_a_tool_runs_is_no_reply(folder: CallFolder) -> None:
    """It plays from the first question's end until the answer, and its level is that of the real one."""
    start_s, until_s = 7.7, 8.0
    at = np.arange(round((until_s - start_s) * 48_000)) / 48_000
    with RecordWriter(folder, pytest.fail, has_sound=True) as writer:
        soft = (900 * np.sin(2 * np.pi * 392 * at)).astype(np.int16).tobytes()
        writer.put(Sound(RIGHT, "background", start_s, 48_000, soft))
        writer.put(Text(TIMELINE, json.dumps({"t": start_s, "type": BACKGROUND, "until_s": until_s})))
    assert [each.latency_s for each in measure(folder).responses] == pytest.approx(RESPONSES_S, abs=MOST_WRONG_S)


def test_the_program_shows_them_beside_the_summary(folder: CallFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["latency", folder.name, "--json"]) == DONE
    shown = json.loads(capsys.readouterr().out)
    for name in ("p50_s", "p95_s"):
        by_sound, in_call = shown["response_latency"][name], shown["summary"]["response_latency"][name]
        assert by_sound == pytest.approx(in_call, abs=MOST_WRONG_S)
    assert main(["latency", folder.name]) == DONE
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(RESPONSES_S) + 2
    assert "summary.json: p50 0.733 s, p95 1.506 s, 5 turns" in lines[-2]


def test_a_call_without_sound_can_not_be_measured(folder: CallFolder, capsys: pytest.CaptureFixture[str]) -> None:
    (folder.path / "call.wav").unlink()
    with pytest.raises(NoRecordError, match=r"has no sound"):
        measure(folder)
    assert main(["latency", folder.name]) == FAILED
    assert NAME in capsys.readouterr().err


def test_a_file_that_is_no_wav_is_said(folder: CallFolder) -> None:
    (folder.path / "call.wav").write_bytes(b"RIFF")
    with pytest.raises(NoRecordError, match="can't be read"):
        measure(folder)
