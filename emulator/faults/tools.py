"""Faults of function calls."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from emulator.closes import Close
from emulator.faults.channel import COMPLETE, Frame
from emulator.faults.fault import Fault
from emulator.faults.moments import MomentFault
from emulator.messages import ClientMessage, FunctionResponse, Json, ToolResponse

_MOST_OPEN = 64

V = TypeVar("V")


@dataclass(kw_only=True, eq=False)
class ToolNoId(Fault):
    name = "tool_no_id"
    what = "calls functions without an id; a response without one goes to the call of its name"
    evidence = "C S2 S3"

    ids: dict[str, str] = field(init=False, default_factory=dict)
    """Ids of unanswered calls by function name; beyond 64 the oldest is forgotten."""

    def sends(self, message: Json) -> Iterable[Frame]:
        calls = message.get("toolCall", {}).get("functionCalls", ())
        ids = {call["name"]: call["id"] for call in calls if "id" in call}
        if not ids or not self.happens():
            return (message,)
        self.ids = _newest(self.ids | ids)
        return ({"toolCall": {"functionCalls": [{k: v for k, v in call.items() if k != "id"} for call in calls]}},)

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        if not isinstance(message, ToolResponse):
            return message
        return ToolResponse(tuple(self._with_id(response) for response in message.responses))

    def _with_id(self, response: FunctionResponse) -> FunctionResponse:
        return response if response.id else replace(response, id=self.ids.get(response.name, ""))


@dataclass(kw_only=True, eq=False)
class ToolReissue(Fault):
    name = "tool_reissue"
    what = "makes the newest unanswered call again under a new id, `after_s` seconds after the caller goes on"
    evidence = "R S11"

    after_s: float = 0.6

    open: dict[str, Json] = field(init=False, default_factory=dict)
    """Unanswered calls by id; beyond 64 the oldest is forgotten."""
    first_ids: dict[str, str] = field(init=False, default_factory=dict)
    """First ids, which the conversation knows, of calls made again, by their new ids; beyond 64 the oldest is forgotten."""

    def sends(self, message: Json) -> Iterable[Frame]:
        calls = message.get("toolCall", {}).get("functionCalls", ())
        self.open = _newest(self.open | {call["id"]: call for call in calls if "id" in call})
        return (message,)

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        if not isinstance(message, ToolResponse):
            return message
        known = tuple(replace(each, id=self.first_ids.get(each.id, each.id)) for each in message.responses)
        for response in known:
            self.open.pop(response.id, None)
        return ToolResponse(known)

    def caller_begins(self) -> None:
        if self.open:
            self.due_at = min(self.due_at, self.channel.now + self.after_s)

    def caller_ends(self) -> None:
        self.caller_begins()

    def due(self) -> None:
        if not self.open or not self.happens():
            return
        first, call = self.open.popitem()
        again = {**call, "id": _next_id(first)}
        self.first_ids = _newest(self.first_ids | {again["id"]: first})
        self.open = {}
        self.channel.send({"toolCall": {"functionCalls": [again]}})
        if not self.channel.turn_open:
            self.channel.send(COMPLETE)


class ToolResponseIgnored(Fault):
    name = "tool_response_ignored"
    what = "takes no notice of a tool response"
    evidence = "R S11 U"

    def receives(self, message: ClientMessage) -> ClientMessage | None:
        return None if isinstance(message, ToolResponse) and self.happens() else message


@dataclass(kw_only=True, eq=False)
class Tool1008(MomentFault):
    name = "tool_1008"
    what = "closes 1008 on a tool response, or on the call"
    evidence = "U"

    at: Literal["tool_call", "tool_response"] = "tool_response"

    def strike(self) -> None:
        if self.happens():
            self.channel.shut(_UNSUPPORTED if self.at == "tool_call" else _NOT_FOUND)


class Tool1011(Tool1008):
    name = "tool_1011"
    what = "closes 1011 on a tool response, or on the call"

    def strike(self) -> None:
        if self.happens():
            self.channel.shut(_INTERNAL)


_UNSUPPORTED = Close(1008, "Operation is not implemented, or supported, or enabled.")
_NOT_FOUND = Close(1008, "Requested entity was not found.")
_INTERNAL = Close(1011, "Internal error occurred.")


def _next_id(call_id: str) -> str:
    """An id in the style of a call's first one, for the call made again."""
    head = call_id.rstrip("0123456789")
    digits = call_id[len(head) :]
    return f"{head}{int(digits) + 7919}" if digits else f"{call_id}_again"


def _newest(known: dict[str, V]) -> dict[str, V]:
    return dict(list(known.items())[-_MOST_OPEN:])
