"""A lookup that takes long: the model goes on with the conversation, hears of the progress, and breaks off for the result."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable

from livekit.agents import function_tool, llm

from agent.persona import Persona
from agent.tools import CallControl, tool_options
from agent.voice import VoiceAgent

AIRLINES = ("Northern", "Meridian", "Halcyon")

PriceOf = Callable[[str, str], Awaitable[int | None]]
"""Asks an airline for its price to a city, in euros; None if it doesn't fly there."""


async def ask_airline(airline: str, city: str) -> int | None:
    """Stands in for a slow service of somebody else's."""
    await asyncio.sleep(4)
    return random.Random(f"{airline} {city}").choice([None, 120, 190, 240])  # noqa: S311 - no secret


class FlightDesk(VoiceAgent):
    """Finds flights. `price_of` asks one airline; a test gives its own."""

    def __init__(self, persona: Persona, call: CallControl, price_of: PriceOf = ask_airline) -> None:
        del call  # this agent changes nothing in the call
        super().__init__(instructions=persona.system_instruction)
        self._price_of = price_of

    @function_tool
    @tool_options(behavior="non_blocking", scheduling="interrupt", timeout_s=60)
    async def find_flight(self, city: str) -> AsyncIterator[str]:
        """Find the cheapest flight. It takes up to a minute; talk about something else meanwhile.

        Args:
            city: Where to, such as "Lisbon".
        """
        prices: dict[str, int] = {}
        for asked, airline in enumerate(AIRLINES, 1):
            price = await self._price_of(airline, city)
            if price is not None:
                prices[airline] = price
            yield f"{asked} of {len(AIRLINES)} airlines have answered."
        if not prices:
            raise llm.ToolError(f"No airline flies to {city}.")
        cheapest = min(prices, key=prices.__getitem__)
        yield f"The cheapest flight to {city} is {cheapest}'s, for {prices[cheapest]} euros."
