"""A room that a telephone rule guards with a PIN isn't given to callers who name it."""

import json
from collections.abc import AsyncIterator

import pytest
from livekit import api

from tests.e2e.stack import API_KEY, API_SECRET
from tests.telephony.stack import SipLiveKit, sip_livekit
from tests.token_server.program import UNLIMITED, TokenServerProcess, running_token_server
from token_server.telephone_rooms import guarded

KEY = "first-key-of-24-characters"


def rule(**kinds: object) -> api.SIPDispatchRuleInfo:
    return api.SIPDispatchRuleInfo(rule=api.SIPDispatchRule(**kinds))  # type: ignore[arg-type]


def test_only_names_that_can_be_guessed_and_need_a_pin_are_guarded() -> None:
    individual, callee = api.SIPDispatchRuleIndividual, api.SIPDispatchRuleCallee
    rules = [
        rule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="staff", pin="1234")),
        rule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name="lobby")),
        rule(dispatch_rule_individual=individual(room_prefix="a", pin="1", no_randomness=True)),
        rule(dispatch_rule_individual=individual(room_prefix="b", pin="1")),
        rule(dispatch_rule_callee=callee(room_prefix="c", pin="1")),
        rule(dispatch_rule_callee=callee(room_prefix="d", pin="1", randomize=True)),
        rule(dispatch_rule_callee=callee(pin="1")),
        rule(),
    ]
    assert list(guarded(rules)) == [("staff", False), ("a_", True), ("c_", True)]


@pytest.fixture(scope="module")
async def running_livekit() -> AsyncIterator[SipLiveKit]:
    async with sip_livekit() as running:
        yield running


async def code(running: TokenServerProcess, room: str) -> str:
    answer = await running.ask(headers=[f"X-Api-Key: {KEY}"], body=json.dumps({"room_name": room}).encode())
    return "given" if answer.status == 201 else answer.code


async def test_livekits_own_rules_are_asked(running_livekit: SipLiveKit) -> None:
    """In mode open whoever is on this machine may join every room anyway."""
    pair = {"LIVEKIT_URL": running_livekit.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
    direct = api.SIPDispatchRuleDirect(room_name="staff", pin="1234")
    async with running_livekit.api() as livekit:
        wanted = api.SIPDispatchRule(dispatch_rule_direct=direct)
        await livekit.sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(name="staff", trunk_ids=["ST_x"], rule=wanted))
    async with running_token_server(TOKEN_MODE="key", TOKEN_KEYS=KEY, TOKEN_ROOMS="named", **pair, **UNLIMITED) as running:
        assert await code(running, "staff") == "telephone_room"
        assert await code(running, "staff2") == "given"
    async with running_token_server(**pair, **UNLIMITED) as running:
        assert await code(running, "staff") == "given"
