"""The test of an agent that CONTRIBUTING.md shows is one that passes."""

import re
from pathlib import Path
from typing import Any

from examples.booking import BookingDesk
from testing import StartCall

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()


async def test_the_shown_test_passes(earshot_call: StartCall) -> None:
    [shown] = [block for block in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL) if "earshot_call" in block]
    names: dict[str, Any] = {"BookingDesk": BookingDesk, "StartCall": StartCall}
    exec(shown, names)
    await names["test_a_table_for_four"](earshot_call)
