"""The exchange with a model that translates as it hears: no turns, and neither side owes the other anything. Pure.

The service sends one stream of sound as long as it gets sound, silence included, and words of both sides in pieces; it never
says that something is over (docs/facts.md G81). Here the stream is cut into passages, which the conversation takes for turns: a
passage begins with sound or words, and ends with a pause. Silence between passages goes no further.

    event    Listening    Translating
    sounds   Translating  .
    pauses   .            . Listening
    stops    .            Listening

The caller speaks while a passage is played, which is no interruption. Their sound counts as translated once the model was heard
for `_LAG_S` after it; after a loss the rest is sent again, so a few words may be translated twice, and none is left out.

A service that doesn't hear the caller sends silence. Words and sound show that it hears; if none come, unheard.py says what is
done, but for the question in text, which this model can't be asked: there the conversation ends.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.gemini import messages
from agent.gemini.actions import Action, Deliver
from agent.gemini.events import Cause, Line
from agent.gemini.exchange.alarm import Alarm, Step
from agent.gemini.exchange.caller_voice import loudness
from agent.gemini.exchange.overdue import Overdue
from agent.gemini.exchange.situation import Activity, Situation
from agent.gemini.exchange.states import Answer, Answering, Quiet, Request
from agent.gemini.exchange.tool_call import Response
from agent.gemini.exchange.uplink import Uplink
from agent.gemini.messages import Received
from agent.gemini.snapshot import SavedExchange

_SILENCE = 40.0
"""The mean of 16 bit samples' sizes below which the model's sound is silence."""
_PAUSE_S = 1.0
"""Silence of the model's that ends a passage, in seconds of sound."""
_LONG_PASSAGE_S = 20.0
"""After so many seconds a passage ends with the next silence, however short."""
_LONGEST_PASSAGE_S = 60.0
"""After so many seconds a passage ends without any silence."""
_STALL_S = 1.5
"""A passage is over if nothing comes for so long: the service sends sound as long as it gets any."""
_LINE_S = 2.0
"""The caller's words are a line of their own once no more have come for so long; pieces come about once a second (G81)."""
_LONGEST_LINE = 300
"""Characters; a line of the caller's ends with the piece that makes it longer."""
_SENTENCE_ENDS = (".", "?", "!", "\u3002", "\uff1f", "\uff01", "\u0964", "\u061f")
_LAG_S = 4.0
"""The translation is behind the caller by less than this."""
_LEAD_S = 0.5
"""The silence before a passage is played with it, if it came at most so long before: the room's sound then never runs dry."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The state in which the model is silent."""

    since: float = -math.inf


@dataclass(frozen=True, slots=True)
class Translating:
    """A passage is being said."""

    began_at: float
    last_at: float
    """The time of the last message with sound or words."""
    silent_s: float = 0.0
    """The length of the silence at the end of the sound so far."""
    has_words: bool = False
    """Words of it have come."""

    @property
    def is_over(self) -> bool:
        """The silence at its end is long enough."""
        is_long = self.last_at - self.began_at > _LONG_PASSAGE_S
        return self.silent_s >= _PAUSE_S or (is_long and self.silent_s > 0)


State = Listening | Translating


def sounds(state: State, now: float, *, has_words: bool) -> Translating:
    """Sound that is no silence has come, or words."""
    if isinstance(state, Listening):
        return Translating(now, now, has_words=has_words)
    return Translating(state.began_at, now, has_words=has_words or state.has_words)


def pauses(state: State, silence_s: float, now: float) -> State:
    """Silence has come."""
    if isinstance(state, Listening) or not silence_s:
        return state
    state = replace(state, last_at=now, silent_s=state.silent_s + silence_s)
    return Listening(now) if state.is_over else state


def stops(state: State, now: float) -> State:
    """Nothing comes any more, or the connection has ended."""
    return Listening(now) if isinstance(state, Translating) else state


class Translation:
    """One call with a model that translates. It has the methods that `Exchange` has, by which the link's core asks."""

    def __init__(self, uplink: Uplink) -> None:
        self._uplink = uplink
        self._state: State = Listening()
        self._overdue = Overdue(uplink.rules, answer_s=math.inf, hang_s=math.inf)
        self._lead: tuple[float, Received] | None = None
        """The newest silence, and when it came."""
        self._line_ends_at = math.inf
        """The time at which the caller's line is over, if no more of their words come."""
        self._line_length = 0
        self.plays_until = -math.inf
        """The time at which the model's sound that has come will have been played."""

    @property
    def situation(self) -> Situation:
        """The exchange as others may ask about it: a passage is an answer, and nothing is ever owed."""
        state: Quiet | Answering
        if isinstance(self._state, Translating):
            request = Request("", addressed_to_model=False, since=self._state.began_at, asked_at=self._state.began_at)
            state = Answering(request, Answer(self._state.began_at, self._state.last_at))
        else:
            state = Quiet(self._state.since)
        voice, outbox = self._uplink.voice, self._uplink.outbox
        facts = (state, self.plays_until, voice, outbox, Activity.NONE)
        return Situation(*facts, tool_since=None, is_late=False, unheard=self._overdue.unheard)

    @property
    def is_quiet(self) -> bool:
        """Whether the model is silent."""
        return isinstance(self._state, Listening)

    @property
    def awaits_pong(self) -> bool:
        """A ping was sent, and nothing has come since."""
        return self._overdue.awaits_pong

    # The service's side

    def sound_out(self, duration_s: float, now: float) -> bool:
        """A message that is nothing but sound. Returns False: it may be silence, which `received` finds out."""
        del duration_s, now
        return False

    def received(self, received: Received, now: float) -> list[Action]:
        """A message of the service's, as the conversation is to hear it: passages as turns, and no silence between them."""
        self._overdue.alive(now)
        is_silence = not received.words.strip() and loudness(received.pcm) <= _SILENCE
        if not is_silence:
            self._overdue.model_speaks(now)
        if words := received.caller_words.rstrip():
            self._overdue.unheard.heard(now)
            self._line_length += len(words)
            is_over = words.endswith(_SENTENCE_ENDS) or self._line_length > _LONGEST_LINE
            self._line_ends_at = now if is_over else now + _LINE_S
        self._acknowledge(received, now, is_silence=is_silence)
        received = received.without_turns()
        if is_silence:
            return self._silence(received, now)
        if received.words and not self._has_words:
            received = received.reworded(received.words.lstrip())  # each piece begins with a space
        return [*self._begin(now, has_words=bool(received.words)), self._deliver(received, now)]

    def _silence(self, received: Received, now: float) -> list[Action]:
        """A message without words or voice of the model's: its silence is part of a passage, or nobody's."""
        silence_s = received.duration_s
        if received.pcm and self.is_quiet:
            received, self._lead = received.without_sound(), (now, received.sound_alone())
        is_heard = received.pcm or received.caller_words or "usageMetadata" in received.raw
        actions: list[Action] = [self._deliver(received, now)] if is_heard else []
        return actions + self._becomes(pauses(self._state, silence_s, now))

    @property
    def _has_words(self) -> bool:
        return isinstance(self._state, Translating) and self._state.has_words

    def _begin(self, now: float, *, has_words: bool) -> list[Action]:
        """A passage goes on, or begins with the silence before it."""
        lead, self._lead = self._lead, None
        if isinstance(self._state, Translating) and now - self._state.began_at > _LONGEST_PASSAGE_S:
            return [*self._becomes(stops(self._state, now)), *self._begin(now, has_words=has_words)]
        is_new, self._state = self.is_quiet, sounds(self._state, now, has_words=has_words)
        if not is_new or lead is None or now - lead[0] > _LEAD_S:
            return []
        return [self._deliver(lead[1], now)]

    def _deliver(self, received: Received, now: float) -> Deliver:
        if received.pcm:
            self.plays_until = max(self.plays_until, now) + received.duration_s
        return Deliver(received)

    def _acknowledge(self, received: Received, now: float, *, is_silence: bool) -> None:
        """What the caller said a while ago is translated, or never will be."""
        voice, outbox = self._uplink.voice, self._uplink.outbox
        if not is_silence:
            outbox.acknowledge(but_last_s=_LAG_S)
        elif received.pcm and not voice.speaking and now - voice.last_at > _LAG_S and self._overdue.unheard.is_all_heard(voice):
            outbox.acknowledge()  # of what it hasn't heard, it may be deaf: another connection is to hear it

    def _becomes(self, state: State) -> list[Action]:
        """Go on in another state. The conversation hears of each passage's end once."""
        before, self._state = self._state, state
        is_over = isinstance(before, Translating) and isinstance(state, Listening)
        return [Deliver(messages.TURN_COMPLETE)] if is_over else []

    # Time, and the connection

    def send_waiting(self, now: float) -> list[Action]:
        """Send what waits and may go now."""
        return self._uplink.take(now).actions

    def alive(self, now: float) -> None:
        """Anything came from the service."""
        self._overdue.alive(now)

    def next_at(self, situation: Situation) -> float:
        """The time at which `time_passes` has something to do while a connection is open; infinity for never."""
        return min(self._overdue.next_at(situation), self._line_ends_at, self._stalls_at)

    @property
    def _stalls_at(self) -> float:
        return self._state.last_at + _STALL_S if isinstance(self._state, Translating) else math.inf

    def time_passes(self, now: float) -> tuple[list[Action], Alarm | None]:
        """`next_at` is reached. Returns what the conversation is to hear, and what the service is late with."""
        actions: list[Action] = []
        if self._line_ends_at <= now:
            self._line_ends_at, self._line_length = math.inf, 0
            actions.append(Deliver(messages.CALLER_PAUSES))
        if self._stalls_at <= now:
            actions += self._becomes(stops(self._state, now))
        alarm = self._overdue.alarm(self.situation, now)
        if alarm is not None and alarm.step is Step.ASK:
            alarm = Alarm(Step.GIVE_UP, alarm.cause)  # the model takes no text that could ask about it
        return actions, alarm

    def lost(self, now: float) -> list[Action]:
        """The connection has ended."""
        self._lead = None
        return self._becomes(stops(self._state, now))

    def opened(self, history: Sequence[Line], now: float, *, remembers: bool) -> list[Action]:
        """A connection was opened. The session is told nothing: it takes no text."""
        del history, remembers
        self._overdue.opened(now, replays_s=self._uplink.outbox.waiting_speech_s)
        return []

    # What a model with turns is asked for, and this one isn't

    def saved(self, now: float) -> SavedExchange:
        """Neither side owes anything. What isn't translated yet is in the outbox."""
        del now
        return SavedExchange()

    def begin_from(self, saved: SavedExchange, now: float) -> None:
        """There is nothing to go on with but the caller's sound."""
        del saved, now

    @property
    def mark(self) -> tuple[object, ...]:
        """Another process needs to know nothing more of it at any time."""
        return ()

    def answers_within(self, answer_s: float) -> None:
        """No answers come, so none are late."""

    def talked_over(self, now: float) -> list[Action]:
        """The caller speaks while a passage is played: it is played to its end."""
        del now
        return []

    def stop(self, now: float, *, is_open: bool) -> list[Action]:
        """The application stops what plays: the translation goes on with what the caller says."""
        del now, is_open
        return []

    def asks(self, payload: bytes, now: float, *, text: str, typed: str, wants_answer: bool) -> list[Action]:
        """A message in text: the model takes none, so it is dropped."""
        del payload, now, text, typed, wants_answer
        return []

    def tools_returned(self, responses: Sequence[Response], now: float, *, is_open: bool) -> list[Action]:
        """The model calls no functions: results are nobody's."""
        del responses, now, is_open
        return []

    def agent_changes(self, call_id: str | None) -> None:
        """No function waits for another agent."""
        del call_id

    def remind(self, cause: Cause, now: float) -> list[Action]:
        """Nothing is owed, so there is nothing to remind of."""
        del cause, now
        return []

    def ask_unheard(self, now: float) -> list[Action]:
        """The model takes no text that could ask about it: `time_passes` has it end instead."""
        del now
        return []

    def wait_told(self, now: float) -> list[Action]:
        """The caller is told that it takes a moment: a passage is over by then."""
        self._overdue.unheard.wait_told(now)
        return []

    def end_missing(self, now: float) -> list[Action]:
        """No turn's end is missing."""
        del now
        return []

    def leave_alone(self, now: float) -> list[Action]:
        """No answer is expected."""
        del now
        return []
