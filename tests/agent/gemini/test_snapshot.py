"""A snapshot and the ring of sound are read by another process as they were written, or refused with one sentence."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from agent.gemini import Line, Owes, SavedExchange, Snapshot, SnapshotError, SoundRing, SoundRingError
from agent.gemini.snapshot import lines_heard

SECOND = 32_000
QUESTION, ANSWER = Line(by_caller=True, text="Tell me a story."), Line(by_caller=False, text="Once upon a time")


@settings(deadline=None, max_examples=200)
@given(st.builds(Snapshot, version=st.just(1)))
def test_any_snapshot_is_read_as_it_was_written(snapshot: Snapshot) -> None:
    assert Snapshot.from_json(snapshot.to_json()) == snapshot


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the text: json_invalid"),
        (Snapshot("m").to_json()[:-5], "the text: json_invalid"),
        ("[]", "the text: dataclass_type"),
        ("{}", "model: missing"),
        (Snapshot("m").to_json().replace('"version":1', '"version":2'), "version: literal_error"),
        (Snapshot("m").to_json().replace('"nothing"', '"a secret"'), "link.exchange.owes: enum"),
        (Snapshot("m").to_json().replace('"handle_age_s":0.0', '"handle_age_s":-1'), "link.handle_age_s: greater_than_equal"),
    ],
)
def test_anything_else_is_refused_without_its_words(text: str, says: str) -> None:
    with pytest.raises(SnapshotError) as refused:
        Snapshot.from_json(text)
    assert str(refused.value) == f"no snapshot of this version: {says}"


def test_the_lines_have_the_question_and_the_heard_words_once() -> None:
    under_way = SavedExchange(Owes.REST, question=" Tell me a story.", heard="Once upon a time")
    assert lines_heard([], under_way) == (QUESTION, ANSWER)
    assert lines_heard([QUESTION], under_way) == (QUESTION, ANSWER)
    goes_on = SavedExchange(Owes.REST, question="Tell me a story.", heard="Once upon a time there was")
    assert lines_heard([QUESTION, ANSWER], goes_on) == (QUESTION, ANSWER, Line(by_caller=False, text="there was"))
    assert lines_heard([QUESTION], SavedExchange(question="Tell me a story.")) == (QUESTION,)


def test_the_ring_is_read_by_another_process_after_a_kill(tmp_path: Path) -> None:
    """Not closed, not flushed: the writer kills itself with SIGKILL."""
    path = tmp_path / "ring"
    writes = (
        "import os, signal, sys; from pathlib import Path; from agent.gemini.sound_ring import SoundRing; "
        "ring = SoundRing(Path(sys.argv[1])).__enter__(); ring.write(b'ab' * 320); ring.write(b'cd' * 320); "
        "ring.understood(640); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", writes, str(path)], check=False)
    assert killed.returncode == -9
    assert SoundRing.unheard(path) == b"cd" * 320


def test_the_ring_has_the_newest_half_minute_in_order_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    with SoundRing(path) as ring:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert SoundRing.unheard(path) == b""
        sound = os.urandom(40 * SECOND)
        for start in range(0, len(sound), 640):
            ring.write(sound[start : start + 640])
        assert SoundRing.unheard(path) == sound[10 * SECOND :]
        ring.understood(35 * SECOND)
        assert SoundRing.unheard(path) == sound[35 * SECOND :]
        ring.understood(99 * SECOND)
        assert SoundRing.unheard(path) == b""
    assert not path.exists()
    ring.write(b"ab")


def test_what_is_no_ring_or_cannot_be_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ring"
    with pytest.raises(SoundRingError, match="No such file"):
        SoundRing.unheard(path)
    for content in (b"", b"x" * 100, b"ESRING\x00\x01" + b"\xff" * 64):
        path.write_bytes(content)
        with pytest.raises(SoundRingError, match="is no ring of sound"):
            SoundRing.unheard(path)
    with pytest.raises(SoundRingError, match="can't be kept"), SoundRing(tmp_path / "missing" / "ring"):
        pass
