"""The extras of a call may fail, each in its way, and the call goes on; a browser that can't call is told so."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Browser, Route, expect

from tests.e2e.page.browser import PLAIN_HTTP, Visit, visiting
from tests.e2e.page.conftest import to
from tests.e2e.page.stand_in import stand_in
from tests.e2e.stack import Sfu, until
from tests.token_server.program import TokenServerProcess, running_token_server

BROKEN = Path(__file__).parent / "broken.js"
CANNOT_CALL = "This browser can\N{RIGHT SINGLE QUOTATION MARK}t make calls"
KEY = "a-key-that-is-long-enough-for-a-token-server"


async def talks(visit: Visit, server: Sfu, button: str = "#call") -> list[str]:
    """A call from beginning to end: the agent is read, a typed line reaches it, and hanging up works.

    Returns the names of the level meters that were shown.
    """
    await visit.page.click(button)
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.says("Hello, this is Earshot.")
        await visit.says("#captions", "Hello, this is Earshot.")
        await agent.is_("speaking")
        await visit.is_in("speaking")
        await visit.type("good evening")
        await until(lambda: agent.typed == ["good evening"])
        await expect(visit.page.locator("#failure")).to_be_empty()
        meters = await visit.page.locator(".meter span:visible").all_inner_texts()
        await visit.page.click("#call")
        await visit.is_in("ended")
    return meters


@pytest.mark.long
@pytest.mark.parametrize("how", ["missing", "throws", "rejects", "hangs"])
async def test_what_a_call_can_do_without_may_fail(
    browser: Browser, server_without_agent: TokenServerProcess, server: Sfu, how: str
) -> None:
    """Level meters, device lists, storage, permissions and others, all at once. A meter without a level is hidden."""
    before = BROKEN.read_text().replace("%HOW%", how)
    async with visiting(browser, server_without_agent.url, before=before) as visit:
        visit.provoked = "by the test|is not a (function|constructor)|not defined|undefined"
        for _ in range(2):
            assert "You" not in await talks(visit, server)


@pytest.mark.long
@pytest.mark.parametrize(
    "part", ["captions.append", "turns.replaceChildren", "facts.replaceChildren", "microphone.replaceChildren", "tool.append"]
)
async def test_a_part_of_the_page_that_cannot_be_drawn(visit_alone: Visit, server: Sfu, part: str) -> None:
    visit = visit_alone
    name, method = part.split(".")
    script = "([id, method]) => { document.getElementById(id)[method] = () => { throw Error('by the test'); }; }"
    await visit.page.evaluate(script, [name, method])
    await visit.page.click("#call")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.says("Hello.")
        await agent.is_("speaking", mood="curious")
        await agent.tells("tool_started", id="1", name="roll_dice")
        await visit.is_in("speaking")
        await visit.type("good evening")
        await until(lambda: agent.typed == ["good evening"])
        await visit.page.click("#call")
        await visit.is_in("ended")
    await visit.has_released_the_microphone()


@pytest.mark.long
@pytest.mark.parametrize("part", ["outcome.replaceChildren", "failure.replaceChildren"])
async def test_an_end_that_cannot_be_drawn_is_an_end(visit_alone: Visit, part: str) -> None:
    """The button doesn't go on to say "Hang up": it begins the next call."""
    visit = visit_alone
    name, method = part.split(".")
    await visit.page.click("#type-instead")
    first = await visit.room()
    script = "([id, method]) => { document.getElementById(id)[method] = () => { throw Error('by the test'); }; }"
    await visit.page.evaluate(script, [name, method])
    await visit.page.click("#call")
    await visit.is_in("ended")
    await expect(visit.page.locator("#call")).to_have_text("Call again")
    await visit.page.evaluate("([id, method]) => { delete document.getElementById(id)[method]; }", [name, method])
    await visit.page.click("#call")
    await visit.is_in("waiting")
    assert await visit.room() != first


async def test_a_call_that_cannot_begin_says_so(visit_alone: Visit) -> None:
    """An unforeseen error is shown to the caller; the button can be pressed again."""
    visit = visit_alone
    visit.provoked = "by the test"
    broken = "LivekitClient.Room.prototype.registerTextStreamHandler = () => { throw Error('by the test'); }"
    await visit.page.evaluate(f"() => {{ {broken} }}")
    await visit.page.click("#call")
    await visit.is_in("failed")
    await visit.says("#failure", "Something went wrong")
    await expect(visit.page.locator("#call")).to_be_enabled()


@pytest.mark.long
async def test_over_plain_http_a_caller_can_type(browser: Browser, server: Sfu) -> None:
    """Browsers have neither a microphone nor crypto.randomUUID there, and livekit-client names its streams with the latter."""
    settings = {"TOKEN_HOSTS": "insecure.test", "TOKEN_MODE": "key", "TOKEN_KEYS": KEY, "AGENT_NAME": "nobody"}
    async with (
        running_token_server(**to(server), **settings) as running,
        visiting(browser, f"http://insecure.test:{running.port}/", microphone=False) as visit,
    ):
        visit.provoked = PLAIN_HTTP
        await visit.page.fill("#key", KEY)
        await talks(visit, server, "#type-instead")


async def test_a_browser_that_gives_no_microphone_to_pages(browser: Browser, server_without_agent: TokenServerProcess) -> None:
    """The address is secure, but there are no media devices, as in the browsers inside some other apps."""
    async with visiting(browser, server_without_agent.url, before="delete Navigator.prototype.mediaDevices") as visit:
        await visit.page.click("#call")
        await visit.says("#failure", "gives no microphone to pages")
        await expect(visit.page.get_by_role("button", name="Carry on by typing")).to_be_enabled()


def replacing(text: str | None) -> Callable[[Route], Awaitable[None]]:
    """Answer with that script, or not at all."""

    async def answer(route: Route) -> None:
        await (route.abort() if text is None else route.fulfill(body=text, content_type="text/javascript"))

    return answer


async def opened(browser: Browser, url: str, *, before: str = "", replaced: dict[str, str | None] | None = None) -> str:
    """The page's alerts after loading. A file that is replaced by None is missing."""
    window = await browser.new_context()
    try:
        page = await window.new_page()
        await page.add_init_script(before)
        for path, text in (replaced or {}).items():
            await page.route(f"**/{path}", replacing(text))
        await page.goto(url)
        await expect(page.locator("#state")).to_have_text("Not ready for a call")
        await expect(page.locator("#call")).to_be_disabled()
        return " ".join(await page.get_by_role("alert").all_inner_texts())
    finally:
        await window.close()


@pytest.mark.parametrize(
    ("before", "replaced"),
    [
        ("delete window.RTCPeerConnection", {}),
        ("delete window.AbortController", {}),
        ("delete Array.prototype.at", {}),
        ("delete window.WritableStream", {}),  # Firefox has it since 100, and the next since 102
        ("delete window.TransformStream", {}),
        ("delete window.TextEncoder", {}),
        ("", {"room.js": "this is no JavaScript that this browser knows"}),
    ],
    ids=[
        "no WebRTC",
        "no fetch to be aborted",
        "an old engine",
        "no streams",
        "no pipes",
        "no UTF-8",
        "syntax that it doesn't know",
    ],
)
async def test_a_browser_that_is_too_old_is_told_so(
    browser: Browser, server_without_agent: TokenServerProcess, before: str, replaced: dict[str, str | None]
) -> None:
    told = await opened(browser, server_without_agent.url, before=before, replaced=replaced)
    assert CANNOT_CALL in told
    assert "reach its server" not in told


@pytest.mark.parametrize("file", ["captions.js", "call.js", "vendor/*"])
async def test_a_page_that_did_not_load_completely_says_so(
    browser: Browser, server_without_agent: TokenServerProcess, file: str
) -> None:
    told = await opened(browser, server_without_agent.url, replaced={file: None})
    assert "load completely" in told
    assert CANNOT_CALL not in told
