"""A lease as JSON, as it is kept. The room's name and the time stand beside it."""

import json

from failover.lease import Lease, State


class UnreadableLeaseError(Exception):
    """A text that is no lease, or a room that no key decrypts."""


def to_text(lease: Lease) -> str:
    """The lease as JSON, without its room and its time: the same text at each renewal."""
    kept = {
        "state": lease.state.value,
        "holder": lease.holder,
        "worker": lease.worker,
        "generation": lease.generation,
        "takeovers": lease.takeovers,
        "successor": lease.successor,
    }
    return json.dumps(kept, separators=(",", ":"))


def from_text(text: str | bytes, room: str, changed_at: float) -> Lease:
    """The lease of a text that `to_text` wrote.

    Raises:
        UnreadableLeaseError: the text is half written, or something else.
    """
    try:
        kept = json.loads(text)
        return Lease(
            room,
            State(kept["state"]),
            str(kept["holder"]),
            str(kept["worker"]),
            generation=int(kept["generation"]),
            takeovers=int(kept["takeovers"]),
            changed_at=changed_at,
            successor=str(kept["successor"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableLeaseError from error
