"""Whether there is a socket: one after the other, never two. Pure.

What happens (rows) in each state (columns), and which state comes next. `.` means that it stays; a cell with several names
says all that may follow. tests/agent/gemini/connection/ reads this table.

    event        Waiting        Dialling       SettingUp      Open           Closing    Over
    start        Dialling       .              .              .              .          .
    time_passes  . Dialling     . Closing      . Closing      .              .          .
    upgraded     .              SettingUp      .              .              .          .
    set_up       .              .              Open           .              .          .
    failed       .              Waiting Over   Waiting Over   Waiting Over   Waiting    .
    gone         .              .              .              .              Waiting    .
    replace      .              .              Closing        Closing        .          .
    give_up      Over           Over           Over           Over           Over       Over
    too_long     Over           Over           Over           .              Over       .

`failed` ends in Over where another attempt would fail the same way (closes.py). `too_long` is time that passes when there has
been no connection for `unreachable_s`, or none that lasted; it is decided in `time_passes`. `abandon` changes Open as `replace`
does, `end` is as `give_up`.
"""

import dataclasses
import math
import random

from agent.gemini.actions import Close, Dial, SetUp, Tell
from agent.gemini.connection.closes import Failure, Remedy, Stage, Verdict, judge
from agent.gemini.connection.outage import Outage
from agent.gemini.connection.session_handle import SessionHandle
from agent.gemini.connection.states import (
    Closing,
    Dialling,
    Lost,
    Open,
    Opened,
    Outcome,
    Over,
    SettingUp,
    State,
    Waiting,
)
from agent.gemini.events import Cause, Kind, LinkEvent
from agent.gemini.limits import LinkLimits
from agent.gemini.setup_change import Change

LASTS_AFTER_S = 10.0
"""A connection that is lost sooner counts as short-lived, whatever it has done."""
_MOST_SILENT = 2
"""The session itself is taken for broken after this many connections in a row that neither heard nor spoke."""
_MOST_SHORT_LIVED = 6
"""The session itself is taken for broken after this many short-lived connections in a row."""


class Connection:
    """The sockets of one conversation. Each method returns what is to be done and what it means, in order.

    `handle`: of the session that the first connection resumes, if it is given one; of the conversation's own session later.
    """

    def __init__(self, limits: LinkLimits, seed: int, handle: SessionHandle | None = None) -> None:
        self.state: State = Waiting(math.inf, Outage(math.inf, Cause.START))
        self._limits = limits
        self._handle = handle or SessionHandle(limits.lock_s)
        self._random = random.Random(seed)  # noqa: S311 - jitter

    @property
    def next_at(self) -> float:
        """The time at which `time_passes` has something to do; infinity for never."""
        state = self.state
        if isinstance(state, Open | Over):
            return math.inf
        hopeless_at = state.outage.hopeless_at(self._limits.unreachable_s)
        match state:
            case Waiting(at) | Dialling(at) | SettingUp(at):
                return min(at, hopeless_at)
        return hopeless_at

    def goes_on(self) -> None:
        """The conversation was begun by another process: a session that isn't resumed is a new one, and knows nothing."""
        if not isinstance(self.state, Open | Over):
            self.state = dataclasses.replace(self.state, outage=dataclasses.replace(self.state.outage, cause=Cause.PROCESS))

    def start(self, now: float) -> list[Outcome]:
        """Dial for the first time, unless the call is over already."""
        if not isinstance(self.state, Waiting):
            return []
        self.state = Waiting(now, Outage(now, self.state.outage.cause))
        return self.time_passes(now)

    def time_passes(self, now: float) -> list[Outcome]:
        """`next_at` is reached."""
        state = self.state
        if isinstance(state, Open | Over) or now < self.next_at:
            return []
        if now >= state.outage.hopeless_at(self._limits.unreachable_s):
            return self.give_up(Cause.UNREACHABLE)
        match state:
            case Waiting(_, outage):
                self.state = Dialling(now + self._limits.handshake_s, dataclasses.replace(outage, attempts=outage.attempts + 1))
                return [Dial()]
            case Dialling():
                return [Close(), *self._dial_again(Verdict(Cause.HANDSHAKE, Remedy.AGAIN), Failure(Stage.DIAL), now, Closing)]
            case SettingUp():
                return [Close(), *self._dial_again(Verdict(Cause.SETUP, Remedy.AGAIN), Failure(self._stage), now, Closing)]
        return []

    def upgraded(self, now: float) -> list[Outcome]:
        """The socket is there."""
        if not isinstance(self.state, Dialling):
            return []
        self.state = SettingUp(now + self._limits.setup_s, self.state.outage)
        return [SetUp(self._handle.value)]

    def set_up(self, now: float) -> list[Outcome]:
        """The service has sent `setupComplete`."""
        if not isinstance(self.state, SettingUp):
            return []
        outage = self.state.outage
        unsteady_since, change = min(outage.unsteady_since, outage.since), self.state.change
        self.state = Open(now, outage.short_lived, unsteady_since, outage, change=change, changed_at=now)
        self._handle.opened()
        resumes = self._handle.value is not None
        known_until = self._handle.given_at if resumes else -math.inf
        remembers = resumes or outage.cause is Cause.START
        return [Opened(outage, remembers=remembers, resumes=resumes, known_until=known_until)]

    def failed(self, now: float, *, code: int | None = None, reason: str = "", cause: Cause | None = None) -> list[Outcome]:
        """The socket didn't come about, or is gone without our doing."""
        if isinstance(self.state, Closing):
            return self.gone(now)
        if isinstance(self.state, Over | Waiting):
            return []
        failure = Failure(self._stage, code, reason, cause)
        verdict = judge(failure)
        lost: list[Outcome] = [self._lost(verdict.cause, now, code=code, reason=reason)] if isinstance(self.state, Open) else []
        return lost + self._dial_again(verdict, failure, now, Waiting)

    def gone(self, now: float) -> list[Outcome]:
        """The socket that `Close` was about is closed."""
        if isinstance(self.state, Closing):
            self.state = Waiting(max(self.state.dial_at, now), self.state.outage)
        return []

    def replace(self, cause: Cause, now: float) -> list[Outcome]:
        """Close a connection that works, or whose setup isn't wanted any more, to open another."""
        if isinstance(self.state, SettingUp):
            self.state = Closing(now, self.state.outage)
            return [Close()]
        return self._close(cause, now, is_planned=True)

    def abandon(self, cause: Cause, now: float, *, session_too: bool) -> list[Outcome]:
        """Close a connection that is of no use, to open another; `session_too`: to begin a new session by it."""
        if session_too:
            self._handle.forget()
        return self._close(cause, now, is_planned=False)

    def give_up(self, cause: Cause, code: int | None = None, reason: str = "") -> list[Outcome]:
        """End for good: going on is of no use."""
        if isinstance(self.state, Over):
            return []
        return [*self.end(), Tell(LinkEvent(Kind.FAILED, cause, code=code, reason=reason or None))]

    def end(self) -> list[Outcome]:
        """The call is over."""
        has_socket = isinstance(self.state, Dialling | SettingUp | Open)
        self.state = Over()
        return [Close()] if has_socket else []

    # Settings that are newer than the connection's

    @property
    def change(self) -> Change:
        """The way in which the open connection comes to the newest settings. NONE also without an open connection."""
        return self.state.change if isinstance(self.state, Open) else Change.NONE

    def settings_change(self, change: Change, now: float) -> None:
        """Other settings are asked for than the connection was told of; or, with NONE, the same ones again."""
        if isinstance(self.state, SettingUp):
            self.state = dataclasses.replace(self.state, change=change)
        elif isinstance(self.state, Open) and change is not self.state.change:
            self.state = dataclasses.replace(self.state, change=change, changed_at=now)

    def updated(self) -> None:
        """The open connection was told the newest settings."""
        if isinstance(self.state, Open):
            self.state = dataclasses.replace(self.state, change=Change.NONE)

    def change_at(self, quiet_from: float, turn_ended_at: float, turn_begins_at: float) -> float:
        """The time at which a connection that needs another one for its settings is to be replaced; infinity for never.

        It is the first quiet moment. A turn of the caller's that begins later than the change doesn't put it off: what is said
        in it goes to the new connection.

        Args:
            quiet_from: from when on nobody speaks or waits; infinity while somebody does.
            turn_ended_at: a handle that was given after that is worth a moment's wait.
            turn_begins_at: since when the caller speaks, where nothing else is under way; infinity otherwise.
        """
        state = self.state
        if not isinstance(state, Open) or state.change is not Change.CONNECTION:
            return math.inf
        begins_later = state.changed_at <= turn_begins_at < math.inf
        return max(turn_begins_at if begins_later else quiet_from, self._fresh_from(turn_ended_at))

    # What the service says about the connection

    def handle_given(self, handle: str, now: float) -> None:
        """The service has sent a handle to resume by."""
        self._handle.given(handle, now)

    def warned(self, left_s: float, now: float) -> None:
        """The service will close in so many seconds."""
        if isinstance(self.state, Open):
            by = now + max(left_s - self._limits.goaway_margin_s, left_s / 2)
            self.state = dataclasses.replace(self.state, replace_cause=Cause.GOAWAY, replace_by=min(self.state.replace_by, by))

    def proved(self) -> None:
        """The session works: it has heard, or spoken."""
        if isinstance(self.state, Open) and self.state.unproved is not None:
            self.state = dataclasses.replace(self.state, unproved=None)

    def replace_at(self, quiet_from: float, turn_ended_at: float) -> float:
        """The times at which a connection that works is to be replaced: at a quiet moment, and at the deadline at any moment.

        Args:
            quiet_from: from when on nobody speaks or waits; infinity while somebody does.
            turn_ended_at: a handle that was given after that is worth a moment's wait.
        """
        state = self.state
        if not isinstance(state, Open):
            return math.inf
        wanted_from = state.since + self._limits.oldest_s if state.replace_cause is None else -math.inf
        # a service that warns each new connection at once isn't asked for one after the other
        lasts_from = state.since + LASTS_AFTER_S if state.short_lived else -math.inf
        return min(state.replace_by, max(wanted_from, quiet_from, lasts_from, self._fresh_from(turn_ended_at)))

    def _fresh_from(self, turn_ended_at: float) -> float:
        """The time from which on a handle that covers the last turn isn't waited for."""
        return -math.inf if self._handle.given_at >= turn_ended_at else turn_ended_at + self._limits.handle_wait_s

    @property
    def replace_cause(self) -> Cause:
        """The cause of a replacement at `replace_at`."""
        warned = self.state.replace_cause if isinstance(self.state, Open) else None
        return warned or Cause.AGE

    @property
    def _stage(self) -> Stage:
        match self.state:
            case SettingUp():
                return Stage.FRESH if self._handle.value is None else Stage.RESUME
            case Open():
                return Stage.RUNNING
        return Stage.DIAL

    def _close(self, cause: Cause, now: float, *, is_planned: bool) -> list[Outcome]:
        if not isinstance(self.state, Open):
            return []
        lost = self._lost(cause, now, is_planned=is_planned)
        outage = lost.outage
        pause_s = outage.retry_in_s(cause, now, self._jitter()) if outage.retries_before else 0.0
        self.state = Closing(now + pause_s, outage)
        return [lost, Close()]

    def _lost(self, cause: Cause, now: float, *, code: int | None = None, reason: str = "", is_planned: bool = False) -> Lost:
        """The outage that the end of this connection begins.

        It takes over the counts of connections that didn't last or stayed silent: by them the next is dialled later, and in the
        end none.
        """
        assert isinstance(self.state, Open)
        opened, before = self.state, self.state.unproved
        outage = Outage(now, cause, is_planned)
        if before is not None:
            silent = before.silent_connections if is_planned else 0
            outage = dataclasses.replace(outage, session_broke=before.session_broke, silent_connections=silent)
        if now - opened.since >= LASTS_AFTER_S:
            outage = dataclasses.replace(outage, unsteady_since=now)
        else:
            short_lived, unsteady_since = opened.short_lived, opened.unsteady_since
            outage = dataclasses.replace(outage, short_lived=short_lived, unsteady_since=unsteady_since)
            if not (is_planned and cause is Cause.SETTINGS):  # that was the worker's own wish
                outage = dataclasses.replace(outage, retries_before=short_lived, short_lived=short_lived + 1)
                if outage.short_lived == _MOST_SHORT_LIVED:
                    self._handle.forget()
        if before is not None and not is_planned and now - opened.since <= LASTS_AFTER_S:
            outage = self._goes_on(before, outage)
        self.state = Waiting(now, outage)
        return Lost(outage, code, reason)

    def _goes_on(self, before: Outage, outage: Outage) -> Outage:
        """A service that lets in and drops isn't back: the outage before goes on."""
        silent = before.silent_connections + 1
        if silent < _MOST_SILENT:
            return dataclasses.replace(outage, since=before.since, silent_connections=silent)
        self._handle.forget()
        return dataclasses.replace(outage, since=before.since, silent_connections=silent, attempts=before.attempts)

    def _dial_again(self, verdict: Verdict, failure: Failure, now: float, then: type[Waiting] | type[Closing]) -> list[Outcome]:
        assert not isinstance(self.state, Open | Over)
        outage = self.state.outage
        breaks = verdict.remedy is Remedy.WITH_HISTORY
        if verdict.remedy is Remedy.NONE or (breaks and outage.session_broke):
            self.state = Over()
            return [Tell(LinkEvent(Kind.FAILED, verdict.cause, code=failure.code, reason=failure.reason or None))]
        outage = dataclasses.replace(outage, session_broke=outage.session_broke or breaks)
        wait_s = self._prepare_attempt(verdict, outage, now)
        self.state = then(now + wait_s, outage)
        if not outage.attempts or not outage.tells_attempt:
            return []
        facts = LinkEvent(Kind.RETRYING, verdict.cause, code=failure.code, reason=failure.reason or None)
        return [Tell(dataclasses.replace(facts, attempts=outage.attempts, wait_ms=round(1000 * wait_s)))]

    def _prepare_attempt(self, verdict: Verdict, outage: Outage, now: float) -> float:
        """Forget a handle that is of no use. Returns how long to wait before the next attempt, in seconds."""
        is_locked_out = self._handle.attempt_failed(verdict.cause, outage.cause, now)
        if verdict.remedy is not Remedy.AGAIN or is_locked_out:
            self._handle.forget()
            if not outage.retries_before:
                return 0.0
        return outage.retry_in_s(verdict.cause, now, self._jitter())

    def _jitter(self) -> float:
        return self._random.uniform(0.8, 1.0)
