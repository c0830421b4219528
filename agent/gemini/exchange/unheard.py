"""Speech of the caller's that the service has shown no sign of: what is done about it, and when. Pure.

A service that hears somebody shows it by voice activity, by words or by an answer: within about a second of the beginning, or
two seconds of the end (docs/facts.md G4, G25). If nothing comes, the service may be deaf (docs/facts.md G191). But silence, a
cough or a noise brings no message either. So one noise proves nothing, one sentence little, and several sentences much;
caller_voice.py tells a sentence from a noise. Any sign of hearing, and any output of the model, begins all anew.

    step         sentences   after the last   after the first   after the last step
    NEW_SOCKET   0           6                0                 20
    NEW_SOCKET   1           4                0                 0
    NEW_SESSION  0           6                0                 20
    NEW_SESSION  2           4                0                 0
    ASK          3           4                30                0
    ASK          2           4                40                0

The steps are taken in this order, each as soon as one of its lines holds. Times are in seconds. `sentences`: so many were not
heard; with 0 a noise of 0.6 s is enough. `after the last`: since the last of these sounds ended, or was sent again over a new
connection. tests/agent/gemini/exchange/ reads this table.

A caller who has said a sentence is told after 2.5 s that it takes a moment, and again after 20 s, while a step is to come.

A service may hear somebody and show it at the end of their turn alone. If a longer silence than usual ends a turn, as settings
may ask, the steps and that first notice come so much later.

ASK is the proof: a model that works says something, so a noise ends no call. If nothing comes, the model is mute as well, and
overdue.py goes on to the end of the call. If the model speaks and the service still hears nothing, it is asked once more.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from agent.gemini.exchange.alarm import Step
from agent.gemini.exchange.caller_voice import CallerVoice, Stretch

USUAL_PAUSE_S = 1.1
"""The times above are for turns that have surely ended after this silence (`LinkLimits.pause_s`)."""
_MOST_ASKED = 2
_MOST_WAITS = 8
_OWN_VOICE_S = 3.0
"""The worker's own voice, which tells the caller to wait, may come back from their loudspeaker for so long."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of the table above."""

    step: Step
    sentences: int
    after_last_s: float
    after_first_s: float
    after_step_s: float


RULES = (
    (Rule(Step.NEW_SOCKET, 0, 6.0, 0.0, 20.0), Rule(Step.NEW_SOCKET, 1, 4.0, 0.0, 0.0)),
    (Rule(Step.NEW_SESSION, 0, 6.0, 0.0, 20.0), Rule(Step.NEW_SESSION, 2, 4.0, 0.0, 0.0)),
    (Rule(Step.ASK, 3, 4.0, 30.0, 0.0), Rule(Step.ASK, 2, 4.0, 40.0, 0.0)),
)


class UnheardSpeech:
    """The speech of one conversation that the service has shown no sign of.

    `later_s`: the silence that ends a turn is longer than usual by so much.
    """

    def __init__(self, later_s: float = 0.0) -> None:
        self._later_s = later_s
        self.heard_at = -math.inf
        """The time at which the service last showed that it hears the caller, or the model spoke."""
        self._tried_at = -math.inf
        """The time at which a connection was opened, or the model was reminded."""
        self._replayed_until = -math.inf
        """The caller's speech goes over the connection again until then, and the service has shown no sign of it."""
        self._taken = 0
        """The number of steps taken since then."""
        self._stepped_at = -math.inf
        self._asked = 0
        """The number of times that the model was asked since the service last showed that it hears the caller."""
        self._waits_told_at: deque[float] = deque(maxlen=_MOST_WAITS)
        """The times at which the caller was told to wait; the oldest goes."""

    def opened(self, now: float, replayed_until: float) -> None:
        """A connection was opened, which goes on with the caller's speech until then; minus infinity: with none."""
        self._tried_at, self._replayed_until = now, replayed_until

    def reminded(self, now: float) -> None:
        """The model was asked to answer: that has its time before the next step."""
        self._tried_at = now

    def heard(self, now: float) -> None:
        """The service has shown that it hears the caller."""
        self.model_speaks(now)
        self._asked = 0

    def model_speaks(self, now: float) -> None:
        """The model has spoken, or ended a turn. It may have been asked in text: that the service hears isn't said by it."""
        self.heard_at, self._replayed_until, self._taken = now, -math.inf, 0

    def is_all_heard(self, voice: CallerVoice) -> bool:
        """Nothing that the caller has said, or that was sent again, still waits for a sign."""
        return self._replayed_until == -math.inf and not self._unheard(voice, -math.inf)

    def wait_told(self, now: float) -> None:
        """The worker's own voice tells the caller to wait."""
        self._waits_told_at.append(now)

    def next_step(self, voice: CallerVoice, plays_until: float) -> tuple[float, Step] | None:
        """The next step and the time when it is due. None: there is none.

        Args:
            voice: the caller's.
            plays_until: the time at which the model's sound that has come will have been played.
        """
        stretches = self._unheard(voice, plays_until)
        is_sent_again = self._replayed_until > -math.inf
        if voice.speaking or not (stretches or is_sent_again) or self._taken == len(RULES):
            return None
        rules = RULES[self._taken]
        if rules[0].step is Step.ASK and self._asked == _MOST_ASKED:
            return None
        sentences = [stretch for stretch in stretches if stretch.is_sentence]
        ended_at = stretches[-1].ended_at if stretches else -math.inf
        last_at = max(ended_at, self._replayed_until, self._tried_at if stretches else -math.inf)
        first_at = sentences[0].ended_at if sentences else last_at
        times = [self._at(rule, first_at, last_at) for rule in rules if len(sentences) >= rule.sentences]
        return (min(times), rules[0].step) if times else None

    def take(self, now: float) -> Step:
        """Take the next step."""
        step = RULES[self._taken][0].step
        self._taken += 1
        self._stepped_at = now
        self._asked += step is Step.ASK
        return step

    def waits_since(self, voice: CallerVoice, plays_until: float) -> float | None:
        """Since when the caller, who has said a sentence, waits for a sign. None: they don't, or no step is to come."""
        sentences = [stretch for stretch in self._unheard(voice, plays_until) if stretch.is_sentence]
        if not sentences or self.next_step(voice, plays_until) is None:
            return None
        return max(max(sentences[-1].ended_at, self._replayed_until) + self._later_s, plays_until)

    def _unheard(self, voice: CallerVoice, plays_until: float) -> Sequence[Stretch]:
        """Sound of the caller's since the last sign, but for what may be the agent's own from their loudspeaker."""
        since = max(self.heard_at, plays_until)
        return [each for each in voice.stretches if each.began_at > since and not self._is_own_voice(each)]

    def _is_own_voice(self, stretch: Stretch) -> bool:
        return any(told_at <= stretch.began_at < told_at + _OWN_VOICE_S for told_at in self._waits_told_at)

    def _at(self, rule: Rule, first_at: float, last_at: float) -> float:
        after_last_s = rule.after_last_s + self._later_s
        return max(last_at + after_last_s, first_at + rule.after_first_s, self._stepped_at + rule.after_step_s)
