"""The latencies of a recorded call: as the worker measures them, as its sound says, and as the caller's ear does."""

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from caller import AgentSilent, AgentSound, Caller
from caller.caller import SAMPLE_RATE_HZ
from caller.events import BackgroundSound, SpeechStart
from records import CallFolder, CallSummary
from records.call_folder import BACKGROUND, SOUND, SUMMARY, TIMELINE
from records.measured import MeasuredLatencies, measure
from tests.e2e.faults import tones
from tests.e2e.stack import Sfu, emulator, until, worker
from tests.e2e.test_recording import folder_of
from tests.published_latencies import response_latencies_s

pytestmark = [pytest.mark.sound, pytest.mark.long]

NAME = "latencies"
TONES = tones.sound(range(5), sample_rate_hz=SAMPLE_RATE_HZ)
QUESTIONS = 5
MOST_APART_S = 0.06
"""Between the worker's measure and the ear's, less the way there and back; and between what a call tells and its sound."""
MOST_WRONG_S = 0.03
"""Between the worker's measure and that of its own recording, by our method and by the published one."""


@dataclass(frozen=True)
class Turn:
    """A question and its answer, at the caller's side. Times are `time.monotonic()`."""

    asks_at: float
    asked_at: float
    answered_at: float
    silent_at: float

    @property
    def latency_s(self) -> float:
        return self.answered_at - self.asked_at


async def asks(caller: Caller) -> Turn:
    """Ask something, and wait for the answer. Tones begin and end to the sample."""
    since = len(caller.log)
    ended_at = await caller.say(TONES)
    started = await caller.first(SpeechStart, since=since, within_s=1)
    sound = await caller.first(AgentSound, within_s=20, where=lambda each: each.t > ended_at)
    await caller.quiet(for_s=1, within_s=60)
    silent = [event for event in caller.log if isinstance(event, AgentSilent)][-1]
    return Turn(started.t, ended_at, sound.t, silent.t)


def way_s(turns: list[Turn], found: MeasuredLatencies) -> float:
    """The way from the caller to the worker and back, in seconds.

    The worker has the beginning of a question later than the caller, and the end of an answer sooner than the ear. The sum of
    both differences is the same whatever the two clocks say.
    """
    ways = []
    for turn, question in zip(turns, found.caller, strict=True):
        ends = [span.end_s for span in found.agent if span.start_s > question.end_s]
        there_s = question.start_s - turn.asks_at
        back = min((turn.silent_at - end_s for end_s in ends), key=lambda each: abs(each + there_s))
        ways.append(there_s + back)
    print(f"ways {ways}")  # noqa: T201
    return statistics.median(ways)


def events_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / TIMELINE).read_text().splitlines()]


def has_ended(folder: Path) -> bool:
    return CallSummary.model_validate_json((folder / SUMMARY).read_text()).ending is not None


async def test_worker_sound_and_ear_agree_on_the_latencies(server: Sfu, tmp_path: Path, room: str) -> None:
    records = tmp_path / "records"
    settings = {"AGENT_NAME": NAME, "RECORD": "audio,timeline", "RECORD_DIR": str(records), "RECORD_NOTICE": "tone"}
    async with (
        emulator(tmp_path, "--script", "auto") as model,
        worker(server, model, **settings) as part,
    ):
        async with server.caller(room, agent_name=NAME) as caller:
            first = await caller.first(AgentSound, within_s=30)
            greeted_s = first.t - caller.joined_at
            await caller.first(AgentSilent, within_s=30)
            await caller.quiet(for_s=0.5, within_s=10)
            assert any(isinstance(event, BackgroundSound) for event in caller.log), "the tone"
            turns = [await asks(caller) for _ in range(QUESTIONS)]
        await part.says("call ended: the caller left")
        folder = folder_of(records)
        await until(lambda: has_ended(folder))
    summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
    by_sound = measure(CallFolder(records, folder.name))
    ear_s = [turn.latency_s for turn in turns]
    print(f"ear {ear_s}, greeting {greeted_s}")  # noqa: T201
    print(f"worker {summary.response_latency}, greeting {summary.greeting_latency_s}")  # noqa: T201
    print(f"sound {[each.latency_s for each in by_sound.responses]}, greeting {by_sound.greeting_latency_s}")  # noqa: T201
    in_call, of_sound = summary.response_latency, by_sound.response_latency
    told_s = [event["response_latency_s"] for event in events_of(folder) if event["type"] == "turn"]
    print(f"told {told_s}")  # noqa: T201
    tone = [event for event in events_of(folder) if event["type"] == BACKGROUND]
    assert tone[0]["until_s"] - tone[0]["t"] == pytest.approx(0.6, abs=0.02)
    assert in_call is not None
    assert of_sound is not None
    assert (in_call.turns, of_sound.turns) == (QUESTIONS, QUESTIONS)
    assert told_s[0] is None, "the greeting is no reply"
    assert told_s[1:] == pytest.approx([each.latency_s for each in by_sound.responses], abs=MOST_APART_S)
    assert (in_call.p50_s, in_call.p95_s) == pytest.approx((of_sound.p50_s, of_sound.p95_s), abs=MOST_WRONG_S)
    published_s = response_latencies_s(folder / SOUND)
    print(f"published method {published_s}")  # noqa: T201
    assert len(published_s) == QUESTIONS
    assert in_call.p50_s == pytest.approx(statistics.median(published_s), abs=MOST_WRONG_S)
    assert in_call.p95_s == pytest.approx(max(published_s), abs=MOST_WRONG_S)
    assert summary.greeting_latency_s == pytest.approx(by_sound.greeting_latency_s, abs=MOST_WRONG_S)
    assert in_call.p50_s == pytest.approx(statistics.median(ear_s) - way_s(turns, by_sound), abs=MOST_APART_S)
