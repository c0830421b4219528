"""The error of tickets."""


class TicketError(Exception):
    """Raised for a ticket that doesn't admit this job. Its text is one sentence for a log, without the ticket itself."""
