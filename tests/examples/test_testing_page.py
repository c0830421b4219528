"""The tests that docs/testing.md shows pass as they stand there; those with sound are in tests/e2e/examples."""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from agent.persona import Persona
from examples.booking import BookingDesk
from testing import RecordingCall, StartCall

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()


def shown() -> dict[str, Any]:
    """The names that the page's blocks define, `SCRIPT` for all of them."""
    names: dict[str, Any] = {each.__name__: each for each in (BookingDesk, Persona, RecordingCall, StartCall)}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    return names


SHOWN = shown()
TESTS = sorted(name for name in SHOWN if name.startswith("test_"))


def test_the_page_shows_all_kinds() -> None:
    assert len(TESTS) == 4


@pytest.mark.parametrize("name", [name for name in TESTS if name != "test_the_day_is_heard"])
async def test_the_shown_test_passes(name: str, earshot_call: StartCall) -> None:
    test = SHOWN[name]
    await (test(earshot_call) if inspect.signature(test).parameters else test())
