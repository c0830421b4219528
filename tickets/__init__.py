"""Tickets: the token server's signed note in an agent's dispatch, which the worker checks before it takes the job.

livekit-server gives every participant a fresh token when it joins and every five minutes (livekit-server 1.13.5,
pkg/service/roommanager.go `refreshToken`). That token lives for ten minutes or more and carries the agent's dispatch, so a
kept one could open new calls for ever. The dispatch's ticket stays the same in every refreshed token, and it expires.
"""

from tickets.errors import TicketError
from tickets.ticket import ATTRIBUTE, LEEWAY_S, Ticket, read, signed

__all__ = ["ATTRIBUTE", "LEEWAY_S", "Ticket", "TicketError", "read", "signed"]
