"""What hand-overs cost, with a call and a log that are written down by hand."""

import datetime
import json
import time
from pathlib import Path

import pytest

from tests.chaos.handovers import Handover, added, handovers
from tests.chaos.judge import CallEvidence, Spoken
from tests.chaos.words import ANSWER, brief_question
from tests.e2e.faults.tones import MARKER_S, Stretch

ROOM = "chaos-0-1"


def call(*waits_s: float) -> CallEvidence:
    """A question each 20 s, answered after so long; the first ends at 120 s."""
    turns, heard = [Spoken((), 100.0, 100.0)], []
    for number, wait_s in enumerate(waits_s):
        end = 120.0 + 20 * number
        turns.append(Spoken(brief_question(0, number), end - 2 * MARKER_S, end))
        for place, marker in enumerate(ANSWER):
            start = end + wait_s + place * MARKER_S
            heard.append(Stretch(marker, start, start + MARKER_S))
    return CallEvidence(ROOM, 0, 100.0, 300.0, turns=tuple(turns), heard=tuple(heard))


def test_a_hand_over_is_charged_with_the_delay_of_the_next_answer_beyond_the_others() -> None:
    given = Handover(ROOM, 138.9, 0.7, 1)  # in the pause before the second question
    [cost] = added([call(1.0, 1.25, 1.0, 1.1)], [given])
    assert cost.beyond_usual_s == pytest.approx(0.25)
    assert cost.beyond_latest_s == pytest.approx(0.15)


def test_another_calls_hand_over_is_not() -> None:
    assert added([call(1.0, 1.25, 1.0)], [Handover("chaos-1-1", 138.9, 0.7, 1)]) == []


def test_hand_overs_are_read_from_the_logs_of_both_processes(tmp_path: Path) -> None:
    at = datetime.datetime.now(datetime.UTC)
    given = {"message": "the call is handed over", "room": ROOM, "timestamp": at.isoformat()}
    later = (at + datetime.timedelta(seconds=0.7)).isoformat()
    connected = {"message": "Gemini connection: connected (process)", "room": ROOM, "attempts": 2, "timestamp": later}
    (tmp_path / "worker-0.log").write_text(json.dumps(given) + "\nno JSON\n")
    (tmp_path / "worker-1.log").write_text(json.dumps({**connected, "room": "other"}) + "\n" + json.dumps(connected) + "\n")
    [found] = handovers(tmp_path)
    assert (found.room, found.attempts) == (ROOM, 2)
    assert found.connected_s == pytest.approx(0.7, abs=0.01)
    assert found.given_at == pytest.approx(time.monotonic(), abs=5)
