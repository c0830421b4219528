"""`make test` leaves no test out, and fails if any fails."""

import subprocess
import sys

import pytest

from tests.stages import CALLS, CALLS_IN, ELSEWHERE, LATE, ROOT, TIMED, exit_code, stages


def test_what_the_first_stage_leaves_out_runs_beside_the_calls() -> None:
    first, second = stages(2, [])
    assert second.beside is not None
    assert first.run.marks == second.beside.marks == ELSEWHERE
    late, *beside = second.beside.arguments
    assert late == LATE
    assert list(first.run.arguments) == [f"--ignore={path}" for path in beside]
    assert (second.run.marks, second.run.arguments) == (CALLS, CALLS_IN)
    assert not [path for path in beside if path in TIMED or path.startswith(CALLS_IN)]
    assert all((ROOT / path).is_file() for path in (*beside, *TIMED))


@pytest.mark.parametrize(("cores", "processes"), [(1, (3, 1, 1)), (2, (4, 2, 2)), (4, (6, 3, 4)), (64, (8, 4, 4))])
def test_more_cores_run_more_at_once(cores: int, processes: tuple[int, int, int]) -> None:
    first, second = stages(cores, [])
    assert second.beside is not None
    assert (first.run.at_once, second.run.at_once, second.beside.at_once) == processes


def test_arguments_choose_among_both_stages_tests() -> None:
    stage_runs = [(stage.run.marks, stage.run.arguments, stage.beside) for stage in stages(2, ["tests/line", "-x"])]
    assert stage_runs == [(marks, ("tests/line", "-x"), None) for marks in (ELSEWHERE, CALLS)]


@pytest.mark.parametrize(
    ("codes", "code"),
    [((0, 0, 0), 0), ((0, 5), 0), ((5, 0), 0), ((5, 5), 5), ((0, 1, 2), 1), ((5, 4), 4), ((0, 0, 1), 1), ((0, -15), -15)],
)
def test_a_failure_anywhere_is_a_failure(codes: tuple[int, ...], code: int) -> None:
    assert exit_code(codes) == code


def test_the_program_ends_with_pytests_exit_code() -> None:
    """It is pytest itself that knows no such option."""
    argv = [sys.executable, "-m", "tests.stages", "--no-such-option"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "unrecognized arguments: --no-such-option" in done.stderr
