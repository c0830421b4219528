"""The API half, on the real livekit-server and Redis: what the file says is what the server has."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from livekit import api
from pydantic import SecretStr

from telephony.declared import Declared, declared
from telephony.errors import ServerError, SpecError
from telephony.plan import Existing, plan, removal
from telephony.reading import load_spec, parse
from telephony.routing import Call
from telephony.settings import TelephonySettings
from telephony.sip_api import SipApiClient, sip_api_client
from tests.e2e.stack import API_KEY, API_SECRET
from tests.ports import free_port
from tests.telephony.bridge import Bridge
from tests.telephony.cases import CALL, World, rule, trunk
from tests.telephony.files import EXAMPLE, GOOD, PIN_RULE
from tests.telephony.stack import SipLiveKit, livekit, redis
from tests.telephony.test_routing import told

PASSWORDS = {"SIP_PBX_PASSWORD": "the-password-of-the-pbx"}
ALLOWED: dict[str, Any] = {"allowed_addresses": ["203.0.113.0/24"]}
SECOND_TRUNK = '[[inbound]]\nname = "second"\nallowed_addresses = ["203.0.113.0/24"]\n'
ITS_RULE = '[[rule]]\nname = "its rule"\ntrunks = ["second"]\n'


def settings_of(url: str, secret: str = API_SECRET) -> TelephonySettings:
    return TelephonySettings(livekit_url=url, livekit_api_key=API_KEY, livekit_api_secret=SecretStr(secret))


@pytest.fixture
async def client(server: SipLiveKit) -> AsyncIterator[SipApiClient]:
    async with sip_api_client(settings_of(server.url)) as opened:
        yield opened


async def apply(client: SipApiClient, wanted: Declared) -> list[tuple[str, str]]:
    """Apply a plan; returns action and name of each change."""
    done: list[tuple[str, str]] = []
    await client.make(plan(wanted, await client.existing()), lambda change: done.append((change.action, change.name)))
    assert plan(wanted, await client.existing()).changes == ()
    return done


def example() -> Declared:
    return declared(load_spec(EXAMPLE), PASSWORDS)


def file(text: str) -> Declared:
    return declared(parse(text.encode()), PASSWORDS)


async def test_the_example_is_applied_once_answers_calls_and_is_removed(client: SipApiClient, asking: Bridge) -> None:
    assert [action for action, _ in await apply(client, example())] == ["create"] * 5
    assert await apply(client, example()) == []
    said = await asking.ask(Call("+15550001111", "+15550003333", "203.0.113.7"))
    assert (said.outcome, said.agents, said.attributes["earshot.rule"]) == ("accept", ("earshot",), "boxing club")
    assert (await asking.ask(Call("12", "701", "192.0.2.10"))).asks_password
    assert (await asking.ask(Call("12", "701", "192.0.2.11"))).outcome == "drop"
    await client.make(removal(await client.existing(), example()), print)
    assert await client.existing() == Existing()
    assert (await asking.ask(Call("12", "701", "192.0.2.10"))).outcome == "drop"


async def test_it_is_applied_again_after_redis_was_emptied(server: SipLiveKit, client: SipApiClient) -> None:
    await apply(client, example())
    await server.empty()
    assert await client.existing() == Existing()
    assert [action for action, _ in await apply(client, example())] == ["create"] * 5


async def test_what_somebody_changed_by_the_api_is_put_right(server: SipLiveKit, client: SipApiClient) -> None:
    await apply(client, example())
    async with server.api() as livekit_api:
        sip = livekit_api.sip
        trunks = {t.name: t for t in (await client.existing()).trunks}
        rules = {r.name: r for r in (await client.existing()).rules}
        await sip.update_inbound_trunk_fields(trunks["pbx"].sip_trunk_id, auth_password="known-to-everybody")
        await sip.update_inbound_trunk_fields(trunks["carrier"].sip_trunk_id, name="something else")
        unhooked = api.SIPDispatchRuleInfo.FromString(rules["staff"].SerializeToString())
        unhooked.ClearField("room_config")
        await sip.update_dispatch_rule(rules["staff"].sip_dispatch_rule_id, unhooked)
        await sip.delete_dispatch_rule(
            api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rules["boxing club"].sip_dispatch_rule_id)
        )
    assert await apply(client, example()) == [
        ("replace", "carrier"),
        ("replace", "pbx"),
        ("replace", "staff"),
        ("create", "boxing club"),
    ]


async def test_a_trunk_that_leaves_goes_after_its_rule_and_others_stay(server: SipLiveKit, client: SipApiClient) -> None:
    await told(server, ([trunk("theirs", numbers=["900"])], [rule("their rule", trunks=["theirs"])]))
    await apply(client, file(GOOD + SECOND_TRUNK + ITS_RULE))
    assert await apply(client, file(GOOD)) == [("delete", "its rule"), ("delete", "second")]
    existing = await client.existing()
    assert {t.name for t in existing.trunks} == {"carrier", "theirs"}
    assert {r.name for r in existing.rules} == {"reception", "their rule"}


async def test_what_others_have_under_our_names_is_told_and_can_be_adopted(server: SipLiveKit, client: SipApiClient) -> None:
    """Somebody's trunk and rule with the file's names and numbers, and another Earshot's: nothing of theirs is touched."""
    staging = file(
        'agent = "staging"\n' + GOOD.replace("carrier", "sales").replace("+15550002222", "7").replace("reception", "s")
    )
    await told(server, ([trunk(**ALLOWED)], [rule()]))
    await client.make(plan(staging, await client.existing()), print)
    before = await client.existing()
    assert len(plan(file(GOOD), before).taken) == 2
    assert removal(before, file(GOOD)).changes == ()
    await client.make(plan(file(GOOD), before, adopt=True), print)
    after = await client.existing()
    assert {t.sip_trunk_id for t in after.trunks} == {t.sip_trunk_id for t in before.trunks}
    assert plan(staging, after).changes == plan(file(GOOD), after).changes == ()
    await client.make(removal(after, staging), print)
    assert [t.name for t in (await client.existing()).trunks] == ["carrier"]


async def test_trunks_exchange_their_numbers(client: SipApiClient) -> None:
    two = GOOD.replace("+15550002222", "1") + SECOND_TRUNK + 'numbers = ["2"]\n' + ITS_RULE
    await apply(client, file(two))
    assert await apply(client, file(two.replace('"1"', '"x"').replace('"2"', '"1"').replace('"x"', '"2"')))


async def test_rules_exchange_their_pins(client: SipApiClient) -> None:
    two = GOOD + PIN_RULE + PIN_RULE.replace("vip", "crew").replace("1234", "99")
    await apply(client, file(two))
    assert await apply(client, file(two.replace("1234", "x").replace("99", "1234").replace('"x"', '"99"')))


async def test_a_renamed_trunk_keeps_its_number(client: SipApiClient) -> None:
    await apply(client, file(GOOD))
    assert await apply(client, file(GOOD.replace("carrier", "renamed"))) == [("replace", "renamed")]


async def test_what_the_server_refuses_is_said(server: SipLiveKit, client: SipApiClient) -> None:
    """The number belongs to a trunk that somebody else has made."""
    await told(server, ([trunk("theirs", **ALLOWED)], []))
    found = plan(file(GOOD), await client.existing())
    assert "delete it, or `--prune`" in found.notes[0]
    with pytest.raises(ServerError, match='did not create trunk "carrier": Conflicting inbound SIP Trunks') as caught:
        await client.make(found, print)
    assert caught.value.code == api.TwirpErrorCode.INVALID_ARGUMENT
    await client.make(plan(file(GOOD), await client.existing(), prune=True), print)
    assert [t.name for t in (await client.existing()).trunks] == ["carrier"]


@pytest.mark.parametrize(
    ("text", "world", "accepts"),
    [
        pytest.param(GOOD, ([trunk(**ALLOWED)], [rule()]), True, id="what is good"),
        pytest.param(
            GOOD.replace('numbers = ["+15550002222"]', "") + SECOND_TRUNK + 'numbers = ["7"]\n' + ITS_RULE,
            ([trunk(numbers=[], **ALLOWED), trunk("second", numbers=["7"], **ALLOWED)], [rule()]),
            True,
            id="a trunk for a number and one for every number",
        ),
        pytest.param(
            GOOD + SECOND_TRUNK + 'numbers = ["15550002222"]\n' + ITS_RULE,
            ([trunk(**ALLOWED), trunk("second", numbers=["15550002222"], **ALLOWED)], [rule()]),
            False,
            id="the same number in another spelling",
        ),
        pytest.param(
            GOOD.replace('numbers = ["+15550002222"]', "") + SECOND_TRUNK + ITS_RULE,
            ([trunk(numbers=[], **ALLOWED), trunk("second", numbers=[], **ALLOWED)], []),
            False,
            id="two trunks for every number",
        ),
        pytest.param("[[inbound]]\nname = 'x'\n", ([trunk(numbers=[])], []), False, id="a trunk with nothing"),
        pytest.param(
            GOOD + '[[rule]]\nname = "again"\ntrunks = ["carrier"]\nkind = "callee"\n',
            ([trunk(**ALLOWED)], [rule(), rule("again", callee={"room_prefix": "call"})]),
            False,
            id="two rules for the same calls",
        ),
        pytest.param(
            GOOD + 'numbers = ["+15550002222", "15550002222"]\n',
            ([trunk(**ALLOWED)], [rule(numbers=["+15550002222", "15550002222"])]),
            False,
            id="a rule with both spellings of a number",
        ),
    ],
)
async def test_the_file_and_the_server_refuse_the_same(server: SipLiveKit, text: str, world: World, accepts: bool) -> None:
    if accepts:
        parse(text.encode())
        await told(server, world)
        return
    with pytest.raises(SpecError):
        parse(text.encode())
    with pytest.raises(api.TwirpError) as caught:
        await told(server, world)
    assert caught.value.code == api.TwirpErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("text", "world"),
    [
        pytest.param(
            GOOD + SECOND_TRUNK + 'numbers = ["+15550002222"]\nallowed_numbers = ["+15550001111"]\n' + ITS_RULE,
            ([trunk(**ALLOWED), trunk("second", allowed_numbers=["+15550001111"])], [rule()]),
            id="a second trunk for some callers: their calls fail",
        ),
        pytest.param(
            GOOD.replace("allowed_addresses", 'auth_username = "u"\nallowed_addresses'),
            ([trunk(auth_username="u")], [rule()]),
            id="a user name without a password: asks nobody",
        ),
        pytest.param(
            GOOD.replace("203.0.113.0/24", "nonsense/99"),
            ([trunk(allowed_addresses=["nonsense/99"])], [rule()]),
            id="an address that is none",
        ),
        pytest.param(
            GOOD.replace("203.0.113.0/24", "sip.example.com"),
            ([trunk(allowed_addresses=["sip.example.com"])], [rule()]),
            id="a host name: the caller writes it himself",
        ),
        pytest.param(GOOD + 'kind = "direct"\nroom = ""\n', ([trunk()], [rule(direct={})]), id="an empty room: no room"),
        pytest.param(GOOD.replace('["carrier"]', '["gone"]'), ([trunk()], [rule(trunks=["gone"])]), id="an unknown trunk"),
        pytest.param(GOOD.replace('["carrier"]', "[]"), ([trunk()], [rule(trunks=[])]), id="no trunk: lets strangers in"),
        pytest.param(
            GOOD + 'pin = "no digits"\n', ([trunk()], [rule(individual={"pin": "no digits"})]), id="a PIN nobody can type"
        ),
        pytest.param(
            GOOD + 'numbers = ["+15550002222"]\n' + PIN_RULE,
            ([trunk()], [rule(numbers=["+15550002222"]), rule("vip", individual={"pin": "1234"})]),
            id="numbers that outrank a PIN",
        ),
    ],
)
async def test_the_file_refuses_what_the_server_would_accept(server: SipLiveKit, text: str, world: World) -> None:
    with pytest.raises(SpecError):
        parse(text.encode())
    trunks, rules = await told(server, (world[0], world[1]))
    assert (len(trunks), len(rules)) == (len(world[0]), len(world[1]))


async def test_what_the_plan_relies_on_is_still_so(server: SipLiveKit, client: SipApiClient) -> None:
    """Ids can't be chosen; unknown trunks can be deleted; replacing empties what is left out; rules outlive their trunk."""
    async with server.api() as livekit_api:
        sip = livekit_api.sip
        chosen = api.SIPInboundTrunkInfo(sip_trunk_id="ST_mine", numbers=["1"])
        with pytest.raises(api.TwirpError) as caught:
            await sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=chosen))
        assert caught.value.code == api.TwirpErrorCode.INVALID_ARGUMENT
        await sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id="ST_nobody"))
        [made], _ = await told(server, ([trunk(auth_username="u", auth_password="p", **ALLOWED)], [rule()]))
        replaced = await sip.update_inbound_trunk(made.sip_trunk_id, trunk(numbers=["2"]))
        assert (replaced.auth_password, list(replaced.allowed_addresses), list(replaced.numbers)) == ("", [], ["2"])
        await sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))
    assert [list(left.trunk_ids) for left in (await client.existing()).rules] == [[made.sip_trunk_id]]


async def test_livekit_without_redis_is_named() -> None:
    async with livekit(None) as url, sip_api_client(settings_of(url)) as client:
        with pytest.raises(ServerError, match=r"redis required.*trunks are kept in Redis") as caught:
            await client.existing()
    assert "\n" not in str(caught.value)


async def test_a_redis_that_is_gone_is_named() -> None:
    async with contextlib.AsyncExitStack() as store:
        port = await store.enter_async_context(redis())
        async with livekit(port) as url, sip_api_client(settings_of(url)) as client:
            assert await client.existing() == Existing()
            await store.aclose()
            with pytest.raises(ServerError, match=r"connection refused; trunks are kept in Redis: it must run"):
                await client.existing()


async def test_no_server_is_named() -> None:
    url = f"ws://127.0.0.1:{free_port()}"
    async with sip_api_client(settings_of(url)) as client:
        with pytest.raises(ServerError, match=f"{url} can't be reached, to list what there is: .*LIVEKIT_URL"):
            await client.existing()


async def test_a_wrong_secret_is_named(server: SipLiveKit) -> None:
    async with sip_api_client(settings_of(server.url, "not-the-secret-but-long-enough-for-hs256")) as client:
        with pytest.raises(ServerError, match="LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be a pair that it knows"):
            await client.existing()


async def test_a_caller_who_is_let_in_by_a_rule_without_a_trunk_is_why_the_file_refuses_it(
    server: SipLiveKit, asking: Bridge
) -> None:
    await told(server, ([trunk(**ALLOWED, auth_username="u", auth_password="p")], [rule("hole", trunks=[])]))
    said = await asking.ask(replace(CALL, source_ip="198.51.100.66", called="000"))
    assert (said.outcome, said.asks_password, said.agents) == ("accept", False, ("earshot",))
