"""The time limits of connections and sessions: goAway, and the closes that end them. Pure.

A connection ends at the earliest of its limits; the context window is usage.py's. Those that the service announces (the
connection's and the session's) are told by a goAway some time before; the others come without a word. Evidence tags as in
emulator/profiles.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Self

from emulator import closes
from emulator.closes import Close
from emulator.messages import Json


@dataclass(frozen=True)
class Limits:
    """The time limits of connections and sessions, in seconds."""

    connection_s: float = 590.0
    """From the start of a connection to its close with 1008. Recorded: 590.22, n=2. Documented: about 10 minutes."""
    warning_s: float = 50.0
    """From goAway to the close. Recorded: `timeLeft` "50s" at 540.16. Reported for Vertex: 30 s."""
    session_s: float = 900.0
    """From the start of a session to its end, over all of its connections, without context window compression. Documented; how
    it ends is guessed, from the recorded sentence's "session duration"."""
    video_session_s: float = 120.0
    """From a session's first video to its end. Documented as 2 minutes; that they begin with the video is guessed."""
    idle_s: float = 150.0
    """From the last client message to the close. Recorded: 150.3. Silence that is sent keeps a connection."""
    token_s: float | None = None
    """From the start of the connection to the expiry of its ephemeral token; None without one. Recorded: within 1 s of it."""

    def scaled(self, factor: float) -> Self:
        """The limits with all times multiplied, for tests."""
        times = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(self, **{name: value * factor for name, value in times.items() if value is not None})


@dataclass
class Age:
    """The times of a session that its next connection goes on with: its start and its first video, on the clock of `now`."""

    started_at: float
    video_since: float | None = None

    def begin_video(self, now: float) -> None:
        """Note the session's first video."""
        self.video_since = now


class Lifetime:
    """The limits of one connection, as time passes. Ask `due` for what to send, then `close`; both again at `next_at`."""

    def __init__(self, limits: Limits, now: float, age: Age, *, compressed: bool = False) -> None:
        self._limits = limits
        self._connected_at = now
        self._age = age
        self._compressed = compressed
        self._received_at = now
        self._changed_at = now
        """The time at which the first video moved the end nearer: a goAway can't have been due before."""
        self._announced = False

    def received(self, now: float, *, video: bool = False) -> None:
        """Note that the client sent a message at `now`."""
        self._received_at = now
        if video and self._age.video_since is None:
            self._age.begin_video(now)
            self._changed_at = now

    def due(self, now: float) -> list[Json]:
        """The goAway, once, when its time has come."""
        when, ends_at = self._announced_end()
        if self._announced or now < when:
            return []
        self._announced = True
        return [{"goAway": {"timeLeft": duration(ends_at - when)}}]

    def close(self, now: float) -> Close | None:
        """The close of the limit that is over by now, if one is."""
        when, close = min(self._ends(), key=lambda end: end[0])
        return close if when <= now else None

    @property
    def next_at(self) -> float:
        """The time at which `due` or `close` has something new, if nothing is received before."""
        ends_at = min(when for when, _ in self._ends())
        return ends_at if self._announced else min(ends_at, self._announced_end()[0])

    def _announced_end(self) -> tuple[float, float]:
        """The time at which the goAway is due, and the end that it announces."""
        ends_at = self._connected_at + self._limits.connection_s
        if not self._compressed:
            ends_at = min(ends_at, self._age.started_at + self._limits.session_s)
            if self._age.video_since is not None:
                ends_at = min(ends_at, self._age.video_since + self._limits.video_session_s)
        ends_at = max(ends_at, self._changed_at)
        return max(ends_at - self._limits.warning_s, self._changed_at), ends_at

    def _ends(self) -> Iterator[tuple[float, Close]]:
        yield self._announced_end()[1], closes.GO_AWAY_IGNORED
        yield self._received_at + self._limits.idle_s, closes.IDLE
        if self._limits.token_s is not None:
            yield self._connected_at + self._limits.token_s, closes.TOKEN_EXPIRED


def duration(seconds: float) -> str:
    """A Duration as proto3 writes it in JSON: without a fraction, or with three digits of it."""
    return f"{seconds:.0f}s" if round(seconds, 3) == round(seconds) else f"{seconds:.3f}s"
