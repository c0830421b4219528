"""How a conversation goes on in another process when its own has died: what is saved, and what the other begins with. Pure.

The link of the other process begins as if its connection had just been lost in the saved state. The paths that mend a loss do
the rest: the session is resumed by the handle, or a new one is told the conversation; what the model owes is asked for; results
of tools are sent; what the model may not have heard of the caller is sent again.
"""

import math
from collections.abc import Callable

from agent.gemini.connection.machine import Connection
from agent.gemini.connection.session_handle import SessionHandle
from agent.gemini.exchange.exchange import Exchange
from agent.gemini.exchange.translation import Translation
from agent.gemini.exchange.uplink import Uplink
from agent.gemini.initial_history import InitialHistory
from agent.gemini.reporting import Reporting
from agent.gemini.snapshot import SavedLink


class Continuation:
    """The state of one link, to be saved and to be begun from."""

    def __init__(
        self,
        handle: SessionHandle,
        connection: Connection,
        reporting: Reporting,
        exchange: Exchange | Translation,
        uplink: Uplink,
    ) -> None:
        self._handle = handle
        self._connection = connection
        self._reporting = reporting
        self._exchange = exchange
        self._uplink = uplink

    def saved(self, now: float) -> SavedLink:
        """The link's state at that time."""
        age_s = max(now - self._handle.given_at, 0.0) if math.isfinite(self._handle.given_at) else 0.0
        messages, uncovered = self._uplink.saved()
        return SavedLink(self._handle.value, age_s, self._exchange.saved(now), messages, uncovered)

    def begin_from(self, saved: SavedLink, sound: bytes, initial_history: InitialHistory, now: float) -> None:
        """Go on from there, before the first connection is set up.

        Args:
            saved: the link's state in the process that has died.
            sound: the caller's sound that the model may not have heard.
            initial_history: of the conversation; it is told as after a loss, if the session is not resumed.
            now: the time.
        """
        if saved.handle is not None:
            self._handle.given(saved.handle, now - saved.handle_age_s)
        initial_history.is_told_as_after_a_loss()
        self._connection.goes_on()
        self._exchange.begin_from(saved.exchange, now)
        self._uplink.begin_from(saved.messages, saved.uncovered, sound, now)
        self._reporting.goes_on(self._exchange.situation.during)

    def is_quiet(self, now: float) -> bool:
        """Whether nobody speaks, waits or owes anything, and no tool runs."""
        return self.is_silent(now) and self._exchange.situation.quiet_from <= now

    def is_silent(self, now: float) -> bool:
        """Whether neither side is heard, and no tool runs."""
        situation = self._exchange.situation
        return now >= self._exchange.plays_until and situation.tool_since is None and not situation.caller_speaks

    @property
    def mark(self) -> tuple[object, ...]:
        """A value that is another one when another process needs a new snapshot."""
        return (self._handle.value, self._uplink.outbox.message_changes, *self._exchange.mark)

    @property
    def plays_until(self) -> float:
        """The time at which the model's sound that has come will have been played."""
        return self._exchange.plays_until

    @property
    def understood_until(self) -> int:
        """The model has understood the caller's sound before that byte of all that was put into the outbox."""
        return self._uplink.outbox.understood_until

    @property
    def sound_bytes(self) -> int:
        """The number of bytes of the caller's sound that were put into the outbox so far."""
        return self._uplink.outbox.sound_bytes

    def keep_sound(self, write: Callable[[bytes], None]) -> None:
        """Have all of the caller's sound that is put into the outbox written by this, too."""
        self._uplink.keep_sound(write)
