"""What the journal keeps, in memory, as lines and as sound, and that nothing a client sends can break it."""

import datetime
import json
import time
import wave
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.journal import Journal

SOUND = bytes(range(200)) * 16


def read(path: Path) -> tuple[tuple[int, int, int], bytes]:
    with wave.open(str(path), "rb") as sound:
        return (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()), sound.readframes(sound.getnframes())


def test_the_first_line_ties_the_clock_to_the_time(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write("a", "received", b'{"setup": {}}')
        kept = journal.recent()
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert lines == kept
    started = datetime.datetime.fromisoformat(lines[0]["message"]["started"])
    assert abs((datetime.datetime.now(datetime.UTC) - started).total_seconds() - (time.monotonic() - lines[0]["t"])) < 1
    assert lines[1] == {"t": lines[1]["t"], "session": "a", "direction": "received", "message": {"setup": {}}}


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_sound_is_kept_as_its_length(tmp_path: Path, kind: str) -> None:
    with Journal(tmp_path / "journal.jsonl" if kind == "file" else None) as journal:
        journal.write("a", "received", json.dumps({"realtimeInput": {"audio": {"data": "A" * 2000}}}))
        journal.write("a", "sent", {"serverContent": [{"data": "A" * 100}]})
        kept = [line["message"] for line in journal.recent()[1:]]
    assert kept == [
        {"realtimeInput": {"audio": {"data": "<2000 characters>"}}},
        {"serverContent": [{"data": "<100 characters>"}]},
    ]


def test_memory_keeps_the_newest() -> None:
    with Journal(None, most_recent=3) as journal:
        for number in range(10):
            journal.write("a", "event", {"number": number})
        assert [line["message"]["number"] for line in journal.recent()] == [7, 8, 9]


def test_what_was_sent_is_kept_as_it_was_then() -> None:
    content: dict[str, object] = {"turnComplete": True}
    with Journal(None) as journal:
        journal.write("a", "sent", {"serverContent": content})
        content.clear()
        assert journal.recent()[-1]["message"] == {"serverContent": {"turnComplete": True}}


@pytest.mark.parametrize("kind", ["memory", "file"])
@pytest.mark.parametrize(
    "frame",
    [
        b"\xff\x00",
        "no json",
        b'{"data": "\\ud800"}',
        b'{"text": "\\ud800"}',
        b"1",
        b"[1]",
        b"9" * 5000,
        b"[" * 5000 + b"]" * 5000,
    ]
    + [b'{"a":' * depth + b"1" + b"}" * depth for depth in (200, 300, 400, 450, 480, 490, 500, 600, 900, 980, 1000)],
    ids=lambda frame: f"{frame[:8]!r}{len(frame)}",
)
def test_any_frame_becomes_a_line(tmp_path: Path, kind: str, frame: str | bytes) -> None:
    with Journal(tmp_path / "journal.jsonl" if kind == "file" else None) as journal:
        journal.write("a", "received", frame)
        journal.write("a", "received", b"{}")
        assert [line["session"] for line in journal.recent()] == ["", "a", "a"]
    if kind == "file":
        lines = (tmp_path / "journal.jsonl").read_text().splitlines()
        assert [json.loads(line)["session"] for line in lines] == ["", "a", "a"]


def test_the_sound_of_a_session_is_one_wav_file(tmp_path: Path) -> None:
    with Journal(None, audio_folder=tmp_path / "heard") as journal:
        journal.write_sound("one", SOUND, 16000)
        journal.write_sound("two", SOUND[:100], 16000)
        journal.write_sound("one", SOUND[::-1], 16000)
        journal.end("one")
        assert read(tmp_path / "heard" / "one.wav") == ((1, 2, 16000), SOUND + SOUND[::-1])
    assert read(tmp_path / "heard" / "two.wav")[1] == SOUND[:100]


def test_sound_at_another_rate_goes_to_another_file(tmp_path: Path) -> None:
    with Journal(None, audio_folder=tmp_path) as journal:
        journal.write_sound("one", SOUND, 16000)
        journal.write_sound("one", SOUND, 24000)
    assert [read(tmp_path / name)[0][2] for name in ("one.wav", "one-2.wav")] == [16000, 24000]


def test_no_recording_is_overwritten(tmp_path: Path) -> None:
    for _ in range(2):
        with Journal(None, audio_folder=tmp_path) as journal:
            for _ in range(2):
                journal.write_sound("one", SOUND, 16000)
                journal.end("one")
    assert {path.name: len(read(path)[1]) for path in tmp_path.iterdir()} == dict.fromkeys(
        ("one.wav", "one-2.wav", "one-3.wav", "one-4.wav"), len(SOUND)
    )


def test_without_a_folder_no_sound_is_kept(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.write_sound("one", SOUND, 16000)
        journal.end("one")
    assert [path.name for path in tmp_path.iterdir()] == ["journal.jsonl"]


def test_not_every_session_of_a_crowd_is_recorded(tmp_path: Path) -> None:
    with Journal(None, audio_folder=tmp_path) as journal:
        for number in range(300):
            journal.write_sound(f"s{number}", SOUND, 16000)
        assert len(list(tmp_path.iterdir())) == 256
        journal.end("s0")
        journal.write_sound("late", SOUND, 16000)
    assert (tmp_path / "late.wav").exists()


@settings(deadline=None, max_examples=30)  # its disk may be busy
@given(st.text(max_size=300))
def test_a_sessions_name_cant_leave_the_folder(tmp_path_factory: pytest.TempPathFactory, session: str) -> None:
    folder = tmp_path_factory.mktemp("sound")
    with Journal(None, audio_folder=folder / "heard") as journal:
        journal.write_sound(session, SOUND, 16000)
    [file] = (folder / "heard").iterdir()
    assert read(file)[1] == SOUND
