"""Client for livekit-server's SIP API: lists trunks and rules, and makes a plan's changes."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from livekit import api

from telephony.errors import ServerError
from telephony.plan import Change, Existing, Plan
from telephony.settings import TelephonySettings

_ANSWER_S = 10.0


class SipApiClient:
    """A livekit-server's trunks and rules. Every method raises `ServerError`, in one sentence."""

    def __init__(self, settings: TelephonySettings, livekit: api.LiveKitAPI) -> None:
        self._url = settings.livekit_url
        self._sip = livekit.sip

    async def existing(self) -> Existing:
        """The server's trunks and rules."""
        with _explained("list what there is", self._url):
            trunks = await self._sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
            rules = await self._sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
        return Existing(tuple(trunks.items), tuple(rules.items))

    async def make(self, plan: Plan, say: Callable[[Change], None]) -> None:
        """Make a plan's changes, in order; `say` is told each that is made."""
        ids = dict(plan.kept_trunks)
        for change in plan.changes:
            with _explained(f'{change.action} {change.kind} "{change.name}"', self._url):
                made = await self._make(change, ids)
            if made:
                ids[change.name] = made
            say(change)

    async def _make(self, change: Change, ids: dict[str, str]) -> str:
        """Make one; returns the id of a new trunk."""
        match change.action, change.kind, change.after:
            case "delete", "trunk", _:
                await self._sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=change.id))
            case "delete", "rule", _:
                await self._sip.delete_dispatch_rule(api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=change.id))
            case "create", _, api.SIPInboundTrunkInfo() as trunk:
                return (await self._sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=trunk))).sip_trunk_id
            case "replace", _, api.SIPInboundTrunkInfo() as trunk:
                await self._sip.update_inbound_trunk(change.id, trunk)
            case "create", _, api.SIPDispatchRuleInfo() as rule:
                await self._sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=_with_ids(rule, ids)))
            case "replace", _, api.SIPDispatchRuleInfo() as rule:
                await self._sip.update_dispatch_rule(change.id, _with_ids(rule, ids))
        return ""


@asynccontextmanager
async def sip_api_client(settings: TelephonySettings) -> AsyncIterator[SipApiClient]:
    """A client for the LiveKit of the settings."""
    timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
    url = settings.livekit_url
    async with (
        aiohttp.ClientSession(timeout=timeout, proxy=settings.livekit_proxy_for(url)) as http,
        api.LiveKitAPI(url, settings.key, settings.secret, session=http) as livekit,
    ):
        yield SipApiClient(settings, livekit)


def _with_ids(rule: api.SIPDispatchRuleInfo, ids: dict[str, str]) -> api.SIPDispatchRuleInfo:
    sent = api.SIPDispatchRuleInfo()
    sent.CopyFrom(rule)
    sent.ClearField("trunk_ids")
    sent.trunk_ids.extend(ids[name] for name in rule.trunk_ids)
    return sent


@contextmanager
def _explained(what: str, url: str) -> Iterator[None]:
    try:
        yield
    except api.TwirpError as error:
        fix = ""
        if error.status in {401, 403}:
            fix = "; LIVEKIT_API_KEY and LIVEKIT_API_SECRET must be a pair that it knows"
        elif error.code in {api.TwirpErrorCode.INTERNAL, api.TwirpErrorCode.UNKNOWN}:  # started without Redis; Redis is gone
            fix = "; trunks are kept in Redis: it must run, and livekit-server must know it (`redis: { address: HOST:PORT }`)"
        sentence = f"LiveKit at {url} did not {what}: {error.message or f'HTTP {error.status}'}{fix}"
        raise ServerError(sentence, error.code) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        why = str(error) or f"no answer in {_ANSWER_S:g} s"
        raise ServerError(f"LiveKit at {url} can't be reached, to {what}: {why}; is LIVEKIT_URL right?") from error
