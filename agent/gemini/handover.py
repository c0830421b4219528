"""The link's decisions: when to dial, switch, send again, remind, give up. Pure: what happens and `now` in, actions out.

There is at most one socket. It is opened by `Dial`, used after `SetUp` and the service's `setupComplete`, and closed by
`Close`, which the edge answers with `gone`; only then comes the next `Dial`. Messages to the model wait in the outbox
meanwhile. The agent's side of a loss: what has come is played out; the answer is kept open for its continuation for as long
as the caller doesn't notice, and then closed, so that something else can be said.
"""

import math
import random
from collections.abc import Callable, Sequence

from agent.gemini import wire
from agent.gemini.capabilities import Capabilities
from agent.gemini.closes import Failure, Remedy, Stage, Verdict, judge
from agent.gemini.dialogue import Dialogue
from agent.gemini.news import Cause, During, Kind, Line, LinkEvent
from agent.gemini.orders import Action, Close, Deliver, Dial, Limits, Phase, Ping, SetUp, Tell
from agent.gemini.outage import Outage
from agent.gemini.tool_ledger import Response
from agent.gemini.turn import State
from agent.gemini.watchdog import Alarm, Step
from agent.gemini.wire import Received

TICK_S = 0.1
"""How often `tick` is to be called."""
_ENDED = Received({"serverContent": {"turnComplete": True}}, turn_complete=True)
_INTERRUPTED = Received({"serverContent": {"interrupted": True, "turnComplete": True}}, interrupted=True, turn_complete=True)


class Handover:
    """One conversation's sockets. `history` tells what was heard so far, for a session that has forgotten."""

    def __init__(self, capabilities: Capabilities, limits: Limits, history: Callable[[], Sequence[Line]], seed: int) -> None:
        self.phase = Phase.WAITING
        self.is_stalled = False
        """The socket's buffer is full: set by the edge."""
        self.dialogue = Dialogue(capabilities, limits)
        self._limits = limits
        self._history = history
        self._random = random.Random(seed)  # noqa: S311 - jitter
        self._actions: list[Action] = []
        self._handle: str | None = None
        self._handle_at = -math.inf
        self._dial_at = -math.inf
        self._deadline = math.inf
        """Of the phase."""
        self._opened_at = -math.inf
        self._switch_at = math.inf
        """By when a planned switch must have happened."""
        self._switch_cause: Cause | None = None
        self._outage: Outage | None = None
        self._locked_since: float | None = None
        self._is_fresh_after_break = False
        self._was_connected = False
        self._told_waiting = 0
        self._frame_at: float | None = None
        """When the caller's last chunk came; None while the microphone is closed."""
        self._told_lost_s = 0.0

    def take(self) -> list[Action]:
        """What is to be done now, in order."""
        actions, self._actions = self._actions, []
        return actions

    @property
    def may_send(self) -> bool:
        """There is a connection, and it takes what it is given."""
        return self.phase is Phase.OPEN and not self.is_stalled

    # What happens to the socket

    def start(self, now: float) -> None:
        """Begin: the first socket is dialled."""
        self._outage = Outage(now, Cause.START, During.IDLE)
        self._dial_at = now
        self.tick(now)

    def upgraded(self, now: float) -> None:
        """The socket is there."""
        if self.phase is Phase.DIALING:
            self.phase, self._deadline = Phase.SETTING_UP, now + self._limits.setup_s
            self._actions.append(SetUp(self._handle))

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
            return Stage.FRESH if self._handle is None else Stage.RESUME
        return Stage.DIAL if self.phase is Phase.DIALING else Stage.RUNNING

    def gone(self, now: float) -> None:
        """The socket that `Close` was about is closed."""
        if self.phase is Phase.CLOSING:
            self.phase, self._dial_at = Phase.WAITING, max(self._dial_at, now)
            self.tick(now)

    def pong(self, now: float) -> None:
        self.dialogue.watchdog.received(now)

    def replace(self, now: float) -> None:
        """What a connection asks for has changed."""
        if self.phase is Phase.OPEN:
            self._switch(Cause.SETTINGS, now)

    def close(self) -> None:
        """The call is over."""
        if self.phase in {Phase.DIALING, Phase.SETTING_UP, Phase.OPEN}:
            self._actions.append(Close())
        self.phase = Phase.OVER

    def received(self, received: Received, now: float) -> None:
        """A message of the service's."""
        if self.phase is Phase.SETTING_UP and received.setup_complete:
            self._open(now)
        if self.phase is not Phase.OPEN:
            return
        if received.handle is not None:
            self._handle, self._handle_at = received.handle, now
        if received.go_away_s is not None:
            self._plan(Cause.GOAWAY, now + max(received.go_away_s - self._limits.goaway_margin_s, received.go_away_s / 2))
        had_spoken = self.dialogue.turn.plays_until
        delivered = self.dialogue.received(received, now)
        if received.pcm:
            self._speaks_again(had_spoken, now)
        if received.is_output or received.caller_words:
            self._is_fresh_after_break = False
        for each in delivered:
            self._actions.append(Deliver(each))
        if self.dialogue.ignored is not None:
            self._tell(Kind.IGNORED, self.dialogue.ignored)
            self.dialogue.ignored = None
        if self.dialogue.turn.state is State.IDLE:
            self._report(gap_s=None)

    # What goes to the model

    def sound(self, pcm: bytes, duration_s: float, now: float) -> bool:
        """A chunk of the caller's. True: send it at once; else it waits in the outbox."""
        at_once = self.may_send and self.dialogue.outbox.is_empty
        self._frame_at = now
        self.dialogue.hears(pcm, duration_s, now, sent=at_once)
        if self.phase is not Phase.OPEN and self.dialogue.barges_in(now):
            self._actions.append(Deliver(_INTERRUPTED))
        return at_once

    def message(self, payload: bytes, now: float, *, wants_answer: bool) -> None:
        """Anything else, in its place between the sound."""
        if wants_answer and self.dialogue.is_cut:
            self._end_turn(now)  # the service would say so, but its connection is gone
        self.dialogue.asks(payload, now, wants_answer=wants_answer)

    def tool_responses(self, responses: Sequence[Response], now: float) -> None:
        self.dialogue.answers(responses, now, connected=self.phase is Phase.OPEN)

    def microphone_closed(self) -> None:
        """No sound will come for a while: what the caller said last is a turn."""
        if self._frame_at is not None:
            self._frame_at = None
            self.dialogue.voice.hush()
            self.dialogue.outbox.put_message(wire.AUDIO_STREAM_END)

    # Time

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self.phase is Phase.OVER:
            return
        if self.phase is Phase.WAITING and now >= self._dial_at:
            assert self._outage is not None
            self._outage.attempts += 1
            self.phase, self._deadline = Phase.DIALING, now + self._limits.handshake_s
            self._actions.append(Dial())
        elif self.phase in {Phase.DIALING, Phase.SETTING_UP} and now >= self._deadline:
            cause = Cause.HANDSHAKE if self.phase is Phase.DIALING else Cause.SETUP
            self._actions.append(Close())
            self._try_again(Verdict(cause, Remedy.AGAIN), Failure(self._stage), now)
            self.phase = Phase.CLOSING
        elif self.phase is Phase.OPEN:
            self._tick_open(now)
        outage = self._outage
        if outage is not None and outage.took_s is None and now - outage.since > self._limits.unreachable_s:
            self._fail(Cause.UNREACHABLE)
        self._wait(now)

    def _tick_open(self, now: float) -> None:
        if self._frame_at is not None and now - self._frame_at > self._limits.frames_stop_s:
            self.microphone_closed()
        if now - self._opened_at > self._limits.oldest_s:
            self._plan(Cause.AGE, math.inf)
        quiet = self.dialogue.is_quiet
        fresh = (
            self._handle_at >= self.dialogue.turn.ended_at or now - self.dialogue.turn.ended_at >= self._limits.handle_wait_s
        )
        if self._switch_cause is not None and ((quiet and fresh) or now >= self._switch_at):
            return self._switch(self._switch_cause, now)
        alarm = self.dialogue.watchdog.alarm(now)
        if alarm is not None:
            self._heed(alarm, now)
        return None

    def _heed(self, alarm: Alarm, now: float) -> None:
        dialogue = self.dialogue
        match alarm.step:
            case Step.PING:
                self._actions.append(Ping())
            case Step.COMPLETE_TURN:
                self._end_turn(now)
            case Step.NUDGE:
                self._tell(Kind.NUDGED, alarm.cause)
                dialogue.cut_if_speaking()
                dialogue.remind(now)
            case Step.LEAVE_IT:
                dialogue.turn.end(now)
            case Step.GIVE_UP:
                self._fail(Cause.MUTE)
            case Step.NEW_SOCKET | Step.NEW_SESSION:
                if alarm.step is Step.NEW_SESSION:
                    self._forget()
                self._lose(alarm.cause, now)
                self._close(now)

    # Switching

    def _plan(self, cause: Cause, at: float) -> None:
        self._switch_at = min(self._switch_at, at)
        self._switch_cause = self._switch_cause or cause

    def _switch(self, cause: Cause, now: float) -> None:
        self._begin_outage(cause, now)
        assert self._outage is not None
        self._outage.is_planned = True
        self._close(now)

    def _close(self, now: float) -> None:
        self._actions.append(Close())
        self.phase, self._dial_at = Phase.CLOSING, now

    def _lose(self, cause: Cause, now: float, code: int | None = None, reason: str = "") -> None:
        self._begin_outage(cause, now)
        assert self._outage is not None
        self._tell(Kind.LOST, cause, during=self._outage.during, code=code, reason=reason or None)

    def _begin_outage(self, cause: Cause, now: float) -> None:
        self._report(gap_s=None)
        self._outage = Outage(now, cause, self.dialogue.during)
        self._switch_at, self._switch_cause = math.inf, None
        if self.dialogue.turn.state is State.SPOKEN:
            self._end_turn(now)
        self.dialogue.lost()

    def _try_again(self, verdict: Verdict, failure: Failure, now: float) -> None:
        outage = self._outage
        assert outage is not None
        remedy = verdict.remedy
        if remedy is Remedy.WITH_HISTORY and self._is_fresh_after_break:
            remedy = Remedy.NONE
        if remedy is Remedy.NONE:
            return self._fail(verdict.cause, code=failure.code, reason=failure.reason)
        if remedy is Remedy.WITH_HISTORY:
            self._is_fresh_after_break = True
        if remedy is not Remedy.AGAIN or self._is_locked_out(verdict.cause, now):
            self._forget()
        wait_s = outage.retry_in_s(verdict.cause, now, self._random.uniform(0.8, 1.0))
        self.phase, self._dial_at = Phase.WAITING, now + wait_s
        if outage.attempts:
            facts = {"code": failure.code, "reason": failure.reason or None}
            self._tell(Kind.RETRYING, verdict.cause, attempts=outage.attempts, wait_ms=round(1000 * wait_s), **facts)
        return None

    def _is_locked_out(self, cause: Cause, now: float) -> bool:
        if cause is not Cause.LOCKED:
            self._locked_since = None
            return False
        self._locked_since = now if self._locked_since is None else self._locked_since
        return now - self._locked_since >= self._limits.lock_s

    def _forget(self) -> None:
        """What comes next is a new session."""
        self._handle, self._locked_since = None, None
        self.dialogue.tools.lost_socket(forgets=True)

    def _open(self, now: float) -> None:
        outage = self._outage
        assert outage is not None
        self.phase, self._opened_at, self._locked_since = Phase.OPEN, now, None
        outage.took_s = now - outage.since
        outage.replayed_s = self.dialogue.outbox.rewind()
        self.is_stalled = False
        self._tell_losses()
        forgotten = self._handle is None and self._was_connected
        outage.with_history = forgotten
        self.dialogue.resume(self._history() if forgotten else (), now)
        if not self._was_connected:
            self._was_connected, self._outage = True, None
            self._actions.append(Tell(outage.connected()))
        elif not self.dialogue.owes_sound:
            self._report(gap_s=0.0)

    def _tell_losses(self) -> None:
        lost_s, self._told_lost_s = self.dialogue.outbox.lost_s - self._told_lost_s, self.dialogue.outbox.lost_s
        if lost_s > 0:
            self._tell(Kind.DROPPED, Cause.OVERFLOW, lost_ms=round(1000 * lost_s))

    # What the caller notices

    def _speaks_again(self, had_spoken_until: float, now: float) -> None:
        self._told_waiting = 0
        if self._outage is not None:
            self._report(gap_s=max(now - max(self._outage.since, had_spoken_until), 0.0))

    def _report(self, *, gap_s: float | None) -> None:
        """The outage is over for the caller as well."""
        if self._outage is not None and self._outage.took_s is not None:
            self._actions.append(Tell(self._outage.over(gap_s)))
            self._outage = None

    def _wait(self, now: float) -> None:
        lost_at = self._outage.since if self._outage is not None and self.phase is not Phase.OPEN else None
        if self._outage is not None and self._outage.cause is Cause.START:
            since: float | None = self._outage.since
        else:
            since = self.dialogue.silent_since(lost_at)
        if since is None or self.phase is Phase.OVER:
            return
        limits = self._limits
        if now - since < limits.waiting_s + self._told_waiting * limits.waiting_again_s:
            return
        self._told_waiting += 1
        if self.dialogue.turn.state is State.SPEAKING or self.dialogue.is_cut:
            self._end_turn(now)
        cause = self._outage.cause if self._outage is not None else Cause.UNANSWERED
        self._tell(Kind.WAITING, cause, attempts=self._told_waiting)

    def _end_turn(self, now: float) -> None:
        """For the conversation, the answer ends here; what may follow is another."""
        self._actions.append(Deliver(_ENDED))
        self.dialogue.close_answer(now)

    def _fail(self, cause: Cause, code: int | None = None, reason: str = "") -> None:
        if self.phase in {Phase.DIALING, Phase.SETTING_UP, Phase.OPEN}:
            self._actions.append(Close())
        self.phase = Phase.OVER
        self._tell(Kind.FAILED, cause, code=code, reason=reason or None)

    def _tell(self, kind: Kind, cause: Cause, **facts: object) -> None:
        self._actions.append(Tell(LinkEvent(kind, cause, **facts)))  # type: ignore[arg-type]
