"""The pace of pictures: when the next of the caller's camera or screen goes to the model, and of which source. Pure."""

import math
from dataclasses import dataclass

SPEAKING_EVERY_S = 1.0
"""The least time between two pictures. The service takes one a second (docs/facts.md G60)."""
QUIET_EVERY_S = 3.0
"""The time between two pictures while nobody speaks.

A picture stays in the context and is billed again on every turn (docs/facts.md G6, G61). Nobody asks about a picture without
speaking or typing, and one that is three seconds old shows what is being talked about.
"""
_RETRY_S = 0.5
"""The time until a picture that no connection took is tried again: the link may be open then."""


@dataclass(frozen=True)
class Viewing:
    """The facts that a picture for the model depends on, at one moment."""

    takes: bool
    """A picture would go out now: a connection is set up, and its buffer isn't full."""
    speaks: bool
    """The caller or the agent speaks."""
    media_resolution: str | None = None
    """The `mediaResolution` that the setup asks for."""


class PicturePace:
    """The pictures of one call: at most one waits for each source, and two sources take turns."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        """The sources that have a picture, in the order in which they got one."""
        self._shown_at: dict[str, float] = {}
        """The time at which the last picture of each source went to the model."""
        self._last_source: str | None = None
        self._sent_at = -math.inf
        self._retry_at = -math.inf

    def offer(self, source: str) -> None:
        """A picture of the source waits; a newer one takes its place."""
        self._waiting.setdefault(source)

    def withdraw(self, source: str) -> None:
        """The source has no picture any more: it is muted, or has ended."""
        self._waiting.pop(source, None)
        self._shown_at.pop(source, None)

    def opened(self, known_until: float) -> None:
        """A connection is open: the pictures that its session may not know wait again.

        A screen that doesn't change may bring no other picture. `known_until`: the session may not know what was sent from this
        time on; minus infinity: it is a new session.
        """
        for source, shown_at in self._shown_at.items():
            if shown_at >= known_until:
                self.offer(source)

    def next_at(self, *, speaks: bool) -> float:
        """The time at which a picture may go; infinity while none waits. `speaks`: the caller or the agent speaks now."""
        if not self._waiting:
            return math.inf
        return max(self._sent_at + (SPEAKING_EVERY_S if speaks else QUIET_EVERY_S), self._retry_at)

    def take(self, now: float, *, speaks: bool) -> str | None:
        """The source whose picture is to be sent now. None: none is."""
        if now < self.next_at(speaks=speaks):
            return None
        others = [source for source in self._waiting if source != self._last_source]
        source = others[0] if others else next(iter(self._waiting))
        del self._waiting[source]
        self._shown_at.pop(source, None)  # a connection that opens before this one is sent is sent this one
        return source

    def sent(self, source: str, now: float) -> None:
        """A picture of the source went to the model."""
        self._sent_at, self._last_source = now, source
        self._shown_at[source] = now

    def refused(self, now: float) -> None:
        """No connection takes a picture now."""
        self._retry_at = now + _RETRY_S
