"""Tools that change something which everybody in the room sees: the lights of a room.

A persona file has them with `tools.toolsets = ["examples.lights:Lights"]`.
"""

from typing import Self

from livekit.agents import function_tool, llm

from agent.tools import CallControl


class Lights(llm.Toolset):
    """Switches the lights of a room. `show` tells the room how they are."""

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
        return await self._switch("on")

    @function_tool
    async def turn_off_the_lights(self) -> str:
        """Turn off the lights of the room."""
        return await self._switch("off")

    async def _switch(self, state: str) -> str:
        self._state = state  # here your own code would switch them
        await self._call.show("lights", state)
        return f"The lights are {state}."
