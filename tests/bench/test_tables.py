"""The benchmarks' tables: ratios, gates, and the usage of processes."""

import argparse
import re
import sys

import pytest

from bench.calls import Found, Row
from bench.link import Case, gate
from bench.peers import FLOOR, OURS, hide
from bench.process_tree import Usage
from bench.recording import RecordingCost, call_process
from bench.recording_work import RecordingWork, recording_work
from bench.sounds import question
from caller import spans
from demo.parts import Program, running


@pytest.mark.parametrize(
    ("ours", "verdict"), [(0.42, ("<= 1.05 x: met", True)), (0.43, ("<= 1.05 x: **not met**", False))], ids=["met", "missed"]
)
def test_a_gate_of_a_ratio_is_about_the_floor_of_the_same_run(ours: float, verdict: tuple[str, bool]) -> None:
    row = Row("answer", {FLOOR: [0.39, 0.40, 0.90], OURS: [ours]}, 1000, most=1.05)
    assert row.verdict() == verdict


def test_an_absolute_gate_needs_no_floor() -> None:
    assert Row("track", {OURS: [0.39]}, most=0.4, absolute=True).verdict() == ("<= 0.4: met", True)


def test_what_was_not_measured_is_not_met() -> None:
    assert Row("answer", {FLOOR: [0.4], OURS: []}, most=1.05).verdict() == ("not measured", False)
    assert not Row("answer", {FLOOR: [], OURS: [0.4]}, most=1.05).verdict()[1]


def test_a_row_without_a_gate_is_always_met() -> None:
    assert Row("greeting", {OURS: []}).verdict() == ("", True)


def test_a_further_call_costs_what_the_others_add() -> None:
    found = Found(cpu={0: [30.0, 30.0], 1: [100.0, 110.0], 4: [250.0, 320.0]})
    assert found.per_further_call(found.cpu) == [50.0, 70.0]
    assert Found(cpu={0: [30.0], 1: [100.0]}).per_further_call({0: [30.0], 1: [100.0]}) == []


@pytest.mark.parametrize(("ours", "met"), [(12.0, True), (13.0, False)])
def test_a_link_is_compared_without_what_the_harness_costs(ours: float, met: bool, capsys: pytest.CaptureFixture[str]) -> None:
    found = {Case("idle", 1, 20): [2.0], Case("stock", 1, 20): [22.0], Case("ours", 1, 20): [ours]}
    assert gate(found, argparse.Namespace(calls=[1])) is met
    assert f"ours {(ours - 2) / 20:.2f} x stock" in capsys.readouterr().out


def test_a_tree_counts_new_processes_and_forgets_those_that_went() -> None:
    before, after = Usage({1: 5.0, 2: 7.0}, 10.0), Usage({1: 6.0, 3: 0.5}, 12.0)
    assert after.cpu_since(before) == pytest.approx(1.5)


@pytest.mark.parametrize(("cpu_ms_per_s", "met"), [(2.9, True), (3.0, False)])
def test_recordings_own_work_is_held_to_what_a_call_takes(cpu_ms_per_s: float, met: bool) -> None:
    """Beside it stands the median of the ratios of calls that ran together."""
    work = RecordingWork(3600, cpu_ms_per_s, 0.8)
    cost = RecordingCost(work, off=[100.0, 80.0, 200.0], recorded=[102.0, 81.0, 205.0], load=[0.3, 0.5])
    assert cost.is_met is met
    [_, _, off, on] = cost.table().splitlines()
    assert off == "| off | **100.0** (80.0-200.0) | 1 |"
    assert on.endswith("| **1.020** (1.012-1.025) |")
    assert f"{cpu_ms_per_s:.1f}% of a call's CPU; less than 3%: {'met' if met else '**not met**'}; 1-min load" in cost.verdict()


def test_recording_by_itself_takes_little_memory_however_long_the_call() -> None:
    """Four minutes of sound, of which none waits longer than it takes to write it."""
    work = recording_work(240)
    assert work.cpu_ms_per_s > 0
    assert work.grown_mb < 10, "three minutes are 17 MB of sound"


async def test_the_process_of_a_call_is_found_by_its_room_and_whether_it_is_recorded_is_checked() -> None:
    told = {"call started": ("r-0-recorded", "r-0-off", "r-1-off"), "the call is recorded": ("r-0-recorded", "r-1-off")}
    lines = [{"message": message, "room": room} for message, rooms in told.items() for room in rooms]
    program = (
        f"import json, os, signal\nfor line in {lines}:\n print(json.dumps(line | {{'pid': os.getpid()}}))\nsignal.pause()"
    )
    argv = [sys.executable, "-uc", program]
    async with running(Program("worker", argv, None, re.compile("recorded.*r-1-off"), show=hide)) as part:
        await part.ready()
        assert [(await call_process(part, room)).pid for room in ("r-0-recorded", "r-0-off")] == [part.pid, part.pid]
        with pytest.raises(RuntimeError, match="the call in r-1-off is recorded"):
            await call_process(part, "r-1-off")


@pytest.mark.parametrize("seconds", [1.6, 2.0, 4.0])
@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_a_question_is_one_stretch_of_speech_without_a_pause_that_would_end_the_turn(seconds: float, rate_hz: int) -> None:
    [only] = spans(question(seconds, rate_hz), sample_rate_hz=rate_hz, pause_s=0.2)
    assert seconds - 0.2 <= only.duration_s <= seconds  # it ends where it is loud, so up to a gap between words sooner
