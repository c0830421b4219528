"""What is wrong with the folders of recorded calls that are over: `wrong_recordings`."""

import json
import wave
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from records import CallFolder, CallSummary, RecordsError, TranscriptLine
from records.call_folder import SOUND, SUBTITLES, SUMMARY, TIMELINE, TRANSCRIPT, folders
from records.stereo_wav import recorded_s
from records.summary import from_json
from records.writer import RATE_HZ

RECORD = "audio,transcript,timeline"
_MOST_APART_S = 2.0
"""Between the length of the sound and that of the call."""
_MOST_AWAY_S = 5.0
"""Between the length of the call as the worker has it, and as its caller has it, who is in the room before the agent."""


def wrong_recordings(calls: Path, lasted_s: Mapping[str, float]) -> list[str]:
    """What is wrong, in sentences.

    Args:
        calls: The folder of all calls.
        lasted_s: The seconds that each caller was in the room, by the room's name. Each has one recorded call.
    """
    wrong: list[str] = []
    rooms: list[str] = []
    for folder in folders(calls):
        try:
            summary = from_json(folder.read(SUMMARY))
            rooms.append(summary.room)
            told = [*_wrong_figures(summary, lasted_s.get(summary.room)), *_wrong_sound(folder, summary), *_wrong_texts(folder)]
        except RecordsError as error:
            told = [str(error)]
        wrong += [f"recording {folder.name}: {each}" for each in told]
    if sorted(rooms) != sorted(lasted_s):
        wrong.append(f"the recorded calls are of the rooms {sorted(rooms)}; the calls were in {sorted(lasted_s)}")
    return wrong


def recorded_figures(calls: Path) -> str:
    """What was recorded in all calls together, for a table."""
    each = list(folders(calls))
    minutes = sum(recorded_s(folder.path / SOUND, RATE_HZ) or 0.0 for folder in each) / 60
    size_mb = sum(path.stat().st_size for folder in each for path in folder.files()) / 1e6
    lines = sum(folder.read(TRANSCRIPT).count("\n") for folder in each)
    return f"{len(each)}, {minutes:.1f}, {lines}, {size_mb:.0f}"


def _wrong_figures(summary: CallSummary, lasted_s: float | None) -> list[str]:
    wrong = []
    if summary.ending is None or summary.duration_s is None:
        wrong.append("summary.json has no ending")
    elif lasted_s is not None and abs(summary.duration_s - lasted_s) > _MOST_AWAY_S:
        wrong.append(f"the call has {summary.duration_s:.1f} s; its caller was there for {lasted_s:.1f} s")
    if set(summary.recorded) != set(RECORD.split(",")):
        wrong.append(f"{summary.recorded} was to be recorded, not {RECORD}")
    wanted = {"stopped": None, "dropped_s": 0.0, "processes": 1, "gaps_s": 0.0}
    return wrong + [
        f"{name} is {getattr(summary, name)!r}" for name, value in wanted.items() if getattr(summary, name) != value
    ]


def _wrong_sound(folder: CallFolder, summary: CallSummary) -> list[str]:
    path = folder.path / SOUND
    try:
        with wave.open(str(path)) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            length_s = file.getnframes() / file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        return [f"{SOUND} can't be read: {error}"]
    wrong = [] if form == (2, 2, RATE_HZ) else [f"{SOUND} has the form {form}"]
    if length_s != recorded_s(path, RATE_HZ):
        wrong.append(f"the header of {SOUND} says {length_s:.1f} s; the file has {recorded_s(path, RATE_HZ)}")
    if summary.duration_s is not None and abs(length_s - summary.duration_s) > _MOST_APART_S:
        wrong.append(f"{SOUND} has {length_s:.1f} s, and the call {summary.duration_s:.1f} s")
    return wrong


def _wrong_texts(folder: CallFolder) -> list[str]:
    """What doesn't parse. records/transcript.py leaves out such lines; here they are told."""
    wrong, speakers = [], set()
    for number, line in enumerate(folder.read(TRANSCRIPT).splitlines(), start=1):
        try:
            speakers.add(TranscriptLine.model_validate_json(line).who)
        except ValidationError:
            wrong.append(f"line {number} of {TRANSCRIPT} doesn't parse")
    if speakers != {"agent", "caller"}:
        wrong.append(f"{TRANSCRIPT} has the words of {sorted(speakers) or 'nobody'} alone")
    events = [_is_event(line) for line in folder.read(TIMELINE).splitlines()]
    wrong += [f"line {number} of {TIMELINE} doesn't parse" for number, parses in enumerate(events, start=1) if not parses]
    if not events:
        wrong.append(f"{TIMELINE} is empty")
    if not folder.read(SUBTITLES).startswith("WEBVTT\n"):
        wrong.append(f"{SUBTITLES} isn't there, or isn't WebVTT")
    return wrong


def _is_event(line: str) -> bool:
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return False
    return isinstance(event, dict) and isinstance(event.get("t"), int | float) and isinstance(event.get("type"), str)
