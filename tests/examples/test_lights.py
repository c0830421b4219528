"""The lights: each switch is shown to the room. A persona has them by one line of its file."""

from typing import Any

from agent.assistant import Assistant, agent_of
from agent.persona import Persona
from agent.tools.mcp_tools import tool_names
from agent.tools.persona_tools import PersonaTools
from examples.lights import Lights
from testing import RecordingCall, StartCall

SCRIPT = """
think_ms = 0

[[typed]]
calls = "auto"
says = "Done. {result}"
"""
PERSONA = Persona(name="test", instructions="Be brief.", tools=PersonaTools(toolsets=("examples.lights:Lights",)))


async def test_the_room_is_shown_how_the_lights_are_from_the_beginning() -> None:
    call = RecordingCall()
    lights: Any = Lights(call)
    await lights.setup()
    assert await lights.turn_on_the_lights() == "The lights are on."
    await lights.setup()  # the agent takes the call again, after another one
    assert await lights.turn_off_the_lights() == "The lights are off."
    assert call.shown == [{"lights": state} for state in ("off", "on", "on", "off")]


async def test_a_persona_that_names_them_has_them_in_a_call(earshot_call: StartCall) -> None:
    async with earshot_call(lambda _, call: agent_of(PERSONA, call), SCRIPT) as call:
        await call.say("Please turn on the lights.")
        assert (await call.expect_tool("turn_on_the_lights")).output == "The lights are on."
        await call.hear("The lights are on")
        assert call.control.attributes == {"lights": "on"}


def test_a_persona_that_does_not_name_them_has_the_assistants_tools_alone() -> None:
    without = agent_of(Persona(name="test", instructions="Be brief."), RecordingCall())
    assert tool_names(without.tools) == tool_names(Assistant(PERSONA, RecordingCall()).tools)
    assert set(tool_names(agent_of(PERSONA, RecordingCall()).tools)) - set(tool_names(without.tools)) == {
        "turn_on_the_lights",
        "turn_off_the_lights",
    }
