"""The latencies of a recorded call: as the worker measures them, as its sound says, and as the caller's ear does."""

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from caller import AgentSilent, AgentSound, Caller
from caller.caller import SAMPLE_RATE_HZ
from caller.events import BackgroundSound
from records import CallFolder, CallSummary
from records.call_folder import BACKGROUND, SUMMARY, TIMELINE
from records.measured import measure
from tests.e2e.faults import tones
from tests.e2e.stack import Sfu, emulator, until, worker
from tests.e2e.test_recording import folder_of

pytestmark = [pytest.mark.sound, pytest.mark.long]

NAME = "latencies"
TONES = tones.sound(range(5), sample_rate_hz=SAMPLE_RATE_HZ)
QUESTIONS = 5
MOST_APART_S = 0.06
"""Between the worker's measure and the ear's."""
MOST_WRONG_S = 0.03
"""Between the worker's measure and that of its own recording."""


async def latency_s(caller: Caller) -> float:
    """Ask something, and return the response latency at the ear. Tones end when they end, to the sample."""
    ended_at = await caller.say(TONES)
    sound = await caller.first(AgentSound, within_s=20, where=lambda each: each.t > ended_at)
    await caller.first(AgentSilent, within_s=60, where=lambda each: each.t > sound.t)
    await caller.quiet(for_s=0.5, within_s=10)
    return sound.t - ended_at


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
            ear = [await latency_s(caller) for _ in range(QUESTIONS)]
        await part.says("call ended: the caller left")
        folder = folder_of(records)
        await until(lambda: has_ended(folder))
    summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
    by_sound = measure(CallFolder(records, folder.name))
    print(f"ear {ear}, greeting {greeted_s}")  # noqa: T201
    print(f"worker {summary.response_latency}, greeting {summary.greeting_latency_s}")  # noqa: T201
    print(f"sound {[each.latency_s for each in by_sound.responses]}, greeting {by_sound.greeting_latency_s}")  # noqa: T201
    in_call, of_sound = summary.response_latency, by_sound.response_latency
    tone = [event for event in events_of(folder) if event["type"] == BACKGROUND]
    assert [event["until_s"] - event["t"] for event in tone] == pytest.approx([0.6], abs=0.02)
    assert in_call is not None
    assert of_sound is not None
    assert (in_call.turns, of_sound.turns) == (QUESTIONS, QUESTIONS)
    assert (in_call.p50_s, in_call.p95_s) == pytest.approx((of_sound.p50_s, of_sound.p95_s), abs=MOST_WRONG_S)
    assert summary.greeting_latency_s == pytest.approx(by_sound.greeting_latency_s, abs=MOST_WRONG_S)
    assert in_call.p50_s == pytest.approx(statistics.median(ear), abs=MOST_APART_S)
