"""An agent whose tools speak, stop the answer and leave notes for the model, for tests/e2e/test_speaking.py."""

import asyncio

from livekit.agents import AgentStateChangedEvent, function_tool

from agent.persona import Persona
from agent.tools import CallControl
from agent.voice import VoiceAgent

STOPS_AFTER_S = 1.0


class SpeakingAgent(VoiceAgent):
    def __init__(self, persona: Persona, _call: CallControl) -> None:
        super().__init__(instructions=persona.instructions)

    @function_tool
    async def parcel(self) -> None:
        """Say where the caller's parcel is."""
        self.session.say("Your parcel is at the door.")

    @function_tool
    async def riddle(self) -> None:
        """Ask the caller a riddle."""
        self.session.generate_reply(instructions="Ask the riddle of the bell.")

    @function_tool
    async def remember(self) -> str:
        """Leave a note for the model."""
        self.add_context("The caller is called Ada.")
        return "It is noted."

    @function_tool
    async def story(self) -> str:
        """Begin a story, which is stopped a second after its beginning."""
        self.session.on("agent_state_changed", self._stop_soon)
        return "Once upon a time there was a lighthouse."

    def _stop_soon(self, change: AgentStateChangedEvent) -> None:
        if change.new_state == "speaking":
            self.session.off("agent_state_changed", self._stop_soon)
            asyncio.get_running_loop().call_later(STOPS_AFTER_S, self.session.interrupt)
