"""The tools of the tests' own persona: lights that the room is shown. Tests of calls need no file that a user may take out."""

from pathlib import Path
from typing import Self

from livekit.agents import function_tool, llm

from agent.tools import CallControl

TOOLSET = "tests.lights:Lights"
PERSONAS = Path(__file__).parent / "personas"
"""The folder of the personas of workers that tests start."""


class Lights(llm.Toolset):
    """Switches the lights of a room."""

    def __init__(self, call: CallControl) -> None:
        super().__init__(id="lights")
        self._call = call
        self._state = "off"

    async def setup(self) -> Self:
        """Show the room how the lights are. LiveKit calls this whenever the agent takes the call."""
        await self._call.show("lights", self._state)
        return await super().setup()

    @function_tool
    async def turn_on_the_lights(self) -> str:
        """Turn on the lights of the room."""
        self._state = "on"
        await self._call.show("lights", self._state)
        return "The lights are on."
