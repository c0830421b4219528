"""Cases of routing: calls, with livekit-server 1.13.5's decisions."""

from dataclasses import dataclass, field, replace
from typing import Any

from livekit import api

from telephony.routing import Call

NUMBER, CALLER, CARRIER = "+15550002222", "+15550001111", "203.0.113.7"
CALL = Call(CALLER, NUMBER, CARRIER, "carrier.example")

World = tuple[list[api.SIPInboundTrunkInfo], list[api.SIPDispatchRuleInfo]]


def trunk(name: str = "carrier", **fields: Any) -> api.SIPInboundTrunkInfo:
    return api.SIPInboundTrunkInfo(name=name, **({"numbers": [NUMBER]} | fields))


def rule(
    name: str = "reception",
    *,
    trunks: list[str] | None = None,
    direct: dict[str, Any] | None = None,
    individual: dict[str, Any] | None = None,
    callee: dict[str, Any] | None = None,
    **fields: Any,
) -> api.SIPDispatchRuleInfo:
    """A rule whose `trunk_ids` are names; individual with the prefix `call`, if no kind is given."""
    if direct is not None:
        kind = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(**direct))
    elif callee is not None:
        kind = api.SIPDispatchRule(dispatch_rule_callee=api.SIPDispatchRuleCallee(**callee))
    else:
        prefix = {"room_prefix": "call"} if individual is None else individual
        kind = api.SIPDispatchRule(dispatch_rule_individual=api.SIPDispatchRuleIndividual(**prefix))
    config = api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="earshot")])
    return api.SIPDispatchRuleInfo(
        name=name, rule=kind, trunk_ids=["carrier"] if trunks is None else trunks, room_config=config, **fields
    )


@dataclass(frozen=True)
class Case:
    what: str
    world: World
    call: Call = CALL
    outcome: str = "accept"
    trunk: str = ""
    rule: str = ""
    room: str = ""
    """Ends with * where the server adds random letters."""
    asks_password: bool = False
    identity: str = f"sip_{CALLER}"
    name: str = f"Phone {CALLER}"
    attributes: dict[str, str] = field(default_factory=dict)
    """The caller's attributes, without those of trunk and rule."""


KNOWN = {"sip.phoneNumber": CALLER, "sip.trunkPhoneNumber": NUMBER, "sip.hostname": "carrier.example"}
OPEN = [trunk()], [rule()]
LOCKED = trunk(auth_username="u", auth_password="p", allowed_addresses=["203.0.113.0/24"])
STRANGERS = rule("strangers", trunks=[], direct={"room_name": "hole"})
VIP = rule("vip", direct={"room_name": "vip", "pin": "1234"})


def accepted(what: str, world: World, rule: str, room: str, **differing: Any) -> Case:
    return Case(what, world, **{"trunk": "carrier", "rule": rule, "room": room, "attributes": KNOWN} | differing)


def dropped(what: str, world: World, call: Call = CALL, **differing: Any) -> Case:
    return Case(what, world, call, "drop", identity="", name="", **differing)


def in_by_the_hole(what: str, world: World, call: Call = CALL) -> Case:
    trunks, rules = world
    known = KNOWN | {"sip.trunkPhoneNumber": call.called}
    world = (trunks, [*rules, STRANGERS])
    return accepted(f"{what}, and a rule without a trunk", world, "strangers", "hole", trunk="", call=call, attributes=known)


MISMATCHES: list[tuple[str, World, Call]] = [
    ("nothing is configured", ([], []), CALL),
    ("the number is on no trunk", OPEN, replace(CALL, called="+15550009999")),
    ("the source is not allowed", ([LOCKED], [rule()]), replace(CALL, source_ip="198.51.100.1")),
    ("the caller is not allowed", ([trunk(allowed_numbers=["+15550008888"])], [rule()]), CALL),
]
CASES: list[Case] = [
    *(dropped(*mismatch) for mismatch in MISMATCHES),
    *(in_by_the_hole(*mismatch) for mismatch in MISMATCHES),
    dropped("the trunk has no rule", ([trunk()], []), trunk="carrier"),
    dropped("the trunk was deleted under its rule", ([trunk("other", numbers=["7"])], [rule(trunks=["gone"])])),
    accepted("trunk and rule fit", ([LOCKED], [rule()]), "reception", f"call_{CALLER}_*", asks_password=True),
    accepted(
        "a user name without a password asks nobody", ([trunk(auth_username="u")], [rule()]), "reception", f"call_{CALLER}_*"
    ),
    Case(
        "two trunks take the number, one of them only from this caller",
        ([trunk(), trunk("second", allowed_numbers=[CALLER])], [rule()]),
        outcome="error",
        identity="",
        name="",
    ),
    accepted(
        "a trunk with the number beats the one for every number",
        (
            [trunk("every", numbers=[], allowed_addresses=["203.0.113.0/24"]), trunk()],
            [rule("general", trunks=["every"]), rule()],
        ),
        "reception",
        f"call_{CALLER}_*",
    ),
    accepted(
        "an allowed host name is compared with what the caller writes himself",
        ([trunk(allowed_addresses=["carrier.example"])], [rule()]),
        "reception",
        f"call_{CALLER}_*",
        call=replace(CALL, source_ip="198.51.100.1"),
    ),
    accepted(
        "and so is a network: who writes it into From is let in from anywhere",
        ([trunk(allowed_addresses=["203.0.113.0/24"])], [rule()]),
        "reception",
        f"call_{CALLER}_*",
        call=replace(CALL, source_ip="198.51.100.1", from_host="203.0.113.0/24"),
        attributes=KNOWN | {"sip.hostname": "203.0.113.0/24"},
    ),
    accepted(
        "a password is asked of them all the same",
        ([LOCKED], [rule()]),
        "reception",
        f"call_{CALLER}_*",
        call=replace(CALL, source_ip="198.51.100.1", from_host="203.0.113.0/24"),
        attributes=KNOWN | {"sip.hostname": "203.0.113.0/24"},
        asks_password=True,
    ),
    dropped(
        "an address of the other family", ([trunk(allowed_addresses=["127.0.0.0/8"])], [rule()]), replace(CALL, source_ip="::1")
    ),
    dropped("an address that is none matches nobody", ([trunk(allowed_addresses=["nonsense/99"])], [rule()])),
    accepted(
        "a good address beside one that is none",
        ([trunk(allowed_addresses=["nonsense/99", "203.0.113.7"])], [rule()]),
        "reception",
        f"call_{CALLER}_*",
    ),
    accepted(
        "addresses that can't be any lock nobody out",
        ([trunk(allowed_addresses=["a b"])], [rule()]),
        "reception",
        f"call_{CALLER}_*",
    ),
    accepted(
        "trunks compare numbers without their plus",
        OPEN,
        "reception",
        f"call_{CALLER}_*",
        call=replace(CALL, called=NUMBER[1:]),
        attributes=KNOWN | {"sip.trunkPhoneNumber": NUMBER[1:]},
    ),
    accepted(
        "rules compare numbers letter by letter",
        ([trunk()], [rule("number", numbers=[NUMBER]), rule()]),
        "reception",
        f"call_{CALLER}_*",
        call=replace(CALL, called=NUMBER[1:]),
        attributes=KNOWN | {"sip.trunkPhoneNumber": NUMBER[1:]},
    ),
    accepted("the number's own rule", ([trunk()], [rule("number", numbers=[NUMBER]), rule()]), "number", f"call_{CALLER}_*"),
    accepted(
        "the caller's own rule", ([trunk()], [rule("caller", inbound_numbers=[CALLER]), rule()]), "caller", f"call_{CALLER}_*"
    ),
    accepted(
        "a room for each caller",
        ([trunk()], [rule(individual={"room_prefix": "call", "no_randomness": True})]),
        "reception",
        f"call_{CALLER}",
    ),
    accepted("no prefix", ([trunk()], [rule(individual={})]), "reception", f"{CALLER}_*"),
    accepted("callee", ([trunk()], [rule(callee={"room_prefix": "to"})]), "reception", f"to_{NUMBER}"),
    accepted(
        "callee, random", ([trunk()], [rule(callee={"room_prefix": "to", "randomize": True})]), "reception", f"to_{NUMBER}_*"
    ),
    accepted("direct", ([trunk()], [rule(direct={"room_name": "lobby"})]), "reception", "lobby"),
    accepted("direct, into no room at all", ([trunk()], [rule(direct={})]), "reception", ""),
    accepted(
        "an open rule with numbers outranks a PIN", ([trunk()], [VIP, rule(numbers=[NUMBER])]), "reception", f"call_{CALLER}_*"
    ),
    accepted(
        "of two that fit equally well the alphabet takes one",
        (
            [trunk()],
            [
                rule("by caller", direct={"room_name": "vip"}, inbound_numbers=[CALLER]),
                rule("by number", direct={"room_name": "num"}, numbers=[NUMBER]),
            ],
        ),
        "by number",
        "num",
    ),
    *(
        Case(
            f"a PIN{beside} is asked for first",
            ([trunk()], rules),
            outcome="pin",
            trunk="carrier",
            rule="vip",
            identity="",
            name="",
        )
        for beside, rules in (("", [VIP]), (", beside an open rule,", [VIP, rule()]))
    ),
    accepted("the right PIN", ([trunk()], [VIP, rule()]), "vip", "vip", call=replace(CALL, pin="1234")),
    dropped(
        "the wrong PIN does not lead to the open rule", ([trunk()], [VIP, rule()]), replace(CALL, pin="1235"), trunk="carrier"
    ),
    accepted(
        "no PIN, with an open rule", ([trunk()], [VIP, rule()]), "reception", f"call_{CALLER}_*", call=replace(CALL, pin="")
    ),
    dropped("no PIN, without one", ([trunk()], [VIP]), replace(CALL, pin=""), trunk="carrier"),
    accepted(
        "a caller with a name",
        OPEN,
        "reception",
        "call_alice_*",
        call=replace(CALL, caller="alice"),
        identity="sip_alice",
        name="Phone alice",
        attributes=KNOWN | {"sip.phoneNumber": "alice"},
    ),
    accepted(
        "a hidden number still shows its end",
        ([trunk()], [rule(hide_phone_number=True)]),
        "reception",
        "call_1111_*",
        identity="sip_7a8e1bad42416f9a",
        name="Phone 1111",
        attributes={},
    ),
    accepted(
        "the rule's own attributes",
        ([trunk()], [rule(attributes={"earshot.rule": "reception"})]),
        "reception",
        f"call_{CALLER}_*",
        attributes=KNOWN | {"earshot.rule": "reception"},
    ),
]
