"""`python -m tests.e2e.transferring_agent start`: our worker, whose agent puts the caller through to another one."""

from livekit.agents import Agent, function_tool

from agent import assistant
from agent.assistant import Assistant
from agent.voice import VoiceAgent
from agent.worker import main


class Billing(VoiceAgent):
    """Takes over, with a voice of its own, and speaks first."""

    def __init__(self) -> None:
        super().__init__(instructions="You do the bills.", voice="Kore")

    async def on_enter(self) -> None:
        await super().on_enter()
        self.session.generate_reply(instructions="Ask for the number.")


class TransferringAssistant(Assistant):
    @function_tool
    async def transfer(self) -> Agent:
        """Put the caller through to the bills."""
        return Billing()


setattr(assistant, "Assistant", TransferringAssistant)  # noqa: B010 - call processes run this module's top level, too

if __name__ == "__main__":
    main()
