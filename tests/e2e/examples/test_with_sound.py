"""An agent is spoken to and heard, with the fixture that tests of your own agents have."""

import re
from typing import Any

import numpy as np
import pytest

from agent.assistant import agent_of
from agent.persona import Persona
from agent.tools.persona_tools import PersonaTools
from examples.booking import BookingDesk
from testing import StartCall
from testing.loudspeaker import RATE_HZ
from tests.e2e.stack import ROOT
from tests.lights import TOOLSET

pytestmark = pytest.mark.sound

PERSONA = Persona(name="test", instructions="Be brief.", tools=PersonaTools(toolsets=(TOOLSET,)))

SCRIPT = """
[[typed]]
matches = "lights"
calls = [{ name = "turn_on_the_lights" }]
says = "Done. {turn_on_the_lights} Is there anything else?"
"""


async def test_the_lights_go_on_by_voice(earshot_call: StartCall) -> None:
    async with earshot_call(lambda _, call: agent_of(PERSONA, call), SCRIPT, with_sound=True) as call:
        await call.say("Please turn on the lights.")
        await call.expect_tool("turn_on_the_lights")
        await call.hear("The lights are on")
        assert call.control.attributes == {"lights": "on"}
        assert call.loudspeaker is not None
        await call.loudspeaker.until(ended=1)
    [answer] = call.heard()
    assert len(answer) > 1.5 * RATE_HZ, "seconds of speech"
    assert np.abs(answer.astype(int)).max() > 1000, "which can be heard"


@pytest.mark.long
async def test_the_test_of_the_page_about_tests_passes(earshot_call: StartCall) -> None:
    names: dict[str, Any] = {"BookingDesk": BookingDesk, "StartCall": StartCall}
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "testing.md").read_text(), re.DOTALL)
    for block in blocks:
        if "SCRIPT = " in block or "with_sound=True" in block:
            exec(block, names)
    await names["test_the_day_is_heard"](earshot_call)
