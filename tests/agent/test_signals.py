"""Signals to a worker: the order of the steps, and what counts as one request."""

import os
import signal
import subprocess
import sys

import pytest

from agent.worker.signals import StopStep, StopSteps
from tests.test_architecture import ROOT


@pytest.mark.parametrize(
    ("drains", "at", "steps"),
    [
        (True, [0.0, 5.0, 10.0, 15.0], [StopStep.DRAIN, StopStep.CLOSE, StopStep.EXIT, None]),
        (True, [0.0, 0.001, 0.4, 0.8], [StopStep.DRAIN, None, None, None]),
        (True, [0.0, 0.001, 1.0, 1.001, 2.0], [StopStep.DRAIN, None, StopStep.CLOSE, None, StopStep.EXIT]),
        (False, [0.0, 0.001, 1.0], [StopStep.CLOSE, None, StopStep.EXIT]),
    ],
    ids=["one after the other", "a burst is one request", "pairs, as timeout(1) sends them", "dev mode doesn't drain"],
)
def test_each_request_is_one_step_further(drains: bool, at: list[float], steps: list[StopStep | None]) -> None:
    asked = StopSteps(drains=drains)
    assert [asked.signalled(now) for now in at] == steps


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere LiveKit spawns its processes")
def test_forked_processes_outlive_a_signal_to_the_group_and_can_end_what_they_start() -> None:
    argv = [sys.executable, "-m", "tests.agent.forking_program"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        for number in (signal.SIGTERM, signal.SIGINT):
            os.killpg(program.pid, number)
        program.send_signal(signal.SIGUSR1)
        assert program.stdout.read() == f"{-signal.SIGTERM}\n0\n"
    assert program.returncode == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can")
def test_the_process_of_a_call_dies_with_its_worker() -> None:
    """It has the program's output open as long as it lives."""
    argv = [sys.executable, "-m", "tests.agent.dying_program"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.kill()
        assert program.stdout.read() == ""
    assert program.returncode == -signal.SIGKILL
