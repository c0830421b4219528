"""The answer to one function call, from its tool to the service: as soon as there is something to tell."""

from collections.abc import Callable
from typing import Any

from livekit.agents import llm

from agent.gemini.function_calls import FunctionCalls
from agent.gemini.messages import Json


class ToolAnswer:
    """What one call's tool tells. Its values are such as JSON has. A call is answered once, apart from its progress."""

    def __init__(self, call: llm.FunctionCall, functions: FunctionCalls, send: Callable[[list[Json]], None]) -> None:
        self._call = call
        self._functions = functions
        self._send = send

    def take_over(self) -> None:
        """LiveKit's result of this call is not to be told."""
        self._functions.answers_itself(self._call.call_id)

    def leave_to_livekit(self) -> None:
        """LiveKit's result of this call is the one to be told, when LiveKit has it."""
        self._functions.answers_itself(self._call.call_id, itself=False)

    def progress(self, value: Any) -> bool:
        """A value of a tool that goes on. False: the model takes one result for a call, and isn't told."""
        if not self._functions.takes_progress(self._call.name):
            return False
        self._send([self._functions.response(self._call, {"output": value}, goes_on=True)])
        return True

    def result(self, value: Any, *, is_silent: bool = False) -> None:
        """The tool has returned. `is_silent`: the model is not to speak about it, where it knows how."""
        self._tell({"output": value}, is_silent=is_silent)

    def error(self, words: str) -> None:
        """The tool has failed."""
        self._tell({"error": words}, is_silent=False)

    def end(self) -> None:
        """The tool has ended without another value than those of its progress."""
        self._tell({}, is_silent=True)

    def _tell(self, response: Json, *, is_silent: bool) -> None:
        self.take_over()
        self._send([self._functions.response(self._call, response, is_silent=is_silent)])
