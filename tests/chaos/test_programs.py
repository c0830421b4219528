"""A program that is killed is started again, and has ended with its block."""

import re
import sys

import psutil

from demo.parts import Program
from tests.chaos.programs import lasting
from tests.e2e.stack import until

SLEEPER = Program(
    "sleeper", [sys.executable, "-c", "print('ready', flush=True); import time; time.sleep(60)"], None, re.compile("ready")
)


async def test_a_program_that_is_killed_is_started_again_and_ends_with_its_block() -> None:
    async with lasting(SLEEPER, again_after_s=0.1) as program:
        first = program.pid
        program.kill()
        assert not program.is_up
        await until(lambda: program.is_up)
        assert program.starts == 2
        second = program.pid
    assert not {first, second} & set(psutil.pids())
