"""Settings that change in a call: when the open connection is told of them, and when another one is opened for them. Pure.

They hold from the next turn on, and cut nothing short. A model that takes `contextUpdate` is told between its answers, and
before anything that makes it speak. Other settings need another connection: it is opened at the end of a turn, or when
something is asked in writing. A connection that is opened for another reason meanwhile has them in its setup.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from agent.gemini.actions import Action, Update
from agent.gemini.capabilities import Capabilities
from agent.gemini.connection.machine import Connection
from agent.gemini.connection.states import Outcome
from agent.gemini.events import Cause
from agent.gemini.exchange.exchange import Exchange
from agent.gemini.exchange.situation import Situation
from agent.gemini.exchange.tool_call import Delivery, Response
from agent.gemini.exchange.translation import Translation
from agent.gemini.exchange.uplink import Uplink
from agent.gemini.setup_change import Change, change_of


@dataclass(frozen=True)
class LinkSettings:
    """Facts of a setup that the link's core decides by."""

    answer_s: float
    """How long an answer may take to begin."""
    marks_activity: bool
    """The client marks the caller's activity. A change of that isn't put off."""
    changed: frozenset[str] = frozenset()
    """The fields that the newest connection was told otherwise."""


class NewestSettings:
    """The newest settings of one link, and their way to its connection."""

    def __init__(
        self, capabilities: Capabilities, connection: Connection, exchange: Exchange | Translation, uplink: Uplink
    ) -> None:
        self._connection = connection
        self._exchange = exchange
        self._uplink = uplink
        self._takes_updates = capabilities.context_updates

    def come(self, settings: LinkSettings, now: float, *, is_open: bool) -> list[Outcome]:
        """Settings come, the first or others."""
        self._exchange.answers_within(settings.answer_s)
        marks_otherwise = self._uplink.configured(marks_activity=settings.marks_activity)
        change = change_of(settings.changed, takes_updates=self._takes_updates)
        if (marks_otherwise and is_open) or (change is Change.CONNECTION and not is_open):
            return self._change_connection(now)
        self._connection.settings_change(change, now)
        return self.before_turn(now) if self._uplink.outbox.asks_in_writing else self.due(self._exchange.situation, now)

    def change_at(self, situation: Situation) -> float:
        """The time at which `due` has something to do; infinity for never."""
        return self._connection.change_at(situation.quiet_from, situation.turn_ended_at, situation.turn_begins_at)

    def due(self, situation: Situation, now: float) -> list[Outcome]:
        """`change_at` may be reached."""
        return self._change_connection(now) if self.change_at(situation) <= now < math.inf else []

    def before_turn(self, now: float) -> list[Outcome]:
        """Something is asked in writing: the settings that it is to be answered by come first."""
        return self._change_connection(now) if self._connection.change is Change.CONNECTION else []

    def before_results(self, responses: Sequence[Response], now: float) -> list[Outcome]:
        """Results come: `before_turn`, if they make the model speak and it doesn't already."""
        is_asked = not (self._exchange.situation.is_generating or Delivery(list(responses)).is_silent)
        return self.before_turn(now) if is_asked else []

    def before_sending(self) -> list[Action]:
        """Something may be sent over the open connection: what it is told of the settings before."""
        if self._connection.change is not Change.UPDATE:
            return []
        if self._exchange.situation.is_generating and not self._uplink.outbox.starts_a_turn:
            return []
        self._connection.updated()
        return [Update()]

    def _change_connection(self, now: float) -> list[Outcome]:
        return self._connection.replace(Cause.SETTINGS, now)
