"""The pictures of the caller that the model sees: told to the room once a picture was sent, and counted. Pure."""

from collections import Counter
from typing import Protocol


class SightEvents(Protocol):
    """The events of the room."""

    def tell(self, kind: str, /, **facts: object) -> None:
        """Tell the room an event."""


class Sight:
    """The sources that the model sees now, by LiveKit's names: `camera`, `screen_share`."""

    def __init__(self, events: SightEvents) -> None:
        self.pictures: Counter[str] = Counter()
        """The number of pictures that went to the model, by source."""
        self._events = events
        self._seen: set[str] = set()

    def picture_sent(self, source: str) -> None:
        """A picture went to the model: of a source that it didn't see before, the room is told."""
        self.pictures[source] += 1
        if source not in self._seen:
            self._seen.add(source)
            self._events.tell("sees", source=source, active=True)

    def ended(self, source: str) -> None:
        """No more pictures of the source are sent: the room is told, if it was told that the model sees it."""
        if source in self._seen:
            self._seen.remove(source)
            self._events.tell("sees", source=source, active=False)
