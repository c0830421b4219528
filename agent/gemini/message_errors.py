"""What happens to a message, or to an action, that is an error: it is skipped, counted and logged, and all else goes on."""

import contextlib
import logging
import traceback
from collections.abc import Iterator

from agent.gemini import messages
from agent.gemini.link_listener import LinkListener

_MOST_PLACES = 20

logger = logging.getLogger("earshot.link")


class MessageErrors:
    """The errors of one conversation. Each place is logged once, so that an error in every message is one line."""

    def __init__(self, listener: LinkListener) -> None:
        self._listener = listener
        self._places: set[tuple[str, ...]] = set()
        """The places that were logged, at most `_MOST_PLACES`; the empty one: a message that can't be read was."""

    @contextlib.contextmanager
    def skipped(self) -> Iterator[None]:
        """Skip the rest of what is done within, if it fails: that is no reason to lose the connection."""
        try:
            yield
        except messages.MalformedError as error:
            self.unreadable(str(error))
        except Exception as error:  # noqa: BLE001 - of a library, a listener or ours: counted, and logged once with its place
            self._listener.on_skipped(is_unreadable=False)
            self._log(logging.ERROR, "an error here", _place(error), error)

    def unreadable(self, why: str) -> None:
        """A message of the service's, or a part of it, can't be read."""
        self._listener.on_skipped(is_unreadable=True)
        self._log(logging.WARNING, why, ())

    def _log(self, level: int, why: str, place: tuple[str, ...], error: Exception | None = None) -> None:
        if place not in self._places and len(self._places) < _MOST_PLACES:
            self._places.add(place)
            logger.log(level, "a message of the service's is skipped, others like it too: %s", why, exc_info=error)


def _place(error: Exception) -> tuple[str, ...]:
    """The type of an error, and the line where it was raised."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return type(error).__name__, f"{frame.f_code.co_filename}:{line}"
