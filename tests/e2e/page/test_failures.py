"""What goes wrong is said in words, with what to do; the microphone is released each time, and the page can call again."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import psutil
import pytest
from livekit import api
from playwright.async_api import Browser, expect

from tests.e2e.conftest import ANSWER, GREETING
from tests.e2e.page.browser import Visit, chromium, visiting
from tests.e2e.page.conftest import to
from tests.e2e.page.test_call import HELLO
from tests.e2e.stack import Gemini, Sfu, free_port, sfu, worker
from tests.token_server.program import RunningDoor, door

KEY = "a-key-that-is-long-enough-for-a-door"
REFUSED = "status of 4|status of 5"
NO_CONNECTION = "WebSocket connection|Failed to fetch|ERR_CONNECTION|connection|signal|reconnect|leave|region"


async def failed(visit: Visit, title: str, advice: str, picture: str) -> None:
    """The call is over: said in words, without the microphone, and ready for the next try."""
    await visit.is_in("failed")
    await visit.says("#failure", title)
    await visit.says("#failure", advice)
    await visit.has_released_the_microphone()
    await visit.picture(picture)
    await visit.is_accessible()
    await expect(visit.page.locator("#call")).to_be_visible()


async def room_of(visit: Visit) -> str:
    return str(await visit.page.evaluate("earshot.room.name"))


# The microphone


@pytest.mark.usefixtures("shared_worker")
async def test_a_refused_microphone_is_said_and_the_call_goes_on_in_writing(browser: Browser, front_door: RunningDoor) -> None:
    async with visiting(browser, front_door.url, microphone=False) as visit:
        await visit.page.click("#call")
        await failed(visit, "The microphone was refused", "Allow it in the site settings", "microphone-refused")
        await visit.page.get_by_role("button", name="Carry on by typing").click()
        await visit.says("#captions", GREETING)
        await visit.is_in("listening")
        await visit.type("good evening")
        await visit.says("#captions", "You wrote: good evening")
        await visit.picture("text-only")


async def test_no_microphone_at_all(front_door: RunningDoor) -> None:
    async with chromium() as bare, visiting(bare, front_door.url) as visit:
        await visit.page.click("#call")
        await failed(visit, "No microphone was found", "Connect one", "microphone-missing")


@pytest.mark.parametrize(
    ("error", "title"),
    [
        ("NotReadableError", "The microphone is in use"),
        ("AbortError", "The microphone can\N{RIGHT SINGLE QUOTATION MARK}t be opened"),
    ],
)
async def test_a_microphone_that_the_system_does_not_give(visit: Visit, error: str, title: str) -> None:
    await visit.page.evaluate("(error) => { tap.refuseWith = error }", error)
    await visit.page.click("#call")
    await failed(visit, title, "Or carry on by typing", f"microphone-{error}")


async def test_an_insecure_address_is_said_before_anybody_calls(browser: Browser, server: Sfu) -> None:
    async with (
        door(**to(server), TOKEN_HOSTS="insecure.test", TOKEN_MODE="key", TOKEN_KEYS=KEY) as running,
        visiting(browser, f"http://insecure.test:{running.port}/", microphone=False) as visit,
    ):
        await visit.says("#failure", "use a microphone")
        await visit.says("#failure", "https://")
        await visit.picture("insecure")
        await expect(visit.page.get_by_role("button", name="Carry on by typing")).to_be_enabled()


# The door


@pytest.mark.usefixtures("shared_worker")
async def test_a_door_with_a_key(browser: Browser, server: Sfu) -> None:
    """Without the key nobody gets in; the key is never part of an address; whoever asks too often waits."""
    async with (
        door(**to(server), TOKEN_MODE="key", TOKEN_KEYS=KEY, TOKEN_PER_ADDRESS="2/minute") as running,
        visiting(browser, running.url) as visit,
    ):
        visit.provoked = REFUSED
        await visit.page.click("#call")
        await visit.says("#failure", "Enter the key first")
        await expect(visit.page.locator("#key")).to_be_focused()
        await visit.picture("key-wanted")
        await visit.page.fill("#key", "not-the-key-that-this-door-knows")
        await visit.page.press("#key", "Enter")
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


async def test_a_door_that_is_gone(browser: Browser, server: Sfu) -> None:
    async with AsyncExitStack() as stack:
        closing = await stack.enter_async_context(AsyncExitStack())
        running = await closing.enter_async_context(door(**to(server)))
        visit = await stack.enter_async_context(visiting(browser, running.url))
        visit.provoked = "ERR_CONNECTION_REFUSED"
        await closing.aclose()
        await visit.page.click("#call")
        await failed(
            visit, "The token server doesn\N{RIGHT SINGLE QUOTATION MARK}t answer", "Check your connection", "door-gone"
        )


# LiveKit


async def test_livekit_does_not_answer(browser: Browser) -> None:
    async with door(LIVEKIT_URL=f"ws://127.0.0.1:{free_port()}") as running, visiting(browser, running.url) as visit:
        visit.provoked = NO_CONNECTION
        await visit.page.click("#call")
        await failed(
            visit, "The call server doesn\N{RIGHT SINGLE QUOTATION MARK}t answer", "Check that it is running", "livekit-gone"
        )


async def test_a_token_that_livekit_refuses(browser: Browser, server: Sfu) -> None:
    settings = to(server) | {"LIVEKIT_API_SECRET": "another-secret-that-livekit-does-not-know-at-all"}
    async with door(**settings) as running, visiting(browser, running.url) as visit:
        visit.provoked = f"{NO_CONNECTION}|{REFUSED}"
        await visit.page.click("#call")
        await failed(visit, "The call server refused the call", "Call again", "livekit-refuses")


@pytest.mark.usefixtures("shared_worker")
@pytest.mark.parametrize(("end", "state", "words"), [("remove", "ended", "You were removed"), ("delete", "ended", "was ended")])
async def test_somebody_ends_the_call(visit: Visit, server: Sfu, end: str, state: str, words: str) -> None:
    await visit.call()
    async with server.api() as livekit:
        room = await room_of(visit)
        if end == "remove":
            me = str(await visit.page.evaluate("earshot.room.localParticipant.identity"))
            await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=me))
        else:
            await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
    await visit.is_in(state)
    await visit.says("#state", words)
    await visit.has_released_the_microphone()


@pytest.mark.usefixtures("shared_worker")
async def test_a_short_loss_of_the_connection_is_shown_and_mended(visit: Visit) -> None:
    await visit.call()
    banner = visit.page.locator("#banner")
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
    await visit.say(HELLO)
    await visit.says("#captions", ANSWER)
    assert "live" in await visit.microphones()


# The agent


@pytest.mark.usefixtures("shared_worker")
async def test_the_agent_hangs_up_with_a_reason(visit: Visit) -> None:
    await visit.call()
    await visit.type("Please hang up")
    await visit.is_in("ended")
    await visit.says("#hint", "The agent ended the call.")
    await visit.has_released_the_microphone()
    await visit.picture("agent-hung-up")
    await visit.page.click("#call")
    await visit.is_in("listening", "speaking")


async def test_what_takes_its_time(browser: Browser, server: Sfu, model: Gemini) -> None:
    """An agent that never comes, one that dies, an SFU that is restarted: all at once, since each takes its 20 s."""
    async with asyncio.TaskGroup() as together:
        together.create_task(_nobody_comes(browser, server))
        together.create_task(_the_agent_dies(browser, server, model))
        together.create_task(_the_sfu_is_restarted(browser, model))


async def _nobody_comes(browser: Browser, server: Sfu) -> None:
    async with door(**to(server), AGENT_NAME="nobody") as running, visiting(browser, running.url) as visit:
        await visit.page.click("#call")
        await visit.is_in("waiting")
        await visit.picture("waiting")
        await expect(visit.page.locator("body")).to_have_attribute("data-state", "failed", timeout=40_000)
        await failed(visit, "No agent joined", "Is the worker running?", "no-agent")


async def _the_agent_dies(browser: Browser, server: Sfu, model: Gemini) -> None:
    async with (
        worker(server, model, name="mortal", AGENT_NAME="mortal") as part,
        door(**to(server), AGENT_NAME="mortal") as running,
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
    """The banner shows while it is gone. Once it is back, the call goes on with a new agent, or its end is told."""
    port = free_port()
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(AsyncExitStack())
        server = await first.enter_async_context(sfu(port))
        await stack.enter_async_context(worker(server, model))
        running = await stack.enter_async_context(door(**to(server)))
        visit = await stack.enter_async_context(visiting(browser, running.url))
        visit.provoked = NO_CONNECTION
        await visit.call()
        crash(port)
        await visit.is_in("reconnecting")
        await expect(visit.page.locator("#banner")).to_be_visible()
        await visit.picture("sfu-gone")
        await first.aclose()
        async with sfu(port):
            body = visit.page.locator("body")
            await expect(body).to_have_attribute("data-state", re.compile("^(listening|failed|ended)$"), timeout=40_000)
            await visit.picture("sfu-back")
            if await body.get_attribute("data-state") != "listening":
                await visit.has_released_the_microphone()


def crash(port: int) -> None:
    """End the SFU of that port without any goodbye."""
    for process in psutil.Process().children():
        try:
            sockets = process.net_connections()
        except psutil.NoSuchProcess:  # it ended while we looked
            continue
        if any(socket.status == psutil.CONN_LISTEN and socket.laddr.port == port for socket in sockets):
            process.kill()


# The visitor


@pytest.mark.usefixtures("shared_worker")
async def test_whoever_closes_the_page_has_left_the_room(visit: Visit, server: Sfu) -> None:
    await visit.call()
    room = await room_of(visit)
    assert len(await server.participants(room)) == 2
    await visit.page.goto("about:blank")
    async with asyncio.timeout(5):
        while any(identity.startswith("caller") for identity in await server.participants(room)):
            await asyncio.sleep(0.05)


async def test_hanging_up_while_connecting_releases_the_microphone(browser: Browser, server: Sfu) -> None:
    async with door(**to(server), AGENT_NAME="nobody") as running, visiting(browser, running.url) as visit:
        await visit.page.click("#call")
        await visit.is_in("connecting", "waiting")
        await visit.page.click("#call")
        await visit.is_in("ended")
        async with asyncio.timeout(5):
            while "live" in await visit.microphones():
                await asyncio.sleep(0.05)


@pytest.mark.usefixtures("shared_worker")
async def test_sound_that_the_browser_keeps_back_waits_for_a_click(browser: Browser, front_door: RunningDoor) -> None:
    """Nobody has clicked and no microphone is open: the browser plays nothing until somebody asks for it."""
    async with visiting(browser, front_door.url, microphone=False) as visit:
        await visit.page.add_init_script(path=Path(__file__).parent / "without_a_click.js")
        async with visit.page.expect_console_message(lambda message: message.text == "kept back"):
            await visit.page.reload()  # whatever Playwright asks of a page counts as a click: until then it asks nothing
        await expect(visit.page.locator("#listen")).to_be_visible()
        await visit.picture("sound-blocked")
        await visit.page.click("#listen")
        await expect(visit.page.locator("#listen")).to_be_hidden()
        await visit.type("good evening")
        await visit.is_in("speaking")
        assert await visit.page.evaluate("!document.querySelector('audio').paused")
