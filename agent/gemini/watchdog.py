"""Notices that nothing comes where something should. Pure.

One escalation: remind the model, then a new socket with the handle, then a new session that is told the conversation, then
the end. Any output of the model begins it anew. What the caller only said aloud may have been meant for somebody else in the
room: there the last step is to leave it at that.
"""

import enum
import math
from dataclasses import dataclass

from agent.gemini.caller_voice import CallerVoice
from agent.gemini.messages import Received
from agent.gemini.news import Cause
from agent.gemini.tool_ledger import ToolLedger
from agent.gemini.turn import State, Turn

_PING_EVERY_S = 10.0
_LONGEST_PONG_S = 40.0
"""Pongs that took 8 to 30 s were seen on connections that worked (reference/gemini-live-protocol.md 15, `slow_pong`)."""
_QUICK_PONG_S = 2.0
"""How long a pong may take where the connection is in doubt: the caller has spoken, and nothing at all came since."""
_REAL_SPEECH_S = 0.6
_UNACKNOWLEDGED_S = 6.0
_OLD_DEBT = 3
"""Times the usual patience. A caller who says hello again and again has waited since the first."""
_IMPATIENT_S = 1.5
_DEAF_AGAIN_S = 20.0
_TURN_COMPLETE_LATE_S = 3.0


class Step(enum.Enum):
    """What to do about it."""

    NUDGE = enum.auto()
    NEW_SOCKET = enum.auto()
    NEW_SESSION = enum.auto()
    GIVE_UP = enum.auto()
    LEAVE_IT = enum.auto()
    PING = enum.auto()
    COMPLETE_TURN = enum.auto()
    """All of the answer has come and been played; only `turnComplete` is missing."""


@dataclass(frozen=True)
class Alarm:
    step: Step
    cause: Cause


_LADDER = (Step.NUDGE, Step.NEW_SOCKET, Step.NEW_SESSION, Step.GIVE_UP)
_DEAF_LADDER = (Step.NEW_SOCKET, Step.NEW_SESSION)
"""Then it is left at that: it may be a noise that the service rightly ignores."""


class Watchdog:
    """Asked again and again while a connection is open."""

    def __init__(self, turn: Turn, voice: CallerVoice, tools: ToolLedger, *, answer_s: float, hang_s: float) -> None:
        self._turn, self._voice, self._tools = turn, voice, tools
        self._answer_s = answer_s
        self._hang_s = hang_s
        self._climbed = 0
        self._stepped_at = -math.inf
        self._received_at = -math.inf
        self._pinged_at: float | None = None
        self._opened_at = -math.inf
        self._deaf_at = -math.inf
        self._deaf = 0
        self._replayed_until = -math.inf
        self.caller_begun = False
        """The service hears the caller speak."""
        self.noticed_at = -math.inf
        """When the service last showed that it hears the caller: by voice activity, words or an answer."""

    @property
    def has_climbed(self) -> bool:
        """Something was done already about the silence that lasts."""
        return self._climbed > 0

    def opened(self, now: float, *, replays_s: float) -> None:
        """There is a connection; so much of the caller's speech goes over it again, or late."""
        self._opened_at = self._received_at = self._stepped_at = now
        self._pinged_at, self.caller_begun = None, False
        self._replayed_until = now + replays_s if replays_s >= _REAL_SPEECH_S else -math.inf

    def received(self, now: float) -> None:
        """Anything came, a pong among them."""
        self._received_at = now
        self._pinged_at = None

    def notices(self, received: Received, now: float) -> None:
        """What a message shows of the service's hearing."""
        if received.caller_begins or received.caller_ends or received.caller_words or received.is_output:
            self.noticed_at = now
        self.caller_begun = (self.caller_begun or received.caller_begins) and not received.caller_ends

    def answered(self) -> None:
        """The model speaks, or has chosen not to."""
        self._climbed = 0

    def alarm(self, now: float) -> Alarm | None:
        """What is to be done now. The step counts as taken."""
        return self._missing_answer(now) or self._missing_pong(now) or self._missing_notice(now) or self._missing_end(now)

    def _missing_answer(self, now: float) -> Alarm | None:
        turn = self._turn
        if turn.state is State.SPOKEN:
            late = now - turn.plays_until > _TURN_COMPLETE_LATE_S
            return Alarm(Step.COMPLETE_TURN, Cause.HANGING) if late else None
        if self._tools.is_running or self._voice.speaking:
            return None
        if turn.state is State.OWED:
            since = max(turn.owed_since, self._voice.last_at, self._stepped_at)
            is_old = now - max(turn.indebted_since, self._stepped_at) >= _OLD_DEBT * self._answer_s
            patience_s = min(self._answer_s, _IMPATIENT_S) if is_old else self._answer_s
            return self._climb(Cause.UNANSWERED, now) if now - since >= patience_s else None
        if turn.state is State.SPEAKING:
            since = max(turn.output_at, self._stepped_at)
            return self._climb(Cause.HANGING, now) if now - since >= self._hang_s else None
        return None

    def _climb(self, cause: Cause, now: float) -> Alarm:
        step = _LADDER[min(self._climbed, len(_LADDER) - 1)]
        self._climbed += 1
        self._stepped_at = now
        if step is Step.GIVE_UP and not self._turn.certain:
            step, self._climbed = Step.LEAVE_IT, 0
        return Alarm(step, cause)

    def _missing_pong(self, now: float) -> Alarm | None:
        if self._pinged_at is None:
            doubtful = self._unnoticed_since is not None
            quiet_s = now - self._received_at
            if quiet_s >= _PING_EVERY_S or (doubtful and quiet_s >= _REAL_SPEECH_S):
                self._pinged_at = now
                return Alarm(Step.PING, Cause.PONGS)
            return None
        unnoticed = self._unnoticed_since
        patience_s = _LONGEST_PONG_S if unnoticed is None else _QUICK_PONG_S
        if now - max(self._pinged_at, unnoticed or -math.inf) < patience_s:
            return None
        self._pinged_at = None
        return Alarm(Step.NEW_SOCKET, Cause.PONGS if unnoticed is None else Cause.UNACKNOWLEDGED)

    def _missing_notice(self, now: float) -> Alarm | None:
        """The connection lives, and the service hears nothing of what the caller says."""
        if self.noticed_at > self._deaf_at:
            self._deaf = 0
        since = self._unheard_since
        is_early = since is None or now - since < _UNACKNOWLEDGED_S or now - self._deaf_at < _DEAF_AGAIN_S
        if is_early or self._deaf == len(_DEAF_LADDER):
            return None
        self._deaf_at, self._deaf = now, self._deaf + 1
        return Alarm(_DEAF_LADDER[self._deaf - 1], Cause.UNACKNOWLEDGED)

    def _missing_end(self, now: float) -> Alarm | None:
        """The service hears the caller speak, who has long been silent."""
        voice = self._voice
        long_ago = not voice.speaking and voice.spoke_s >= _REAL_SPEECH_S and now - voice.last_at >= _UNACKNOWLEDGED_S
        if not (self.caller_begun and long_ago):
            return None
        self.caller_begun = False
        return Alarm(Step.NUDGE, Cause.UNACKNOWLEDGED)

    @property
    def _unheard_since(self) -> float | None:
        voice = self._voice
        if voice.speaking or self._turn.state is not State.IDLE or self._tools.is_running:
            return None
        if voice.spoke_s >= _REAL_SPEECH_S and voice.began_at > max(self._opened_at, self.noticed_at):
            return voice.last_at
        return self._replayed_until if self._replayed_until > self._opened_at > self.noticed_at else None

    @property
    def _unnoticed_since(self) -> float | None:
        """The caller has spoken, and nothing at all has come since they began."""
        voice = self._voice
        if voice.speaking or voice.spoke_s < _REAL_SPEECH_S or voice.began_at <= self._opened_at:
            return None
        return voice.last_at if self._received_at < voice.began_at else None
