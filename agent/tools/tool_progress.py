"""The values of a tool that tells of its progress: an async generator. The last one is its result."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

from agent.gemini import ToolAnswer
from agent.tools.tool_results import tellable


class ToolProgress:
    """The values of one call. `answer` None: nobody is told of them but of the last."""

    def __init__(self, answer: ToolAnswer | None) -> None:
        self._answer = answer
        self.is_told = False
        """The last value has been told as progress: the tool went on after it, and told no other."""

    async def last_of(self, values: AsyncIterable[Any]) -> Any:
        """Tell each value when it comes, but for one that the generator ends with at once: that is returned alone."""
        loop, last, timer = asyncio.get_running_loop(), None, None
        try:
            async for value in values:
                if timer is not None and not self.is_told:
                    self._tell(last)
                last, self.is_told = value, False
                if timer is not None:
                    timer.cancel()
                timer = loop.call_soon(self._tell, value)  # the generator may end before the loop's next turn
        finally:
            if timer is not None:
                timer.cancel()
        return last

    def _tell(self, value: Any) -> None:
        self.is_told = self._answer is not None and self._answer.progress(tellable(value))
