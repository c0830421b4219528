"""Both sides of the conversation, as far as the link must know them to lose nothing of it. Pure.

What the caller said and the model may not have understood is in the outbox; what the model owes, and what of its answer the
caller missed, is in the state (machine.py). `received` leaves out what the conversation must not hear: an interruption though
nobody spoke, and a call that is made a second time.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from agent.gemini import messages, wire
from agent.gemini.actions import Action, Deliver, Ping, Tell
from agent.gemini.capabilities import Capabilities
from agent.gemini.events import Cause, Kind, Line, LinkEvent
from agent.gemini.exchange import machine, saved_states, states
from agent.gemini.exchange.alarm import Alarm
from agent.gemini.exchange.interruptions import Interruptions, NextEnd
from agent.gemini.exchange.overdue import Overdue
from agent.gemini.exchange.situation import Situation
from agent.gemini.exchange.tool_call import Delivery, Response
from agent.gemini.exchange.tool_calls import OptionsOf, ToolCalls
from agent.gemini.exchange.uplink import Uplink
from agent.gemini.limits import LinkLimits
from agent.gemini.messages import Received
from agent.gemini.snapshot import SavedExchange


class Exchange:
    """One conversation. `uplink` takes what goes to the model; methods return what else is to be done, in order."""

    def __init__(self, capabilities: Capabilities, limits: LinkLimits, uplink: Uplink, options_of: OptionsOf) -> None:
        self._limits = limits
        self._state: states.State = states.Quiet()
        self._uplink = uplink
        self._interruptions = Interruptions(by_voice=uplink.rules.interruptible, by_dot=capabilities.ends_turn_at_dot)
        self._calls = ToolCalls(options_of, survives=capabilities.resumes_whole)
        times = {"answer_s": capabilities.answer_s, "hang_s": limits.hang_s, "pause_s": limits.pause_s}
        self._overdue = Overdue(uplink.rules, **times)
        self.plays_until = -math.inf
        """The time at which the model's sound that has come will have been played."""
        self._ended: states.Answered | None = None
        """The state in which the last answer has ended. None: it was cut."""

    @property
    def situation(self) -> Situation:
        """The exchange as others may ask about it."""
        uplink, overdue, tool_since = self._uplink, self._overdue, self._calls.running_since
        facts = (self._state, self.plays_until, uplink.voice, uplink.outbox)
        return Situation(*facts, overdue.activity, tool_since, overdue.has_stepped, overdue.unheard)

    @property
    def is_quiet(self) -> bool:
        """Whether neither side waits for the other."""
        return isinstance(self._state, states.Quiet)

    @property
    def awaits_pong(self) -> bool:
        """A ping was sent, and nothing has come since."""
        return self._overdue.awaits_pong

    def answers_within(self, answer_s: float) -> None:
        """Let an answer take so long to begin from now on."""
        self._overdue.answers_within(answer_s)

    # The caller's side

    def talked_over(self, now: float) -> list[Action]:
        """The caller talks over sound that still plays, and no service is there to say so."""
        self.plays_until = now
        return [*self._becomes(machine.barged_in(self._state, now), ends=states.End.CUT), Deliver(messages.INTERRUPTED)]

    def stop(self, now: float, *, is_open: bool) -> list[Action]:
        """The application stops the answer that is under way. What still comes of it is dropped."""
        if isinstance(self._state, states.Answered) and is_open:
            self._interruptions.stop(self._state, now, called_at=self._calls.called_at)
        is_told = states.has_open_answer(self._state)
        self.talked_over(now)
        return [Deliver(messages.TURN_COMPLETE)] if is_told else []

    def asks(self, payload: bytes, now: float, *, text: str, typed: str, wants_answer: bool) -> list[Action]:
        """A message for the model, in its place between the sound."""
        self._uplink.message(payload, text=text, typed=typed, wants_answer=wants_answer)
        if not wants_answer:
            return []
        self._interruptions.asked(now)
        return self._becomes(machine.asked(self._state, now))

    def tools_returned(self, responses: Sequence[Response], now: float, *, is_open: bool) -> list[Action]:
        """Results for the model. Without a connection they wait for it: it may be another session that gets them."""
        self._calls.hold(responses)
        return self._give(self._calls.returned(), now) if is_open else []

    def agent_changes(self, call_id: str | None) -> None:
        """The conversation goes on with another agent; or is about to, by that call."""
        self._calls.agent_changes(call_id)

    def send_waiting(self, now: float) -> list[Action]:
        """Send what waits and may go now. With the end of an activity that has speech in it, the model was asked something."""
        sending = self._uplink.take(now)
        if sending.begins_activity and self._uplink.rules.interruptible:
            self._interruptions.asked(now)
        state = self._state
        if sending.ends_speech and self._uplink.is_said_over(state):
            state = machine.caller_said(state, now, "", is_played=now >= self.plays_until, waits=True)
        elif sending.ends_speech:
            state = machine.asked(state, now)
        return sending.actions + self._becomes(state)

    def _give(self, delivery: Delivery, now: float) -> list[Action]:
        self._uplink.results(delivery)
        if not delivery or delivery.is_silent:
            is_settled = isinstance(self._state, states.Owed) and self._calls.settles(self._state.request.asked_at)
            return self.leave_alone(now) if is_settled else []
        self._interruptions.asked(now, waits=True)
        return self._becomes(machine.tools_returned(self._state, now))

    # The model's side

    def sound_out(self, duration_s: float, now: float) -> bool:
        """A message that is nothing but sound. Returns whether all is said about it: it goes on with an answer."""
        if not isinstance(self._state, states.Answering):
            return False
        self._overdue.model_speaks(now)
        self._state = machine.output(self._state, now, "", duration_s)
        self.plays_until = max(self.plays_until, now) + duration_s
        return True

    def received(self, received: Received, now: float) -> list[Action]:
        """A message of the service's, as the conversation is to hear it: without what isn't so."""
        is_late = self._interruptions.precede_answer(self._uplink.voice, now)
        received = self._uplink.judged(received, self._state, precedes_answer=is_late)
        self._overdue.received(received, now)
        received = self._interruptions.stopped.leave_out(received, now)
        actions = self._caller_is_understood(received, now)
        if received.interrupted and not self._interruptions.are_real(self._uplink.voice, now):
            actions += self._withhold_interruption(now)
            received = received.not_interrupted()
        if received.calls:
            received, results = self._calls.received(received, now)
            self._uplink.results(Delivery(results))
        if received.cancelled:
            self._calls.cancelled(received.cancelled)
        if received.is_output:
            actions += self._begin_output(received, now)
            received = self._output(received, now)
        return actions + self._end_output(received, now)

    def _caller_is_understood(self, received: Received, now: float) -> list[Action]:
        self._uplink.caller_understood(received, now)
        if not (words := received.caller_words) or received.before_answer:
            return []
        is_played = now >= self.plays_until
        return self._becomes(machine.caller_said(self._state, now, words, is_played=is_played, waits=received.over_answer))

    def _withhold_interruption(self, now: float) -> list[Action]:
        state = self._state
        if isinstance(state, states.Awaited) and state.request.reminders:
            self._interruptions.withheld()  # the reminder has ended what the model was thinking about (docs/facts.md G13)
            return []
        actions: list[Action] = [Tell(LinkEvent(Kind.IGNORED, Cause.PHANTOM))]
        if isinstance(state, states.Answering | states.BrokenOff):
            self._interruptions.withheld()
            actions += self._remind(machine.phantom(state, now))
        return actions

    def _begin_output(self, received: Received, now: float) -> list[Action]:
        """The model speaks or calls: first say that the answer before is over, if the service has left that out."""
        state = self._state
        is_after_whole = isinstance(state, states.Superseded) and state.is_whole
        is_other = is_after_whole or (isinstance(state, states.PlayingOut) and bool(received.pcm))
        actions = self._becomes(machine.other_answer(self._state, now)) if is_other else []
        state = self._state
        trails = isinstance(state, states.Superseded) and now <= state.trails_until
        if not isinstance(state, states.Answering | states.BrokenOff) and not trails:
            self._uplink.prompts.said(state.request.words if isinstance(state, states.Requested) else "", by_caller=True)
            self._uplink.acknowledge(now)
            self._calls.begins_to_speak()
        return actions

    def _output(self, received: Received, now: float) -> Received:
        has_output = bool(received.pcm or received.words)
        overlap = states.overlap_of(self._state)
        if received.words and overlap is not None:
            received = received.reworded(overlap.new_words(received.words))
        if has_output:
            self._state = machine.output(self._state, now, received.words, received.duration_s)
            self._interruptions.answers(self._state.answer.began_at)
        if received.pcm:
            self.plays_until = max(self.plays_until, now) + received.duration_s
        return received

    def _end_output(self, received: Received, now: float) -> list[Action]:
        has_answer = isinstance(self._state, states.Answering | states.Superseded | states.PlayingOut | states.BrokenOff)
        if received.generation_complete and not has_answer:
            received = received.not_generated()  # the conversation would take what comes next for words after the end
        actions: list[Action] = []
        if received.generation_complete:
            actions += self._last_words()
            self._state = machine.generated(self._state)
        if received.interrupted:
            self._interrupt(now)
        if received.turn_complete:
            ends = self._interruptions.ended()
            if ends is NextEnd.WITHHELD:
                received = received.not_complete()
            else:
                actions += self._complete_turn(ends, now)
        return [*actions, Deliver(received)] if received.raw else actions

    def _interrupt(self, now: float) -> None:
        self._interruptions.happened()
        self._calls.disturbed()
        self.plays_until = min(self.plays_until, now)
        self._becomes(machine.interrupted(self._state, now), ends=states.End.CUT)
        if self.is_quiet:
            self._uplink.acknowledge(now, but_speech=True)

    def _complete_turn(self, ends: NextEnd, now: float) -> list[Action]:
        state = self._state
        actions: list[Action] = []
        if isinstance(state, states.Answering | states.PlayingOut | states.BrokenOff):
            actions = self._last_words()
            self._calls.spoken()
        elif isinstance(state, states.Owed) or (isinstance(state, states.RestOwed) and not state.answer.is_begun):
            if ends is NextEnd.INTERRUPTED or self._calls.is_running or self._calls.unspoken:
                return []  # the answer comes next
            if state.request.reminders < self._uplink.rules.most_reminders(addressed_to_model=state.request.addressed_to_model):
                return self.remind(Cause.UNANSWERED, now)
            if isinstance(state, states.RestOwed):
                return []
        if isinstance(state, states.Quiet | states.Owed):
            self._overdue.stays_silent(now)
        if not isinstance(state, states.Quiet):
            self._becomes(machine.turn_complete(self._state, now), ends=states.End.TOLD)
            if self.is_quiet and not self._uplink.is_said_over(state):
                self._uplink.acknowledge(now, but_speech=not isinstance(state, states.Owed))
        return actions

    def _last_words(self) -> list[Action]:
        overlap = states.overlap_of(self._state)
        rest = overlap.rest() if overlap is not None else ""
        return [Deliver(Received().reworded(rest))] if rest else []

    # What is done about a loss, and about time

    def lost(self, now: float) -> list[Action]:
        """The connection has ended."""
        self._interruptions.lost()
        actions = self._becomes(machine.lost(self._state, now))
        self._calls.lost_socket()
        if not self.is_quiet:
            self._calls.told_again()
        return actions

    def opened(self, history: Sequence[Line], now: float, *, remembers: bool) -> list[Action]:
        """A connection was opened. `history`: all that was said, for a session that doesn't remember it."""
        if not remembers:
            self._calls.lost_socket(forgets=True)
        self._overdue.opened(now, replays_s=self._uplink.outbox.waiting_speech_s)
        is_reminded = self._uplink.opened(self._state, history, self._calls.unspoken, tool_runs=self._calls.is_running)
        actions = self._becomes(machine.opened(self._state, now, is_reminded=is_reminded))
        return actions + self._give(self._calls.returned(), now)

    def saved(self, now: float) -> SavedExchange:
        """The exchange as another process goes on with it, without what is in the outbox."""
        calls, held = self._calls.saved()
        return replace(saved_states.saved(self._state, self._ended, self.plays_until, now), calls=calls, held=held)

    def begin_from(self, saved: SavedExchange, now: float) -> None:
        """Go on where the exchange of another process was, before the first connection."""
        self._state = saved_states.restored(saved, now)
        self._calls.begin_from(saved.calls, saved.held, now)

    @property
    def mark(self) -> tuple[object, ...]:
        """A value that changes when another process would have to know more of the exchange."""
        return (type(self._state), getattr(self._state, "request", None), *self._calls.mark)

    def _remind(self, state: states.State) -> list[Action]:
        """Ask for what is owed. `state`: what the exchange becomes by it."""
        self._calls.told_again()
        actions = self._becomes(state)
        self._uplink.remind(self._state, self._calls.unspoken)
        return actions

    def alive(self, now: float) -> None:
        """Anything came from the service."""
        self._overdue.alive(now)

    def next_at(self, situation: Situation) -> float:
        """The time at which `time_passes` has something to do while a connection is open; infinity for never."""
        return min(
            self._overdue.next_at(situation), self._calls.overdue_at(self._limits.tool_s), self._interruptions.stopped.dot_at
        )

    def time_passes(self, now: float) -> tuple[list[Action], Alarm | None]:
        """`next_at` is reached. Returns what is to be done about tools, and what the service is late with."""
        if self._interruptions.stopped.dot_due(now):
            self._uplink.outbox.put_prompt(wire.text("."))
        told, delivery = self._calls.give_up(self._limits.tool_s, now)
        return [*self._give(delivery, now), *told], self._overdue.alarm(self.situation, now)

    def remind(self, cause: Cause, now: float) -> list[Action]:
        """Ask the model for the output that it owes and that is late, or about a silence that may be meant."""
        is_check = cause is Cause.UNANSWERED and self._overdue.may_be_meant(self.situation)
        pings = is_check and not self.awaits_pong
        self._overdue.reminded(now, with_ping=pings)
        told = Tell(LinkEvent(Kind.CHECKED if is_check else Kind.NUDGED, cause))
        return [*([Ping()] if pings else []), told, *self._remind(machine.reminded(self._state, now))]

    def ask_unheard(self, now: float) -> list[Action]:
        """Ask the model about speech that the service has shown no sign of: from now on it owes words."""
        asked = self.asks(self._uplink.prompts.ask_unheard(), now, text="", typed="", wants_answer=True)
        return [Tell(LinkEvent(Kind.NUDGED, Cause.UNACKNOWLEDGED)), *asked]

    def wait_told(self, now: float) -> list[Action]:
        """The caller is told that it takes a moment."""
        self._overdue.unheard.wait_told(now)
        return self._becomes(machine.wait_told(self._state, now))

    def end_missing(self, now: float) -> list[Action]:
        """The answer has been played, and `turnComplete` doesn't come: the turn is over all the same."""
        return self._becomes(machine.end_missing(self._state, now))

    def leave_alone(self, now: float) -> list[Action]:
        """No answer is expected any more."""
        actions = self._becomes(machine.left_alone(self._state, now))
        self._uplink.acknowledge(now)
        return actions

    def _becomes(self, state: states.State, ends: states.End = states.End.UNTOLD) -> list[Action]:
        """Go on in another state. The conversation hears of each answer's end once; `ends`: how, if there is one."""
        before, self._state = self._state, state
        if not states.has_open_answer(before) or states.has_open_answer(state):
            return []
        assert isinstance(before, states.Answered)
        answer, self._ended = before.answer, None if ends is states.End.CUT else before
        self._uplink.prompts.said(answer.spoken_words if ends is states.End.CUT else answer.words, by_caller=False)
        return [Deliver(messages.TURN_COMPLETE)] if ends is states.End.UNTOLD else []
