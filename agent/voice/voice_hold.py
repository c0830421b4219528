"""Whether the agent's voice can be heard in the room, or has to wait. Pure: what the room tells and `now` in, a yes or no out.

Without livekit-server nothing arrives, and what is played meanwhile is lost. So the voice waits until the room is joined again
and somebody subscribes to the agent's track, which is a new one then (docs/facts.md L470).
"""

import math
from enum import Enum

DOUBT_S = 0.5
"""A lost signalling connection is taken up again within this time while the sound goes on; longer, and nothing arrives."""
UNHEARD_S = 30.0
"""The longest wait for somebody to subscribe to the track of an agent that has joined again."""
ARRIVES_S = 0.3
"""What is sent less than this time after a subscription may not be heard."""


class Reach(Enum):
    """How far the agent's sound gets."""

    CONNECTED = "it is heard"
    DOUBTFUL = "the signalling connection is lost; the sound may still arrive"
    DISCONNECTED = "the room is gone"
    UNHEARD = "the room is joined again, and nobody has subscribed yet"
    SUBSCRIBED = "somebody has just subscribed"


class ReachChange(Enum):
    """What can happen to it."""

    RECONNECTING = "reconnecting"
    REPUBLISHED = "local_track_republished"
    SUBSCRIBED = "local_track_subscribed"
    RECONNECTED = "reconnected"
    ELAPSED = "the time of the state is over"


HELD = frozenset({Reach.DISCONNECTED, Reach.UNHEARD, Reach.SUBSCRIBED})

TRANSITIONS: dict[tuple[Reach, ReachChange], Reach] = {
    (Reach.CONNECTED, ReachChange.RECONNECTING): Reach.DOUBTFUL,
    (Reach.CONNECTED, ReachChange.REPUBLISHED): Reach.UNHEARD,
    (Reach.DOUBTFUL, ReachChange.RECONNECTED): Reach.CONNECTED,
    (Reach.DOUBTFUL, ReachChange.REPUBLISHED): Reach.UNHEARD,
    (Reach.DOUBTFUL, ReachChange.ELAPSED): Reach.DISCONNECTED,
    (Reach.DISCONNECTED, ReachChange.RECONNECTED): Reach.CONNECTED,
    (Reach.DISCONNECTED, ReachChange.REPUBLISHED): Reach.UNHEARD,
    (Reach.UNHEARD, ReachChange.SUBSCRIBED): Reach.SUBSCRIBED,
    (Reach.UNHEARD, ReachChange.RECONNECTING): Reach.DISCONNECTED,
    (Reach.UNHEARD, ReachChange.ELAPSED): Reach.CONNECTED,
    (Reach.SUBSCRIBED, ReachChange.RECONNECTING): Reach.DISCONNECTED,
    (Reach.SUBSCRIBED, ReachChange.REPUBLISHED): Reach.UNHEARD,
    (Reach.SUBSCRIBED, ReachChange.ELAPSED): Reach.CONNECTED,
}
"""A change that isn't here changes nothing."""

_LASTS_S = {Reach.DOUBTFUL: DOUBT_S, Reach.UNHEARD: UNHEARD_S, Reach.SUBSCRIBED: ARRIVES_S}


class VoiceHold:
    """The state of one agent's voice."""

    def __init__(self) -> None:
        self.reach = Reach.CONNECTED
        self.due_at = math.inf
        """When ELAPSED is to be told; in the seconds of `now`."""

    @property
    def is_held(self) -> bool:
        return self.reach in HELD

    def change(self, change: ReachChange, now: float) -> bool:
        """Take note of a change. Returns whether `is_held` is another one now."""
        if change is ReachChange.ELAPSED and now < self.due_at:
            return False
        was_held, after = self.is_held, TRANSITIONS.get((self.reach, change))
        if after is None:
            return False
        self.reach = after
        self.due_at = now + _LASTS_S.get(after, math.inf)
        return self.is_held is not was_held
