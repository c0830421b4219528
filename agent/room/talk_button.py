"""The talk button of a call with push-to-talk: what clients may ask, and for how long it is held. Pure."""

import enum
import json

from agent.errors import ActivityRequestError

LONGEST_PRESS_S = 300.0
"""A press ends after this time, in seconds: a client that has lost its release must not hold the turn for ever."""
TAIL_S = 0.15
"""A press ends so long after its release, in seconds: the last word is still on its way (docs/facts.md L38)."""
LONGEST_REQUEST = 200
"""Characters of a request."""

_SHOWN = 60
_WANTED = 'send {"active": true} or {"active": false}'


class PressEnd(enum.StrEnum):
    """Why a press has ended."""

    RELEASED = "released"
    TOO_LONG = "too_long"
    CALLER_GONE = "caller_gone"
    """Whoever held the button has left, or isn't the caller any more."""
    AUTOMATIC_TURNS = "automatic_turns"
    """The caller has no button now, as on a telephone."""


def active_of(request: str | bytes) -> bool:
    """Whether the request presses the button; otherwise it releases it.

    Raises:
        ActivityRequestError: it is none.
    """
    if len(request) > LONGEST_REQUEST:
        raise ActivityRequestError(f"the request has more than {LONGEST_REQUEST} characters; {_WANTED}")
    try:
        wanted = json.loads(request)
    except (ValueError, RecursionError) as error:
        raise ActivityRequestError(f"the request is no JSON; {_WANTED}") from error
    if not isinstance(wanted, dict) or "active" not in wanted:
        raise ActivityRequestError(f"the request has no field active; {_WANTED}")
    active = wanted["active"]
    if not isinstance(active, bool):
        raise ActivityRequestError(f"active is {json.dumps(active)[:_SHOWN]}; {_WANTED}")
    return active


class TalkButton:
    """One participant at a time holds it. `now` is in seconds, on one clock."""

    def __init__(self) -> None:
        self._holder: str | None = None
        self._due_at: float | None = None
        self._is_released = False

    @property
    def holder(self) -> str | None:
        """The identity of the participant whose press lasts; None: nobody's."""
        return self._holder

    @property
    def due_at(self) -> float | None:
        """The time at which `elapse` ends the press; None: there is none."""
        return self._due_at

    def press(self, identity: str, now: float) -> bool:
        """The participant presses the button. Returns whether a press begins: who holds it already changes nothing.

        Whoever presses again within TAIL_S of the release goes on with the press before.
        """
        begins = self._holder is None
        if begins or self._is_released:
            self._holder, self._due_at, self._is_released = identity, now + LONGEST_PRESS_S, False
        return begins

    def release(self, now: float) -> None:
        """The button is released: the press ends after TAIL_S."""
        if self._due_at is not None and not self._is_released:
            self._due_at, self._is_released = min(now + TAIL_S, self._due_at), True

    def elapse(self, now: float) -> PressEnd | None:
        """Time has passed. Returns why the press ends now; None: it doesn't."""
        if self._due_at is None or now < self._due_at:
            return None
        end = PressEnd.RELEASED if self._is_released else PressEnd.TOO_LONG
        self.drop()
        return end

    def drop(self) -> None:
        """The press ends at once."""
        self._holder, self._due_at, self._is_released = None, None, False
