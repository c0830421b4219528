"""A lease as JSON, as it is kept. The room's name in it may be encrypted."""

import json

from failover.encryption import Encryption
from failover.lease import Lease, State


def to_text(lease: Lease, encryption: Encryption, boot: str) -> str:
    """The lease as JSON.

    Args:
        lease: what is to be kept.
        encryption: hides the room's name.
        boot: names the run of the clock that `changed_at` belongs to.
    """
    kept = {
        "room": encryption.encrypt(lease.room.encode()).decode(),
        "state": lease.state.value,
        "holder": lease.holder,
        "worker": lease.worker,
        "generation": lease.generation,
        "takeovers": lease.takeovers,
        "changed_at": lease.changed_at,
        "boot": boot,
    }
    return json.dumps(kept, separators=(",", ":"))


class UnreadableLeaseError(Exception):
    """A text that is no lease, or has a room that no key decrypts."""


def from_text(text: bytes, encryption: Encryption, room: str | None = None) -> tuple[Lease, str]:
    """The lease of a text, and its boot.

    Args:
        text: JSON as `to_text` wrote it.
        encryption: decrypts the room's name.
        room: the room's name if it is known, so that no key is needed.

    Raises:
        UnreadableLeaseError: the text is half written, or something else.
    """
    try:
        kept = json.loads(text)
        name = room.encode() if room is not None else encryption.decrypt(str(kept["room"]).encode())
        if name is None:
            raise UnreadableLeaseError
        state, holder, worker = State(kept["state"]), str(kept["holder"]), str(kept["worker"])
        numbers = int(kept["generation"]), int(kept["takeovers"]), float(kept["changed_at"])
        return Lease(name.decode(), state, holder, worker, *numbers), str(kept["boot"])
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableLeaseError from error
