"""Whether a call is let in, and where to: the decision of telephony/routing.py, with the answers that a phone gets. Pure."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from livekit import api

from telephony.declared import declared
from telephony.routing import Answer, Call, answer, match_trunk, normal
from telephony.spec import Line, Spec


@dataclass(frozen=True)
class Login:
    username: str
    password: str = field(repr=False)

    def password_of(self, username: str) -> str | None:
        return self.password if username == self.username else None


@dataclass(frozen=True)
class Refused:
    status: int
    reason: str
    """For the log, not for the phone."""


@dataclass(frozen=True)
class Admission:
    """Who may call whom on this line."""

    line: Line
    trunks: Sequence[api.SIPInboundTrunkInfo]
    rules: Sequence[api.SIPDispatchRuleInfo]
    login: Login | None
    """[line]'s own."""

    def stranger(self, source_ip: str) -> bool:
        """Whether [line] keeps an address out."""
        allowed = self.line.allowed_addresses
        address = ipaddress.ip_address(source_ip)
        return bool(allowed) and not any(address in ipaddress.ip_network(network) for network in allowed)

    def login_for(self, call: Call) -> Login | None:
        """What the phone has to know: its trunk's user and password, or else the line's; None: nothing."""
        trunk, _ = match_trunk(self.trunks, call)
        if trunk is not None and trunk.auth_username and trunk.auth_password:
            return Login(trunk.auth_username, trunk.auth_password)
        return self.login

    def decide(self, call: Call) -> Answer | Refused:
        """Where a call goes that has said who it is, and that no PIN is asked of (`Call.pin` is empty)."""
        decided = answer(self.trunks, self.rules, call)
        match decided.outcome:
            case "accept" if decided.trunk is not None and decided.rule is not None:
                return decided
            case "drop" if decided.trunk is not None:
                return Refused(404, decided.reason)
            case "drop":
                return Refused(403 if self._known(call.called) else 404, decided.reason)
            case _:
                return Refused(500, decided.reason)

    def _known(self, called: str) -> bool:
        numbers = [trunk.numbers for trunk in self.trunks]
        return any(not own or normal(called) in map(normal, own) for own in numbers)


def admission(spec: Spec, passwords: Mapping[str, str]) -> Admission:
    """What the file says. Ids, which the server would give, are made of names, as `ST_<name>` and `SDR_<name>`."""
    file = declared(spec, passwords)
    trunks, rules = [], []
    for trunk in file.trunks:
        trunk.sip_trunk_id = f"ST_{trunk.name}"
        trunks.append(trunk)
    for rule in file.rules:
        rule.sip_dispatch_rule_id = f"SDR_{rule.name}"
        names = [f"ST_{name}" for name in rule.trunk_ids]
        del rule.trunk_ids[:]
        rule.trunk_ids.extend(names)
        rules.append(rule)
    line = spec.line
    login = None
    if line.auth_username is not None and line.auth_password_env is not None:
        login = Login(line.auth_username, passwords[line.auth_password_env])
    return Admission(line, trunks, rules, login)
