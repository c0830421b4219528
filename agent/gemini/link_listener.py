"""The listener for what happens on the link to Gemini. Pure."""

from typing import Protocol

from agent.gemini.events import LinkEvent
from agent.gemini.messages import Received


class LinkListener(Protocol):
    """The conversation that a link keeps going."""

    def on_received(self, received: Received) -> None:
        """A message of the service's as it came, before it is decided what of it the conversation is to hear."""

    def on_message(self, received: Received) -> None:
        """A message of the service's, without what the conversation is not to hear."""

    def on_caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        """The caller's speech, as far as loudness tells, has begun or ended so many seconds ago, whatever the service hears."""

    def on_event(self, event: LinkEvent) -> None:
        """Something happened to the connection."""

    def on_opened(self, known_until: float) -> None:
        """A connection is open. Its session may not know what was sent after `known_until`; minus infinity: it is a new one."""

    def on_snapshot_due(self) -> None:
        """The link has changed so that another process needs to know more of it."""

    def on_skipped(self, *, is_unreadable: bool) -> None:
        """A message of the service's was skipped, or a part of it. False: it could be read, and an error here is why."""
