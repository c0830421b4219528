"""A ticket: the room and identity that a token was given for, and when that token expires. Pure.

A ticket is a JWT (HS256). Its key is derived from the LiveKit API secret, so that no other secret is needed, and so that no
ticket is a LiveKit token or the reverse. It travels in the dispatch's attributes, which reach the worker with the job and
nobody else in the room.
"""

import hashlib
import hmac
from dataclasses import dataclass

import jwt

from tickets.errors import TicketError

ATTRIBUTE = "earshot.ticket"
"""The dispatch's attribute that holds the ticket."""
LEEWAY_S = 10
"""Largest difference between the clocks of the token server and of livekit-server, in seconds."""
_PURPOSE = b"earshot dispatch ticket 1"
_ALGORITHM = "HS256"


@dataclass(frozen=True)
class Ticket:
    """The token server's statement about a token that it gave."""

    room: str
    identity: str
    expires_at_s: int
    """The time at which the token expires, in seconds since 1970."""

    def check(self, room: str, created_at_s: float, identity: str | None = None) -> None:
        """Compare with the job's room.

        The room's creation decides, not the time of the check: an agent that is dispatched again into a running call is let
        in, and a room that an old token has opened anew gets none.

        Args:
            room: The room's name.
            created_at_s: When the room was created, in seconds since 1970.
            identity: Whom the job is for, if it names a participant. A job for a whole room names none.

        Raises:
            TicketError: the ticket is for another room or participant, or had expired when the room was created.
        """
        if room != self.room:
            raise TicketError(f"its ticket is for room {self.room!r}")
        if identity is not None and identity != self.identity:
            raise TicketError(f"its ticket is for {self.identity!r}, not for {identity!r}")
        late_s = created_at_s - self.expires_at_s
        if late_s > LEEWAY_S:
            raise TicketError(f"its ticket had expired {late_s:.0f} s before the room was created")


def signed(ticket: Ticket, api_secret: str) -> str:
    """The ticket as text, signed."""
    claims = {"room": ticket.room, "sub": ticket.identity, "exp": ticket.expires_at_s}
    return jwt.encode(claims, _key(api_secret), algorithm=_ALGORITHM)


def read(text: str, api_secret: str) -> Ticket:
    """Read a ticket and check its signature. The time is not looked at: `Ticket.check` does that.

    Raises:
        TicketError: it is no ticket, or was signed with another LIVEKIT_API_SECRET.
    """
    try:
        claims = jwt.decode(
            text, _key(api_secret), algorithms=[_ALGORITHM], options={"verify_exp": False, "require": ["room", "sub", "exp"]}
        )
    except jwt.InvalidSignatureError:
        raise TicketError("its ticket was signed with another LIVEKIT_API_SECRET than the worker's") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TicketError("its ticket can't be read") from None
    room, identity, expires_at_s = claims["room"], claims["sub"], claims["exp"]
    if not isinstance(room, str) or not isinstance(identity, str) or not isinstance(expires_at_s, int):
        raise TicketError("its ticket can't be read")
    return Ticket(room, identity, expires_at_s)


def _key(api_secret: str) -> bytes:
    return hmac.new(api_secret.encode(), _PURPOSE, hashlib.sha256).digest()
