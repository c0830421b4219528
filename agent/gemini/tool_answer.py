"""The answer to one function call, from its tool to the service: as soon as there is something to tell."""

from collections.abc import Callable
from typing import Any

from google.genai.types import FunctionResponseScheduling as Scheduling
from livekit.agents import llm

from agent.gemini.function_calls import FunctionCalls
from agent.gemini.messages import Json


class ToolAnswer:
    """What one call's tool tells. Its values are such as JSON has. A call is answered once, apart from its progress."""

    def __init__(
        self,
        call: llm.FunctionCall,
        functions: FunctionCalls,
        send: Callable[[list[Json]], None],
        agent_changes: Callable[[str], None],
    ) -> None:
        self._call = call
        self._functions = functions
        self._send = send
        self._agent_changes = agent_changes

    def take_over(self) -> None:
        """LiveKit's result of this call is not to be told."""
        self._functions.answers_itself(self._call.call_id)

    def leave_to_livekit(self) -> None:
        """LiveKit's result of this call is the one to be told, when LiveKit has it."""
        self._functions.answers_itself(self._call.call_id, itself=False)

    def hand_over(self) -> None:
        """The tool has returned another agent. LiveKit's result of this call is told once that one has come."""
        self._functions.hands_over(self._call.call_id)
        self._agent_changes(self._call.call_id)

    def progress(self, value: Any) -> bool:
        """A value of a tool that goes on; it interrupts nothing. False: the model takes one result alone, and isn't told."""
        if not self._functions.takes_progress(self._call.name):
            return False
        scheduling = None if self._scheduling is Scheduling.INTERRUPT else self._scheduling
        self._send([self._functions.response(self._call, {"output": value}, scheduling, goes_on=True)])
        return True

    def result(self, value: Any, *, is_silent: bool = False) -> bool:
        """The tool has returned. `is_silent`: the model is not to speak about it. Returns whether it will all the same."""
        return self._tell({"output": value}, Scheduling.SILENT if is_silent else self._scheduling)

    def error(self, words: str) -> None:
        """The tool has failed. The model speaks about that, even if it isn't to speak about results."""
        self._tell({"error": words}, None if self._scheduling is Scheduling.SILENT else self._scheduling)

    def end(self) -> None:
        """The tool has ended without another value than those of its progress."""
        self._tell({}, Scheduling.SILENT)

    @property
    def _scheduling(self) -> Scheduling | None:
        return self._functions.options(self._call.name).scheduling

    def _tell(self, response: Json, scheduling: Scheduling | None) -> bool:
        self.take_over()
        answer = self._functions.response(self._call, response, scheduling)
        self._send([answer])
        return answer.get("scheduling") != Scheduling.SILENT.value
