"""Judges INVITEs: refused, ignored, or accepted as a call. Pure.

admission.py knows the rules, digest.py the passwords, limits.py the guesses at them, offer.py the media.
"""

from dataclasses import dataclass, field

from telephony.line import wire
from telephony.line.admission import Admission, Refusal
from telephony.line.digest import Asked, Challenges, Verdict
from telephony.line.errors import OfferError
from telephony.line.limits import FailedLogins
from telephony.line.offer import Choice, choose, reachable
from telephony.line.reach import Reach
from telephony.line.wire import Address, SipRequest
from telephony.routing import Call, RoutingResult

_LONGEST_NAME = 64
_NO_PIN = ""  # nobody asks for one here: rules with a PIN are never taken


@dataclass(frozen=True)
class NoAnswer:
    """The INVITE is ignored: it gets no answer at all."""

    reason: str
    """The reason, for the log."""


@dataclass(frozen=True)
class Invited:
    """An INVITE that is accepted as a call."""

    call: Call
    where: RoutingResult
    choice: Choice | None
    """The negotiated media; None if the INVITE has no offer: then the 200 has ours."""
    offered: str
    reach: Reach

    @property
    def hides_caller(self) -> bool:
        """Whether the rule keeps the caller's number from the room and the log."""
        return self.where.rule is not None and self.where.rule.hide_phone_number


@dataclass(frozen=True)
class Gate:
    admission: Admission
    challenges: Challenges
    failed_logins: FailedLogins = field(default_factory=FailedLogins)

    def judge(self, invite: SipRequest, source: Address, now: float) -> Invited | Refusal | NoAnswer:
        """Judge an INVITE that opens a call. `now` is the time of day in seconds: nonces are made of it."""
        if self.admission.stranger(source[0]):
            return NoAnswer("it is in no allowed_addresses")
        call = Call(wire.user(invite, "From"), _called(invite), source[0], wire.host(invite, "From"), pin=_NO_PIN)
        if not _can_be_named(call.caller) or not _can_be_named(call.called):
            return Refusal(400, "From or To has no user part that a room can be named after")
        return self._login(invite, call, now) or self._decide(invite, call)

    def _login(self, invite: SipRequest, call: Call, now: float) -> Refusal | NoAnswer | None:
        login = self.admission.login_for(call)
        if login is None:
            return None
        said = wire.digest_parameters(invite)
        # all unknown users are one account: names that are made up can't fill the table, nor shut out those who know theirs
        account = login if said.get("username", login.username) == login.username else None
        if self.failed_logins.blocked(call.source_ip, account, now):
            return NoAnswer("too many wrong passwords came from it")
        who = (invite.call_id or "", wire.dialog_tags(invite)[0], call.caller, call.called, call.source_ip)
        asked = Asked("INVITE", invite.uri, who)
        verdict = self.challenges.judge(said, asked, now, login.password_of)
        match verdict:
            case Verdict.RIGHT:
                self.failed_logins.right(call.source_ip, account)
                return None
            case Verdict.WRONG:
                self.failed_logins.wrong(call.source_ip, account, now)
                return Refusal(403, "user or password is wrong, or the answer is to another request")
            case Verdict.ABSENT:
                return Refusal(407, "no password yet", {"Proxy-Authenticate": self.challenges.challenge(asked, now)})

    def _decide(self, invite: SipRequest, call: Call) -> Invited | Refusal:
        required = invite.get_header_values("require")
        if required:  # no extension is spoken here
            return Refusal(420, f"it requires {', '.join(required)}", {"Unsupported": ", ".join(required)})
        where = self.admission.decide(call)
        if isinstance(where, Refusal):
            return where
        if invite.body and wire.body_type(invite) != "application/sdp":
            return Refusal(415, f"its body is {invite.content_type}", {"Accept": "application/sdp"})
        reach = self.admission.reach(where, call.source_ip)
        try:
            line = self.admission.line
            choice = reachable(choose(invite.text, line.codecs, line.host), reach) if invite.body else None
        except OfferError as error:
            return Refusal(error.status, str(error))
        return Invited(call, where, choice, invite.text, reach)


def _called(invite: SipRequest) -> str:
    """The number called. It stands in To, as livekit-sip reads it, unless there is none."""
    return wire.user(invite, "To") or wire.user_of_uri(invite.uri)


def _can_be_named(user: str) -> bool:
    """Names of rooms and participants are made of it."""
    return 0 < len(user) <= _LONGEST_NAME and user.isprintable() and user.isascii() and not set(user) & set(' "<>\\')
