"""The metrics of calls: measured by what the room is told, sent to the worker, and shown as Prometheus reads them."""

import asyncio
import math
import multiprocessing
from collections.abc import Iterable
from dataclasses import asdict, fields

import pytest
from livekit import rtc
from prometheus_client.parser import text_string_to_metric_families

from agent.call.call_measures import CallMeasures
from agent.call.endings import Ending
from agent.call_metrics import OTHER, CallMetric, Measurement, label_value
from agent.call_reports import CallReport, CallReports
from agent.gemini import TokenUsage
from agent.room.room_events import RoomEvents
from agent.worker.metrics import GAUGES, MOST_SERIES, WorkerFigures, WorkerMetrics

MODEL = "gemini-3.8-live"
FIGURES = WorkerFigures(
    calls=2,
    places=10,
    load=0.2,
    loop_lag_s=0.0,
    memory_in_use=0.5,
    call_processes=3,
    call_processes_bytes=300_000_000,
    is_registered=True,
    is_draining=False,
)


def measured(*events: tuple[float, str, dict[str, object]]) -> list[Measurement]:
    kept: list[Measurement] = []
    measures = CallMeasures(MODEL, kept.extend)
    for at, kind, facts in events:
        measures.on_event(at, kind, facts)
    return kept


def turn(
    response_latency_s: float | None, *, heard_to_sound_s: float | None = None, interrupted: bool = False
) -> dict[str, object]:
    measured_s = {"response_latency_s": response_latency_s, "heard_to_sound_s": heard_to_sound_s}
    return {**measured_s, "spoke_s": 2.0, "interrupted": interrupted}


def samples(metrics: WorkerMetrics) -> dict[tuple[str, tuple[str, ...]], float]:
    """The values that Prometheus would keep, by name and by the values of its labels, in the order of the labels' names."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {(sample.name, tuple(sample.labels.values())): sample.value for family in families for sample in family.samples}


def shown(measurements: Iterable[Measurement]) -> dict[tuple[str, tuple[str, ...]], float]:
    metrics = WorkerMetrics(lambda: FIGURES)
    for measurement in measurements:
        metrics.measured(measurement)
    return samples(metrics)


def test_a_greeting_is_measured_from_the_callers_arrival_and_a_reply_from_the_end_of_their_speech() -> None:
    kept = measured(
        (1.0, "caller", {"identity": "ann"}),
        (4.5, "turn", turn(None)),
        (9.0, "turn", turn(0.7, heard_to_sound_s=0.1, interrupted=True)),
    )
    assert kept == [
        Measurement(CallMetric.TURNS),
        Measurement(CallMetric.GREETING, 1.5),
        Measurement(CallMetric.TURNS),
        Measurement(CallMetric.BARGE_INS),
        Measurement(CallMetric.RESPONSE, 0.7),
    ]


def test_an_answer_to_a_typed_line_is_neither_a_reply_to_speech_nor_a_greeting() -> None:
    kept = measured((1.0, "caller", {"identity": "ann"}), (9.0, "turn", turn(None, heard_to_sound_s=0.7)))
    assert kept == [Measurement(CallMetric.TURNS)]


@pytest.mark.parametrize(
    "before",
    [
        (1.0, "turn", turn(0.5)),
        (1.0, "resumed", {"away_s": 1.2}),
    ],
    ids=["the caller spoke first", "another process greeted"],
)
def test_a_later_turn_that_nobody_asked_for_is_no_greeting(before: tuple[float, str, dict[str, object]]) -> None:
    kept = measured((0.5, "caller", {"identity": "ann"}), before, (9.0, "turn", turn(None)))
    assert CallMetric.GREETING not in {measurement.metric for measurement in kept}


def test_the_link_tools_tokens_and_takeovers_are_measured() -> None:
    usage = {
        "turn": asdict(TokenUsage({"audio": 100, "text": 5}, {"audio": 40}, thoughts_tokens=7)),
        "total": {},
        "turn_usd": 0.002,
        "total_usd": 0.004,
    }
    kept = measured(
        (1.0, "link", {"kind": "restored", "cause": "closed", "gap_ms": 480}),
        (2.0, "link", {"kind": "dropped", "cause": "overflow", "lost_ms": 1500}),
        (3.0, "tool_ended", {"name": "book", "status": "error", "took_s": 0.02, "result": "private"}),
        (4.0, "usage", usage),
        (5.0, "resumed", {"away_s": 1.2}),
    )
    values = shown(kept)
    assert values["earshot_link_events_total", ("closed", "restored")] == 1
    assert values["earshot_heard_gap_seconds_sum", ()] == 0.48
    assert values["earshot_dropped_caller_sound_seconds_total", ()] == 1.5
    assert values["earshot_tool_duration_seconds_count", ("error", "book")] == 1
    assert values["earshot_tokens_total", ("input", "audio", MODEL)] == 100
    assert values["earshot_tokens_total", ("output", "thoughts", MODEL)] == 7
    assert values["earshot_cost_usd_total", (MODEL,)] == 0.002
    assert values["earshot_takeover_duration_seconds_sum", ()] == 1.2


def test_a_recording_is_counted_when_it_stops_or_when_all_of_its_call_is_recorded() -> None:
    kept: list[Measurement] = []
    measures = CallMeasures(MODEL, kept.extend)
    measures.on_event(3.0, "recording", {"state": "stopped"})
    measures.ended(Ending.CALLER_LEFT, 12.5, is_recorded=True)
    values = shown(kept)
    assert values["earshot_recordings_total", ("stopped",)] == 1
    assert values["earshot_recordings_total", ("complete",)] == 1


async def test_what_the_room_is_told_is_measured_though_nobody_is_in_the_room() -> None:
    kept: list[Measurement] = []
    measures, events = CallMeasures(MODEL, kept.extend), RoomEvents(rtc.Room())
    events.add_listener(measures.on_event)
    measures.begun()
    events.tell("link", kind="connected", cause="start", attempts=1)
    measures.ended(Ending.CALLER_LEFT, 12.5)
    assert kept == [
        Measurement(CallMetric.STARTED),
        Measurement(CallMetric.LINK, labels=("connected", "start")),
        Measurement(CallMetric.ENDED, labels=("caller_left",)),
        Measurement(CallMetric.DURATION, 12.5),
    ]


async def test_measurements_of_a_process_reach_the_worker_in_order() -> None:
    sent = [
        Measurement(CallMetric.STARTED),
        Measurement(CallMetric.RESPONSE, 0.8),
        Measurement(CallMetric.COST, 1e-6, (MODEL,)),
    ]
    reports, received = CallReports(), asyncio.Queue[Measurement | CallReport](maxsize=10)
    async with reports.received(received.put_nowait, received.put_nowait):
        process = multiprocessing.get_context("forkserver").Process(target=reports.sender.measured, args=(sent,))
        await asyncio.to_thread(process.start)
        async with asyncio.timeout(30):
            assert [await received.get() for _ in sent] == sent
        await asyncio.to_thread(process.join)


async def test_measurements_wait_for_a_worker_that_is_slow_and_keep_no_call_waiting() -> None:
    reports = CallReports()
    many = [Measurement(CallMetric.RESPONSE, number) for number in range(6000)]
    for measurement in many:
        reports.sender.measured([measurement])
    kept: list[Measurement] = []
    async with reports.received(lambda _: None, kept.append):
        async with asyncio.timeout(10):
            while not kept or kept[-1] != many[-1]:
                reports.sender.measured([])
                await asyncio.sleep(0)
    lost = len(many) - len(kept)
    assert lost > 0, "the pipe holds 64 KiB, and 1000 wait"
    assert kept == sorted(kept, key=lambda measurement: measurement.value), "those between are lost, and none is cut"


def test_every_line_is_short_enough_for_a_pipe_to_take_it_whole() -> None:
    for metric in CallMetric:
        labels = tuple("x" * 64 for _ in metric.value.labels)
        assert len(Measurement(metric, math.pi * 1e9, labels).to_json()) < 512


@pytest.mark.parametrize("text", ["", "my number is 0151 2345", "x" * 65, "a\nb", 'quo"te', "späť"])
def test_a_label_is_a_name_and_no_words(text: str) -> None:
    assert label_value(text) == OTHER


def test_a_model_that_makes_up_names_of_tools_makes_no_series_without_end() -> None:
    values = shown(Measurement(CallMetric.TOOL, 0.1, (f"tool_{number}", "error")) for number in range(MOST_SERIES + 50))
    counts = {labels: value for (name, labels), value in values.items() if name == "earshot_tool_duration_seconds_count"}
    assert len(counts) <= MOST_SERIES + 1
    assert counts[OTHER, OTHER] == MOST_SERIES + 50 - MOST_SERIES // 3, "each tool has a series for each of three statuses"


def test_the_worker_shows_its_own_state_and_leaves_out_what_it_does_not_know() -> None:
    assert set(GAUGES) == {field.name for field in fields(WorkerFigures)}
    metrics = WorkerMetrics(lambda: FIGURES)
    metrics.job_refused("full")
    metrics.process_lost()
    values = samples(metrics)
    assert values["earshot_calls", ()] == 2
    assert values["earshot_worker_registered", ()] == 1
    assert values["earshot_jobs_refused_total", ("full",)] == 1
    assert values["earshot_call_processes_lost_total", ()] == 1
    assert values["earshot_calls_started_total", ()] == 0, "a counter without labels is there from the start"
    assert ("earshot_failover_available", ()) not in values
    assert ("earshot_day_cost_usd", ()) not in values
    assert values["process_resident_memory_bytes", ()] > 0
