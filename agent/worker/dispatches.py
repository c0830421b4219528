"""Whether a job that LiveKit offers may be taken, as far as its dispatch says. Pure."""

from livekit.protocol.agent import Job

import tickets


def check_ticket(job: Job, api_secret: str, now_s: float) -> None:
    """Look at the ticket of the token server that gave the caller's token.

    A dispatch without a ticket is trusted: only who holds a LiveKit API key can make one (telephone rules, `lk dispatch`, a
    backend), and a caller can't take the ticket out of a signed token.

    Args:
        job: The job that is offered.
        api_secret: The LiveKit API secret, from which the tickets' key is derived.
        now_s: The time in seconds since 1970; it stands for the room's creation if LiveKit doesn't say when that was.

    Raises:
        TicketError: the ticket is for another room or participant, too old, or not the token server's.
    """
    ticket = job.attributes.get(tickets.ATTRIBUTE)
    if ticket is None:
        return
    created_at_s = job.room.creation_time_ms / 1000 or job.room.creation_time or now_s
    identity = job.participant.identity if job.HasField("participant") else None
    tickets.read(ticket, api_secret).check(job.room.name, created_at_s, identity)
