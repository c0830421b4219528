"""The reason why a socket couldn't be opened. Pure, but for the log."""

import logging
from typing import NamedTuple

from picows import WSError, WSInvalidStatusError

from agent.gemini.events import Cause
from agent.gemini.google_credentials import CredentialsError

logger = logging.getLogger("earshot.link")


class NotOpened(NamedTuple):
    """A socket couldn't be opened."""

    cause: Cause | None
    """None: the status decides."""
    status: int | None = None
    """The HTTP status that the upgrade was refused with."""
    reason: str = ""


def why_not_opened(error: Exception) -> NotOpened:
    """The failure that this error of `Socket.open` is."""
    match error:
        case TimeoutError():
            return NotOpened(Cause.HANDSHAKE)
        case ConnectionRefusedError():
            return NotOpened(Cause.REFUSED)
        case CredentialsError():
            return NotOpened(None, 401, str(error))  # the status that Google would answer with
        case OSError() | WSError():
            logger.debug("no connection", extra={"error": str(error)})
            return NotOpened(None, refused_with(error))
    logger.warning("no connection, for a reason of an unknown kind", extra={"error": repr(error)})
    return NotOpened(None)


def refused_with(error: Exception) -> int | None:
    """The HTTP status that a refused upgrade was answered with."""
    response = getattr(error, "response", None) if isinstance(error, WSInvalidStatusError) else None
    return int(response.status) if response is not None else None
