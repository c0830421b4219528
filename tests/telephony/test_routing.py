"""`check` says what livekit-server does: a table of cases, and what hypothesis finds; the real server is asked the same."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from livekit import api

from telephony.report import answer_text
from telephony.routing import Call, RoutingResult, normal, open_by_from, rank, route
from tests.telephony.bridge import Bridge, Said, predicted
from tests.telephony.cases import CALL, CALLER, CARRIER, CASES, LOCKED, NUMBER, Case, World, rule, trunk
from tests.telephony.stack import SipLiveKit

RANDOM_END = 12


def with_ids(world: World) -> World:
    """A world's trunks and rules as a server would list them; an id is a name."""
    trunks, rules = world
    listed: World = [api.SIPInboundTrunkInfo.FromString(t.SerializeToString()) for t in trunks], []
    for one in listed[0]:
        one.sip_trunk_id = one.name
    for original in rules:
        one_rule = api.SIPDispatchRuleInfo.FromString(original.SerializeToString())
        one_rule.sip_dispatch_rule_id = one_rule.name
        listed[1].append(one_rule)
    return listed


def expected(case: Case) -> Said:
    accepted = case.outcome == "accept"
    return Said(
        outcome=case.outcome,
        trunk_id=case.trunk,
        rule_id=case.rule,
        asks_password=case.asks_password,
        room=case.room.removesuffix("*"),
        identity=case.identity if accepted else "",
        name=case.name if accepted else "",
        attributes=case.attributes | {"sip.trunkID": case.trunk, "sip.ruleID": case.rule} if accepted else {},
        agents=("earshot",) if accepted else (),
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_a_call_goes_where_the_table_says(case: Case) -> None:
    said = route(*with_ids(case.world), case.call)
    assert predicted(said) == expected(case)
    assert said.random_end == case.room.endswith("*")


async def told(
    server: SipLiveKit, world: World, *, all_of_it: bool = True
) -> tuple[Sequence[api.SIPInboundTrunkInfo], Sequence[api.SIPDispatchRuleInfo]]:
    """Give the server these trunks and rules, or what it takes of them; what it lists then. Names stand for ids."""
    trunks, rules = world
    ids: dict[str, str] = {}
    async with server.api() as livekit:
        for one in trunks:
            with taken(all_of_it):
                made = await livekit.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=one))
                ids[one.name] = made.sip_trunk_id
        for original in rules:
            sent = api.SIPDispatchRuleInfo.FromString(original.SerializeToString())
            sent.ClearField("trunk_ids")
            sent.trunk_ids.extend(ids.get(name, "ST_gone") for name in original.trunk_ids)
            with taken(all_of_it):
                await livekit.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=sent))
        listed = await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        return listed.items, (await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())).items


@contextlib.contextmanager
def taken(all_of_it: bool) -> Iterator[None]:
    try:
        yield
    except api.TwirpError as refused:
        if all_of_it or refused.code != api.TwirpErrorCode.INVALID_ARGUMENT:
            raise


def agrees(ours: RoutingResult, theirs: Said) -> None:
    if ours.random_end:
        assert len(theirs.room) == len(ours.room) + RANDOM_END
        theirs = replace(theirs, room=theirs.room[:-RANDOM_END])
    assert theirs == predicted(ours)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
async def test_the_real_server_says_the_same(server: SipLiveKit, asking: Bridge, case: Case) -> None:
    trunks, rules = await told(server, case.world)
    said = await asking.ask(case.call)
    agrees(route(trunks, rules, case.call), said)
    names = {rule.sip_dispatch_rule_id: rule.name for rule in rules}
    assert (said.outcome, names.get(said.rule_id, "")) == (case.outcome, case.rule)
    assert said.room.startswith(case.room.removesuffix("*"))


numbers = st.sampled_from([NUMBER, NUMBER[1:], "+1 555 000-2222", "700", "alice"])
callers = st.sampled_from([CALLER, CALLER[1:], "alice", "12"])
addresses = st.sampled_from(
    ["203.0.113.0/24", CARRIER, "0.0.0.0/0", "::/0", "nonsense/99", "carrier.example", "a b", "203.0.113.9/24"]
)
hosts = st.sampled_from(["carrier.example", "203.0.113.0/24", "203.0.113.9/24", CARRIER])
pins = st.sampled_from(["", "", "1234", "99"])


def some(of: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(of, max_size=2, unique_by=normal)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    names = ["a", "b", "c"][: draw(st.integers(0, 3))]
    trunks = [
        trunk(
            name,
            numbers=draw(some(numbers)),
            allowed_addresses=draw(some(addresses)) or ["203.0.113.0/24"],
            allowed_numbers=draw(some(callers)),
            auth_username=draw(st.sampled_from(["", "u"])),
            auth_password=draw(st.sampled_from(["", "p"])),
        )
        for name in names
    ]
    rules = []
    for index in range(draw(st.integers(0, 5))):
        pin, random_end = draw(pins), draw(st.booleans())
        prefix = draw(st.sampled_from(["", "x", "y"]))
        kind: dict[str, Any] = draw(
            st.sampled_from(
                [
                    {"direct": {"room_name": prefix, "pin": pin}},
                    {"individual": {"room_prefix": prefix, "pin": pin, "no_randomness": not random_end}},
                    {"callee": {"room_prefix": prefix, "pin": pin, "randomize": random_end}},
                ]
            )
        )
        filters: dict[str, Any] = {"numbers": draw(some(numbers)), "inbound_numbers": draw(some(callers))}
        of = draw(st.lists(st.sampled_from([*names, "gone"]), max_size=2, unique=True))
        rules.append(rule(f"r{index}", trunks=of, hide_phone_number=draw(st.booleans()), **kind, **filters))
    return trunks, rules


calls = st.builds(Call, callers, numbers, st.sampled_from([CARRIER, "198.51.100.1", "::1"]), hosts, st.none() | pins)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds(), asked=st.lists(calls, min_size=1, max_size=6))
async def test_any_trunks_and_rules_are_read_as_the_real_server_reads_them(
    running_livekit: SipLiveKit, asking: Bridge, world: World, asked: list[Call]
) -> None:
    await running_livekit.empty()
    trunks, rules = await told(running_livekit, world, all_of_it=False)
    for call in asked:
        ours = route(trunks, rules, call)
        if tie(ours, rules):
            continue  # decided by the order in which Redis happens to list them
        agrees(ours, await asking.ask(call))


def tie(ours: RoutingResult, rules: Sequence[api.SIPDispatchRuleInfo]) -> bool:
    return ours.rule is not None and sum(rank(other) == rank(ours.rule) for other in rules) > 1


@pytest.mark.parametrize(
    ("world", "call", "words"),
    [
        (([trunk()], [rule()]), CALL, ['trunk: "carrier" takes it, by its numbers +15550002222', "password: NOT asked"]),
        (([trunk()], [rule()]), CALL, ['rule: "reception"', f"room: call_{CALLER}_<12 random letters>", 'agent: "earshot" is']),
        (([trunk(auth_username="u", auth_password="p")], [rule()]), CALL, ['password: asked of user "u"']),
        (
            ([trunk()], [rule()]),
            replace(CALL, called="7"),
            ['not answered: no trunk takes it: "carrier": 7 is not among its numbers'],
        ),
        (([], []), CALL, ["not answered: there is no trunk"]),
        (([trunk()], []), CALL, ['not answered: trunk "carrier" has no rule']),
        (([trunk()], [rule(direct={})]), CALL, ["room: NONE. The caller would be in no room"]),
        (([trunk()], [rule(direct={"room_name": "x"})]), CALL, ["note: callers can meet in this room"]),
        (([], [rule(trunks=[])]), CALL, ["trunk: NONE. The rule has no trunk, and so lets every stranger in"]),
        (
            ([trunk(), trunk("two")], [rule()]),
            CALL,
            ['fails: several trunks take calls to +15550002222 (by number): "carrier" and'],
        ),
        (
            ([trunk()], [rule("number", numbers=[NUMBER]), rule()]),
            replace(CALL, called=NUMBER[1:]),
            [
                'rule: "reception"',
                'note: rule "number" has this number in another spelling, and LiveKit compares letter by letter',
            ],
        ),
        (
            ([trunk()], [rule("number", numbers=[NUMBER])]),
            replace(CALL, called=NUMBER[1:]),
            ['not answered: no rule fits: "number": 15550002222 is not among its numbers (it has +15550002222: here LiveKit'],
        ),
        (
            ([trunk(allowed_addresses=["203.0.113.0/24"])], [rule(direct={"room_name": "x", "pin": "1"})]),
            replace(CALL, source_ip=""),
            ["address: it must come from 203.0.113.0/24", 'rule: "reception" asks for its PIN first'],
        ),
        (
            ([trunk(allowed_addresses=["203.0.113.0/24"])], [rule()]),
            replace(CALL, source_ip="10.0.0.1"),
            ['"carrier": 10.0.0.1 is not in its allowed_addresses'],
        ),
    ],
)
def test_the_answer_is_said_in_words(world: World, call: Call, words: list[str]) -> None:
    text = answer_text(call, route(*with_ids(world), call))
    for word in words:
        assert word in text


@pytest.mark.parametrize(
    ("trunks", "host"),
    [
        ([trunk(allowed_addresses=["203.0.113.0/24"])], "203.0.113.0/24"),
        ([trunk(allowed_addresses=["203.0.113.9/32", "192.0.2.0/24"], numbers=[])], "203.0.113.9/32"),
        ([LOCKED], ""),
        ([trunk(allowed_addresses=["203.0.113.0/24"], numbers=["7"])], ""),
        ([trunk()], ""),
    ],
    ids=["a network", "an address", "a password guards it", "another number", "nothing to guard"],
)
@pytest.mark.parametrize("source_ip", [CARRIER, "198.51.100.1", ""])
def test_check_says_when_addresses_keep_nobody_out(trunks: list[api.SIPInboundTrunkInfo], host: str, source_ip: str) -> None:
    """The note stands whether the call that is asked about is taken or not."""
    world, call = with_ids((trunks, [rule()])), replace(CALL, source_ip=source_ip)
    assert open_by_from(*world, call) == host
    text = answer_text(call, route(*world, call), open_by_from(*world, call))
    assert (f"writes From: <sip:{CALLER}@{host}> is let in from anywhere" in text) is bool(host)
