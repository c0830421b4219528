"""The model's function calls as LiveKit runs them, and their results as the service takes them. Pure.

A tool may answer its call itself, as soon as it returns (tool_answer.py). LiveKit has the results of all tools of one
generation, later and together (docs/facts.md L32); those that have been answered are left out.
"""

import json
from collections.abc import Sequence

from google.genai.types import FunctionResponseScheduling as Scheduling
from livekit.agents import llm
from livekit.agents.utils import shortuuid

from agent.gemini.capabilities import Capabilities
from agent.gemini.messages import Json, Received
from agent.gemini.tool_options import DEFAULT_OPTIONS, ToolOptions, is_non_blocking, options_of

_FINAL = "_final"
"""Appended by LiveKit to the id of a call whose result it tells later than it has told something else (docs/facts.md L140)."""


class FunctionCalls:
    """The calls of one conversation, with a model of these capabilities."""

    def __init__(self, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._options: dict[str, ToolOptions] = {}
        """By the names of all tools that were declared, those of earlier agents too: a call of theirs may still run."""
        self._own_ids: set[str] = set()
        """Of calls that the service gave no id."""
        self._made: set[str] = set()
        """Ids of all calls that were read."""
        self._answered: set[str] = set()
        """Ids of calls whose tools answer themselves."""
        self._open: dict[str, str] = {}
        """The names of the functions that were called and not answered yet, by the calls' ids."""
        self._handing_over: set[str] = set()
        """Ids of calls whose results LiveKit hasn't told yet, and which wait for the agent that one of them has returned."""

    def declare(self, tools: llm.ToolContext) -> None:
        """The model may call these tools from now on."""
        self._options |= {name: options_of(tool) for name, tool in tools.function_tools.items()}

    def options(self, name: str) -> ToolOptions:
        """The options of the tool of that name."""
        return self._options.get(name, DEFAULT_OPTIONS)

    @property
    def waits_for(self) -> str | None:
        """The name of a function that the model has called and waits for; None: it waits for none."""
        names = (name for name in self._open.values() if not is_non_blocking(self.options(name), self._capabilities))
        return next(names, None)

    def takes_progress(self, name: str) -> bool:
        """Whether a call of that tool can be answered several times."""
        return self._capabilities.tool_progress and is_non_blocking(self.options(name), self._capabilities)

    def answers_itself(self, call_id: str, *, itself: bool = True) -> None:
        """The call's tool tells its result past LiveKit, or leaves it to LiveKit after all."""
        self._answered = self._answered | {call_id} if itself else self._answered - {call_id}

    def hands_over(self, call_id: str) -> None:
        """The call's tool hands the conversation to another agent. LiveKit tells its result, and changes agents."""
        self.answers_itself(call_id, itself=False)
        self.waits_for_agent(call_id)

    def waits_for_agent(self, call_id: str) -> None:
        """The call's result, if LiveKit is to answer it, is told when another agent has come."""
        self._handing_over |= {call_id} & self._made

    def take_handing_over(self, items: Sequence[llm.ChatItem]) -> list[llm.ChatItem]:
        """The results among a chat's items by which tools hand the conversation to another agent.

        The result of an interrupted turn is an error instead: LiveKit has given the hand-over up, and no agent will come.
        """
        outputs = [item for item in items if item.type == "function_call_output" and item.call_id in self._handing_over]
        self._handing_over -= {item.call_id for item in outputs}
        return [item for item in outputs if not item.is_error]

    def read(self, received: Received) -> list[llm.FunctionCall]:
        """The calls in a message that are to be run. Those that it cancels are answered no more."""
        for call_id in received.cancelled:
            self._open.pop(call_id, None)
        # of `received.calls`, the link may have taken some out of the message: they were run before
        left = (received.raw.get("toolCall") or {}) if received.calls else {}
        return [self._call(raw) for raw in left.get("functionCalls", ())]

    def foreign(self, items: Sequence[llm.ChatItem]) -> list[llm.FunctionCallOutput]:
        """The results among a chat's items whose call the model didn't make in this conversation.

        They are of a restored history, or of a LiveKit tool that has reported its progress: its end has another id.
        """
        results = [item for item in items if item.type == "function_call_output" and item.call_id not in self._made]
        return [item for item in results if item.call_id.removesuffix(_FINAL) not in self._answered]

    def responses(self, items: Sequence[llm.ChatItem]) -> list[Json]:
        """The results among a chat's items of calls that the model has made, and that LiveKit is to answer."""
        outputs = [item for item in items if item.type == "function_call_output"]
        return [self._response(item) for item in outputs if item.call_id.removesuffix(_FINAL) not in self._answered]

    def refusal(self, call: llm.FunctionCall, reason: str) -> Json:
        """The answer to a call that isn't run."""
        return self._response(llm.FunctionCallOutput(call_id=call.call_id, name=call.name, output=reason, is_error=True))

    def response(self, call: llm.FunctionCall, response: Json, scheduling: Scheduling | None, *, goes_on: bool = False) -> Json:
        """The answer to a call, with what the model takes of `scheduling`; `goes_on`: another answer follows."""
        if not goes_on:
            self._open.pop(call.call_id, None)
        answer: Json = {"name": call.name, "response": response}
        if call.call_id not in self._own_ids:
            answer["id"] = call.call_id
        can_be_told = is_non_blocking(self.options(call.name), self._capabilities)
        if scheduling is not None and can_be_told and (self._capabilities.tool_scheduling or scheduling is Scheduling.SILENT):
            answer["scheduling"] = scheduling.value
        return answer | ({"willContinue": True} if goes_on else {})

    def _call(self, raw: Json) -> llm.FunctionCall:
        call_id = raw.get("id") or shortuuid("fnc-call-")
        if not raw.get("id"):
            self._own_ids.add(call_id)
        self._made.add(call_id)
        self._open[call_id] = raw["name"]
        return llm.FunctionCall(call_id=call_id, name=raw["name"], arguments=json.dumps(raw.get("args") or {}))

    def _response(self, output: llm.FunctionCallOutput) -> Json:
        call = llm.FunctionCall(call_id=output.call_id, name=output.name, arguments="{}")
        response = {"error" if output.is_error else "output": output.output}
        # LiveKit marks all results of an interrupted turn "no reply required" (docs/facts.md L34), and the caller who said "hm"
        # while a tool ran would never hear of it. Only a tool that has returned nothing is silent.
        is_silent = not output.reply_required and not output.output
        return self.response(call, response, Scheduling.SILENT if is_silent else self.options(output.name).scheduling)
