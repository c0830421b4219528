"""The model's function calls as LiveKit runs them, and their results as the service takes them. Pure."""

import json
from collections.abc import Sequence

from google.genai import types
from livekit.agents import llm
from livekit.agents.utils import shortuuid

from agent.gemini.messages import Json, Received


class FunctionCalls:
    """The calls of one conversation. `non_blocking`: they are declared so, and a result can be silent."""

    def __init__(self, *, non_blocking: bool) -> None:
        self._non_blocking = non_blocking
        self._own_ids: set[str] = set()
        """Of calls that the service gave no id."""
        self._made: set[str] = set()
        """Ids of all calls that were read."""

    def read(self, received: Received) -> list[llm.FunctionCall]:
        """The calls in a message that are to be run."""
        # of `received.calls`, the link may have taken some out of the message: they were run before
        left = (received.raw.get("toolCall") or {}) if received.calls else {}
        return [self._call(raw) for raw in left.get("functionCalls", ())]

    def foreign(self, items: Sequence[llm.ChatItem]) -> list[llm.FunctionCallOutput]:
        """The results among a chat's items whose call the model didn't make in this conversation.

        They are of a restored history, or of a LiveKit tool that has reported its progress: its end has another id.
        """
        return [item for item in items if item.type == "function_call_output" and item.call_id not in self._made]

    def responses(self, items: Sequence[llm.ChatItem]) -> list[Json]:
        """The results among a chat's items."""
        return [self._response(item) for item in items if item.type == "function_call_output"]

    def refusal(self, call: llm.FunctionCall, reason: str) -> Json:
        """The answer to a call that isn't run."""
        return self._response(llm.FunctionCallOutput(call_id=call.call_id, name=call.name, output=reason, is_error=True))

    def _call(self, raw: Json) -> llm.FunctionCall:
        call_id = raw.get("id") or shortuuid("fnc-call-")
        if not raw.get("id"):
            self._own_ids.add(call_id)
        self._made.add(call_id)
        return llm.FunctionCall(call_id=call_id, name=raw["name"], arguments=json.dumps(raw.get("args") or {}))

    def _response(self, output: llm.FunctionCallOutput) -> Json:
        response: Json = {"name": output.name, "response": {"error" if output.is_error else "output": output.output}}
        if output.call_id not in self._own_ids:
            response["id"] = output.call_id
        # LiveKit marks all results of an interrupted turn "no reply required" (docs/facts.md L34), and the caller who said "hm"
        # while a tool ran would never hear of it. Only a tool that has returned nothing is silent.
        if self._non_blocking and not output.reply_required and not output.output:
            response["scheduling"] = types.FunctionResponseScheduling.SILENT.value
        return response
