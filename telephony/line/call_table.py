"""The table of calls, by dialog and by INVITE. Pure.

Of each call two INVITEs are remembered: the one that opened it, for its CANCEL and ACK, and the last re-INVITE, until its ACK.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telephony.line import wire
from telephony.line.transactions import Key
from telephony.line.wire import Dialog, SipRequest

if TYPE_CHECKING:
    from telephony.line.phone_call import PhoneCall


@dataclass(eq=False)
class CallEntry:
    """A call, with its SIP dialog and its INVITEs."""

    call: "PhoneCall"
    invite: Key
    dialog: Dialog
    reinvite: Key | None = None
    offered: bool = False
    """Whether the re-INVITE was answered with an offer of ours: its ACK brings the answer."""


@dataclass
class CallTable:
    """All calls of a line."""

    _by_dialog: dict[tuple[str, str], CallEntry] = field(default_factory=dict)
    """The calls by Call-ID and the caller's tag."""
    _by_invite: dict[Key, CallEntry] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._by_dialog)

    def __iter__(self) -> Iterator[CallEntry]:
        return iter(list(self._by_dialog.values()))

    def add(self, entry: CallEntry) -> None:
        self._by_dialog[entry.dialog.call_id, entry.dialog.remote_tag] = self._by_invite[entry.invite] = entry

    def remove(self, entry: CallEntry) -> None:
        """Remove a call that is over."""
        self.confirmed(entry)
        self._by_dialog.pop((entry.dialog.call_id, entry.dialog.remote_tag), None)
        self._by_invite.pop(entry.invite, None)

    def renegotiated(self, entry: CallEntry, reinvite: Key, *, offered: bool) -> None:
        """Note that a re-INVITE was answered. The ACK of an earlier one isn't expected any more."""
        self.confirmed(entry)
        self._by_invite[reinvite] = entry
        entry.reinvite, entry.offered = reinvite, offered

    def confirmed(self, entry: CallEntry) -> None:
        """Note that the last re-INVITE has its ACK, or won't get any."""
        if entry.reinvite is not None:
            self._by_invite.pop(entry.reinvite, None)
        entry.reinvite, entry.offered = None, False

    def of(self, request: SipRequest) -> CallEntry | None:
        """The call with a request's Call-ID and From tag."""
        return self._by_dialog.get((request.call_id or "", wire.dialog_tags(request)[0]))

    def invited_by(self, key: Key) -> CallEntry | None:
        """The call that an INVITE belongs to."""
        return self._by_invite.get(key)

    def cancelled_by(self, cancel: Key) -> CallEntry | None:
        """The call that a CANCEL means."""
        return self._by_invite.get((*cancel[:2], "INVITE"))
