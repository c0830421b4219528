"""Routing of incoming calls as livekit-server 1.13.5 does it: a pure function of trunks and rules.

The server decides; livekit-sip only does what it says. The order of questions is that of `sip/sip.go` in livekit's protocol
module; tests ask the real server the same ones.
"""

import hashlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from livekit import api

_NOWHERE = "240.0.0.1"
"""A reserved address (RFC 1112 4), which nobody calls from."""

TrunkInfo = api.SIPInboundTrunkInfo
RuleInfo = api.SIPDispatchRuleInfo


@dataclass(frozen=True)
class Call:
    caller: str
    """The user part of From, as it is spelt there."""
    called: str
    """The user part of To."""
    source_ip: str = ""
    """The address that the INVITE comes from; empty means one that is allowed."""
    from_host: str = ""
    """The host part of From, which the caller writes himself."""
    pin: str | None = None
    """The digits that the caller has typed; empty means # alone (no PIN), None nothing yet."""


@dataclass(frozen=True)
class RoutingResult:
    """The server's decision about a call."""

    outcome: Literal["accept", "pin", "drop", "error"]
    """`accept`: the caller is in the room. `pin`: a PIN is asked for. `drop`: the phone gets no answer. `error`: the call is
    refused, because trunks or rules contradict each other."""
    trunk: TrunkInfo | None = None
    """The trunk that takes the call; None with "accept" means that a stranger was let in."""
    rule: RuleInfo | None = None
    room: str = ""
    random_end: bool = False
    """The server adds 12 random letters to `room`."""
    identity: str = ""
    """The caller's identity in the room."""
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    """The caller's attributes, without those that only the bridge knows (`sip.callID`, `sip.callStatus`)."""
    reason: str = ""
    """The reason of "drop" and "error"."""
    passed_over: tuple[str, ...] = ()
    """The names of the trunk's rules that have the number in another spelling."""

    @property
    def asks_password(self) -> bool:
        """Whether the bridge asks for a password: only if the trunk has a user name and a password."""
        return self.trunk is not None and bool(self.trunk.auth_username and self.trunk.auth_password)


def route(trunks: Sequence[TrunkInfo], rules: Sequence[RuleInfo], call: Call) -> RoutingResult:
    """Route a call by these trunks and rules; a rule's `trunk_ids` are those of the trunks."""
    found, contradiction = match_trunk(trunks, call)
    if contradiction:
        return RoutingResult("error", reason=contradiction)
    rule, contradiction = match_rule(found, rules, call)
    if contradiction:
        return RoutingResult("error", found, reason=contradiction)
    if rule is None:
        return RoutingResult("drop", found, reason=no_trunk(trunks, call) if found is None else no_rule(found, rules, call))
    if room_and_pin(rule)[1] and not call.pin:
        return RoutingResult("pin", found, rule)
    return replace(_accepted(found, rule, call), passed_over=_spelt_otherwise(found, rules, call))


def open_by_from(trunks: Sequence[TrunkInfo], rules: Sequence[RuleInfo], call: Call) -> str:
    """A host for From with which a caller from any address is let in without a password; empty if there is none.

    The server compares each allowed address with that host, letter by letter, besides comparing networks with the source.
    """
    for mask in (mask for trunk in trunks for mask in trunk.allowed_addresses):
        said = route(trunks, rules, replace(call, source_ip=_NOWHERE, from_host=mask))
        if said.outcome in {"accept", "pin"} and not said.asks_password:
            return mask
    return ""


def match_trunk(trunks: Sequence[TrunkInfo], call: Call) -> tuple[TrunkInfo | None, str]:
    """The trunk of a call, or why two contradict each other."""
    open_to = [trunk for trunk in trunks if not refusal(trunk, call)]
    special = [trunk for trunk in open_to if trunk.numbers]
    general = [trunk for trunk in open_to if not trunk.numbers]
    for matching, kind in ((special, "number"), (general, "every number")):
        if len(matching) > 1:
            names = " and ".join(f'"{trunk.name}"' for trunk in matching)
            return None, f"several trunks take calls to {call.called} (by {kind}): {names}"
        if matching:
            return matching[0], ""
    return None, ""


def refusal(trunk: TrunkInfo, call: Call) -> str:
    """The reason why a trunk doesn't take a call; empty if it does."""
    if trunk.allowed_numbers and not _spelt(call.caller, trunk.allowed_numbers):
        return f"{call.caller} is not in its allowed_numbers"
    if not _address_allowed(trunk, call):
        return f"{call.source_ip} is not in its allowed_addresses"
    if trunk.numbers and not _spelt(call.called, trunk.numbers):
        return f"{call.called} is not among its numbers"
    return ""


def match_rule(trunk: TrunkInfo | None, rules: Sequence[RuleInfo], call: Call) -> tuple[RuleInfo | None, str]:
    """The rule for a call, or which two contradict each other. Rules without a trunk are for everybody, and come last."""
    seen: dict[tuple[str, ...], RuleInfo] = {}
    listed = [rule for rule in rules if not rule.trunk_ids or trunk is None or trunk.sip_trunk_id in rule.trunk_ids]
    for rule in listed:
        for key in claims(rule):
            if key in seen:
                return None, f'rules "{seen[key].name}" and "{rule.name}" are for the same calls'
            seen[key] = rule
    fitting = [rule for rule in listed if not mismatch(rule, call)]
    own = [rule for rule in fitting if trunk is not None and rule.trunk_ids]
    strangers = [rule for rule in fitting if not rule.trunk_ids]
    return min(own or strangers, key=rank, default=None), ""


def claims(rule: RuleInfo) -> list[tuple[str, ...]]:
    """The calls of a rule, of which no two rules may have the same: trunk, caller, number, PIN."""
    pin = room_and_pin(rule)[1]
    return [
        (trunk, normal(caller), normal(number), pin)
        for trunk in rule.trunk_ids or [""]
        for caller in rule.inbound_numbers or [""]
        for number in rule.numbers or [""]
    ]


def mismatch(rule: RuleInfo, call: Call) -> str:
    """The reason why a rule, its trunks aside, isn't for a call; empty if it is. Numbers are compared letter by letter."""
    for filtered, number, of in ((rule.inbound_numbers, call.caller, "callers"), (rule.numbers, call.called, "numbers")):
        if filtered and number not in filtered:
            near = [other for other in filtered if normal(other) == normal(number)]
            spelt = f" (it has {near[0]}: here LiveKit compares letter by letter)" if near else ""
            return f"{number} is not among its {of}{spelt}"
    pin = room_and_pin(rule)[1]
    if pin and call.pin == "":
        return "it asks for a PIN, and the caller has none"
    if call.pin and not pin:
        return "it is open, and the caller typed a PIN"
    if call.pin and call.pin != pin:
        return "the PIN is wrong"
    return ""


def rank(rule: RuleInfo) -> tuple[int, str]:
    """The sort key of rules that fit; the least is taken. Number filters count more than a PIN, a PIN more than the kind."""
    room, pin = room_and_pin(rule)
    kinds = ("dispatch_rule_direct", "dispatch_rule_individual", "dispatch_rule_callee")
    kind = rule.rule.WhichOneof("rule")
    if kind is None:
        return 2**31, room
    unfiltered = 1000 * (not rule.inbound_numbers) + 1000 * (not rule.numbers)
    return kinds.index(kind) + (0 if pin else 100) + unfiltered, room


def room_and_pin(rule: RuleInfo) -> tuple[str, str]:
    """The room's name or prefix, and the PIN."""
    match rule.rule.WhichOneof("rule"):
        case "dispatch_rule_direct":
            return rule.rule.dispatch_rule_direct.room_name, rule.rule.dispatch_rule_direct.pin
        case "dispatch_rule_individual":
            return rule.rule.dispatch_rule_individual.room_prefix, rule.rule.dispatch_rule_individual.pin
        case "dispatch_rule_callee":
            return rule.rule.dispatch_rule_callee.room_prefix, rule.rule.dispatch_rule_callee.pin
        case _:
            return "", ""


def normal(number: str) -> str:
    """A number as LiveKit compares those of trunks: +, then digits. Other texts stay as they are."""
    if re.fullmatch(r"\+?[0-9\- ()]+", number) is None:
        return number
    digits = re.sub(r"[ ()-]", "", number)
    return digits if digits.startswith("+") else f"+{digits}"


def no_trunk(trunks: Sequence[TrunkInfo], call: Call) -> str:
    """The reason why no trunk takes a call."""
    if not trunks:
        return "there is no trunk"
    return "no trunk takes it: " + "; ".join(f'"{trunk.name}": {refusal(trunk, call)}' for trunk in trunks)


def no_rule(trunk: TrunkInfo, rules: Sequence[RuleInfo], call: Call) -> str:
    """The reason why no rule of that trunk fits a call."""
    own = [rule for rule in rules if trunk.sip_trunk_id in rule.trunk_ids]
    if not own:
        return f'trunk "{trunk.name}" has no rule'
    return "no rule fits: " + "; ".join(f'"{rule.name}": {mismatch(rule, call)}' for rule in own)


def _spelt_otherwise(trunk: TrunkInfo | None, rules: Sequence[RuleInfo], call: Call) -> tuple[str, ...]:
    own = [rule for rule in rules if trunk is not None and trunk.sip_trunk_id in rule.trunk_ids]
    pairs = [
        (rule, of, number) for rule in own for of, number in ((rule.numbers, call.called), (rule.inbound_numbers, call.caller))
    ]
    return tuple(rule.name for rule, of, number in pairs if of and number not in of and _spelt(number, of))


def _spelt(number: str, among: Sequence[str]) -> bool:
    return any(number == other or normal(number) == normal(other) for other in among)


def _address_allowed(trunk: TrunkInfo, call: Call) -> bool:
    try:
        source = ipaddress.ip_address(call.source_ip)
    except ValueError:
        return True
    # the server leaves masks out that can't be any, and is open when none is left
    masks = [mask for mask in trunk.allowed_addresses if not re.search(r"[()+*;, \t\n\r]|://", mask)]
    return not masks or any(mask == call.from_host or _contains(mask, source) for mask in masks)


def _contains(mask: str, source: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    address, slash, bits = mask.partition("/")
    if "%" in mask or (slash and re.fullmatch(r"0|[1-9][0-9]{0,2}", bits) is None):
        return False
    try:
        return source in ipaddress.ip_network(mask, strict=False) if address else False
    except ValueError:
        return False


def _accepted(trunk: TrunkInfo | None, rule: RuleInfo, call: Call) -> RoutingResult:
    trunk_id = trunk.sip_trunk_id if trunk is not None else ""
    attributes = {**rule.attributes, "sip.trunkID": trunk_id, "sip.ruleID": rule.sip_dispatch_rule_id}
    shown, identity = call.caller, f"sip_{call.caller}"
    if rule.hide_phone_number:
        identity = f"sip_{hashlib.sha256(call.caller.encode()).hexdigest()[:16]}"
        shown = call.caller[-4:] if len(call.caller) > 4 else call.caller[-1:]
    else:
        attributes |= {"sip.phoneNumber": call.caller, "sip.hostname": call.from_host, "sip.trunkPhoneNumber": call.called}
    room, random_end = _room(rule, shown, call.called)
    return RoutingResult("accept", trunk, rule, room, random_end, identity, f"Phone {shown}", attributes)


def _room(rule: RuleInfo, caller: str, called: str) -> tuple[str, bool]:
    room, _ = room_and_pin(rule)
    match rule.rule.WhichOneof("rule"):
        case "dispatch_rule_individual":
            named, random_end = caller, not rule.rule.dispatch_rule_individual.no_randomness
        case "dispatch_rule_callee":
            named, random_end = called, rule.rule.dispatch_rule_callee.randomize
        case _:
            return room, False
    named = f"{room}_{named}" if room else named
    return (f"{named}_" if random_end else named), random_end
