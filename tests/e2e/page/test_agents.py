"""The agent leaves: with a goodbye, with a failure, without a word; and an SFU is restarted beneath the call."""

import asyncio
import re
from contextlib import AsyncExitStack

import psutil
import pytest
from playwright.async_api import Browser, expect

from tests.e2e.page.browser import Visit, visiting
from tests.e2e.page.conftest import to
from tests.e2e.page.stand_in import stand_in
from tests.e2e.page.test_failures import NO_CONNECTION, failed
from tests.e2e.stack import Gemini, Sfu, sfu_part, worker
from tests.ports import free_port
from tests.token_server.program import running_token_server


@pytest.mark.long
@pytest.mark.parametrize(
    ("reason", "title"),
    [
        ("model_failed", "The agent\N{RIGHT SINGLE QUOTATION MARK}s model failed"),
        ("model_refused", "The agent\N{RIGHT SINGLE QUOTATION MARK}s model refused the call"),
        ("model_unreachable", "The agent\N{RIGHT SINGLE QUOTATION MARK}s model can\N{RIGHT SINGLE QUOTATION MARK}t be reached"),
        ("worker_failed", "The agent failed"),
        ("no_answer", "The agent didn\N{RIGHT SINGLE QUOTATION MARK}t answer"),
    ],
)
async def test_an_agent_that_fails_did_not_just_end_the_call(visit_alone: Visit, server: Sfu, reason: str, title: str) -> None:
    visit = visit_alone
    await visit.page.click("#call")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.ends_the_call(visit, reason, "the reason in words")
        await failed(visit, title, "The reason in words. Call again", f"agent-{reason}")
    await expect(visit.page.get_by_role("alert")).to_contain_text(title)


async def test_what_happens_to_the_model_is_said_in_words(visit_alone: Visit, server: Sfu) -> None:
    """The latest, while it matters: it goes with the model's return, with an answer, and while the agent speaks."""
    visit = visit_alone
    hint = visit.page.locator("#hint")
    await visit.page.click("#call")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.tells("link", kind="connected", cause="start", attempts=1, took_ms=80)
        await agent.tells("link", kind="lost", cause="closed", during="owed", code=1011)
        await expect(hint).to_have_text("The connection to the model was lost. One moment\N{HORIZONTAL ELLIPSIS}")
        await visit.picture("link-lost")
        await agent.tells("link", kind="retrying", cause="refused", attempts=1, wait_ms=200)
        await expect(hint).to_contain_text("Trying again")
        await agent.tells("link", kind="nudged", cause="unanswered")
        await agent.tells("link", kind="waiting", cause="refused", attempts=1)
        await expect(hint).to_contain_text("takes longer than usual")
        await agent.is_("speaking")
        await visit.is_in("speaking")
        await expect(hint).to_contain_text("You can interrupt")
        await agent.is_("speaking", **{"earshot.interruptions": "off"})
        await expect(hint).to_contain_text("The agent finishes what it says. It hears you meanwhile")
        await agent.is_("speaking", **{"earshot.turns": "push_to_talk"})
        await expect(hint).to_contain_text("What you say while you hold the button is answered next")
        await agent.is_("speaking", **{"earshot.turns": "translation"})
        await expect(hint).to_contain_text("the agent translates while you talk")
        await expect(visit.page.locator("#composer")).to_be_hidden()
        await agent.is_("thinking", **{"earshot.turns": "automatic"})
        await expect(hint).to_contain_text("takes longer than usual")
        await agent.tells("link", kind="restored", cause="refused", attempts=3, took_ms=4200, gap_ms=4600, replayed_ms=900)
        await expect(hint).to_be_empty()
        await visit.says("#captions", "the model is back \N{MIDDLE DOT} 4.60 s of silence")
        await agent.tells("link", kind="waiting", cause="unanswered", attempts=1)
        await expect(hint).to_contain_text("takes longer than usual")
        await agent.tells("turn", heard_to_sound_s=5.0, spoke_s=1.0, interrupted=False)
        await expect(hint).to_be_empty()
        await agent.tells("resumed", away_s=1.42)
        await visit.says("#captions", "it is back after 1.42 s")
        await agent.tells("link", kind="lost", cause="dropped", during="idle")
        replaced = {"asked": "stadtfurer", "instead": "assistant", "did_you_mean": "stadtfuehrer"}
        await agent.tells("persona_replaced", **replaced)
        await visit.says(
            "#failure", "\N{LEFT DOUBLE QUOTATION MARK}assistant\N{RIGHT DOUBLE QUOTATION MARK} answers. Did you mean"
        )
        await agent.ends_the_call(visit, "model_refused", "the model's service refused the call", "key")
        await failed(visit, "Gemini refused the agent", "check GOOGLE_API_KEY in its .env", "link-failed")
        await expect(visit.page.locator("#failure")).not_to_contain_text("Call again")
    assert await visit.page.locator("#captions").get_by_text("of silence").count() == 1


@pytest.mark.long
async def test_an_agent_that_leaves_without_a_word(visit_alone: Visit, server: Sfu) -> None:
    """Nothing that it did goes on; the next one takes the call over; if none comes, the call ends."""
    visit = visit_alone
    await visit.page.click("#call")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.is_("thinking")
        await visit.is_in("thinking")
        await agent.tells("tool_started", id="1", name="turn_on_the_lights")
        await visit.says("#tool", "turn on the lights")
        await visit.picture("thinking")
        await agent.leaves()
        await visit.says("#failure", "The agent left without a goodbye")
        await expect(visit.page.locator("#tool")).to_be_hidden()
    await visit.page.evaluate("tap.hurry.set(20_000, 1_000)")  # the page's patience with an agent that isn't there
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await expect(visit.page.locator("#failure")).to_be_empty()
        await agent.leaves()
        await failed(visit, "The agent left the call", "no other agent came", "agent-left")


async def test_no_agent_comes(visit_alone: Visit) -> None:
    visit = visit_alone
    await visit.page.evaluate("tap.hurry.set(20_000, 1_000)")
    await visit.page.click("#call")
    await visit.is_in("waiting")
    await visit.picture("waiting")
    await failed(visit, "No agent joined", "Is the worker running?", "no-agent")


@pytest.mark.usefixtures("shared_worker")
async def test_the_agent_hangs_up_with_a_reason(visit: Visit) -> None:
    await visit.call()
    await visit.type("Please hang up")
    await visit.is_in("ended")
    await expect(visit.page.get_by_role("status")).to_contain_text("The agent ended the call.")
    await visit.has_released_the_microphone()
    await visit.picture("agent-hung-up")
    await visit.page.click("#call")
    await visit.is_in("listening", "speaking")


@pytest.mark.long
async def test_what_takes_its_time(browser: Browser, server: Sfu, model: Gemini) -> None:
    """An agent that dies, an SFU that is restarted: at once, since both take their time."""
    async with asyncio.TaskGroup() as together:
        together.create_task(_the_agent_dies(browser, server, model))
        together.create_task(_the_sfu_is_restarted(browser, model))


async def _the_agent_dies(browser: Browser, server: Sfu, model: Gemini) -> None:
    async with (
        worker(server, model, name="mortal", AGENT_NAME="mortal") as part,
        running_token_server(**to(server), AGENT_NAME="mortal") as running,
        visiting(browser, running.url) as visit,
    ):
        await visit.call()
        main = psutil.Process(part.pid)
        for process in [*main.children(recursive=True), main]:
            process.kill()
        await expect(visit.page.locator("#failure")).to_contain_text("The agent left without a goodbye", timeout=60_000)
        await visit.is_in("waiting")
        await visit.picture("agent-gone")
        await visit.page.click("#call")
        await visit.is_in("ended")
        await visit.has_released_the_microphone()


async def _the_sfu_is_restarted(browser: Browser, model: Gemini) -> None:
    """The banner shows while it is gone. Once it is back, the call goes on with a new agent, or its end is told.

    That everybody seems to have left while the connection is mended is not said: nobody has.
    """
    port = free_port()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(AsyncExitStack())
        server, part = await first.enter_async_context(sfu_part(port))
        await stack.enter_async_context(worker(server, model))
        running = await stack.enter_async_context(running_token_server(**to(server)))
        visit = await stack.enter_async_context(visiting(browser, running.url))
        visit.provoked = NO_CONNECTION
        await visit.call()
        await visit.listens_for_failures()
        psutil.Process(part.pid).kill()
        await visit.is_in("reconnecting")
        await expect(visit.page.locator("#banner")).to_be_visible()
        await visit.picture("sfu-gone")
        await first.aclose()
        assert await visit.failures() == []
        async with sfu_part(port):
            body = visit.page.locator("body")
            await expect(body).to_have_attribute("data-state", re.compile("^(listening|failed|ended)$"), timeout=40_000)
            await visit.picture("sfu-back")
            assert not [words for words in await visit.failures() if "without a goodbye" in words]
            if await body.get_attribute("data-state") != "listening":
                await visit.has_released_the_microphone()
