"""Failures are said in words, with what to do; the microphone is released each time, and the page can call again.

The microphone, the token server, LiveKit, the visitor; test_agents.py is about the agent.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
from livekit import api
from playwright.async_api import Browser, Route, expect

from tests.e2e.conftest import GREETING
from tests.e2e.page.browser import PLAIN_HTTP, Visit, chromium, visiting
from tests.e2e.page.conftest import to
from tests.e2e.page.test_call import HELLO
from tests.e2e.stack import Sfu, sfu_part
from tests.ports import free_port
from tests.token_server.program import TokenServerProcess, running_token_server

KEY = "a-key-that-is-long-enough-for-a-token-server"
REFUSED = "status of 4|status of 5"
NO_CONNECTION = "WebSocket connection|Failed to fetch|ERR_CONNECTION|connection|signal|reconnect|leave|region"


async def failed(visit: Visit, title: str, advice: str, picture: str, *, was_opened: bool = True) -> None:
    """The call is over: said in words, without the microphone, and ready for the next try."""
    await visit.is_in("failed")
    await visit.says("#failure", title)
    await visit.says("#failure", advice)
    await visit.has_released_the_microphone(was_opened=was_opened)
    await visit.picture(picture)
    await visit.is_accessible()
    await expect(visit.page.locator("#call")).to_be_visible()


# The microphone


@pytest.mark.usefixtures("shared_worker")
async def test_a_refused_microphone_is_said_and_the_call_goes_on_in_writing(
    browser: Browser, token_server: TokenServerProcess
) -> None:
    async with visiting(browser, token_server.url, microphone=False) as visit:
        await visit.page.click("#call")
        await failed(
            visit, "The microphone was refused", "Allow it in the site settings", "microphone-refused", was_opened=False
        )
        await visit.page.get_by_role("button", name="Carry on by typing").click()
        await visit.says("#captions", GREETING)
        await visit.is_in("listening")
        await visit.type("good evening")
        await visit.says("#captions", "You wrote: good evening")
        await visit.picture("text-only")


@pytest.mark.long
async def test_no_microphone_at_all(token_server: TokenServerProcess) -> None:
    async with chromium() as bare, visiting(bare, token_server.url) as visit:
        await visit.page.click("#call")
        await failed(visit, "No microphone was found", "Connect one", "microphone-missing", was_opened=False)


@pytest.mark.parametrize(
    ("error", "title", "advice"),
    [
        ("NotFoundError", "No microphone was found", "Connect one"),
        ("NotReadableError", "The microphone is in use", "Or carry on by typing"),
        ("AbortError", "The microphone can\N{RIGHT SINGLE QUOTATION MARK}t be opened", "Or carry on by typing"),
    ],
)
async def test_a_microphone_that_the_system_does_not_give(visit: Visit, error: str, title: str, advice: str) -> None:
    await visit.page.evaluate("(error) => { tap.refuseWith = error }", error)
    await visit.page.click("#call")
    await failed(visit, title, advice, f"microphone-{error}", was_opened=False)


async def test_an_insecure_address_is_said_before_anybody_calls(browser: Browser, server: Sfu) -> None:
    async with (
        running_token_server(**to(server), TOKEN_HOSTS="insecure.test", TOKEN_MODE="key", TOKEN_KEYS=KEY) as running,
        visiting(browser, f"http://insecure.test:{running.port}/", microphone=False) as visit,
    ):
        visit.provoked = PLAIN_HTTP
        await visit.says("#failure", "use a microphone")
        await visit.says("#failure", "https://")
        await visit.picture("insecure")
        await expect(visit.page.get_by_role("button", name="Carry on by typing")).to_be_enabled()


# The token server


@pytest.mark.long
@pytest.mark.usefixtures("shared_worker")
async def test_a_token_server_with_a_key(browser: Browser, server: Sfu) -> None:
    """Without the key nobody gets in; the key is never part of an address; whoever asks too often waits."""
    async with (
        running_token_server(**to(server), TOKEN_MODE="key", TOKEN_KEYS=KEY, TOKEN_PER_ADDRESS="2/minute") as running,
        visiting(browser, running.url) as visit,
    ):
        visit.provoked = REFUSED
        await visit.page.click("#call")
        await visit.says("#failure", "Enter the key first")
        await expect(visit.page.get_by_label("Access key")).to_be_focused()
        await visit.picture("key-wanted")
        await visit.page.get_by_label("Access key").fill("not-the-key-that-this-server-knows")
        await visit.page.press("#key", "Enter")
        await expect(visit.page.locator("#call")).to_be_focused()
        await failed(visit, "You were not let in", "key", "token-refused")

        await visit.page.fill("#key", KEY)
        await visit.page.click("#call")
        await visit.is_in("listening", "speaking")
        await visit.page.click("#call")
        await visit.is_in("ended")
        assert not any(KEY in url for url in visit.requested)

        await visit.page.click("#call")
        await failed(visit, "You were not let in", "", "too-many-requests")
        await visit.says("#call", re.compile(r"Call again in \d+ s"))
        await expect(visit.page.locator("#call")).to_have_attribute("aria-disabled", "true")


@pytest.mark.long
async def test_a_token_server_that_is_gone(browser: Browser, server: Sfu) -> None:
    async with AsyncExitStack() as stack:
        closing = await stack.enter_async_context(AsyncExitStack())
        running = await closing.enter_async_context(running_token_server(**to(server)))
        visit = await stack.enter_async_context(visiting(browser, running.url))
        visit.provoked = "ERR_CONNECTION_REFUSED"
        await closing.aclose()
        await visit.page.click("#call")
        await failed(
            visit, "The token server doesn\N{RIGHT SINGLE QUOTATION MARK}t answer", "Check your connection", "token-server-gone"
        )


async def test_a_page_whose_token_server_has_gone_before_it_could_ask(visit_alone: Visit) -> None:
    """The page says so instead of waiting for ever; nobody can call."""
    visit = visit_alone
    visit.provoked = "ERR_FAILED"
    await visit.page.route("**/config", lambda route: route.abort())
    await visit.page.reload()
    await failed(
        visit, "The page can\N{RIGHT SINGLE QUOTATION MARK}t reach its server", "reload", "no-config", was_opened=False
    )
    await expect(visit.page.get_by_role("status")).to_have_text("Not ready for a call")
    await expect(visit.page.locator("#call")).to_be_disabled()


# LiveKit


@pytest.mark.long
async def test_livekit_does_not_answer(browser: Browser) -> None:
    async with (
        running_token_server(LIVEKIT_URL=f"ws://127.0.0.1:{free_port()}") as running,
        visiting(browser, running.url) as visit,
    ):
        visit.provoked = NO_CONNECTION
        await visit.page.click("#call")
        await failed(
            visit, "The call server doesn\N{RIGHT SINGLE QUOTATION MARK}t answer", "Check that it is running", "livekit-gone"
        )


@pytest.mark.long
async def test_a_token_that_livekit_refuses(browser: Browser, server: Sfu) -> None:
    settings = to(server) | {"LIVEKIT_API_SECRET": "another-secret-that-livekit-does-not-know-at-all"}
    async with running_token_server(**settings) as running, visiting(browser, running.url) as visit:
        visit.provoked = f"{NO_CONNECTION}|{REFUSED}"
        await visit.page.click("#call")
        await failed(visit, "The call server refused the call", "Call again", "livekit-refuses")


@pytest.mark.parametrize(
    ("end", "words"), [("remove", "You were removed"), ("delete", "was ended"), ("join", "The call goes on elsewhere")]
)
async def test_somebody_ends_the_call(visit_alone: Visit, server: Sfu, end: str, words: str) -> None:
    """An operator takes the caller out, or closes the room; or the caller joins a second time."""
    visit = visit_alone
    await visit.page.click("#call")
    await visit.is_in("waiting")
    room = await visit.room()
    me = str(await visit.page.evaluate("earshot.room.localParticipant.identity"))
    async with server.api() as livekit:
        if end == "remove":
            await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=me))
        elif end == "delete":
            await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        else:
            async with server.caller(room, me, agent_name="nobody"):
                await visit.is_in("ended")
    await visit.is_in("ended")
    await expect(visit.page.get_by_role("status")).to_contain_text(words)
    await visit.has_released_the_microphone()


@pytest.mark.long
async def test_livekit_crashes_and_does_not_come_back(browser: Browser) -> None:
    async with (
        sfu_part() as (server, part),
        running_token_server(**to(server), AGENT_NAME="nobody") as running,
        visiting(browser, running.url) as visit,
    ):
        visit.provoked = NO_CONNECTION
        await visit.page.click("#call")
        await visit.is_in("waiting")
        # the library tries for a minute; that it gives up is what this is about
        await visit.page.evaluate("earshot.room.engine.reconnectPolicy = { nextRetryDelayInMs: () => null }")
        psutil.Process(part.pid).kill()
        await failed(visit, "The connection was lost", "call again", "connection-lost")


@pytest.mark.long
async def test_livekit_says_that_it_shuts_down(visit_alone: Visit) -> None:
    visit = visit_alone
    await visit.page.click("#call")
    await visit.is_in("waiting")
    await visit.page.evaluate("void earshot.room.simulateScenario('server-leave')")
    await failed(visit, "The call server was shut down", "Call again", "livekit-shut-down")


@pytest.mark.long
async def test_livekit_answers_but_no_media_gets_through(visit_alone: Visit) -> None:
    visit = visit_alone
    visit.provoked = NO_CONNECTION

    async def hurry(route: Route) -> None:
        await visit.page.evaluate(
            """() => {
              const { room } = earshot;
              const { connect } = room;
              room.connect = (url, token) => connect(url, token, { peerConnectionTimeout: 1_500 }); // its own is 15 s
            }"""
        )
        await route.continue_()

    await visit.page.evaluate("() => { tap.isFirewalled = true; }")
    await visit.page.route("**/token", hurry)
    await visit.page.click("#call")
    await failed(visit, "No sound gets through", "another network", "no-media")


@pytest.mark.usefixtures("shared_worker")
async def test_a_short_loss_of_the_connection_is_shown_and_mended(visit: Visit) -> None:
    await visit.call()
    banner = visit.page.locator("#banner")
    await visit.listens_for_failures()
    seen = visit.page.evaluate(
        """() => new Promise((done) => {
          const look = () => (document.body.dataset.state === "reconnecting" ? done(banner.hidden) : setTimeout(look, 5));
          look();
        })"""
    )
    hidden, _ = await asyncio.gather(seen, visit.page.evaluate("earshot.room.simulateScenario('full-reconnect')"))
    assert hidden is False
    await visit.is_in("listening")
    await expect(banner).to_be_hidden()
    assert await visit.failures() == [], "nobody has left, though livekit-client tells so of everybody"
    await visit.say(HELLO)
    await visit.says("#captions", "I heard you")  # and perhaps no more: a late machine pauses in mid-sentence
    assert "live" in await visit.microphones()


# The visitor


@pytest.mark.long
@pytest.mark.usefixtures("shared_worker")
async def test_whoever_closes_the_page_has_left_the_room(visit: Visit, server: Sfu) -> None:
    await visit.call()
    room = await visit.room()
    assert len(await server.participants(room)) == 2
    await visit.page.goto("about:blank")
    async with asyncio.timeout(5):
        while any(identity.startswith("caller") for identity in await server.participants(room)):
            await asyncio.sleep(0.05)


@pytest.mark.long
async def test_hanging_up_while_connecting_releases_the_microphone(browser: Browser, server: Sfu) -> None:
    async with running_token_server(**to(server), AGENT_NAME="nobody") as running, visiting(browser, running.url) as visit:
        await visit.page.click("#call")
        await visit.is_in("connecting", "waiting")
        await visit.page.click("#call")
        await visit.is_in("ended")
        async with asyncio.timeout(5):
            while "live" in await visit.microphones():
                await asyncio.sleep(0.05)


@pytest.mark.usefixtures("shared_worker")
async def test_sound_that_the_browser_keeps_back_waits_for_a_click(browser: Browser, token_server: TokenServerProcess) -> None:
    """Nobody has clicked and no microphone is open: the browser plays nothing until somebody asks for it."""
    async with visiting(browser, token_server.url, microphone=False) as visit:
        await visit.page.add_init_script(path=Path(__file__).parent / "without_a_click.js")
        # Whatever Playwright asks of a page counts as a click, and the browser may then let sound through by itself:
        # until somebody really presses, the test only watches and takes a picture.
        async with visit.console_says("kept back"):
            await visit.page.reload()
        await visit.picture_from_outside("sound-blocked")
        async with visit.console_says("let through"):
            await visit.page.keyboard.press("Enter")
        await visit.type("good evening")
        await visit.is_in("speaking")
        assert await visit.page.evaluate("!document.querySelector('audio').paused")
