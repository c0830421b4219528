"""Output that the service owes and that is late: when that is noticed, and what is done about it. Pure.

A late answer has one escalation: remind the model, then a new socket with the handle, then a new session that is told the
conversation, then the end. Any output of the model begins it anew. What the caller only said aloud may have been meant for
somebody else in the room: there the last step is to leave it at that.

A model that may stay silent on purpose is asked once about such words, and may stay silent again. A pong tells that from a
dead connection; that the caller speaks again and again, from a session that is stuck:

    silences in a row, without a sign of the model's   after the reminder
    1                                                  LEAVE_ALONE
    2                                                  NEW_SOCKET, LEAVE_ALONE
    3                                                  NEW_SESSION, LEAVE_ALONE
    more                                               LEAVE_ALONE

An answer, a turn without content and `waitingForInput` are signs (docs/facts.md G103). If the model has begun to answer since
the caller spoke, its silence isn't meant: what has begun ends, with words or without (docs/facts.md G100).

What is done about a service that doesn't hear the caller is in unheard.py.
"""

import math
from collections.abc import Callable, Iterator

from agent.gemini.events import Cause
from agent.gemini.exchange.alarm import Alarm, Step
from agent.gemini.exchange.caller_voice import REAL_SPEECH_S, CallerVoice
from agent.gemini.exchange.situation import Activity, Situation
from agent.gemini.exchange.states import Answering, Awaited, BrokenOff, Owed, PlayingOut, Quiet
from agent.gemini.exchange.unheard import USUAL_PAUSE_S, UnheardSpeech
from agent.gemini.messages import Received
from agent.gemini.turn_rules import TurnRules

_PING_EVERY_S = 10.0
_LONGEST_PONG_S = 40.0
"""Pongs that took 8 to 30 s were seen on connections that worked (docs/facts.md G24)."""
_CHECKED_PONG_S = 6.0
"""A pong may take so long after a question about a silence, which may be that of a dead connection."""
_QUICK_PONG_S = 2.0
"""A pong may take so long where the connection is in doubt: the caller has spoken, and nothing at all came since."""
_END_UNNOTICED_S = 6.0
"""A service that hears a caller notices well within this that they have finished (docs/facts.md G4)."""
_OLD_REQUEST = 3
"""The last words of a request put off the reminder for at most this many times `answer_s` after its first.

Who says hello again and again has waited since the first.
"""
_IMPATIENT_S = 1.5
"""After the last words of such a request, the reminder still waits for so long."""
_TURN_COMPLETE_LATE_S = 3.0
"""`turnComplete` comes when the sound would have been played (docs/facts.md G3); so much later, it is missing."""


_STEPS = (Step.REMIND, Step.NEW_SOCKET, Step.NEW_SESSION, Step.GIVE_UP)
_SILENCE_STEPS = (Step.LEAVE_ALONE, Step.NEW_SOCKET, Step.LEAVE_ALONE, Step.NEW_SESSION)
"""In this order while the model gives no sign, then LEAVE_ALONE. A new connection asks about the words by itself."""
_Due = tuple[float, Cause, Callable[[Situation, float], Step]]
"""The times at which something is overdue, the cause, and the method that says what to do; it counts as done."""


class Overdue:
    """The service's delays in one conversation. It is asked while a connection is open.

    Args:
        rules: by which caller and model take turns.
        answer_s: how long an answer may take to begin.
        hang_s: how long an answer that has begun may stop.
        pause_s: silence that surely ends a turn.
    """

    def __init__(self, rules: TurnRules, *, answer_s: float, hang_s: float, pause_s: float = 0.0) -> None:
        self.activity = Activity.NONE
        self._answer_s = answer_s
        self._hang_s = hang_s
        self._later_s = max(pause_s - USUAL_PAUSE_S, 0.0)
        """Turns end so much later than usual, and with them comes all that waits for their end."""
        self._rules = rules
        self._steps_taken = 0
        self._silence_steps_taken = 0
        """The number of `_SILENCE_STEPS` taken since the model last gave a sign."""
        self._stepped_at = -math.inf
        """The time at which the last step was taken, or the connection was opened."""
        self._worked_at = -math.inf
        """The time at which the model last showed that it is at work on an answer."""
        self._begun_at = -math.inf
        """The time at which the model last showed that it has begun to work on an answer."""
        self._waits_at = -math.inf
        """The time at which the model last said that it waits for the caller to go on."""
        self._received_at = -math.inf
        self._pinged_at: float | None = None
        self.unheard = UnheardSpeech(self._later_s)
        """The caller's speech that the service has shown no sign of."""

    @property
    def has_stepped(self) -> bool:
        """Something was done already about an answer that is certainly awaited."""
        return self._steps_taken > 0

    @property
    def awaits_pong(self) -> bool:
        """A ping was sent, and nothing has come since."""
        return self._pinged_at is not None

    def answers_within(self, answer_s: float) -> None:
        """Let an answer take so long to begin from now on."""
        self._answer_s = answer_s

    def opened(self, now: float, *, replays_s: float) -> None:
        """A connection was opened; so much of the caller's speech goes over it again, or late."""
        self._received_at = self._stepped_at = now
        self._pinged_at, self.activity = None, Activity.NONE
        self.unheard.opened(now, now + replays_s if replays_s >= REAL_SPEECH_S else -math.inf)

    def alive(self, now: float) -> None:
        """Anything came from the service, be it a pong."""
        self._received_at = now
        self._pinged_at = None

    def received(self, received: Received, now: float) -> None:
        """A message of the service's: what it shows of its hearing, and whether the model speaks."""
        self.alive(now)
        if received.pcm or received.words:
            self.model_speaks(now)
        if received.works:
            self._worked_at = now
        if received.works or received.begins:
            self._begun_at = now
        if received.turn_complete:
            self._begun_at, self._silence_steps_taken = -math.inf, 0
        if received.waits_for_caller:
            self._waits_at, self._silence_steps_taken = now, 0
        if received.caller_begins or received.caller_ends or received.caller_words:
            self.unheard.heard(now)
        elif received.is_output or received.works:
            self.unheard.model_speaks(now)
        if received.caller_begins:
            self.activity = Activity.BEGUN
        elif received.caller_ends:
            self.activity = Activity.NONE

    def model_speaks(self, now: float) -> None:
        """The model answers, so that it has heard the caller."""
        self._received_at, self._pinged_at = now, None
        self._steps_taken = self._silence_steps_taken = 0
        self.unheard.model_speaks(now)

    def stays_silent(self, now: float) -> None:
        """The model has heard what was said, if anything was, and has chosen not to answer."""
        self._steps_taken = self._silence_steps_taken = 0
        self.unheard.model_speaks(now)

    def next_at(self, situation: Situation) -> float:
        """The time at which `alarm` will have something; infinity for never."""
        return min((at for at, _, _ in self._dues(situation)), default=math.inf)

    def alarm(self, situation: Situation, now: float) -> Alarm | None:
        """The remedy that is due now. The step counts as taken."""
        due = next((due for due in self._dues(situation) if due[0] <= now), None)
        return None if due is None else Alarm(due[2](situation, now), due[1])

    def _next_step(self, situation: Situation, now: float) -> Step:
        step, state = _STEPS[min(self._steps_taken, len(_STEPS) - 1)], situation.state
        self._steps_taken += 1
        self._stepped_at = now
        if step is Step.GIVE_UP and isinstance(state, Awaited) and not state.request.addressed_to_model:
            self._steps_taken = 0
            return Step.LEAVE_ALONE
        return step

    def reminded(self, now: float, *, with_ping: bool) -> None:
        """The model was asked for what it owes: it has its time again. `with_ping`: a ping was sent, too."""
        self._stepped_at = now
        if with_ping:
            self._pinged_at = now

    def may_be_meant(self, situation: Situation) -> bool:
        """The model may be silent on purpose: it has heard words that were said aloud, and hasn't begun to answer since."""
        state = situation.state
        if not self._rules.may_stay_silent or not isinstance(state, Awaited) or state.request.addressed_to_model:
            return False
        return self._begun_at == -math.inf or self._begun_at < situation.voice.last_at

    def _is_checked(self, situation: Situation) -> bool:
        """The model was asked about a silence that may be meant."""
        state = situation.state
        return isinstance(state, Awaited) and bool(state.request.reminders) and self.may_be_meant(situation)

    def _leave_alone(self, _situation: Situation, _now: float) -> Step:
        self._steps_taken = 0
        return Step.LEAVE_ALONE

    def _next_silence_step(self, situation: Situation, now: float) -> Step:
        self._stepped_at = now
        if not self._is_checked(situation):
            return Step.REMIND
        taken, self._silence_steps_taken = self._silence_steps_taken, self._silence_steps_taken + 1
        step = _SILENCE_STEPS[taken] if taken < len(_SILENCE_STEPS) else Step.LEAVE_ALONE
        return self._leave_alone(situation, now) if step is Step.LEAVE_ALONE else step

    def _ping(self, _situation: Situation, now: float) -> Step:
        self._pinged_at = now
        return Step.PING

    def _next_unheard_step(self, _situation: Situation, now: float) -> Step:
        step = self.unheard.take(now)
        if step is Step.ASK:  # it stands for the reminder of what is owed from now on
            self._steps_taken, self._stepped_at = 1, now
        return step

    def _end_speech(self, _situation: Situation, now: float) -> Step:
        self.activity = Activity.NONE
        self.unheard.reminded(now)
        return Step.REMIND

    def _dues(self, situation: Situation) -> Iterator[_Due]:
        yield from self._missing_answer(situation)
        yield from self._missing_pong(situation)
        yield from self._missing_notice(situation)
        yield from self._missing_end_of_speech(situation)

    def _missing_answer(self, situation: Situation) -> Iterator[_Due]:
        state, voice = situation.state, situation.voice
        worked_at = max(self._stepped_at, self._worked_at)
        if isinstance(state, PlayingOut):
            ends_at = max(situation.plays_until + _TURN_COMPLETE_LATE_S, self._worked_at + self._answer_s)
            yield ends_at, Cause.HANGING, lambda *_: Step.END_TURN
        elif situation.tool_since is not None or voice.speaking:
            return
        elif isinstance(state, Owed) and not state.request.addressed_to_model and self._waits_at >= state.request.asked_at:
            yield self._waits_at, Cause.UNANSWERED, self._leave_alone
        elif self._is_checked(situation) and self.awaits_pong:
            return  # the connection may be dead: that is found out first
        elif isinstance(state, Awaited):
            since = max(state.request.asked_at, voice.last_at + self._later_s, worked_at)
            is_old_at = max(state.request.since, worked_at) + _OLD_REQUEST * self._answer_s
            soon_at = max(since + min(self._answer_s, _IMPATIENT_S), is_old_at)
            step = self._next_silence_step if self.may_be_meant(situation) else self._next_step
            yield min(since + self._answer_s, soon_at), Cause.UNANSWERED, step
        elif isinstance(state, Answering | BrokenOff):
            yield max(state.answer.last_at, worked_at) + self._hang_s, Cause.HANGING, self._next_step

    def _missing_pong(self, situation: Situation) -> Iterator[_Due]:
        unnoticed_since = self._unnoticed_since(situation.voice)
        cause = Cause.PONGS if unnoticed_since is None else Cause.UNACKNOWLEDGED
        if self._pinged_at is None:
            quiet_s = _PING_EVERY_S if unnoticed_since is None else REAL_SPEECH_S
            yield self._received_at + quiet_s, cause, self._ping
        elif unnoticed_since is None:
            longest_s = _CHECKED_PONG_S if self._is_checked(situation) else _LONGEST_PONG_S
            yield self._pinged_at + longest_s, cause, lambda *_: Step.NEW_SOCKET
        else:
            yield max(self._pinged_at, unnoticed_since) + _QUICK_PONG_S, cause, lambda *_: Step.NEW_SOCKET

    def _missing_notice(self, situation: Situation) -> Iterator[_Due]:
        """The connection lives, and the service hears nothing of what the caller says.

        While it says that they speak, it may hear all that comes until the turn's end.
        """
        due = None
        if situation.is_quiet and situation.tool_since is None and self.activity is not Activity.BEGUN:
            due = self.unheard.next_step(situation.voice, situation.plays_until)
        if due is not None:
            yield due[0], Cause.UNACKNOWLEDGED, self._next_unheard_step

    def _missing_end_of_speech(self, situation: Situation) -> Iterator[_Due]:
        """The service hears the caller speak, who has long been silent."""
        voice = situation.voice
        has_spoken = not voice.speaking and voice.spoke_s >= REAL_SPEECH_S
        if self.activity is Activity.BEGUN and has_spoken and isinstance(situation.state, Quiet | Owed):
            ended_at = max(voice.last_at + self._later_s, self.unheard.heard_at)
            yield ended_at + _END_UNNOTICED_S, Cause.UNACKNOWLEDGED, self._end_speech

    def _unnoticed_since(self, voice: CallerVoice) -> float | None:
        """The caller has spoken, and nothing at all has come since they began."""
        if voice.speaking or voice.spoke_s < REAL_SPEECH_S:
            return None
        return voice.last_at if self._received_at < voice.began_at else None
