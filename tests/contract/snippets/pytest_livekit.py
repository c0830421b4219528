import pytest
from google.genai import types
from livekit.agents import Agent, AgentSession, RunResult, function_tool
from livekit.plugins import google

from emulator import GeminiLive

SCRIPT = """
[[typed]]
matches = "open"
calls = [{ name = "opening_hours", args = { day = "Friday" } }]
says = "We are open {opening_hours}."
"""


class Shop(Agent):
    @function_tool
    async def opening_hours(self, day: str) -> str:
        """Look up the opening hours of a day."""
        return f"from nine to five on {day}"


@pytest.mark.asyncio
async def test_the_hours_are_looked_up(gemini_live: GeminiLive) -> None:
    gemini_live.use_script(SCRIPT)
    options = types.HttpOptions(**gemini_live.http_options)
    model = google.realtime.RealtimeModel(model="gemini-3.8-live", api_key="any", http_options=options)
    session: AgentSession[None] = AgentSession(llm=model)
    async with session:
        await session.start(Shop(instructions="You answer for a shop."))
        result: RunResult[None] = await session.run(user_input="When are you open on Friday?")
    result.expect.contains_function_call(name="opening_hours", arguments={"day": "Friday"})
    [response] = gemini_live.received("toolResponse")
    assert "nine to five" in str(response)
