"""The model's calls of tools and their results, as they went over the wire to the emulator."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.journal import Direction, Journal
from emulator.messages import Json


@dataclass
class ToolUse:
    """One call of a tool."""

    name: str
    arguments: dict[str, Any]
    output: Any = None
    """What the model was told of the result."""
    error: str | None = None
    """What the model was told of a failure."""
    progress: list[Any] = field(default_factory=list)
    """What the model was told before the result."""
    is_answered: bool = False
    is_cancelled: bool = False
    """The model has taken its call back."""


class ToolJournal(Journal):
    """The emulator's journal, which keeps no file, and reads the messages about tools when they come."""

    def __init__(self) -> None:
        super().__init__(None)
        self.uses: dict[str, ToolUse] = {}
        """Every call so far, by its id."""
        self._expected: set[str] = set()
        self._changed = asyncio.Event()

    def write(self, session: str, direction: Direction, message: str | bytes | Json) -> None:
        super().write(session, direction, message)
        if isinstance(message, bytes):
            message = message.decode(errors="replace")
        if isinstance(message, str):
            message = json.loads(message) if "ool" in message else {}  # toolCall, tool_response, toolCallCancellation
        self._read(message)

    async def until(self, name: str, arguments: Mapping[str, Any], within_s: float) -> ToolUse:
        """The first call of that tool, with at least these arguments, that has its result and wasn't expected before.

        Raises:
            AssertionError: there is none within that time.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for call_id, use in self.uses.items():
                        if call_id not in self._expected and use.is_answered and _fits(use, name, arguments):
                            self._expected.add(call_id)
                            return use
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            wanted = f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})"
            uses = list(self.uses.values())
            raise AssertionError(f"no result of {wanted} within {within_s:g} s; the calls were: {uses}") from None

    def _read(self, message: Mapping[str, Any]) -> None:
        for call in message.get("toolCall", {}).get("functionCalls", []):
            self.uses[call["id"]] = ToolUse(call["name"], dict(call.get("args", {})))
        for call_id in message.get("toolCallCancellation", {}).get("ids", []):
            self.uses[call_id].is_cancelled = True
        for response in message.get("tool_response", {}).get("functionResponses", []):
            self._take(self.uses[response["id"]], response)
        self._changed.set()

    def _take(self, use: ToolUse, response: Mapping[str, Any]) -> None:
        told = response["response"]
        if response.get("willContinue"):
            use.progress.append(told.get("output"))
            return
        use.output, use.error, use.is_answered = told.get("output"), told.get("error"), True


def _fits(use: ToolUse, name: str, arguments: Mapping[str, Any]) -> bool:
    return use.name == name and {key: use.arguments.get(key) for key in arguments} == dict(arguments)
