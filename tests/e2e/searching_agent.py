"""`python -m tests.e2e.searching_agent start`: our worker, whose agent has a tool of four seconds and one of three."""

import asyncio
from collections.abc import AsyncIterator

from livekit.agents import function_tool

from agent import assistant
from agent.assistant import Assistant
from agent.tools import tool_options
from agent.worker import main


class SearchingAssistant(Assistant):
    @function_tool
    @tool_options(behavior="non_blocking", scheduling="interrupt", timeout_s=30)
    async def search(self) -> AsyncIterator[str]:
        """Search for the treasure."""
        yield "the cellar was searched"
        await asyncio.sleep(4)
        yield "it is in the attic"

    @function_tool
    @tool_options(behavior="blocking")
    async def look_up(self) -> str:
        """Look something up."""
        await asyncio.sleep(3)
        return "it is blue"


setattr(assistant, "Assistant", SearchingAssistant)  # noqa: B010 - call processes run this module's top level, too

if __name__ == "__main__":
    main()
