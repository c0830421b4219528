"""What becomes of an INVITE: why it is refused, or what call it is. Pure.

admission.py knows the rules, digest.py the passwords, offer.py the media.
"""

from dataclasses import dataclass, field

from telephony.line import wire
from telephony.line.admission import Admission, Refused
from telephony.line.digest import Asked, Challenges, Verdict
from telephony.line.errors import OfferError
from telephony.line.offer import Choice, choose
from telephony.line.wire import Address, SipRequest
from telephony.routing import Answer, Call

_LONGEST_NAME = 64
_NO_PIN = ""  # nobody asks for one here: rules with a PIN are never taken


@dataclass(frozen=True)
class No:
    """A refusal."""

    status: int
    reason: str
    """For the log; the phone gets the status."""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Invited:
    """A call that is let in."""

    call: Call
    where: Answer
    choice: Choice
    offered: str


@dataclass(frozen=True)
class Gate:
    admission: Admission
    challenges: Challenges

    def judge(self, invite: SipRequest, source: Address, now: float) -> Invited | No:
        """Judge an INVITE that opens a call. `now` is the time of day in seconds: nonces are made of it."""
        required = invite.get_header_values("require")
        if required:  # no extension is spoken here
            return No(420, f"it requires {', '.join(required)}", {"Unsupported": ", ".join(required)})
        if self.admission.stranger(source[0]):
            return No(403, f"{source[0]} is not in [line] allowed_addresses")
        call = Call(wire.user(invite, "From"), _called(invite), source[0], wire.host(invite, "From"), pin=_NO_PIN)
        if not _can_be_named(call.caller) or not _can_be_named(call.called):
            return No(400, "From or To has no user part that a room can be named after")
        return self._login(invite, call, now) or self._decide(invite, call)

    def _login(self, invite: SipRequest, call: Call, now: float) -> No | None:
        login = self.admission.login_for(call)
        if login is None:
            return None
        who = (invite.call_id or "", wire.dialog_tags(invite)[0], call.caller, call.called, call.source_ip)
        asked = Asked("INVITE", invite.uri, who)
        verdict = self.challenges.judge(wire.digest_parameters(invite), asked, now, login.password_of)
        match verdict:
            case Verdict.RIGHT:
                return None
            case Verdict.WRONG:
                return No(403, "user or password is wrong, or the answer is to another request")
            case Verdict.ABSENT:
                return No(407, "no password yet", {"Proxy-Authenticate": self.challenges.challenge(asked, now)})

    def _decide(self, invite: SipRequest, call: Call) -> Invited | No:
        where = self.admission.decide(call)
        if isinstance(where, Refused):
            return No(where.status, where.reason)
        if invite.body and (invite.content_type or "").partition(";")[0].strip().lower() != "application/sdp":
            return No(415, f"its body is {invite.content_type}", {"Accept": "application/sdp"})
        try:
            line = self.admission.line
            choice = choose(invite.text, line.codecs, line.host) if invite.body else None
        except OfferError as error:
            return No(error.status, str(error))
        if choice is None:
            return No(488, "it brings no offer")
        return Invited(call, where, choice, invite.text)


def _called(invite: SipRequest) -> str:
    """The number called. It stands in To, as livekit-sip reads it, unless there is none."""
    return wire.user(invite, "To") or wire.user_of_uri(invite.uri)


def _can_be_named(user: str) -> bool:
    """Names of rooms and participants are made of it."""
    return 0 < len(user) <= _LONGEST_NAME and user.isprintable() and user.isascii() and not set(user) & set(' "<>\\')
