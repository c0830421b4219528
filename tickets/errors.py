"""Why a ticket is refused."""


class TicketError(Exception):
    """The ticket is no good for this job. Its text is one sentence for a log, without the ticket itself."""
