"""The function calls of one conversation, across its sockets. Pure.

A call is run once, whatever happens to the socket that it came by. A call that is made again, after a loss or because the
caller went on, gets the result of the first one (docs/facts.md G7, G9, G22). A result whose call the service has forgotten is
told in words. What the service has cancelled is answered no more.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agent.gemini.messages import Received, ToolCall

_TOO_LONG = {"error": "It takes too long and was given up. Tell the caller that it did not work."}

Response = dict[str, Any]
"""A function response as it is on the wire."""


@dataclass(slots=True)
class _Entry:
    call: ToolCall
    since: float
    ids: set[str]
    """All that it was called by."""
    waiting: dict[str, int] = field(default_factory=dict)
    """Ids that want the result, and the number of the socket that each came by."""
    result: Response | None = None
    """Without an id."""
    is_spoken_about: bool = False
    is_endless: bool = False
    """The tool waits for another agent, which talks to the caller meanwhile."""
    may_be_repeated: bool = False
    """A socket was lost since, or the model was told of the result once more: the same call may mean this one."""


@dataclass(slots=True)
class Delivery:
    """How results reach the model."""

    responses: list[Response] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """In words, where no id would be understood."""

    def __bool__(self) -> bool:
        return bool(self.responses or self.told)

    def add(self, other: "Delivery") -> None:
        self.responses += other.responses
        self.told += other.told

    @property
    def is_silent(self) -> bool:
        """The model is not to speak about them."""
        return not self.told and all(response.get("scheduling") == "SILENT" for response in self.responses)


class ToolCalls:
    """Keeps the calls that run, and those of the current turn."""

    def __init__(self, *, survives: bool) -> None:
        self._survives = survives
        """A resumed session still knows the calls that were open."""
        self._entries: list[_Entry] = []
        self._cancelled: set[str] = set()
        self._socket = 0
        self._held: list[Response] = []
        """Results that no connection was there for: as many as calls run at once."""

    @property
    def _running(self) -> list[_Entry]:
        return [entry for entry in self._entries if entry.result is None and not entry.is_endless]

    @property
    def running_since(self) -> float | None:
        """Since when the newest of those that run does; None: none runs."""
        return max((entry.since for entry in self._running), default=None)

    @property
    def is_running(self) -> bool:
        """The model waits for a tool."""
        return bool(self._running)

    @property
    def unspoken(self) -> list[str]:
        """Results that the model was given and hasn't spoken about, in words."""
        return [_told(entry) for entry in self._entries if entry.result is not None]

    def lost_socket(self, *, forgets: bool = False) -> None:
        """The next messages come by another socket; `forgets`: and from another session."""
        self._socket += 1
        self.disturbed()
        if forgets or not self._survives:
            for entry in self._entries:
                entry.waiting.clear()

    def agent_changes(self) -> None:
        """The call goes on with another agent: a tool that runs may be what waits for it, and has no limit then."""
        for entry in self._entries:
            entry.is_endless |= entry.result is None

    def disturbed(self) -> None:
        """The service may have dropped the calls that run, and may make them again once they are answered."""
        for entry in self._entries:
            entry.may_be_repeated |= entry.result is None

    def told_again(self) -> None:
        """The model is asked to speak about its results once more, or may be."""
        for entry in self._entries:
            entry.may_be_repeated = True

    def _has_id_of_another(self, call: ToolCall) -> bool:
        """A different call with this id waits for its result, which would be taken for this one's."""
        others = (entry for entry in self._entries if (entry.call.name, entry.call.args) != (call.name, call.args))
        return bool(call.id) and any(call.id in entry.waiting for entry in others)

    def received(self, received: Received, now: float) -> tuple[Received, list[Response]]:
        """A message with calls: the message with those that are to be run, and results for those that have been run."""
        run: list[str] = []
        results: list[Response] = []
        for call in received.calls:
            if not received.is_readable("functionCalls.id", not self._has_id_of_another(call)):
                continue
            entry = self._made_again(call, now)
            if entry is None:
                self._entries.append(_Entry(call, now, {call.id}, {call.id: self._socket}))
                run.append(call.id)
            elif entry.result is None:
                entry.waiting[call.id] = self._socket
            else:
                results.append(_with_id(entry.result, call.id))
        return (received if len(run) == len(received.calls) else received.with_calls(run)), results

    def _made_again(self, call: ToolCall, now: float) -> _Entry | None:
        """The call that this one repeats."""
        same = (entry for entry in self._entries if (entry.call.name, entry.call.args) == (call.name, call.args))
        entry = next((entry for entry in same if self._is_again(entry, call, now)), None)
        if entry is not None:
            entry.may_be_repeated = False
            entry.ids.add(call.id)
        return entry

    def _is_again(self, entry: _Entry, call: ToolCall, now: float) -> bool:
        """Whether it is this call made again: by its id, after a loss, or while it runs. In one message, two calls are two."""
        if not call.id or call.id in entry.ids:
            return bool(call.id)
        return entry.since != now and (entry.may_be_repeated or entry.result is None)

    def hold(self, responses: Iterable[Response]) -> None:
        """Tools have returned. Their results wait for `returned`: another session may get them."""
        self._held += responses

    def returned(self) -> Delivery:
        """There is a connection: how the results that were held reach the model."""
        held, self._held = self._held, []
        delivery = Delivery()
        for response in held:
            delivery.add(self._delivery(response))
        return delivery

    def _delivery(self, response: Response) -> Delivery:
        call_id = response.get("id") or ""
        running = (entry for entry in self._entries if entry.call.id == call_id and entry.result is None)
        # without an id, the name tells which of them has returned
        entry = next((each for each in running if call_id or each.call.name == response.get("name", each.call.name)), None)
        if call_id in self._cancelled:
            self._entries = [entry for entry in self._entries if entry.call.id != call_id]
            return Delivery()
        if entry is None:
            return Delivery([response])
        entry.result = {key: value for key, value in response.items() if key != "id"}
        waiting, entry.waiting = entry.waiting, {}
        if not waiting:
            return Delivery(told=[_told(entry)])
        newest = max(waiting.values())
        return Delivery([_with_id(entry.result, each) for each, socket in waiting.items() if socket == newest])

    def overdue_at(self, tool_s: float) -> float:
        """When the first of those that run takes too long. A call without an id can't be told from the next of its name."""
        return min((entry.since + tool_s for entry in self._running if entry.call.id), default=math.inf)

    def give_up(self, tool_s: float, now: float) -> tuple[list[str], Delivery]:
        """Answer for the tools that take too long: their calls' ids, and the answers. What they return later is nobody's."""
        overdue = [entry.call for entry in self._running if entry.call.id and entry.since + tool_s <= now]
        delivery = Delivery()
        for call in overdue:
            delivery.add(self._delivery({"id": call.id, "name": call.name, "response": _TOO_LONG}))
        ids = [call.id for call in overdue]
        self._cancelled |= set(ids)
        return ids, delivery

    def cancelled(self, ids: tuple[str, ...]) -> None:
        self._cancelled |= set(ids)
        self._entries = [entry for entry in self._entries if entry.call.id not in self._cancelled]

    def begins_to_speak(self) -> None:
        """The model begins an answer: to the results that it has."""
        for entry in self._entries:
            entry.is_spoken_about = entry.result is not None

    def spoken(self) -> None:
        """The answer is over."""
        self._entries = [entry for entry in self._entries if not entry.is_spoken_about]


def _with_id(response: Response, call_id: str) -> Response:
    return {"id": call_id, **response} if call_id else dict(response)


def _told(entry: _Entry) -> str:
    result = (entry.result or {}).get("response")
    return f"{entry.call.name}({entry.call.args}) returned {result}"
