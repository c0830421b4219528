"""`python -m tests.e2e.faults.tools_agent start`: our worker, whose agent has tools that take long, block or never return."""

import asyncio
import os
import time
from pathlib import Path

from livekit.agents import function_tool

from agent import assistant
from agent.assistant import Assistant
from agent.tools import tool_options
from agent.worker import main


class SlowAssistant(Assistant):
    """Each tool leaves a line in a file, so that what it did can be counted."""

    @function_tool
    async def slow_switch(self) -> str:
        """Switch something on; it takes three seconds."""
        _switch("slow")
        await asyncio.sleep(3)
        return "It is on."

    @function_tool
    async def blocking_switch(self) -> str:
        """Switch something on, and let nothing else happen meanwhile."""
        _switch("blocking")
        time.sleep(3)  # noqa: ASYNC251 - what a careless tool does
        return "It is on."

    @function_tool
    @tool_options(thread=True)
    def threaded_switch(self) -> str:
        """Switch something on, blocking a thread."""
        _switch("threaded")
        time.sleep(3)
        return "It is on."

    @function_tool
    async def endless_switch(self) -> str:
        """Switch something on, and never come back."""
        _switch("endless")
        await asyncio.Event().wait()
        return "It is on."


def _switch(name: str) -> None:
    with Path(os.environ["SWITCHED"]).open("a", encoding="utf-8") as file:
        file.write(f"{name}\n")


setattr(assistant, "Assistant", SlowAssistant)  # noqa: B010 - call processes run this module's top level, too

if __name__ == "__main__":
    main()
