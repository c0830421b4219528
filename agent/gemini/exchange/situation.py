"""Answers about the exchange that follow from its state: who waits, and since when; what a loss breaks. Pure."""

import enum
import math
from dataclasses import dataclass

from agent.gemini.events import Cause, During
from agent.gemini.exchange.caller_voice import CallerVoice
from agent.gemini.exchange.outbox import Outbox
from agent.gemini.exchange.states import (
    Answering,
    Awaited,
    Broken,
    BrokenOff,
    PlayingOut,
    Quiet,
    Requested,
    State,
    is_generating,
)
from agent.gemini.exchange.unheard import UnheardSpeech
from agent.gemini.exchange.uplink import BARGE_IN_S

_NOTICED_WITHIN_S = 3.0
"""The service shows within this, if it ever does, that it has heard somebody (docs/facts.md G4)."""


class Activity(enum.Enum):
    """The caller's voice as the service reports it, since this connection was opened."""

    NONE = enum.auto()
    BEGUN = enum.auto()
    """ACTIVITY_START has come, and ACTIVITY_END hasn't."""


@dataclass(frozen=True, slots=True)
class Situation:
    """The exchange as others may ask about it.

    `voice`, `outbox` and `unheard` are the live ones: ask it at once, and get a new one each time.
    """

    state: State
    plays_until: float
    """The time at which the model's sound that has come will have been played."""
    voice: CallerVoice
    outbox: Outbox
    activity: Activity
    tool_since: float | None
    """Since when the newest of the running tools runs. None: none runs."""
    is_late: bool
    """Something was done already about an answer that is certainly awaited: a reminder, or a new connection."""
    unheard: UnheardSpeech
    """The caller's speech that the service has shown no sign of."""

    @property
    def is_quiet(self) -> bool:
        """Whether neither side waits for the other."""
        return isinstance(self.state, Quiet)

    @property
    def is_generating(self) -> bool:
        """The model is in the middle of an answer, or is to go on with one."""
        return is_generating(self.state)

    @property
    def caller_speaks(self) -> bool:
        """By what we hear, or what the service says."""
        return self.voice.speaking or self.activity is Activity.BEGUN

    @property
    def owes_sound(self) -> bool:
        """The caller waits for the model, or will when what they have said is sent."""
        return isinstance(self.state, Awaited | Broken) or self.outbox.asks_something

    @property
    def during(self) -> During:
        """The activity that a loss interrupts, from the caller's point of view."""
        if isinstance(self.state, Answering | PlayingOut | BrokenOff):
            return During.AGENT_SPEAKS
        if self.caller_speaks:
            return During.CALLER_SPEAKS
        is_idle = self.is_quiet and self.tool_since is None and self._unheard_since is None
        return During.IDLE if is_idle else During.OWED

    @property
    def quiet_from(self) -> float:
        """From when on nobody says anything or waits for anything; infinity while somebody does."""
        if not self.is_quiet or self.tool_since is not None or self.caller_speaks or not self.outbox.is_empty:
            return math.inf
        return self.voice.last_at + _NOTICED_WITHIN_S if self.outbox.holds_voice else -math.inf

    @property
    def turn_begins_at(self) -> float:
        """Since when the caller speaks, where nobody else says or owes anything; infinity otherwise."""
        is_free = self.is_quiet and self.tool_since is None and self.voice.speaking
        return self.voice.began_at if is_free else math.inf

    @property
    def turn_ended_at(self) -> float:
        """The time at which the last turn ended, while nobody owes anything."""
        return self.state.since if isinstance(self.state, Quiet) else -math.inf

    def waits_since(self, lost_at: float | None) -> float | None:
        """Since when the caller waits for sound that they are owed. `lost_at`: since when there is no connection."""
        state, voice = self.state, self.voice
        if voice.speaking:
            return None
        if lost_at is not None:
            asked_since = voice.last_at > lost_at and voice.spoke_s >= BARGE_IN_S
            waits = isinstance(state, Awaited | Broken) or asked_since or self.tool_since is not None
            return max(lost_at, self.plays_until, voice.last_at) if waits else self._unheard_since
        if isinstance(state, Answering | BrokenOff):
            return self.plays_until if state.answer.sound_s else state.answer.last_at
        asked_at = state.request.asked_at if isinstance(state, Requested) else -math.inf
        since = max(asked_at, self.plays_until, voice.last_at)
        if self.tool_since is not None:
            return since if self.tool_since - since < _NOTICED_WITHIN_S else self.tool_since
        if isinstance(state, Awaited) and (state.request.addressed_to_model or self.is_late):
            return since
        return None if self.activity is Activity.BEGUN else self._unheard_since

    @property
    def wait_cause(self) -> Cause:
        """The cause of a wait while there is a connection."""
        if self.tool_since is not None:
            return Cause.TOOL
        return Cause.UNACKNOWLEDGED if self.is_quiet else Cause.UNANSWERED

    @property
    def _unheard_since(self) -> float | None:
        """Since when the caller, who has said a sentence and isn't heard, hears nothing."""
        is_quiet = self.is_quiet and self.tool_since is None
        return self.unheard.waits_since(self.voice, self.plays_until) if is_quiet else None
