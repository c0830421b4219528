"""The record of a call with which no process has gone on says so."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.call.checkpoint import Checkpoint, to_json
from agent.call.given_up_record import end_given_up
from agent.call.heard_latencies import SavedLatencies
from agent.call.record import CallLosses
from records import CallFolder, CallSummary
from records.call_folder import SUBTITLES, SUMMARY, TRANSCRIPT
from records.summary import from_json
from records.summary import to_json as summary_json
from tests.agent.test_checkpoint import CHECKPOINT

AT = datetime(2026, 11, 29, 7, 30, 13, tzinfo=UTC)
NAME = "20261129T073013Z-2b43623d"
FIGURES = replace(CHECKPOINT.figures, losses=CallLosses({"lost.dropped": 2}))
LAST: Checkpoint = replace(CHECKPOINT, recording=NAME, latencies=SavedLatencies((0.5, 0.7), 0.9), figures=FIGURES)


def begun(calls: Path, **facts: Any) -> CallFolder:
    """The folder of a call whose process has died."""
    folder = CallFolder(calls, NAME)
    folder.make()
    folder.replace(TRANSCRIPT, '{"start_s": 1.5, "end_s": 2, "who": "caller", "text": "Hello"}\n')
    known: dict[str, Any] = {"call": NAME, "room": "room-1", "persona": "assistant", "model": "m", "started_at": AT}
    folder.replace(SUMMARY, summary_json(CallSummary(**known | {"recorded": ("transcript",)} | facts)))
    return folder


def test_it_ends_with_no_worker_and_what_the_last_checkpoint_knows(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    end_given_up(tmp_path, to_json(LAST), AT + timedelta(seconds=90))
    summary = from_json(folder.read(SUMMARY))
    assert (summary.ending, summary.is_fault, summary.duration_s) == ("no_worker", True, 90.0)
    assert (summary.turns, summary.tools, summary.cost_usd) == (2, {"local_time": 1}, 0.001)
    assert summary.tokens == {"input_tokens": {"text": 5}, "output_tokens": {"audio": 7}}
    assert summary.response_latency is not None
    assert (summary.response_latency.turns, summary.greeting_latency_s) == (2, 0.9)
    assert summary.link == {"lost.dropped": 2}
    assert "Hello" in folder.read(SUBTITLES)


def test_a_call_that_has_ended_keeps_its_ending(tmp_path: Path) -> None:
    folder = begun(tmp_path, ending="caller_left", duration_s=5.0)
    end_given_up(tmp_path, to_json(LAST), AT + timedelta(seconds=90))
    assert from_json(folder.read(SUMMARY)).ending == "caller_left"


@pytest.mark.parametrize("content", [to_json(LAST), to_json(replace(LAST, recording="")), b"no checkpoint"])
def test_a_record_that_is_not_here_is_not_made(tmp_path: Path, content: bytes) -> None:
    """Another machine has it, or the call wasn't recorded."""
    end_given_up(tmp_path, content, AT)
    assert list(tmp_path.iterdir()) == []
