"""The function calls of one conversation, across its sockets. Pure.

A call is run once, whatever happens to the socket that it came by. A call that is made again, after a loss or because the
caller went on, gets the result of the first one (docs/facts.md G7, G9, G22). A result whose call the service has forgotten is
told in words. What the service has cancelled is answered no more.
"""

import json
import math
from collections.abc import Callable, Iterable

from agent.gemini.actions import Action, Deliver, Tell
from agent.gemini.events import Cause, Kind, LinkEvent
from agent.gemini.exchange.tool_call import Delivery, Progress, Response, Run
from agent.gemini.messages import Received, ToolCall
from agent.gemini.snapshot import SavedCall
from agent.gemini.tool_options import ToolOptions

_TOO_LONG = {"error": "It takes too long and was given up. Tell the caller that it did not work."}
_GOES_ON = {"error": "It takes longer than expected and goes on. Its result will not be known in this conversation."}
"""The answer for a shielded tool."""
_UNKNOWN = {
    "error": "It was broken off by a failure. It is unknown whether it was done: it may have been. Tell the caller so. Call it "
    "again only if it changes nothing, or if the caller asks for it again."
}
"""The answer for a tool whose process has died while it ran."""

OptionsOf = Callable[[str], ToolOptions]
"""The options of the tool of that name."""


class ToolCalls:
    """Keeps the calls that run, and those of the current turn."""

    def __init__(self, options_of: OptionsOf, *, survives: bool) -> None:
        self._options_of = options_of
        self._survives = survives
        """A resumed session still knows the calls that were open (docs/facts.md G7)."""
        self._runs: list[Run] = []
        self._cancelled: set[str] = set()
        self._socket = 0
        self._held: list[Response] = []
        """Results that no connection was there for: as many as calls run at once, and for each the newest value before."""

    @property
    def _running(self) -> list[Run]:
        return [run for run in self._runs if run.progress is Progress.RUNS]

    @property
    def running_since(self) -> float | None:
        """Since when the newest of those that run does; None: none runs."""
        return max((run.since for run in self._running), default=None)

    @property
    def called_at(self) -> float:
        """The time of the last call whose result hasn't been spoken about; minus infinity: there is none."""
        return max((run.since for run in self._runs), default=-math.inf)

    @property
    def mark(self) -> tuple[object, ...]:
        """A value that changes when a call comes, or a result."""
        return (len(self._held), *((run.call.id, run.progress) for run in self._runs))

    @property
    def is_running(self) -> bool:
        """The model waits for a tool."""
        return bool(self._running)

    @property
    def unspoken(self) -> list[str]:
        """Results that the model was given and hasn't spoken about, in words."""
        return [run.told for run in self._runs if run.has_returned]

    def settles(self, asked_at: float) -> bool:
        """Whether calls alone have done what was asked then: all have returned, and none is to be spoken about."""
        made = [run for run in self._runs if run.since >= asked_at]
        return bool(made) and all(run.is_silent for run in made)

    # The model calls

    def received(self, received: Received, now: float) -> tuple[Received, list[Response]]:
        """A message with calls: the message with those that are to be run, and results for those that have been run."""
        new: list[str] = []
        results: list[Response] = []
        for call in received.calls:
            if not received.is_readable("functionCalls.id", not self._has_id_of_another(call)):
                continue
            run = next((run for run in self._runs if run.is_made_again_by(call, now)), None)
            if run is None:
                self._runs.append(Run(call, self._options_of(call.name), now, self._socket))
                new.append(call.id)
            elif (result := run.made_again(call.id, self._socket)) is not None:
                results.append(result)
        return (received if len(new) == len(received.calls) else received.with_calls(new)), results

    def cancelled(self, ids: tuple[str, ...]) -> None:
        """The service wants no results of those calls."""
        self._cancelled |= set(ids)
        self._runs = [run for run in self._runs if run.call.id not in self._cancelled]

    def begins_to_speak(self) -> None:
        """The model begins an answer."""
        for run in self._runs:
            run.model_speaks()

    def spoken(self) -> None:
        """The answer is over."""
        self._runs = [run for run in self._runs if run.progress is not Progress.SPOKEN_ABOUT]

    def _has_id_of_another(self, call: ToolCall) -> bool:
        """A different call with this id waits for its result, which would be taken for this one's."""
        return bool(call.id) and any(run.awaits(call.id) and not run.is_same(call) for run in self._runs)

    # Something happens that makes calls come again

    def lost_socket(self, *, forgets: bool = False) -> None:
        """The next messages come by another socket; `forgets`: and from another session."""
        self._socket += 1
        self.disturbed()
        if forgets or not self._survives:
            for run in self._runs:
                run.forgotten()

    def agent_changes(self, call_id: str | None) -> None:
        """The conversation goes on with another agent; or is about to, by that call."""
        for run in self._runs:
            if call_id is None:
                run.goes_on_without_limit()
            elif run.awaits(call_id):
                run.hands_over()

    def disturbed(self) -> None:
        """The service may have dropped the calls that run, and may make them again once they are answered."""
        for run in self._runs:
            if not run.has_returned:
                run.may_be_made_again()

    def told_again(self) -> None:
        """The model is asked to speak about its results once more, or may be."""
        for run in self._runs:
            run.may_be_made_again()

    # Another process goes on

    def saved(self) -> tuple[tuple[SavedCall, ...], tuple[str, ...]]:
        """The calls, and the results that no connection was there for, as JSON."""
        held = (json.dumps(response) for response in self._held if response.get("id") not in self._cancelled)
        return tuple(run.saved() for run in self._runs), tuple(held)

    def begin_from(self, calls: Iterable[SavedCall], held: Iterable[str], now: float) -> None:
        """Go on with the calls of a process that has died: no tool is run again. The outcome of those that ran is unknown."""
        self._runs = [Run.restored(call, self._options_of(call.name), now) for call in calls]
        self.hold(json.loads(response) for response in held)
        known = {response.get("id") for response in self._held if not response.get("willContinue")}
        running = [run.call for run in self._running if not run.call.id or run.call.id not in known]
        self.hold({"id": call.id, "name": call.name, "response": _UNKNOWN} for call in running)
        self.lost_socket()
        self.told_again()

    # Tools return

    def hold(self, responses: Iterable[Response]) -> None:
        """Tools have returned. Their results wait for `returned`: another session may get them."""
        for response in responses:
            self._held = [held for held in self._held if not _is_replaced(held, response)]
            self._held.append(response)

    def returned(self) -> Delivery:
        """A connection was opened: return the ways in which the held results reach the model."""
        held, self._held = self._held, []
        return self._delivery(held)

    def overdue_at(self, tool_s: float) -> float:
        """The time by which a running call takes too long; a call without an id can't be told from the next of its name."""
        return min((run.overdue_at(tool_s) for run in self._running if run.call.id), default=math.inf)

    def give_up(self, tool_s: float, now: float) -> tuple[list[Action], Delivery]:
        """Give up the tools that take too long: what is told, and the answers. What they return later is nobody's."""
        overdue = [run for run in self._running if run.call.id and run.overdue_at(tool_s) <= now]
        delivery = self._delivery(
            {"id": run.call.id, "name": run.call.name, "response": _GOES_ON if run.options.shielded else _TOO_LONG}
            for run in overdue
        )
        ids = [run.call.id for run in overdue]
        self._cancelled |= set(ids)
        cancellation = Received({"toolCallCancellation": {"ids": ids}}, cancelled=tuple(ids))
        return [Tell(LinkEvent(Kind.NUDGED, Cause.TOOL)), Deliver(cancellation)] if ids else [], delivery

    def _delivery(self, responses: Iterable[Response]) -> Delivery:
        delivery = Delivery()
        for response in responses:
            delivery.add(self._delivered(response))
        return delivery

    def _delivered(self, response: Response) -> Delivery:
        call_id = response.get("id") or ""
        if call_id in self._cancelled:
            self._runs = [run for run in self._runs if run.call.id != call_id]
            return Delivery()
        running = (run for run in self._runs if run.call.id == call_id and not run.has_returned)
        # without an id, the name tells which of them has returned
        run = next((run for run in running if call_id or run.call.name == response.get("name", run.call.name)), None)
        if run is None:
            return Delivery([response])
        return run.progressed(response) if response.get("willContinue") else run.returned(response)


def _is_replaced(held: Response, newer: Response) -> bool:
    """A value of a tool that goes on is of no use any more when its next one is there."""
    return bool(held.get("willContinue")) and held.get("id") == newer.get("id")
