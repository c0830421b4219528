"""Admission of calls: the decision of telephony/routing.py, with the status that the phone gets. Pure.

livekit-server compares a trunk's `allowed_addresses` with the host in From as well, which the caller writes. Here the source of
the packet alone is compared, before routing.py is asked, and the trunks that it sees have no addresses any more.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from livekit import api

from telephony.declared import declared
from telephony.line.call import Limits
from telephony.line.reach import Network, Reach, networks, within
from telephony.routing import Call, RoutingResult, match_trunk, normal, route
from telephony.spec import LineSpec, Spec


@dataclass(frozen=True)
class Login:
    username: str
    password: str = field(repr=False)

    def password_of(self, username: str) -> str | None:
        return self.password if username == self.username else None


@dataclass(frozen=True)
class Refusal:
    """A final answer that refuses an INVITE."""

    status: int
    reason: str
    """The reason, for the log; the phone gets the status."""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trunk:
    """A trunk of the file, and the networks that may use it."""

    info: api.SIPInboundTrunkInfo
    """The trunk as LiveKit's message, without its `allowed_addresses`."""
    networks: tuple[Network, ...]
    """The trunk's `allowed_addresses`; empty means every address."""
    symmetric_rtp: bool

    def lets_in(self, source_ip: str) -> bool:
        return not self.networks or within(source_ip, self.networks)


@dataclass(frozen=True)
class Admission:
    """Decides who may call whom on this line."""

    line: LineSpec
    trunks: Sequence[Trunk]
    rules: Sequence[api.SIPDispatchRuleInfo]
    login: Login | None
    """The login of [line], for trunks without one; None if it has none."""
    networks: tuple[Network, ...]
    """The `allowed_addresses` of [line]; empty means every address."""

    def stranger(self, source_ip: str) -> bool:
        """Whether messages from an address are dropped: [line] or every trunk keeps it out."""
        if self.networks and not within(source_ip, self.networks):
            return True
        return not self._open_to(source_ip)

    def login_for(self, call: Call) -> Login | None:
        """The login that a call needs: its trunk's, or else the line's; None if it needs none."""
        trunk, _ = match_trunk(self._open_to(call.source_ip), call)
        if trunk is not None and trunk.auth_username and trunk.auth_password:
            return Login(trunk.auth_username, trunk.auth_password)
        return self.login

    def decide(self, call: Call) -> RoutingResult | Refusal:
        """Route an authenticated call. The line asks for no PIN (`Call.pin` is empty)."""
        decided = route(self._open_to(call.source_ip), self.rules, call)
        match decided.outcome:
            case "accept" if decided.trunk is not None and decided.rule is not None:
                return decided
            case "drop" if decided.trunk is not None:
                return Refusal(404, self._reason(decided, call))
            case "drop":
                return Refusal(403 if self._known(call.called) else 404, self._reason(decided, call))
            case _:
                return Refusal(500, self._reason(decided, call))

    def reach(self, where: RoutingResult, source_ip: str) -> Reach:
        """The addresses that the sound of an admitted call may use."""
        trunk = next(trunk for trunk in self.trunks if trunk.info is where.trunk)
        return Reach(trunk.info.name, source_ip, trunk.networks or self.networks, trunk.symmetric_rtp)

    def limits(self, where: RoutingResult) -> Limits:
        """The time limits of an admitted call."""
        trunk = where.trunk or api.SIPInboundTrunkInfo()
        return Limits(
            ringing_s=min(trunk.ringing_timeout.seconds or math.inf, self.line.ringing_timeout_s),
            silence_s=self.line.silence_s,
            hold_s=self.line.hold_s,
            longest_s=trunk.max_call_duration.seconds or math.inf,
        )

    def _open_to(self, source_ip: str) -> list[api.SIPInboundTrunkInfo]:
        return [trunk.info for trunk in self.trunks if trunk.lets_in(source_ip)]

    def _known(self, called: str) -> bool:
        numbers = [trunk.info.numbers for trunk in self.trunks]
        return any(not own or normal(called) in map(normal, own) for own in numbers)

    def _reason(self, decided: RoutingResult, call: Call) -> str:
        """The reason of a refusal. It shows no caller's number if any rule hides callers."""
        reason = decided.reason
        if decided.trunk is None:
            closed = [trunk.info.name for trunk in self.trunks if not trunk.lets_in(call.source_ip)]
            reason += "".join(f'; "{name}": {call.source_ip} is not in its allowed_addresses' for name in closed)
        hides = any(rule.hide_phone_number for rule in self.rules)
        return reason.replace(call.caller, "the caller") if hides else reason


def admission(spec: Spec, passwords: Mapping[str, str]) -> Admission:
    """The admission that a file declares. Ids, which the server would give, are `ST_<name>` and `SDR_<name>`."""
    file = declared(spec, passwords)
    trunks, rules = [], []
    for written, info in zip(spec.inbound, file.trunks, strict=True):
        info.sip_trunk_id = f"ST_{info.name}"
        info.ClearField("allowed_addresses")
        trunks.append(Trunk(info, networks(written.allowed_addresses), written.symmetric_rtp))
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
    return Admission(line, trunks, rules, login, networks(line.allowed_addresses))
