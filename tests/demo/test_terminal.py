"""Colours are for terminals alone."""

import os
import pty
import subprocess
import sys

from tests.test_architecture import ROOT

PROGRAM = "from demo.terminal import tell_line; tell_line('worker', '03:12:45 WARNING [b]no markup[/b] :smile:')"
LINE = "[worker] 03:12:45 WARNING [b]no markup[/b] :smile:"


def printed_on_a_terminal(**environment: str) -> str:
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            stdout=theirs,
            env={"PATH": os.environ["PATH"], "TERM": "xterm-256color", **environment},
            cwd=ROOT,
            check=True,
        )
        return os.read(ours, 10_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_warning_is_coloured_on_a_terminal_and_not_where_no_color_is_set() -> None:
    assert "\x1b[33m03:12:45 WARNING" in printed_on_a_terminal()
    assert printed_on_a_terminal(NO_COLOR="1").rstrip() == LINE


def test_without_a_terminal_a_line_is_as_it_is() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == f"{LINE}\n"
