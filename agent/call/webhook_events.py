"""What WEBHOOK_URL is told about one call: `call.started` and `call.ended` (docs/calls_api.md). Pure: events in, messages out.

A message is a `WebhookEvent` of LiveKit's, as JSON, with two fields more: `call` and `summary`. So a receiver that LiveKit's
libraries offer takes it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from agent.call.endings import ELSEWHERE, Ending
from agent.call.recording_plan import RecordedCall, RecordingPlan
from records import CallSummary

STARTED = "call.started"
ENDED = "call.ended"
_FIRST_RETRY_S = 0.5
_LONGEST_RETRY_S = 15.0


@dataclass(frozen=True)
class WebhookMessage:
    """A message, as it is sent to each URL."""

    event: str
    body: bytes


@dataclass(frozen=True)
class CallIds:
    """What a call is called."""

    room_id: str
    """LiveKit's id of the room in which the call is (`sid`)."""
    facts: RecordedCall
    """The facts that its summary begins with."""


class CallWebhooks:
    """Makes the messages about one call.

    Args:
        ids: what the call is called.
        send: takes each message; it doesn't wait.
        clock: returns the time, with its zone.
        new_id: returns a new id for a message, which stays the same if it is sent again.
    """

    def __init__(
        self,
        ids: CallIds,
        send: Callable[[WebhookMessage], object],
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._ids = ids
        self._send = send
        self._clock = clock
        self._new_id = new_id
        self._is_started = False

    def go_on(self, call_id: str) -> None:
        """Another process has begun the call, with that id, and has told that it has started if a caller was there."""
        self._is_started = True
        self._ids = replace(self._ids, facts=replace(self._ids.facts, call_id=call_id))

    def on_event(self, at: float, kind: str, _: Mapping[str, Any]) -> None:
        """The room is told an event; `at` is its field `t`, in seconds. The first `caller` is the start of the call."""
        if kind == "caller" and not self._is_started:
            self._is_started = True
            self._tell(STARTED, self._clock() - timedelta(seconds=at))

    def ended(self, ending: Ending, figures: Callable[[CallSummary], CallSummary], recorded: CallSummary | None) -> None:
        """The call is over in this process.

        Args:
            ending: Why. Nothing is told if the call goes on elsewhere.
            figures: Adds the figures of the call to a summary.
            recorded: The summary that the recording of the call has; None: it isn't recorded.
        """
        if ending in ELSEWHERE:
            return
        summary = recorded or figures(RecordingPlan(self._ids.facts).summary("", self._clock()))
        if recorded is None:
            started_at = self._clock() - timedelta(seconds=summary.duration_s or 0)
            summary = summary.model_copy(update={"started_at": started_at})
        self._tell(ENDED, summary.started_at, summary)

    def _tell(self, event: str, started_at: datetime, summary: CallSummary | None = None) -> None:
        ids, facts = self._ids, asdict(self._ids.facts)
        call_id = facts.pop("call_id")
        message: dict[str, object] = {
            "event": event,
            "id": self._new_id(),
            "createdAt": str(int(self._clock().timestamp())),
            "room": {"sid": ids.room_id, "name": ids.facts.room},
            "call": {"id": call_id, **facts, "started_at": started_at.isoformat(timespec="milliseconds")},
        }
        if summary is not None:
            message["summary"] = summary.model_dump(mode="json")
        self._send(WebhookMessage(event, json.dumps(message).encode()))


def retry_delay_s(failures: int) -> float:
    """Seconds until a message is sent again after so many failures: twice as long each time, up to a limit."""
    return min(_FIRST_RETRY_S * 2.0 ** (failures - 1), _LONGEST_RETRY_S)


def is_temporary(status: int) -> bool:
    """Whether a receiver that answers with that HTTP status may take the same message later."""
    return status in {408, 425, 429} or status >= 500
