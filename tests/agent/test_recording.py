"""The recording of one call, without a call: what is written, and what another process goes on with."""

import asyncio
import json
import time
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc
from livekit.protocol.agent import Job
from opentelemetry.sdk.trace import TracerProvider

from agent.call.call_cost import CallCost
from agent.call.call_figures import ended
from agent.call.endings import Ending
from agent.call.heard_latencies import SavedLatencies
from agent.call.record import CallLosses, CallRecord
from agent.call.recording import CallRecording
from agent.call.recording_plan import RecordingPlan, recording_plan, with_notice
from agent.gemini import INPUT_RATE_HZ, OUTPUT_RATE_HZ
from agent.live_settings import persona_of_call
from agent.persona import Persona, load
from agent.room.room_events import LONGEST_DETAIL, RoomEvents
from agent.settings import Settings, read_settings
from records import CallFolder, CallSummary
from records.call_folder import BACKGROUND, OTHER_SUMMARY, SOUND, SUBTITLES, SUMMARY, TIMELINE, TRANSCRIPT
from records.transcript import from_json
from records.writer import RATE_HZ

ALL = "audio,transcript,timeline"


def settings(folder: Path, record: str = ALL, **given: object) -> Settings:
    return read_settings(env_file=None, google_api_key="key", record=record, record_dir=folder, **given)


def plan(folder: Path, record: str = ALL, persona: Persona | None = None, **given: object) -> RecordingPlan:
    job = Job(id="AJ_1")
    job.room.name, job.room.sid = "room-1", "RM_1"
    return recording_plan(job, settings(folder, record, **given), persona or Persona(name="assistant"), is_console=False)


def recording(planned: RecordingPlan, told: list[str], *, began_at: float | None = None) -> CallRecording:
    start = time.monotonic() if began_at is None else began_at
    return CallRecording(planned, lambda at: at - start, lambda: told.append("stopped"))


def frame(samples: np.ndarray, rate_hz: int) -> rtc.AudioFrame:
    return rtc.AudioFrame(samples.astype(np.int16).tobytes(), rate_hz, 1, len(samples))


def summary_of(begun: CallSummary) -> CallSummary:
    record = CallRecord(room="room-1", persona="assistant", cost=CallCost(), turns=2, responses_s=[0.5, 0.7])
    return ended(begun, Ending.CALLER_LEFT, record, CallLosses(dropped_chunks=3), 5.0)


def only_folder(calls: Path) -> Path:
    [folder] = calls.iterdir()
    return folder


async def said(call: CallRecording, now: float) -> None:
    """The caller speaks for a second, and is answered for a second."""
    for index in range(50):
        tone = 6000 * np.sin(np.arange(320) / 5)
        call.caller_sounds(frame(tone, INPUT_RATE_HZ), now + 0.02 * (index + 1))
    call.agent_captured(frame(np.full(OUTPUT_RATE_HZ, 5000), OUTPUT_RATE_HZ), now + 1.1)
    call.agent_flushed()
    call.agent_starts(now + 1.2)
    call.agent_says("My number is 0123 4567 89.", now + 1.3)
    call.agent_said()
    call.agent_ends(1.0, now + 2.2, interrupted=False)


async def test_a_call_is_written_as_it_was_heard(tmp_path: Path) -> None:
    told: list[str] = []
    start = time.monotonic() - 10
    async with recording(plan(tmp_path), told, began_at=start) as call:
        call.event(0.1, "caller", {"identity": "caller"})
        await call.begin()
        await said(call, start + 2)
        call.event(5.0, "tool_ended", {"id": "function-call-0000000000000000001", "result": "jo@example.org"})
        call.caller_typed("hello")
        returned = await call.end(summary_of)
    folder = only_folder(tmp_path)
    assert folder.name == call.name
    assert {path.name for path in folder.iterdir()} == {SOUND, TRANSCRIPT, SUBTITLES, TIMELINE, SUMMARY}
    with wave.open(str(folder / SOUND)) as file:
        left, right = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).reshape(-1, 2).T
    assert len(left) / RATE_HZ == pytest.approx(time.monotonic() - start, abs=2), "as long as the call"
    assert np.flatnonzero(left)[[0, -1]] / RATE_HZ == pytest.approx([2.0, 3.0], abs=0.01)
    assert np.flatnonzero(right)[[0, -1]] / RATE_HZ == pytest.approx([3.2, 4.2], abs=0.01)
    agent, typed = from_json((folder / TRANSCRIPT).read_text())
    assert agent.text == "My number is [number]."
    assert (agent.start_s, agent.end_s) == pytest.approx((3.2, 4.2), abs=0.01)
    assert (typed.text, typed.typed) == ("hello", True)
    events = [json.loads(line) for line in (folder / TIMELINE).read_text().splitlines()]
    assert [event["type"] for event in events] == ["caller", "tool_ended"]
    assert (events[1]["id"], events[1]["result"]) == ("function-call-0000000000000000001", "[e-mail]")
    summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
    assert summary == returned
    assert summary.call_id == "RM_1"
    assert (summary.room, summary.job, summary.ending, summary.duration_s) == ("room-1", "AJ_1", "caller_left", 5.0)
    assert (summary.turns, summary.lost, summary.cost_usd) == (2, {"dropped_chunks": 3}, None)
    assert told == []


async def test_what_is_private_is_left_out_of_a_tools_result_before_that_is_cut(tmp_path: Path) -> None:
    """Of an address that the cut goes through nothing is left; the room has the same beginning as ever."""
    events = RoomEvents(rtc.Room())
    async with recording(plan(tmp_path, "timeline"), []) as call:
        await call.begin()
        events.add_listener(call.event)
        for cut_at in (3, 15):
            text = "x" * (LONGEST_DETAIL - 1 - cut_at) + " jo.doe@example.org" + "y" * 50
            events.tell("tool_ended", id="1", **events.tool_details(result=text))
        await call.end(summary_of)
    told = [json.loads(line)["result"] for line in (only_folder(tmp_path) / TIMELINE).read_text().splitlines()]
    assert [each.lstrip("x") for each in told] == [" [e\N{HORIZONTAL ELLIPSIS}", " [e-mail]"]


async def test_the_soft_sound_while_a_tool_runs_is_in_the_agents_channel_beside_its_voice(tmp_path: Path) -> None:
    start = time.monotonic() - 10
    async with recording(plan(tmp_path), [], began_at=start) as call:
        await call.begin()
        for index in range(100):
            call.background_sounds(frame(np.full(960, 500), 48_000), start + 3 + 0.02 * index)
        await said(call, start + 2)  # the agent's voice is heard from 3.2 to 4.2
        await call.end(summary_of)
    folder = only_folder(tmp_path)
    with wave.open(str(folder / SOUND)) as file:
        left, right = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).reshape(-1, 2).T
    levels = [np.abs(right[round(at * RATE_HZ) :][:100]).mean() for at in (2.9, 3.1, 3.7, 4.6, 5.1)]
    assert levels == pytest.approx([0, 500, 5500, 500, 0], abs=60)
    assert not left[round(3.1 * RATE_HZ) :].any()
    [event] = [json.loads(line) for line in (folder / TIMELINE).read_text().splitlines()]
    assert event == {"t": pytest.approx(3.0), "type": BACKGROUND, "until_s": pytest.approx(5.0)}
    summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
    assert summary.response_latency is not None
    assert summary.response_latency.turns == 1
    assert summary.response_latency.p50_s == pytest.approx(0.2, abs=0.02)


async def test_the_sound_of_a_line_with_a_number_is_silenced_on_request(tmp_path: Path) -> None:
    start = time.monotonic() - 20
    async with recording(plan(tmp_path, "audio", record_redact_sound="on"), [], began_at=start) as call:
        await call.begin()
        await said(call, start + 2)  # the agent says a number from 3.2 to 4.2
        call.agent_captured(frame(np.full(OUTPUT_RATE_HZ, 5000), OUTPUT_RATE_HZ), start + 6)
        call.agent_flushed()
        call.agent_starts(start + 6)
        call.agent_says("That was it.", start + 6.1)
        call.agent_said()
        call.agent_ends(1.0, start + 7, interrupted=False)
        await call.end(summary_of)
    with wave.open(str(only_folder(tmp_path) / SOUND)) as file:
        left, right = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).reshape(-1, 2).T
    assert np.flatnonzero(left)[[0, -1]] / RATE_HZ == pytest.approx([2.0, 3.0], abs=0.01), "the caller's stays"
    assert np.flatnonzero(right)[[0, -1]] / RATE_HZ == pytest.approx([6.0, 7.0], abs=0.01)


async def test_another_process_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    """The first one says nothing about the end; what both have recorded is there."""
    start = time.monotonic() - 10
    async with recording(plan(tmp_path), [], began_at=start) as first:
        await first.begin()
        await said(first, start + 1)
        await first.hand_over(Ending.TAKEN_OVER)
        first.caller_typed("too late")
        await first.end(summary_of)
    assert CallSummary.model_validate_json((only_folder(tmp_path) / SUMMARY).read_text()).ending is None
    async with recording(plan(tmp_path), [], began_at=start) as second:
        second.go_on(SavedLatencies(), "RM_2")
        second.event(3.0, "resumed", {})
        second.event(1000.0, "link", {})
        await second.begin(first.name)
        await said(second, start + 5)
        await second.end(summary_of)
    folder = only_folder(tmp_path)
    summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
    assert (summary.processes, summary.call_id) == (2, "RM_1"), "the folder says which call it is"
    assert [line.start_s for line in from_json((folder / TRANSCRIPT).read_text())] == pytest.approx([2.2, 6.2])
    events = [json.loads(line)["type"] for line in (folder / TIMELINE).read_text().splitlines()]
    assert events == ["resumed", "recording", "link"], "in order, also those from before there was a folder"
    with wave.open(str(folder / SOUND)) as file:
        _, right = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16).reshape(-1, 2).T
    assert np.flatnonzero(np.diff((right != 0).astype(int))) / RATE_HZ == pytest.approx([2.2, 3.2, 6.2, 7.2], abs=0.01)


async def begun_by_another(calls: Path, **changed: object) -> Path:
    """The folder of a call whose process has died, with a summary that another version of the program has written."""
    async with recording(plan(calls), []) as first:
        await first.begin()
    folder = only_folder(calls)
    summary = json.loads((folder / SUMMARY).read_text())
    (folder / SUMMARY).write_text(json.dumps(summary | changed))
    return folder


async def test_what_a_newer_process_has_added_to_the_summary_stays(tmp_path: Path) -> None:
    folder = await begun_by_another(tmp_path, recorded=["audio", "screen"], weather="fair")
    async with recording(plan(tmp_path), []) as second:
        await second.begin(folder.name)
        await second.end(summary_of)
    summary = json.loads((folder / SUMMARY).read_text())
    assert (summary["recorded"], summary["weather"]) == (["audio", "screen"], "fair")
    assert (summary["processes"], summary["ending"]) == (2, "caller_left")


async def test_a_summary_of_another_version_stays_under_another_name(tmp_path: Path) -> None:
    folder = await begun_by_another(tmp_path, version=2)
    before = (folder / SUMMARY).read_text()
    async with recording(plan(tmp_path), []) as second:
        await second.begin(folder.name)
        await second.end(summary_of)
    assert (folder / OTHER_SUMMARY).read_text() == before
    summary = CallSummary.model_validate_json((folder / SUMMARY).read_text())
    assert (summary.version, summary.processes, summary.ending) == (1, 2, "caller_left")
    assert OTHER_SUMMARY in {path.name for path in CallFolder(tmp_path, folder.name).files()}


async def test_a_call_that_goes_on_in_a_new_folder_keeps_its_id(tmp_path: Path) -> None:
    """The process has another machine's RECORD_DIR, and the room has been made anew."""
    async with recording(plan(tmp_path), []) as call:
        call.go_on(SavedLatencies(), "RM_0")
        await call.begin()
        await call.end(summary_of)
    assert CallSummary.model_validate_json((only_folder(tmp_path) / SUMMARY).read_text()).call_id == "RM_0"


async def test_the_summary_leads_to_the_traces_of_all_processes_that_had_the_call(tmp_path: Path) -> None:
    tracer, names, expected = TracerProvider(shutdown_on_exit=False).get_tracer("test"), [""], []
    for _ in range(2):
        with tracer.start_as_current_span("invoke_agent") as span:
            expected.append(f"{span.get_span_context().trace_id:032x}")
            async with recording(plan(tmp_path), []) as call:
                await call.begin(names[-1])
                names.append(call.name)
    summary = CallSummary.model_validate_json((only_folder(tmp_path) / SUMMARY).read_text())
    assert [*summary.traces] == expected
    assert len(set(expected)) == 2


@pytest.mark.parametrize("record", ["audio", "transcript", "timeline"])
async def test_only_what_is_asked_for_is_written(tmp_path: Path, record: str) -> None:
    files = {"audio": {SOUND}, "transcript": {TRANSCRIPT, SUBTITLES}, "timeline": {TIMELINE}}[record]
    start = time.monotonic() - 10
    async with recording(plan(tmp_path, record), [], began_at=start) as call:
        await call.begin()
        await said(call, start + 2)
        call.event(1.0, "caller", {})
        await call.end(summary_of)
    assert {path.name for path in only_folder(tmp_path).iterdir()} == files | {SUMMARY}


async def test_the_agent_of_somebody_elses_call_leaves_no_folder(tmp_path: Path) -> None:
    async with recording(plan(tmp_path), []) as call:
        await call.begin()
        await call.hand_over(Ending.SECOND_AGENT)
        await call.end(summary_of)
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_can_not_be_made_stops_the_recording_and_not_the_call(tmp_path: Path) -> None:
    told: list[str] = []
    (tmp_path / "file").write_text("")
    async with recording(plan(tmp_path / "file"), told) as call:
        await call.begin()
        assert told == ["stopped"]
        await said(call, time.monotonic())
        await call.end(summary_of)


async def test_nothing_is_recorded_by_default(tmp_path: Path) -> None:
    async with recording(plan(tmp_path, ""), []) as call:
        await call.begin()
        await asyncio.sleep(0)
        assert await call.end(summary_of) is None
    assert list(tmp_path.iterdir()) == []
    assert call.name == ""


@pytest.mark.parametrize(
    ("own", "metadata", "is_recorded", "warns"),
    [
        ("", "", True, False),
        ("record = true", '{"record": true}', True, False),
        ("record = false", "", False, False),
        ("record = false", '{"record": true}', False, False),
        ("", '{"record": false}', False, False),
        ("", '{"record": "no"}', False, True),
    ],
)
def test_a_persona_and_a_dispatch_can_forbid_it(
    tmp_path: Path, own: str, metadata: str, is_recorded: bool, warns: bool
) -> None:
    """What a dispatch says unclearly counts as forbidden."""
    (tmp_path / "own.toml").write_text(f'instructions = "x"\n{own}\n')
    default = load("own", tmp_path)
    persona, warnings = persona_of_call(metadata, default, settings(tmp_path, personas_dir=tmp_path))
    assert bool(plan(tmp_path, persona=persona).kinds) is is_recorded
    assert bool(warnings) is warns


def test_a_console_is_not_recorded(tmp_path: Path) -> None:
    assert not recording_plan(Job(), settings(tmp_path), Persona(name="x"), is_console=True).kinds


def test_texts_that_a_persona_lists_are_left_out_unless_redaction_is_off(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('instructions = "x"\nredact = ["Project Apollo"]\n')
    persona = load("own", tmp_path)
    redaction = plan(tmp_path, persona=persona).redaction
    assert redaction is not None
    assert redaction.text("about project apollo") == "about [redacted]"
    assert plan(tmp_path, persona=persona, record_redact="off").redaction is None


@pytest.mark.parametrize("greeting", ["", "Greet the caller."])
def test_the_first_words_say_that_the_call_is_recorded(tmp_path: Path, greeting: str) -> None:
    persona = Persona(name="assistant", greeting=greeting)
    told = with_notice(persona, settings(tmp_path), is_console=False)
    assert told.greeting.startswith(greeting)
    assert "this call is recorded" in told.greeting
    assert "this call is recorded" in told.welcome_back


def test_nothing_is_said_of_a_recording_that_there_is_none_of_or_if_it_is_off(tmp_path: Path) -> None:
    persona = Persona(name="assistant", greeting="Greet the caller.")
    there = settings(tmp_path)
    assert with_notice(persona, settings(tmp_path, ""), is_console=False) == persona
    assert with_notice(persona, settings(tmp_path, record_notice="off"), is_console=False) == persona
    with_tone = settings(tmp_path, record_notice="tone")
    assert with_notice(persona, with_tone, is_console=False) == persona
    assert plan(tmp_path, record_notice="tone").has_tone
    assert not plan(tmp_path).has_tone
    assert with_notice(persona, there, is_console=True) == persona
    assert "recorded" not in with_notice(replace(persona, record=False), there, is_console=False).greeting
    interpreter = Persona(name="interpreter", live={"translation_config": {}})
    assert with_notice(interpreter, there, is_console=False) == interpreter
