"""The link's decisions: when to dial, switch, send again, remind, give up. Pure: what happens and `now` in, actions out.

There is at most one socket. It is opened by `Dial`, used after `SetUp` and the service's `setupComplete`, and closed by
`Close`, which the edge answers with `gone`; only then comes the next `Dial`. Messages to the model wait in the outbox
meanwhile. The agent's side of a loss: what has come is played out; the answer is kept open for its continuation for as long
as the caller doesn't notice, and then closed, so that something else can be said.
"""

import math
from collections.abc import Callable, Sequence

from agent.gemini import messages, wire
from agent.gemini.account import Account
from agent.gemini.capabilities import Capabilities
from agent.gemini.closes import Failure, Remedy, Stage, Verdict, judge
from agent.gemini.dialogue import Dialogue
from agent.gemini.messages import Received
from agent.gemini.news import Cause, During, Kind, Line
from agent.gemini.orders import Action, Close, Deliver, Dial, LinkLimits, Phase, Ping, SetUp
from agent.gemini.outage import Outage
from agent.gemini.resumption import Resumption
from agent.gemini.rotation import Rotation
from agent.gemini.tool_ledger import Response
from agent.gemini.turn import State
from agent.gemini.waiting import silent_since
from agent.gemini.watchdog import Alarm, Step

_HAS_SOCKET = {Phase.DIALING, Phase.SETTING_UP, Phase.OPEN}
TICK_S = 0.1
"""How often `tick` is to be called."""


class Handover:
    """One conversation's sockets. `history` tells what was heard so far, for a session that has forgotten."""

    def __init__(
        self, capabilities: Capabilities, limits: LinkLimits, history: Callable[[], Sequence[Line]], seed: int
    ) -> None:
        self.phase = Phase.WAITING
        self.is_stalled = False
        """The socket's buffer is full: set by the edge."""
        self.dialogue = Dialogue(capabilities, limits)
        self._limits = limits
        self._history = history
        self.actions: list[Action] = []
        """What is to be done; `take` it."""
        self._resumption = Resumption(limits.lock_s, seed)
        self._rotation = Rotation(limits)
        self._account = Account(limits, self.actions)
        self._dial_at = -math.inf
        self._deadline = math.inf
        """Of the phase."""
        self._frame_at: float | None = None
        """When the caller's last chunk came; None while the microphone is closed."""

    def take(self) -> list[Action]:
        """What is to be done now, in order."""
        actions = self.actions.copy()
        self.actions.clear()
        return actions

    @property
    def may_send(self) -> bool:
        """There is a connection, and it takes what it is given."""
        return self.phase is Phase.OPEN and not self.is_stalled

    # What happens to the socket

    def start(self, now: float) -> None:
        """Begin: the first socket is dialled."""
        self._account.begins(Outage(now, Cause.START, During.IDLE))
        self._dial_at = now
        self.tick(now)

    def upgraded(self, now: float) -> None:
        """The socket is there."""
        if self.phase is Phase.DIALING:
            self.phase, self._deadline = Phase.SETTING_UP, now + self._limits.setup_s
            self.actions.append(SetUp(self._resumption.handle))

    def failed(self, now: float, *, code: int | None = None, reason: str = "", cause: Cause | None = None) -> None:
        """The socket didn't come about, or is gone without our doing."""
        if self.phase is Phase.CLOSING:
            return self.gone(now)
        if self.phase in {Phase.OVER, Phase.WAITING}:
            return None
        failure = Failure(self._stage, code, reason, cause)
        verdict = judge(failure)
        if self.phase is Phase.OPEN:
            self._lose(verdict.cause, now, code=code, reason=reason)
        self._try_again(verdict, failure, now)
        return None

    @property
    def _stage(self) -> Stage:
        if self.phase is Phase.SETTING_UP:
            return Stage.FRESH if self._resumption.handle is None else Stage.RESUME
        return Stage.DIAL if self.phase is Phase.DIALING else Stage.RUNNING

    def gone(self, now: float) -> None:
        """The socket that `Close` was about is closed."""
        if self.phase is Phase.CLOSING:
            self.phase, self._dial_at = Phase.WAITING, max(self._dial_at, now)
            self.tick(now)

    def replace(self, now: float) -> None:
        """What a connection asks for has changed, as with another agent."""
        self.dialogue.tools.agent_changes()
        if self.phase is Phase.OPEN:
            self._switch(Cause.SETTINGS, now)

    def close(self) -> None:
        """The call is over."""
        self.actions += [Close()] if self.phase in _HAS_SOCKET else []
        self.phase = Phase.OVER

    def received(self, received: Received, now: float) -> None:
        """A message of the service's."""
        if self.phase is Phase.SETTING_UP and received.setup_complete:
            self._open(now)
        if self.phase is not Phase.OPEN:
            return
        if received.handle is not None:
            self._resumption.given(received.handle, now)
            self.dialogue.notes.covered()
        if received.go_away_s is not None:
            self._rotation.warned(received.go_away_s, now)
        had_played_until = self.dialogue.turn.plays_until
        delivered = self.dialogue.received(received, now)
        if received.pcm:
            self._account.sounds(had_played_until, self.dialogue.voice.last_at, now)
        if received.is_output or received.caller_words:
            self._resumption.proved()
        self.actions += map(Deliver, delivered)
        for news in self.dialogue.take_news():
            self._account.tell(*news)
        if self.dialogue.turn.state is State.IDLE:
            self._account.settled(None)

    # What goes to the model

    def sound(self, pcm: bytes, duration_s: float, now: float) -> bool:
        """A chunk of the caller's. True: send it at once; else it waits in the outbox."""
        at_once = self.may_send and self.dialogue.outbox.is_empty
        self._frame_at = now
        self.dialogue.hears(pcm, duration_s, now, sent=at_once)
        nobody_knows = self.phase is not Phase.OPEN or self.dialogue.turn.state is State.IDLE
        if nobody_knows and self.dialogue.barges_in(now):
            self.actions.append(Deliver(messages.INTERRUPTED))
        return at_once

    def message(self, payload: bytes, now: float, *, text: str = "", wants_answer: bool) -> None:
        """Anything else, in its place between the sound."""
        if wants_answer and self.dialogue.cut is not None:
            self._end_turn(now)  # the service would say so, but its connection is gone
        self.dialogue.asks(payload, now, text=text, wants_answer=wants_answer)

    def tool_responses(self, responses: Sequence[Response], now: float) -> None:
        self.dialogue.answers(responses, now, connected=self.phase is Phase.OPEN)

    def microphone_closed(self) -> None:
        """No sound will come for a while: what the caller said last is a turn."""
        if self._frame_at is not None:
            self._frame_at = None
            self.dialogue.voice.hush()
            self.dialogue.outbox.put_message(wire.AUDIO_STREAM_END, asks=False)

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self.phase is Phase.OVER:
            return
        if self.phase is Phase.WAITING and now >= self._dial_at:
            assert self._account.outage is not None
            self._account.outage.attempts += 1
            self.phase, self._deadline = Phase.DIALING, now + self._limits.handshake_s
            self.actions.append(Dial())
        elif self.phase in {Phase.DIALING, Phase.SETTING_UP} and now >= self._deadline:
            cause = Cause.HANDSHAKE if self.phase is Phase.DIALING else Cause.SETUP
            self.actions.append(Close())
            self._try_again(Verdict(cause, Remedy.AGAIN), Failure(self._stage), now)
            self.phase = Phase.CLOSING
        elif self.phase is Phase.OPEN:
            self._tick_open(now)
        if self._resumption.is_hopeless(self._account.outage, now, self._limits.unreachable_s):
            self.fail(Cause.UNREACHABLE)
        self._wait(now)

    def _tick_open(self, now: float) -> None:
        if self._frame_at is not None and now - self._frame_at > self._limits.frames_stop_s:
            self.microphone_closed()
        dialogue = self.dialogue
        cause = self._rotation.due(now, self._resumption, dialogue.turn, is_quiet=dialogue.is_quiet(now))
        if cause is not None:
            return self._switch(cause, now)
        self._give_up_tools(now)
        alarm = self.dialogue.watchdog.alarm(now)
        if alarm is not None:
            self._heed(alarm, now)
        return None

    def _give_up_tools(self, now: float) -> None:
        given_up = self.dialogue.give_up_tools(now - self._limits.tool_s, now)
        if given_up:
            self._account.tell(Kind.NUDGED, Cause.TOOL)
            self.actions.append(Deliver(Received({"toolCallCancellation": {"ids": given_up}}, cancelled=tuple(given_up))))

    def _heed(self, alarm: Alarm, now: float) -> None:
        dialogue = self.dialogue
        match alarm.step:
            case Step.PING:
                self.actions.append(Ping())
            case Step.COMPLETE_TURN:
                self._end_turn(now)
            case Step.NUDGE:
                self._account.tell(Kind.NUDGED, alarm.cause)
                dialogue.nudge(now)
            case Step.LEAVE_IT:
                dialogue.turn.end(now)
                self._account.settled(None)
            case Step.GIVE_UP:
                self.fail(Cause.MUTE)
            case Step.NEW_SOCKET | Step.NEW_SESSION:
                if alarm.step is Step.NEW_SESSION:
                    self._resumption.forget()
                self._close(self._lose(alarm.cause, now), now)

    # Switching

    def _switch(self, cause: Cause, now: float) -> None:
        self._close(self._begin_outage(cause, now, is_planned=True), now)

    def _close(self, outage: Outage, now: float) -> None:
        self.actions.append(Close())
        self.phase, self._dial_at = Phase.CLOSING, now + self._resumption.pause_s(outage, now)

    def _lose(self, cause: Cause, now: float, code: int | None = None, reason: str = "") -> Outage:
        outage = self._begin_outage(cause, now)
        self._resumption.lost(outage)
        self._account.tell(Kind.LOST, cause, during=outage.during, code=code, reason=reason or None)
        return outage

    def _begin_outage(self, cause: Cause, now: float, *, is_planned: bool = False) -> Outage:
        outage = Outage(now, cause, self.dialogue.during, is_planned)
        self._resumption.ended(outage)
        self._account.begins(outage)
        if self.dialogue.turn.is_left_open:
            self._end_turn(now)
        self.dialogue.lost(now)
        return outage

    def _try_again(self, verdict: Verdict, failure: Failure, now: float) -> None:
        outage = self._account.outage
        assert outage is not None
        wait_s = self._resumption.wait_s(verdict, outage, now)
        if wait_s is None:
            return self.fail(verdict.cause, code=failure.code, reason=failure.reason)
        self.phase, self._dial_at = Phase.WAITING, now + wait_s
        if outage.attempts:
            facts = {"code": failure.code, "reason": failure.reason or None}
            self._account.tell(Kind.RETRYING, verdict.cause, attempts=outage.attempts, wait_ms=round(1000 * wait_s), **facts)
        return None

    def _open(self, now: float) -> None:
        self.phase = Phase.OPEN
        self._rotation.opened(now)
        self._resumption.opened(self._account.outage, now)
        self.is_stalled = False
        replayed_s = self.dialogue.outbox.rewind()
        self._account.lost_sound(self.dialogue.outbox.lost_s)
        forgotten = self._resumption.handle is None and self._account.has_begun
        if forgotten:
            self.dialogue.tools.lost_socket(forgets=True)
        self.dialogue.resume(self._history() if forgotten else (), now)
        owes = self.dialogue.owes_sound or self.dialogue.outbox.asks_something
        self._account.opened(now, replayed_s=replayed_s, with_history=forgotten, owes_sound=owes)

    def _wait(self, now: float) -> None:
        outage = self._account.outage
        lost_at = outage.since if outage is not None and self.phase is not Phase.OPEN else None
        is_first = outage is not None and outage.cause is Cause.START
        since = lost_at if is_first else silent_since(self.dialogue, lost_at)
        if since is None or self.phase is Phase.OVER or (number := self._account.waits(since, now)) is None:
            return
        if self.dialogue.turn.state is State.SPEAKING or self.dialogue.cut is not None:
            self.dialogue.cut_if_speaking()
            self._end_turn(now)  # so that something else can be said
        usual = Cause.TOOL if self.dialogue.tools.is_running else Cause.UNANSWERED
        self._account.tell(Kind.WAITING, outage.cause if outage is not None else usual, attempts=number)

    def _end_turn(self, now: float) -> None:
        """For the conversation, the answer ends here; what may follow is another."""
        self.actions.append(Deliver(messages.TURN_COMPLETE))
        self.dialogue.close_answer(now)

    def fail(self, cause: Cause, code: int | None = None, reason: str = "") -> None:
        """There is no use in going on."""
        if self.phase is not Phase.OVER:
            self.close()
            self._account.tell(Kind.FAILED, cause, code=code, reason=reason or None)
