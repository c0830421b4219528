"""The checks of a soak's recordings: a whole one passes, and whatever is missing in another is told."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from records import CallFolder, CallSummary, RecordWriter, TranscriptLine
from records.call_folder import SOUND, SUBTITLES, SUMMARY, TIMELINE, TRANSCRIPT
from records.stereo_wav import LEFT
from records.summary import from_json, to_json
from records.transcript import subtitles
from records.transcript import to_json as transcript_json
from records.writer import Sound, Text
from tests.soak.recordings import recorded_figures, wrong_recordings

NAME = "20261129T080000Z-0123abcd"
ROOM = "soak-1"
DURATION_S = 12.5
LINES = (
    TranscriptLine(start_s=1.0, end_s=2.0, who="agent", text="Hello."),
    TranscriptLine(start_s=3.0, end_s=4.0, who="caller", text="Hello, can you hear me?"),
)
SUMMARY_OF_IT = CallSummary(
    call=NAME,
    room=ROOM,
    persona="assistant",
    model="gemini",
    started_at=datetime(2026, 11, 29, 8, 0, tzinfo=UTC),
    duration_s=DURATION_S,
    ending="caller_left",
    recorded=("audio", "timeline", "transcript"),
)


@pytest.fixture
def folder(tmp_path: Path) -> CallFolder:
    """A recording that has everything."""
    folder = CallFolder(tmp_path, NAME)
    with RecordWriter(folder, pytest.fail, has_sound=True) as writer:
        writer.put(Sound(LEFT, "caller", DURATION_S - 1, 24_000, bytes(2 * 24_000)))
        writer.put(Text(TIMELINE, json.dumps({"t": 0.5, "type": "caller", "identity": "me"})))
        for line in LINES:
            writer.put(Text(TRANSCRIPT, transcript_json(line)))
    folder.replace(SUBTITLES, subtitles(LINES))
    folder.replace(SUMMARY, to_json(SUMMARY_OF_IT))
    return folder


def wrong(folder: CallFolder, lasted_s: float = DURATION_S) -> list[str]:
    return wrong_recordings(folder.path.parent, {ROOM: lasted_s})


def changed(**fields: object) -> Callable[[CallFolder], None]:
    """Makes figures of the summary other ones."""

    def change(folder: CallFolder) -> None:
        folder.replace(SUMMARY, to_json(from_json(folder.read(SUMMARY)).model_copy(update=fields)))

    return change


def longer(file: str, text: str) -> Callable[[CallFolder], None]:
    """Makes a file longer by some text."""
    return lambda folder: folder.replace(file, folder.read(file) + text)


def test_a_whole_recording_has_nothing_wrong(folder: CallFolder) -> None:
    assert wrong(folder) == []
    assert recorded_figures(folder.path.parent) == "1, 0.2, 2, 1"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (changed(ending=None), "no ending"),
        (changed(duration_s=None), "no ending"),
        (changed(dropped_s=0.4), "dropped_s is 0.4"),
        (changed(stopped="disk full"), "stopped is 'disk full'"),
        (changed(processes=2), "processes is 2"),
        (changed(recorded=("audio",)), "was to be recorded"),
        (changed(duration_s=DURATION_S + 4), "call.wav has 12.5 s, and the call 16.5 s"),
        (lambda folder: folder.replace(SUMMARY, "{}"), "summary.json is of another form"),
        (lambda folder: (folder.path / SOUND).unlink(), "call.wav can't be read"),
        (lambda folder: (folder.path / SOUND).write_bytes((folder.path / SOUND).read_bytes() + bytes(96_000)), "the header"),
        (longer(TRANSCRIPT, '{"start_s": 5'), "line 3 of transcript.jsonl doesn't parse"),
        (lambda folder: folder.replace(TRANSCRIPT, transcript_json(LINES[0])), "the words of ['agent'] alone"),
        (longer(TIMELINE, '{"t": 1.0}'), "line 2 of timeline.jsonl doesn't parse"),
        (lambda folder: folder.replace(TIMELINE, ""), "timeline.jsonl is empty"),
        (lambda folder: (folder.path / SUBTITLES).unlink(), "transcript.vtt isn't there"),
    ],
)
def test_what_a_recording_lacks_is_told(folder: CallFolder, spoil: Callable[[CallFolder], None], told: str) -> None:
    spoil(folder)
    assert any(told in each for each in wrong(folder)), wrong(folder)


def test_a_call_is_as_long_as_its_caller_was_there(folder: CallFolder) -> None:
    [told] = wrong(folder, DURATION_S + 6)
    assert "its caller was there for 18.5 s" in told


def test_each_call_has_its_recording(folder: CallFolder) -> None:
    [told] = wrong_recordings(folder.path.parent, {ROOM: DURATION_S, "soak-2": DURATION_S})
    assert told == "the recorded calls are of the rooms ['soak-1']; the calls were in ['soak-1', 'soak-2']"
