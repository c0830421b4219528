"""One function call of the model's: whether it runs, by which ids it was made, and what it has returned. Pure."""

import enum
import json
import math
from dataclasses import dataclass, field
from typing import Any

from agent.gemini.messages import ToolCall
from agent.gemini.snapshot import SavedCall
from agent.gemini.tool_options import ToolOptions

Response = dict[str, Any]
"""A function response as it is on the wire."""


@dataclass(slots=True)
class Delivery:
    """The way in which a result reaches the model."""

    responses: list[Response] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """In words, where no id would be understood."""

    def __bool__(self) -> bool:
        return bool(self.responses or self.told)

    def add(self, other: "Delivery") -> None:
        """Take over another's results."""
        self.responses += other.responses
        self.told += other.told

    @property
    def is_silent(self) -> bool:
        """The model is not to speak about them, or need not yet."""
        return not self.told and all(
            response.get("scheduling") == "SILENT" or response.get("willContinue") for response in self.responses
        )


class Progress(enum.Enum):
    """The progress of a call."""

    RUNS = enum.auto()
    ENDLESS = enum.auto()
    """The tool runs and waits for another agent, which talks to the caller meanwhile."""
    RETURNED = enum.auto()
    SPOKEN_ABOUT = enum.auto()
    """The model has begun to speak since the tool returned."""


class Repetition(enum.Enum):
    """Whether the same call, with another id, is this one made again."""

    UNEXPECTED = enum.auto()
    POSSIBLE = enum.auto()
    """A socket was lost since, or the model was told of the result once more (docs/facts.md G22)."""


class Run:
    """A call, which is run once. `socket`: the number of the socket that it came by."""

    def __init__(self, call: ToolCall, options: ToolOptions, now: float, socket: int) -> None:
        self.call = call
        self.options = options
        self.since = now
        self.progress = Progress.RUNS
        self._ids = {call.id}
        """Every id by which the model has made this call."""
        self._waiting = {call.id: socket}
        """Ids that want the result, and the number of the socket that each came by."""
        self._response: Response = {}
        """The result, without the id of a call."""
        self._repetition = Repetition.UNEXPECTED
        self._hands_over = False

    @property
    def has_returned(self) -> bool:
        """The result is known."""
        return self.progress in {Progress.RETURNED, Progress.SPOKEN_ABOUT}

    @property
    def told(self) -> str:
        """The result, in words."""
        return f"{self.call.name}({self.call.args}) returned {self._response.get('response')}"

    @property
    def is_silent(self) -> bool:
        """The tool has returned, and the model is not to speak about it."""
        return self.has_returned and self._response.get("scheduling") == "SILENT"

    def saved(self) -> SavedCall:
        """The call as another process goes on with it."""
        newest = max(self._waiting.values(), default=0)
        waiting = tuple(call_id for call_id, socket in self._waiting.items() if socket == newest)
        response = json.dumps(self._response) if self.has_returned else None
        is_spoken_about = self.progress is Progress.SPOKEN_ABOUT
        return SavedCall(self.call.id, self.call.name, self.call.args, tuple(self._ids), waiting, response, is_spoken_about)

    @classmethod
    def restored(cls, saved: SavedCall, options: ToolOptions, now: float) -> "Run":
        """The call of another process, by which no tool runs here."""
        run = cls(ToolCall(saved.id, saved.name, saved.args), options, now, 0)
        run.go_on_from(saved)
        return run

    def go_on_from(self, saved: SavedCall) -> None:
        """Take over what another process knew of this call."""
        self._ids, self._waiting = set(saved.ids), dict.fromkeys(saved.waiting, 0)
        if saved.response is not None:
            self._response = json.loads(saved.response)
            self.progress = Progress.SPOKEN_ABOUT if saved.is_spoken_about else Progress.RETURNED

    def awaits(self, call_id: str) -> bool:
        """A call with this id waits for the result."""
        return call_id in self._waiting

    def is_same(self, call: ToolCall) -> bool:
        """Another call asks for the same."""
        return (self.call.name, self.call.args) == (call.name, call.args)

    def is_made_again_by(self, call: ToolCall, now: float) -> bool:
        """Whether it is this call once more: by its id, after a loss, or while it runs. In one message, two calls are two.

        A repeatable call that comes while this one runs is another one, unless a loss may have made it come again.
        """
        if not call.id or not self.is_same(call):
            return False
        if call.id in self._ids:
            return True
        is_repeated = not self.has_returned and not self.options.repeatable
        return self.since != now and (self._repetition is Repetition.POSSIBLE or is_repeated)

    def made_again(self, call_id: str, socket: int) -> Response | None:
        """The call is made again, by this id. Returns the result, if it is known; else the id waits for it as well."""
        self._repetition = Repetition.UNEXPECTED
        self._ids.add(call_id)
        if self.has_returned:
            return with_id(self._response, call_id)
        self._waiting[call_id] = socket
        return None

    def may_be_made_again(self) -> None:
        """The same call may mean this one, the next time."""
        self._repetition = Repetition.POSSIBLE

    def forgotten(self) -> None:
        """The session doesn't know the ids any more."""
        self._waiting.clear()

    def goes_on_without_limit(self) -> None:
        """The conversation goes on with another agent: a tool that runs may be waiting for that one, without a limit."""
        if self.progress is Progress.RUNS:
            self.progress = Progress.ENDLESS

    def hands_over(self) -> None:
        """The tool has returned another agent: the result comes when that one has the conversation, however late."""
        self._hands_over = True

    def returned(self, response: Response) -> Delivery:
        """The tool has returned. An empty response ends a call whose last value has been told already."""
        self.progress = Progress.RETURNED
        if response.get("response") or not self._response:
            self._response = {key: value for key, value in response.items() if key != "id"}
        delivery, self._waiting = self._delivery(response), {}
        return delivery or Delivery(told=[self.told])

    def progressed(self, response: Response) -> Delivery:
        """The tool tells a value, and goes on. A session that doesn't know the call isn't told: it hears the last value."""
        self._response = {key: value for key, value in response.items() if key not in {"id", "willContinue"}}
        return self._delivery(response)

    def _delivery(self, response: Response) -> Delivery:
        bare = {key: value for key, value in response.items() if key != "id"}
        newest = max(self._waiting.values(), default=0)
        return Delivery([with_id(bare, each) for each, socket in self._waiting.items() if socket == newest])

    def overdue_at(self, tool_s: float) -> float:
        """The time by which it takes too long; `tool_s` for a tool without a limit of its own."""
        return math.inf if self._hands_over else self.since + (self.options.timeout_s or tool_s)

    def model_speaks(self) -> None:
        """The model begins an answer: to the results that it has."""
        if self.has_returned:
            self.progress = Progress.SPOKEN_ABOUT


def with_id(response: Response, call_id: str) -> Response:
    """The response to the call with this id."""
    return {"id": call_id, **response} if call_id else dict(response)
