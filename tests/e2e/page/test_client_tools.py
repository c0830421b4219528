"""What the agent asks of the page: where the caller is, and to copy a text. Nobody else is answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit import rtc
from playwright.async_api import Browser, expect

from tests.e2e.page.browser import Visit, visiting
from tests.e2e.page.stand_in import StandIn, stand_in
from tests.e2e.stack import Sfu, until
from tests.token_server.program import TokenServerProcess

HERE = {"latitude": 52.5, "longitude": 13.25, "accuracy": 30}
NOT_THE_AGENT, NOT_DONE = 2002, 2003
CLIPBOARD = """() => {
  window.copied = [];
  window.mayCopy = true;
  navigator.clipboard.writeText = async (text) => {
    if (!window.mayCopy) throw new DOMException("by the test", "NotAllowedError");
    window.copied.push(text);
  };
}"""
"""In place of the machine's clipboard, which other programs share."""


@asynccontextmanager
async def asked(
    browser: Browser, url: str, server: Sfu, *permissions: str, **context: Any
) -> AsyncIterator[tuple[Visit, StandIn, str]]:
    """A page in a call with an agent that knows what may be asked for; and the caller's identity."""
    async with visiting(browser, url, permissions=["microphone", *permissions], **context) as visit:
        await visit.page.evaluate(CLIPBOARD)
        await visit.page.click("#call")
        async with stand_in(server, await visit.room()) as agent:
            await visit.is_in("listening")
            caller = await visit.page.evaluate("earshot.room.localParticipant.identity")
            offers = "earshot.location,earshot.copy_text"
            await until(lambda: agent.attributes_of(caller).get("earshot.client_tools") == offers)
            yield visit, agent, caller


async def test_the_agent_learns_where_the_caller_is_if_the_browser_may_tell(
    browser: Browser, server_without_agent: TokenServerProcess, server: Sfu
) -> None:
    url = server_without_agent.url
    async with asked(browser, url, server, "geolocation", geolocation=HERE) as (visit, agent, caller):
        place = await agent.asks(caller, "earshot.location")
        assert place == {"latitude": 52.5, "longitude": 13.25, "accuracy_m": 30}
        await visit.says("#captions", "the agent was told where you are")
        await visit.picture("location")
        async with stand_in(server, await visit.room(), "agent-another") as stranger:
            with pytest.raises(rtc.RpcError) as refused:
                await stranger.asks(caller, "earshot.location")
            assert refused.value.code == NOT_THE_AGENT
        await expect(visit.page.locator(".line[data-who=note]")).to_have_count(1)


@pytest.mark.long
async def test_a_caller_who_does_not_share_their_location(
    browser: Browser, server_without_agent: TokenServerProcess, server: Sfu
) -> None:
    async with asked(browser, server_without_agent.url, server) as (visit, agent, caller):
        with pytest.raises(rtc.RpcError, match="doesn't share their location") as refused:
            await agent.asks(caller, "earshot.location")
        assert refused.value.code == NOT_DONE
        await visit.says("#captions", "not allowed in this browser")


@pytest.mark.long
async def test_a_text_is_copied_or_a_button_offers_it(
    browser: Browser, server_without_agent: TokenServerProcess, server: Sfu
) -> None:
    async with asked(browser, server_without_agent.url, server) as (visit, agent, caller):
        page = visit.page
        assert await agent.asks(caller, "earshot.copy_text", text="12 Harbour Road") == {"copied": True}
        await visit.says("#captions", "copied · 12 Harbour Road")
        await page.evaluate("mayCopy = false")
        assert await agent.asks(caller, "earshot.copy_text", text="<b>14</b>") == {"copied": False}
        await visit.says("#captions", "<b>14</b>")
        await visit.picture("copy")
        await visit.is_accessible()
        await page.evaluate("mayCopy = true")
        await page.get_by_role("button", name="Copy this text").click()
        await visit.says("#captions", "copied · <b>14</b>")
        assert await page.evaluate("copied") == ["12 Harbour Road", "<b>14</b>"]
        for wrong in ({}, {"text": 3}, {"text": ""}, {"text": "x" * 10_001}):
            with pytest.raises(rtc.RpcError, match="send"):
                await agent.asks(caller, "earshot.copy_text", **wrong)
