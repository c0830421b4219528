"""The pages of recorded calls in a real Chromium: a recording plays, follows and is found, for the operator's key alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from records.compressing import compress
from tests.e2e.firefox import firefox
from tests.e2e.page.browser import DESKTOP, Visit
from tests.e2e.page.recorded_call import NAME, Conversation, conversation, record, record_others
from tests.e2e.page.test_looks import LOOKS
from tests.token_server.program import TokenServerProcess, running_token_server
from token_server.recorded_calls import LARGEST_PART_BYTES

KEY = "the-key-of-the-operator"
REFUSED = "the server responded with a status of 401"
PART_S = LARGEST_PART_BYTES / (24_000 * 4)
"""After so many seconds the browser has to ask for the next part of the sound."""
COLOURED = """(names) => {
  const canvas = document.getElementById("canvas");
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const halves = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] && Math.max(data[at], data[at + 1], data[at + 2]) - Math.min(data[at], data[at + 1], data[at + 2]) > 60) {
      halves[at / 4 / width < height / 2 ? 0 : 1] += 1;
    }
  }
  return halves.map((pixels) => pixels / (width * height));
}"""
"""The share of coloured pixels in the upper and the lower half of the waveform."""


@pytest.fixture(scope="module")
def said() -> Conversation:
    return conversation()


@pytest.fixture(scope="module")
async def records_server(tmp_path_factory: pytest.TempPathFactory, said: Conversation) -> AsyncIterator[TokenServerProcess]:
    calls = tmp_path_factory.mktemp("calls")
    record(calls, NAME, said)
    record_others(calls)
    async with running_token_server(OPERATOR_KEY=KEY, RECORD_DIR=str(calls)) as running:
        yield running


@asynccontextmanager
async def looking(browser: Browser, url: str, path: str) -> AsyncIterator[Visit]:
    """Open a page of recorded calls without the key."""
    window = await browser.new_context(viewport=DESKTOP, reduced_motion="reduce", timezone_id="Asia/Tokyo")
    try:
        page = await window.new_page()
        visit = Visit(page, url, provoked=REFUSED)
        page.on("console", visit.on_console)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", visit.on_request)
        await page.goto(f"{url}{path}")
        await expect(page.locator("#sign-in")).to_be_visible()
        yield visit
        await visit.finish()
    finally:
        await window.close()


async def sign_in(visit: Visit, key: str = KEY) -> None:
    await visit.page.fill("#key", key)
    await visit.page.press("#key", "Enter")


async def in_every_look(visit: Visit, name: str) -> None:
    """In light, in dark and on 320 px, axe-core finds nothing grave and nothing is wider than the window."""
    for look, (scheme, size) in (LOOKS | {"dark-320": ("dark", LOOKS["light-320"][1])}).items():
        await visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await visit.page.set_viewport_size(size)
        await visit.is_accessible()
        await visit.picture(f"records-{look}-{name}")
    await visit.page.set_viewport_size(DESKTOP)


async def test_without_the_key_nothing_is_shown(browser: Browser, records_server: TokenServerProcess) -> None:
    async with looking(browser, records_server.url, f"calls/{NAME}") as visit:
        await in_every_look(visit, "sign-in")
        await sign_in(visit, "not-the-key-of-the-operator")
        await visit.says("#problem", "This is not the operator's key.")
        assert "support-4711" not in await visit.page.content()
        await sign_in(visit)
        await visit.says("#room", "support-4711")
        assert await visit.page.evaluate("document.cookie") == ""
        await visit.page.click("#sign-out")
        await expect(visit.page.locator("#sign-in")).to_be_visible()
        await visit.page.goto(f"{records_server.url}calls/{NAME}")
        await expect(visit.page.locator("#sign-in")).to_be_visible()


async def test_a_call_plays_and_its_transcript_follows(
    browser: Browser, records_server: TokenServerProcess, said: Conversation
) -> None:
    async with looking(browser, records_server.url, f"calls/{NAME}") as visit:
        page = visit.page
        await sign_in(visit)
        await page.wait_for_function("() => audio.readyState >= 1 && audio.duration > 40")
        await page.wait_for_function(f"() => ({COLOURED})().every((share) => share > 0.02)")
        assert await page.locator(".lines li").count() == len(said.lines)
        await visit.says("#figures", "830 ms")
        await visit.says("#marks", "Tool failed")
        for name in ("RM_ByRgyGGzZDEn", "AJ_DENBVDVrmFd3", "0af7651916cd43dd8448eb211c80319c", NAME):
            await visit.says("#ids", name)
        await in_every_look(visit, "call")

        await page.keyboard.press("Space")
        await expect(page.locator("#play")).to_have_attribute("aria-label", "Pause")
        line = said.lines[3]
        await page.get_by_text(line.text).click()
        await page.wait_for_function(f"() => audio.currentTime > {line.start_s} && audio.currentTime < {line.end_s}")
        await expect(page.locator(".lines [aria-current]")).to_contain_text(line.text)
        await page.evaluate("(at) => { audio.currentTime = at; }", PART_S - 1)
        await page.wait_for_function(f"() => audio.currentTime > {PART_S + 0.5}")
        await page.keyboard.press("Space")
        await expect(page.locator("#play")).to_have_attribute("aria-label", "Play")

        await page.locator(".happened", has_text="move_appointment").click()
        paused_at = await page.evaluate("audio.currentTime")
        await page.keyboard.press("ArrowLeft")
        assert await page.evaluate("audio.currentTime") == pytest.approx(paused_at - 5, abs=0.01)
        await page.get_by_text(said.lines[-5].text).click()
        for key, text in (("ArrowDown", said.lines[-4].text), ("ArrowUp", said.lines[-5].text)):
            await page.keyboard.press(key)
            await expect(page.locator(".lines [aria-current]")).to_contain_text(text)
            await expect(page.locator(".lines .said:focus")).to_contain_text(text)
        await page.keyboard.press("+")
        shown, all_of_them = page.locator(".lane.answer .item:visible"), page.locator(".lane.answer .item")
        assert 0 < await shown.count() < await all_of_them.count()
        await page.keyboard.press("/")
        await page.keyboard.type("DENTIST")
        await expect(page.locator(".lines li:visible")).to_have_count(1)
        await page.keyboard.type(" nowhere")
        await visit.says("#no-lines", "Nobody said that.")


async def test_keys_scroll_what_has_the_focus_and_shortcuts_can_be_switched_off(
    browser: Browser, records_server: TokenServerProcess
) -> None:
    """The waveform is a slider with all of a slider's keys. Without shortcuts a key does what it does on any page."""
    async with looking(browser, records_server.url, f"calls/{NAME}") as visit:
        page = visit.page
        await sign_in(visit)
        await page.wait_for_function("() => audio.readyState >= 1 && audio.duration > 40")
        await page.set_viewport_size({"width": 1280, "height": 400})
        for scrolled, key in (("#lines", "ArrowDown"), ("#events", "ArrowDown"), ("#lines", "Space")):
            await page.evaluate("(list) => { document.querySelector(list).scrollTop = 0; }", scrolled)
            await page.focus(scrolled)
            await page.keyboard.press(key)
            await page.wait_for_function("(list) => document.querySelector(list).scrollTop > 0", arg=scrolled)
        await page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
        await page.keyboard.press("ArrowDown")
        await page.wait_for_function("() => scrollY > 0")
        assert await page.evaluate("audio.paused && audio.currentTime === 0")

        await page.focus("#wave")
        length = await page.evaluate("audio.duration")
        moves = {"PageUp": 30, "ArrowUp": 35, "ArrowRight": 40, "ArrowLeft": 35, "ArrowDown": 30, "PageDown": 0}
        for key, at in (moves | {"End": length, "Home": 0}).items():
            await page.keyboard.press(key)
            assert await page.evaluate("audio.currentTime") == pytest.approx(at, abs=0.05), key

        await page.uncheck("#shortcuts")
        await page.evaluate("document.activeElement.blur()")
        shown = await page.locator("#ticks span").all_text_contents()
        for key in ("/", "0", "-", "=", "+", "Space", "ArrowRight"):
            await page.keyboard.press(key)
        assert await page.evaluate("audio.paused && audio.currentTime === 0 && document.activeElement === document.body")
        assert await page.locator("#ticks span").all_text_contents() == shown
        await expect(page.locator("[aria-keyshortcuts]")).to_have_count(0)
        await page.reload()
        await visit.says("#room", "support-4711")
        await expect(page.locator("#shortcuts")).not_to_be_checked()
        await page.goto(f"{records_server.url}calls")
        await expect(page.locator("#list")).to_be_visible()
        await page.keyboard.press("/")
        await expect(page.locator("#text")).not_to_be_focused()
        await page.check("#shortcuts")
        await page.keyboard.press("/")
        await expect(page.locator("#text")).to_be_focused()


async def test_a_compressed_call_has_a_waveform_too(browser: Browser, said: Conversation, tmp_path: Path) -> None:
    compress(record(tmp_path, NAME, said))
    async with (
        running_token_server(OPERATOR_KEY=KEY, RECORD_DIR=str(tmp_path)) as running,
        looking(browser, running.url, f"calls/{NAME}") as visit,
    ):
        await sign_in(visit)
        await visit.page.wait_for_function("() => audio.readyState >= 1 && audio.duration > 40")
        await visit.page.wait_for_function(f"() => ({COLOURED})().every((share) => share > 0.02)")


async def test_calls_are_found_by_room_day_ending_and_fault(browser: Browser, records_server: TokenServerProcess) -> None:
    async with looking(browser, records_server.url, "calls") as visit:
        page, rooms = visit.page, visit.page.locator(".calls bdi")
        await sign_in(visit)
        await expect(rooms).to_have_text(["web-Ünïcode", "support-4711", "sales-1", "sales-2"])
        await in_every_look(visit, "list")
        await page.keyboard.press("/")
        await page.keyboard.type("sales")
        await expect(rooms).to_have_text(["sales-1", "sales-2"])
        await page.select_option("#ending", "silence")
        await expect(rooms).to_have_text(["sales-1"])
        await page.reload()
        await expect(rooms).to_have_text(["sales-1"])
        await page.fill("#text", "")
        await page.select_option("#ending", "")
        await page.check("#faults")
        await expect(rooms).to_have_text(["web-Ünïcode", "support-4711", "sales-2"])
        await page.uncheck("#faults")
        await page.fill("#day", "2026-11-28")
        await expect(rooms).to_have_text(["sales-1"])
        await page.fill("#day", "2026-11-30")
        await visit.says("#found", "No call is like that.")
        await page.goto(f"{records_server.url}calls?text=RM_ByRgyGGzZDEn")
        await rooms.click()
        await visit.says("#room", "support-4711")


async def test_a_call_without_sound_shows_what_there_is(browser: Browser, records_server: TokenServerProcess) -> None:
    async with looking(browser, records_server.url, "calls/20261129T091500Z-0000000a") as visit:
        await sign_in(visit)
        await visit.says("#marks", "service refused")
        await visit.says("#no-sound", "no sound")
        await expect(visit.page.locator("#play")).to_be_hidden()
        await visit.page.goto(f"{records_server.url}calls/20260101T000000Z-00000000")
        await visit.says("#problem", "There is no such call.")
        visit.provoked += "|status of 404"


async def test_a_sound_or_waveform_that_can_not_be_had_says_why(browser: Browser, said: Conversation, tmp_path: Path) -> None:
    """The server's sentence; or the form that asks for the key, when the session is over. Play tries again."""
    folder = record(tmp_path, NAME, said)
    async with (
        running_token_server(OPERATOR_KEY=KEY, RECORD_DIR=str(tmp_path)) as running,
        looking(browser, running.url, f"calls/{NAME}") as visit,
    ):
        page = visit.page
        visit.provoked += "|status of (404|416|503)"  # 416 while the file is being written anew

        async def play_beyond_what_is_loaded() -> None:
            await page.wait_for_function("() => audio.readyState >= 1 && audio.duration > 40")
            await page.evaluate("(at) => { audio.currentTime = at; }", PART_S + 5)
            await page.keyboard.press("Space")

        await page.route("**/waveform", lambda route: route.fulfill(status=503, json={"code": "away", "message": "Away."}))
        await sign_in(visit)
        await visit.says("#problem", "Away.")
        await page.unroute("**/waveform")

        await page.context.clear_cookies()
        await play_beyond_what_is_loaded()
        await expect(page.locator("#sign-in")).to_be_visible()
        await sign_in(visit)
        await visit.says("#room", "support-4711")
        await expect(page.locator("#problem")).to_be_hidden()

        await page.wait_for_function("() => audio.readyState >= 1")
        folder.delete()
        await play_beyond_what_is_loaded()
        await visit.says("#problem", "There is no such call.")
        record(tmp_path, NAME, said)
        await page.keyboard.press("Space")
        await page.wait_for_function(f"() => audio.currentTime > {PART_S + 5.2}")
        await expect(page.locator("#problem")).to_be_hidden()


@pytest.mark.long
async def test_firefox_plays_beyond_the_first_part_of_the_sound_as_well(records_server: TokenServerProcess) -> None:
    async with firefox() as browser:
        await browser.open(f"{records_server.url}calls/{NAME}")
        await browser.becomes("document.getElementById('sign-in').hidden", False)
        sign = f"document.getElementById('key').value = '{KEY}'; document.getElementById('sign-in-form').requestSubmit()"
        await browser.evaluate(sign)
        await browser.becomes("document.getElementById('room').textContent", "support-4711")
        loaded = (
            "new Promise((ready) => (audio.readyState ? ready() : audio.addEventListener('loadedmetadata', () => ready())))"
        )
        await browser.evaluate(loaded)
        await browser.evaluate(f"audio.currentTime = {PART_S - 1}; audio.play()")
        beyond = f"new Promise((there) => {{ audio.ontimeupdate = () => audio.currentTime > {PART_S + 0.5} && there(true); }})"
        assert await browser.evaluate(beyond)
