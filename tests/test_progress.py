"""The progress of long measurements: plain lines without a terminal, one line on a terminal, raw logs in a file."""

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.progress import Steps, in_words, output_in, time_left_s


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "words"),
    [
        (0, 4, 7, "time left unknown"),
        (1, 4, 10, "30 s left"),
        (4, 4, 40, "0 s left"),
        (1, 34, 60, "33 min left"),
        (5, 4, 9, "0 s left"),
    ],
)
def test_what_is_left_follows_from_the_pace_so_far(done: float, total: float, elapsed_s: float, words: str) -> None:
    assert in_words(time_left_s(done, total, elapsed_s)) == words


def test_without_a_terminal_each_step_is_a_line() -> None:
    out = io.StringIO()
    with Steps("faults", 3, Console(file=out, soft_wrap=True)) as told:
        told.step("row 4: ok")
        told.reach(3)
    first, second = out.getvalue().splitlines()
    assert first.startswith("faults 1 of 3, ")
    assert first.endswith(" left: row 4: ok")
    assert second == "faults 3 of 3, 0 s left"


def test_on_a_terminal_results_stand_above_one_line() -> None:
    out = io.StringIO()
    with Steps("faults", 2, Console(file=out, force_terminal=True, width=100, color_system=None)) as told:
        told.step("row 4: ok")
        told.step("row 5: BAD")
    shown = out.getvalue()
    assert "row 4: ok\n" in shown.replace("\r", "")
    assert "faults" in shown
    assert "2/2" in shown


def test_what_servers_print_goes_to_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with output_in(tmp_path / "servers.log"):
        sys.stdout.write("a line of a server\n")
    sys.stdout.write("a table\n")
    assert (tmp_path / "servers.log").read_text() == "a line of a server\n"
    assert capsys.readouterr().out == "a table\n"
