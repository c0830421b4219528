"""A recorded call of two minutes with all that can happen in one: is its record what was said, heard and paid?

The caller talks over the agent, a tool runs, the connection to Gemini is lost, and the process of the call is killed. Both
sides speak tones (tests/e2e/faults/tones.py), so each word has a place in what the caller sent, in what they heard, and in the
record.
"""

import json
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from aiohttp import web

from agent.gemini import TokenUsage, shipped_prices
from caller.caller import SAMPLE_RATE_HZ
from caller.ear import Samples
from demo.parts import Part
from records import CallSummary, TranscriptLine
from records.call_folder import SOUND, SUBTITLES, SUMMARY, TIMELINE, TRANSCRIPT
from records.transcript import from_json
from records.voice_spans import Span
from records.writer import RATE_HZ
from tests.e2e.faults.private import TOLD_ADDRESS, TOLD_NUMBER, private_texts
from tests.e2e.faults.rig import MODEL, rig
from tests.e2e.faults.sentences import FIRST, LATER, LONG_QUESTION, QUESTIONS, RESULT, SECOND, STORY, THIRD
from tests.e2e.faults.stage import Stage
from tests.e2e.faults.tones import Stretch, lost, read
from tests.e2e.stack import until
from tests.e2e.test_calls_api import Receiver
from tests.e2e.test_recorded_failover import ear_lag_s
from tests.e2e.test_recording import MOST_DRIFT_S, MOST_WRONG_S, channels, folder_of
from tests.serving import serving

pytestmark = [pytest.mark.sound, pytest.mark.long, pytest.mark.timeout(300)]

NAME = "recorded-whole"
MOST_APART_S = 0.1
"""Between the delays of jitter buffers: that of the worker at different times, those of the tracks of two processes."""
BEFORE_KILL_S = 1.0
"""The most that the record of a killed process may lack of its end."""
INTO_ANSWER_S = 1.5
TURNS_AT_THE_END = 3
INTERRUPTIONS = 2
SPOKEN_TURNS = 6 + TURNS_AT_THE_END
MOST_WORDS_AHEAD = 3
"""Words of an answer that is cut off, which were shown and not heard: 0.6 s."""
WHOLE_S = 0.15
"""A marker of 0.2 s of which more than this is heard has its beginning where it was said."""


def process_is_killed(part: Part, stage: Stage) -> None:
    """Kill the process of the call."""
    started = [json.loads(line) for line in part.lines if '"call started"' in line and stage.room in line]
    stage.struck()
    os.kill(int(started[-1]["pid"]), signal.SIGKILL)


async def conversation(stage: Stage, part: Part) -> None:
    """Two interruptions, a tool, a lost connection, a killed process; before and after it turns without any of that."""
    await stage.greeted()
    await stage.asks(QUESTIONS[0], FIRST)
    await stage.types("Tell me the story.", STORY)
    await stage.begins(STORY, after_s=INTO_ANSWER_S)
    await stage.says(QUESTIONS[1], SECOND, interrupting=True)
    await stage.hears(SECOND, within_s=20)
    await stage.types("Turn on the lights.", RESULT)
    await stage.hears(RESULT, within_s=20)
    await stage.says(QUESTIONS[2], THIRD)
    await stage.begins(THIRD, after_s=0.5)
    stage.cut()
    await stage.hears(THIRD, within_s=20)
    await stage.types("Tell me the story.", STORY)
    await stage.hears(STORY, within_s=20)
    await stage.asks(LONG_QUESTION, LATER)
    await stage.types("Tell me the story.", STORY)
    await stage.begins(STORY, after_s=INTO_ANSWER_S)
    process_is_killed(part, stage)
    await stage.hears(STORY, within_s=30)
    await stage.asks(QUESTIONS[0], LATER)
    await stage.types("Tell me the story.", STORY)
    await stage.begins(STORY, after_s=INTO_ANSWER_S)
    await stage.says(QUESTIONS[1], LATER, interrupting=True)
    await stage.hears(LATER, within_s=20)
    for _ in range(TURNS_AT_THE_END):
        await stage.asks(LONG_QUESTION, LATER)
        await stage.types("Tell me the story.", STORY)
        await stage.hears(STORY, within_s=20)
    await stage.caller_pauses(2)


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for the names of sockets."""
    with tempfile.TemporaryDirectory(prefix="whole-") as folder:
        yield Path(folder)


async def test_the_record_of_an_eventful_call_is_what_was_said_heard_and_paid(short_path: Path, room: str) -> None:
    receiver, app, records = Receiver(), web.Application(), short_path / "records"
    app.router.add_post("/hook", receiver.answer)
    settings: dict[str, Any] = {
        "RECORD": "audio,transcript,timeline",
        "RECORD_DIR": str(records),
        "FAILOVER_DIR": str(short_path / "calls"),
    }
    async with serving(app) as url, rig(short_path) as made:
        async with made.sharing_worker(NAME, WEBHOOK_URL=f"{url}/hook", LOG_FORMAT="json", **settings) as part:
            async with made.server.caller(room, agent_name=NAME) as caller:
                stage = Stage(made, caller, room)
                await conversation(stage, part)
                heard, joined_at = caller.recording, caller.joined_at
            await part.says("call ended: the caller left")
            folder = folder_of(records)
            await until((folder / SUBTITLES).exists)
            await until(lambda: "call.ended" in receiver.events)
            shown = await made.shown()
        told = [line["message"] for line in made.journal(joined_at) if line["direction"] == "sent"]
    summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
    events = [json.loads(line) for line in (folder / TIMELINE).read_text().splitlines()]
    left, right = channels(folder / SOUND)
    lines = from_json((folder / TRANSCRIPT).read_text())
    [resumed] = events_of(events, "recording")
    assert stage.wrong == []
    check_caller(stage, read(left, sample_rate_hz=RATE_HZ))
    recorded_until_s = resumed["t"] - resumed["gap_s"]
    assert stage.struck_at - joined_at - recorded_until_s < BEFORE_KILL_S, "all but the last second before the kill is there"
    check_agent(heard, right, lines, killed_s=recorded_until_s)
    check_lines(lines, left, right)
    check_events(events, summary)
    assert summary.cost_usd == pytest.approx(paid_usd(told), abs=1e-6)
    started, ended = (receiver.events[f"call.{what}"] for what in ("started", "ended"))
    assert ended["summary"] == json.loads((folder / SUMMARY).read_text())
    assert started["call"] | {"job": summary.job} == ended["call"]
    texts = "".join((folder / name).read_text() for name in (TRANSCRIPT, TIMELINE, SUBTITLES))
    assert [TOLD_NUMBER in texts, TOLD_ADDRESS in texts, "[number]" in texts] == [False, False, True]
    assert private_texts(shown) == []


def events_of(events: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


def check_caller(stage: Stage, left: Sequence[Stretch]) -> None:
    """Each word that the caller said is in the record, where it reached the worker: the jitter buffer's delay changes."""
    late_s: list[float] = []
    for turn in stage.turns:
        said = [one for one in left if turn.start_s - 0.5 < one.start_s < turn.end_s + 0.5]
        assert lost(turn.said, said) == []
        late_s += [one.start_s - turn.start_s for one in said if one.marker in turn.said[:1]]
    print(f"the caller's sound is in the record {late_s} s after it was said, by clocks that began at different times")  # noqa: T201
    assert max(late_s) - min(late_s) < MOST_APART_S


def check_agent(heard: Samples, right: Samples, lines: Sequence[TranscriptLine], *, killed_s: float) -> None:
    """The ear has each word of the record in the same order, and each sentence of a process as much later as the first."""
    recorded, at_ear = whole_words(right, RATE_HZ), whole_words(heard, SAMPLE_RATE_HZ)
    before = sum(one.start_s < killed_s for one in recorded)
    after = len(recorded) - before
    assert [words_of(at_ear[:before]), words_of(at_ear[-after:])] == [words_of(recorded[:before]), words_of(recorded[before:])]
    ear = soxr.resample(heard.astype(np.float32), SAMPLE_RATE_HZ, RATE_HZ)
    lags: dict[bool, list[float]] = {False: [], True: []}
    for line in lines:
        if line.who == "agent" and not line.interrupted:
            lags[line.start_s > killed_s].append(ear_lag_s(right, ear, Span(line.start_s, line.end_s)))
    print(f"lags of the ear behind the record: {lags}")  # noqa: T201  the figures that docs/records.md has
    assert [max(each) - min(each) < MOST_DRIFT_S for each in lags.values()] == [True, True]
    assert lags[True][0] == pytest.approx(lags[False][-1], abs=MOST_APART_S)


def whole_words(samples: Samples, sample_rate_hz: int) -> list[Stretch]:
    return [one for one in read(samples, sample_rate_hz=sample_rate_hz) if one.marker is not None and one.duration_s > WHOLE_S]


def words_of(stretches: Sequence[Stretch]) -> list[int | None]:
    return [one.marker for one in stretches]


def check_lines(lines: Sequence[TranscriptLine], left: Samples, right: Samples) -> None:
    """Each line begins and ends with the sound of its words, and has all that were heard and hardly more."""
    for line in lines:
        if line.typed:
            continue
        sound = read(left if line.who == "caller" else right, sample_rate_hz=RATE_HZ)
        of_line = [one for one in sound if line.start_s - MOST_WRONG_S < one.start_s and one.end_s < line.end_s + MOST_WRONG_S]
        ends = (of_line[0].start_s, of_line[-1].end_s)
        assert (line.start_s, line.end_s) == pytest.approx(ends, abs=MOST_WRONG_S), line
        if line.who == "agent":
            words = [f"m{one.marker}" for one in of_line if one.duration_s > WHOLE_S]
            assert line.text.split()[: len(words)] == words
            assert len(line.text.split()) - len(words) <= (MOST_WORDS_AHEAD if line.interrupted else 0), line
    assert sum(line.interrupts for line in lines) == sum(line.interrupted for line in lines) == INTERRUPTIONS


def check_events(events: Sequence[dict[str, Any]], summary: CallSummary) -> None:
    """What happened in the call is in the timeline, in order, and counted in the summary."""
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    kinds = [event["kind"] for event in events_of(events, "link")]
    assert kinds == ["connected", "lost", "restored", "connected"]
    assert summary.link == {"connected.start": 1, "lost.dropped": 1, "restored.dropped": 1, "connected.process": 1}
    [tool] = events_of(events, "tool_ended")
    assert (tool["name"], tool["status"], tool["result"]) == ("turn_on_the_lights", "done", "The lights are on.")
    assert (summary.tools, summary.failed_tools) == ({"turn_on_the_lights": 1}, 0)
    assert (summary.ending, summary.stopped, summary.dropped_s, summary.processes) == ("caller_left", None, 0, 2)
    assert (summary.turns, summary.interrupted_turns) == (len(events_of(events, "turn")), INTERRUPTIONS)
    assert summary.response_latency is not None
    assert summary.response_latency.turns == SPOKEN_TURNS
    assert events_of(events, "background") == [], "nobody waits so long that a soft sound is due"


def paid_usd(told: Sequence[dict[str, Any]]) -> float:
    """What the emulator's own account of its turns costs, by the table of prices."""
    usages = [message["usageMetadata"] for message in told if "usageMetadata" in message]
    prices = shipped_prices()[MODEL]
    return sum(
        prices.cost_usd(TokenUsage(counted(each, "prompt"), counted(each, "response"), thoughts(each))) for each in usages
    )


def counted(usage: dict[str, Any], what: str) -> dict[str, int]:
    details = usage.get(f"{what}TokensDetails", [])
    return {each["modality"].lower(): each["tokenCount"] for each in details if "tokenCount" in each}


def thoughts(usage: dict[str, Any]) -> int:
    return int(usage.get("thoughtsTokenCount", 0))
