"""The link's decisions: when to dial, switch, send again, remind, give up. Pure: facts and `now` in, actions out.

Two machines meet here. connection/ decides whether there is a socket; exchange/ decides who owes what to whom. The connection
tells the exchange that it was lost, and that it is open and what the session remembers; the exchange tells the connection that
it is of no use. reporting.py says which events are told.

The edge (link.py) calls a method for each thing that happens, does what it returns, and calls `due` at `next_at`.
"""

import math
from collections.abc import Iterable, Sequence

from agent.gemini import wire
from agent.gemini.actions import Action, Deliver, Knows, Ping, Send
from agent.gemini.capabilities import Capabilities
from agent.gemini.connection.machine import Connection
from agent.gemini.connection.session_handle import SessionHandle
from agent.gemini.connection.states import Lost, Open, Opened, Outcome, Over
from agent.gemini.continuation import Continuation
from agent.gemini.events import Cause
from agent.gemini.exchange.alarm import Alarm, Step
from agent.gemini.exchange.caller_voice import CallerVoice
from agent.gemini.exchange.exchange import Exchange
from agent.gemini.exchange.situation import Situation
from agent.gemini.exchange.tool_call import Response
from agent.gemini.exchange.tool_calls import OptionsOf
from agent.gemini.exchange.translation import Translation
from agent.gemini.exchange.uplink import Uplink
from agent.gemini.initial_history import History, InitialHistory
from agent.gemini.limits import LinkLimits
from agent.gemini.messages import Received
from agent.gemini.newest_settings import LinkSettings, NewestSettings
from agent.gemini.reporting import Reporting
from agent.gemini.tool_options import DEFAULT_OPTIONS
from agent.gemini.turn_rules import DEFAULT_TURN_RULES, TurnRules


class LinkCore:
    """One conversation with one model, over as many sockets as it takes.

    Args:
        capabilities: of the model.
        limits: how long what may take.
        history: what was said so far, for a session that has forgotten it.
        seed: of the jitter between attempts.
        rules: by which caller and model take turns.
        tool_options: of the tool of a name.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        limits: LinkLimits,
        history: History,
        seed: int,
        rules: TurnRules = DEFAULT_TURN_RULES,
        tool_options: OptionsOf = lambda _: DEFAULT_OPTIONS,
    ) -> None:
        self.next_at = math.inf
        """The time at which `due` has something to do; infinity for never."""
        self.session_handle = SessionHandle(limits.lock_s)
        """The handle of the conversation's session. Before the first setup it may be given that of an earlier conversation."""
        self._connection = Connection(limits, seed, self.session_handle)
        self._uplink = Uplink(capabilities, limits, rules)
        self._exchange = (
            Translation(self._uplink) if capabilities.translates else Exchange(capabilities, limits, self._uplink, tool_options)
        )
        self._settings = NewestSettings(capabilities, self._connection, self._exchange, self._uplink)
        self._reporting = Reporting(limits)
        self._history = history
        self.initial_history = InitialHistory(capabilities)
        self._is_stalled = False
        """The open socket's buffer is full."""
        self.continuation = Continuation(self.session_handle, self._connection, self._reporting, self._exchange, self._uplink)
        """The state of the link for another process; and the other's state to begin with."""

    @property
    def is_open(self) -> bool:
        """True while a connection is set up."""
        return isinstance(self._connection.state, Open)

    @property
    def is_over(self) -> bool:
        """True once no connection will be opened any more."""
        return isinstance(self._connection.state, Over)

    @property
    def lost_s(self) -> float:
        """The caller's sound that was thrown away because nothing took it for too long, in seconds."""
        return self._uplink.lost_s

    # What happens to the socket

    def start(self, now: float) -> list[Action]:
        """Begin: the first socket is dialled."""
        self._reporting.started(now)
        return self._done(self._carry_out(self._connection.start(now), now), now)

    def upgraded(self, now: float) -> list[Action]:
        """The socket is there."""
        return self._done(self._carry_out(self._connection.upgraded(now), now), now)

    def failed(self, now: float, *, code: int | None = None, reason: str = "", cause: Cause | None = None) -> list[Action]:
        """The socket didn't come about, or is gone without our doing."""
        cause = cause or self.initial_history.refused(code)
        return self._done(self._carry_out(self._connection.failed(now, code=code, reason=reason, cause=cause), now), now)

    def gone(self, now: float) -> list[Action]:
        """The socket that `Close` was about is closed."""
        return self._done(self._carry_out(self._connection.gone(now), now), now)

    def stalled(self, now: float, *, is_stalled: bool) -> list[Action]:
        """The socket's buffer is full, or has room again."""
        self._is_stalled = is_stalled
        return self._done([], now)

    def configured(self, settings: LinkSettings, now: float) -> list[Action]:
        """The setup is known, or is another one from now on."""
        return self._done(self._carry_out(self._settings.come(settings, now, is_open=self.is_open), now), now)

    def agent_changes(self, call_id: str | None = None) -> None:
        """The conversation goes on with another agent; or is about to, by that call."""
        self._exchange.agent_changes(call_id)

    def give_up(self, cause: Cause, now: float) -> list[Action]:
        """End for good: going on is of no use."""
        return self._done(self._carry_out(self._connection.give_up(cause), now), now)

    def close(self, now: float) -> list[Action]:
        """The call is over."""
        return self._done(self._carry_out(self._connection.end(), now), now)

    def alive(self, now: float) -> list[Action]:
        """A pong or a keep-alive has come."""
        awaits_pong = self._exchange.awaits_pong
        self._exchange.alive(now)
        # the next ping is due before the missing pong was; nothing else becomes due earlier
        return self._done([], now) if awaits_pong else []

    def received(self, received: Received, now: float) -> list[Action]:
        """A message of the service's."""
        had_played_until, caller_spoke_until = self._exchange.plays_until, self._uplink.voice.last_at
        is_sound = received.only_sound and received.pcm and isinstance(self._connection.state, Open)
        is_due_sooner = self._exchange.awaits_pong or self._reporting.has_told_wait
        if is_sound and self._exchange.sound_out(received.duration_s, now):
            told = self._reporting.sounds(had_played_until, caller_spoke_until, now)
            # otherwise nothing becomes due earlier: `next_at` may stay, and `_done` is left out
            return self._done([*told, Deliver(received)], now) if told or is_due_sooner else [Deliver(received)]
        actions = self._carry_out(self._connection.set_up(now) if received.setup_complete else [], now)
        if not self.is_open:
            return self._done(actions, now)
        if received.handle is not None:
            self._connection.handle_given(received.handle, now)
            self._uplink.covered()
        if received.go_away_s is not None:
            self._connection.warned(received.go_away_s, now)
        if received.is_output or received.caller_words:
            self._connection.proved()
        if received.caller_ends:
            self._uplink.activity_end_reported()
        delivered = self._exchange.received(received, now)
        if self._exchange.plays_until > had_played_until:
            actions += self._reporting.sounds(had_played_until, caller_spoke_until, now)
        actions += delivered
        if self._exchange.is_quiet:
            actions += self._reporting.settled(None)
        return self._done(actions, now)

    # What goes to the model

    def sound_in(self, pcm: bytes, now: float) -> list[Action]:
        """A chunk of the caller's sound: 16 kHz mono 16 bit, as short as it comes.

        It runs for every frame, so it does the least it can.
        """
        uplink, is_open = self._uplink, isinstance(self._connection.state, Open)
        microphone = uplink.voice.microphone
        sends = uplink.sound_in(pcm, now, may_send=is_open and not self._is_stalled)
        actions: list[Action] = [Send(wire.audio(pcm))] if sends else []
        # the model's sound still plays, and there is no connection, or its turn is over at the service: nobody else will notice
        # that the caller talks over it
        is_unnoticed = uplink.rules.interruptible and not (is_open and not self._exchange.is_quiet)
        if now < self._exchange.plays_until and is_unnoticed and uplink.talks_over:
            return self._done(actions + self._exchange.talked_over(now), now)
        if uplink.button is not None and uplink.button.is_held:
            return self._done(actions, now)
        # otherwise nothing becomes due earlier: `next_at` may stay, and `_done` is left out
        return actions if uplink.voice.microphone is microphone else self._done(actions, now)

    @property
    def is_in_speech(self) -> bool:
        """An activity isn't over, and has enough speech in it for the model to owe an answer at its end."""
        return self._uplink.is_in_speech

    def mark_activity(self, now: float, *, begins: bool) -> list[Action]:
        """The button of push-to-talk is pressed or let go. `activityStart` goes out with the first sound."""
        self._uplink.mark_activity(now, begins=begins)
        return self._done([], now)

    def discard_sound(self, now: float) -> list[Action]:
        """What the caller has said since the button was pressed, and isn't sent yet, is forgotten."""
        self._uplink.discard_sound()
        return self._done([], now)

    def microphone_closed(self, now: float) -> list[Action]:
        """No sound will come for a while."""
        self._uplink.microphone_closed()
        return self._done([], now)

    def message(self, payload: bytes, now: float, *, text: str = "", typed: str = "", wants_answer: bool) -> list[Action]:
        """Anything else for the model, in its place between the sound. `text`: what it says; `typed`: the caller's part."""
        actions = self._carry_out(self._settings.before_turn(now), now) if wants_answer else []
        actions += self._exchange.asks(payload, now, text=text, typed=typed, wants_answer=wants_answer)
        return self._done(actions, now)

    def keeps(self, payload: bytes) -> bool:
        """Whether this message is in the outbox."""
        return self._uplink.outbox.keeps(payload)

    def passing_message(self, payload: bytes) -> list[Action]:
        """A message that is of no use later, as a picture of now."""
        return [Send(payload)] if self.takes_passing_messages else []

    @property
    def takes_passing_messages(self) -> bool:
        """True while a connection is set up, and its buffer isn't full."""
        return self.is_open and not self._is_stalled

    @property
    def caller_voice(self) -> CallerVoice:
        """The caller's voice, by its loudness."""
        return self._uplink.voice

    def somebody_speaks(self, now: float) -> bool:
        """Whether the caller is loud enough to speak, or the agent's sound still plays."""
        return self._uplink.voice.speaking or now < self._exchange.plays_until

    def stop_answer(self, now: float) -> list[Action]:
        """The application stops the answer that is under way."""
        return self._done(self._exchange.stop(now, is_open=self.is_open), now)

    def tools_returned(self, responses: Sequence[Response], now: float) -> list[Action]:
        """Results of the model's calls."""
        actions = self._carry_out(self._settings.before_results(responses, now), now)
        actions += self._exchange.tools_returned(responses, now, is_open=self.is_open)
        if self._exchange.is_quiet:
            actions += self._reporting.settled(None)
        return self._done(actions, now)

    # Time

    def due(self, now: float) -> list[Action]:
        """Everything that is to be done because of the time."""
        actions = self._carry_out(self._connection.time_passes(now), now)
        if self.is_open and self._uplink.frames_stop_at <= now:
            self._uplink.microphone_closed()
        actions += self._carry_out(self._settings.due(self._exchange.situation, now), now)
        if self.is_open and self._replace_at(self._exchange.situation) <= now:
            actions += self._carry_out(self._connection.replace(self._connection.replace_cause, now), now)
        elif self.is_open:
            actions += self._exchange_due(now)
        situation = self._exchange.situation
        if not self.is_over and self._wait_at(situation) <= now:
            actions += self._exchange.wait_told(now)
            actions += self._reporting.wait_told(now, situation.wait_cause)
        return self._done(actions, now)

    def _exchange_due(self, now: float) -> list[Action]:
        actions, alarm = self._exchange.time_passes(now)
        match alarm:
            case Alarm(Step.PING):
                actions.append(Ping())
            case Alarm(Step.REMIND, cause):
                actions += self._exchange.remind(cause, now)
            case Alarm(Step.ASK):
                actions += self._exchange.ask_unheard(now)
            case Alarm(Step.END_TURN):
                actions += self._exchange.end_missing(now)
            case Alarm(Step.LEAVE_ALONE):
                actions += [*self._exchange.leave_alone(now), *self._reporting.settled(None)]
            case Alarm(Step.GIVE_UP):
                actions += self._carry_out(self._connection.give_up(Cause.MUTE), now)
            case Alarm(Step.NEW_SOCKET | Step.NEW_SESSION as step, cause):
                session_too = step is Step.NEW_SESSION
                actions += self._carry_out(self._connection.abandon(cause, now, session_too=session_too), now)
        return actions

    def _replace_at(self, situation: Situation) -> float:
        return self._connection.replace_at(situation.quiet_from, situation.turn_ended_at)

    def _wait_at(self, situation: Situation) -> float:
        """The time at which the caller is to be told that it takes a moment."""
        lost_at = self._reporting.lost_at
        return self._reporting.wait_at(lost_at if self._reporting.is_starting else situation.waits_since(lost_at))

    def _carry_out(self, steps: Iterable[Outcome], now: float) -> list[Action]:
        """Translate the connection's actions and changes for the exchange and for the listener."""
        actions: list[Action] = []
        for step in steps:
            match step:
                case Lost():
                    during = self._exchange.situation.during
                    actions += [*self._exchange.lost(now), *self._reporting.lost(step, during)]
                case Opened():
                    actions += self._opened(step, now)
                case _:
                    actions.append(step)
        return actions

    def _opened(self, opened: Opened, now: float) -> list[Action]:
        self._is_stalled = False
        replayed_s = self._uplink.rewind()
        actions: list[Action] = [Knows(opened.known_until), *self._reporting.dropped(self._uplink.lost_s)]
        history = () if opened.remembers else self._history()
        actions += self._exchange.opened(history, now, remembers=opened.remembers)
        if (first := self.initial_history.opened(resumes=opened.resumes)) is not None:
            self._uplink.tell_first(first, self.initial_history.lines)
        owes = self._exchange.situation.owes_sound
        return actions + self._reporting.opened(opened, now, replayed_s=replayed_s, owes_sound=owes)

    def _done(self, actions: list[Action], now: float) -> list[Action]:
        """Send what may be sent, and say when something is due."""
        if self.is_open and not self._is_stalled:
            actions += [*self._settings.before_sending(), *self._exchange.send_waiting(now)]
        self.next_at = self._next_at()
        return actions

    def _next_at(self) -> float:
        if self.is_over:
            return math.inf
        situation = self._exchange.situation
        at = min(self._connection.next_at, self._wait_at(situation))
        if not self.is_open:
            return at
        send_at = self._uplink.send_at if not self._is_stalled else math.inf
        exchange_at = self._exchange.next_at(situation)
        replace_at = min(self._replace_at(situation), self._settings.change_at(situation))
        return min(at, replace_at, exchange_at, self._uplink.frames_stop_at, send_at)
