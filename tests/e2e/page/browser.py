"""A visitor of the page: a real Chromium, in which the test speaks, listens, and sees what nobody should see."""

import asyncio
import base64
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request, Route, ViewportSize, async_playwright, expect

from caller.caller import SAMPLE_RATE_HZ
from caller.ear import Samples, dropouts, spans
from tests.e2e.stack import ROOT
from tests.e2e.test_call import as_spoken

TAP = Path(__file__).parent / "tap.js"
AXE = ROOT / "tests" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "build" / "page"
KEEPS_PICTURES = bool(os.environ.get("PICTURES"))
DESKTOP: ViewportSize = {"width": 1280, "height": 860}
SMALLEST: ViewportSize = {"width": 320, "height": 640}
PATIENCE_MS = 15_000
"""Longest wait for what needs a worker, a model and a room. Nothing is measured with it."""
ENDED_BY_THE_SFU = (
    r"DataChannel error on (lossy|reliable): User-Initiated Abort|publisher data channel '[A-Z_]+' closed unexpectedly"
)
"""What livekit-client 2.23.0 logs as errors when the other side takes the connection down first: its data channels close while
it believes in the connection. Any call that the agent or the SFU ends may say so; it depends on which message arrives first."""

LIGHTS = "#facts [data-name=lights] dd"
"""Where the page shows the state `lights` of the agent."""
NO_AGENT_IN_TEN_SECONDS = "error sending preconnect buffer"
"""What livekit-client 2.23.0 logs when no agent has come that could be sent what was said before (docs/facts.md L271)."""
TOO_WIDE = """[...document.querySelectorAll("button")].flatMap((button) => {
  const range = document.createRange();
  range.selectNodeContents(button);
  return range.getBoundingClientRect().width > button.getBoundingClientRect().width ? [button.id] : [];
})"""
"""The buttons whose words are wider than they are."""
PLAIN_HTTP = "Cross-Origin-Opener-Policy header has been ignored"
"""What Chromium says of a page that came by plain http from another machine."""

expect.set_options(timeout=PATIENCE_MS)


@asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Browser]:
    """The system's Chromium, without a window."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, "The page's tests need a Chromium: `sh scripts/packages` says which package."
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Visit:
    """A page with its call. What a browser complains about is collected and must be nothing, but for what a test provokes."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)
    requested: set[str] = field(default_factory=set)
    provoked: str = ""
    """A pattern of the browser's complaints that this test is about."""

    async def call(self) -> None:
        """Press the button, and wait until the greeting has been heard."""
        await self.page.click("#call")
        await self.is_in("speaking")
        await self.is_in("listening")

    @asynccontextmanager
    async def connecting(self) -> AsyncIterator[None]:
        """Press the button. Within the block the token server hasn't answered yet."""
        may_go_on = asyncio.Event()

        async def hold(route: Route) -> None:
            await may_go_on.wait()
            await route.continue_()

        await self.page.route("**/token", hold)
        await self.page.click("#call")
        await self.is_in("connecting")
        yield
        may_go_on.set()

    async def is_in(self, *states: str) -> None:
        """Wait for one of the page's states."""
        await expect(self.page.locator("body")).to_have_attribute("data-state", re.compile(f"^({'|'.join(states)})$"))

    async def says(self, selector: str, text: str | re.Pattern[str]) -> None:
        """Wait until a part of the page contains the text."""
        await expect(self.page.locator(selector)).to_contain_text(text)

    async def say(self, samples: Samples) -> None:
        """Speak into the microphone, to the end."""
        await self.page.evaluate("(sound) => tap.say(sound)", base64.b64encode(samples.tobytes()).decode())

    async def type(self, text: str) -> None:
        await self.page.fill("#line", text)
        await self.page.press("#line", "Enter")

    async def quiet(self) -> None:
        """Wait until the loudspeaker has been quiet for a moment: the state changes before the last sound has arrived."""
        await self.page.wait_for_function("() => tap.quietS > 0.5")

    async def heard_samples(self) -> int:
        """The number of samples that the loudspeaker has played, when nothing is under way."""
        await self.quiet()
        return cast("int", await self.page.evaluate("tap.heardSamples"))

    async def heard(self, since: int = 0) -> Samples:
        """The loudspeaker's sound, at 48 kHz."""
        return np.frombuffer(base64.b64decode(await self.page.evaluate("(from) => tap.hear(from)", since)), dtype=np.int16)

    async def heard_whole(self, text: str, since: int = 0) -> None:
        """The text was heard once, as long as it was spoken, not clipped, with no hole of 60 ms."""
        await self.quiet()
        spoken, heard = as_spoken(text), await self.heard(since)
        [utterance] = spans(heard, sample_rate_hz=SAMPLE_RATE_HZ, pause_s=0.8)
        assert utterance.duration_s == pytest.approx(len(spoken) / SAMPLE_RATE_HZ, abs=0.2)
        assert np.mean(np.abs(heard.astype(int)) > 32000) == 0
        assert [span for span in dropouts(heard, spoken, sample_rate_hz=SAMPLE_RATE_HZ) if span.duration_s > 0.06] == []

    async def captions(self) -> list[tuple[str, str]]:
        """The finished lines of the conversation: who and what."""
        lines = await self.page.locator(".line[data-final=true]").all()
        return [(str(await line.get_attribute("data-who")), await line.locator("p").inner_text()) for line in lines]

    async def microphones(self) -> list[str]:
        """The state of every track that the page was ever given."""
        return cast("list[str]", await self.page.evaluate("tap.tracks.map((track) => track.readyState)"))

    async def has_released_the_microphone(self, *, was_opened: bool = True) -> None:
        """Check that the microphone was opened (unless nobody gave one), and that nothing is open any more."""
        assert set(await self.microphones()) == ({"ended"} if was_opened else set())

    async def listens_for_failures(self) -> None:
        """Note each sentence in the page's alert from now on."""
        await self.page.evaluate(
            """() => {
              window.saidFailures = [];
              const alert = document.getElementById("failure");
              new MutationObserver(() => alert.textContent && saidFailures.push(alert.textContent))
                .observe(alert, { childList: true });
            }"""
        )

    async def failures(self) -> list[str]:
        return cast("list[str]", await self.page.evaluate("saidFailures"))

    async def room(self) -> str:
        """The name of the room that it has joined."""
        await self.page.wait_for_function("() => earshot.room?.name")
        return str(await self.page.evaluate("earshot.room.name"))

    async def picture(self, name: str) -> None:
        """Keep a picture of the page for review, where PICTURES is set: a picture costs as much time as a second of a call."""
        if not KEEPS_PICTURES:
            return
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    async def picture_from_outside(self, name: str) -> None:
        """Keep a picture without asking the page anything, which would count as somebody's click."""
        if not KEEPS_PICTURES:
            return
        devtools = await self.page.context.new_cdp_session(self.page)
        shot = await devtools.send("Page.captureScreenshot", {"format": "png"})
        await devtools.detach()
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    @asynccontextmanager
    async def console_says(self, text: str) -> AsyncIterator[None]:
        """Check that the page writes this to its console within the block."""
        async with self.page.expect_console_message(lambda message: message.text == text, timeout=PATIENCE_MS):
            yield

    async def is_accessible(self) -> None:
        """axe-core finds nothing serious, and nothing is wider than the window or than its button."""
        if not await self.page.evaluate("'axe' in window"):
            assert AXE.is_file(), "axe-core is missing; `make check` installs it"
            await self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = await self.page.evaluate("axe.run()")
        grave = [fault for fault in found["violations"] if fault["impact"] in {"serious", "critical"}]
        assert grave == [], [(fault["id"], [node["html"] for node in fault["nodes"]]) for fault in grave]
        assert len(found["passes"]) > 10
        assert await self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await self.page.evaluate(TOO_WIDE) == []

    async def finish(self) -> None:
        """Nothing went wrong behind the scenes."""
        violations = await self.page.evaluate("window.tap?.violations ?? []")
        assert violations == [], violations
        hosts = {urlsplit(self.origin).netloc}
        assert {urlsplit(url).netloc for url in self.requested if not url.startswith(("data:", "blob:"))} <= hosts | self.sfu()
        expected = re.compile("|".join(filter(None, (ENDED_BY_THE_SFU, NO_AGENT_IN_TEN_SECONDS, self.provoked))))
        unprovoked = [line for line in self.complaints if not expected.search(line)]
        assert unprovoked == [], unprovoked

    def sfu(self) -> set[str]:
        """The one other host: LiveKit."""
        return {urlsplit(url).netloc for url in self.requested if urlsplit(url).path.startswith("/rtc")}

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "assert"}:
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def on_request(self, request: Request) -> None:
        self.requested.add(request.url)


@asynccontextmanager
async def visiting(
    browser: Browser, url: str, *, microphone: bool = True, before: str | None = None, **context: Any
) -> AsyncIterator[Visit]:
    """Open the page in a window of its own. Motion is reduced unless the test wants it: two cores have other things to do.

    `before` is JavaScript that runs before the page's, instead of tap.js.
    """
    options = {"viewport": DESKTOP, "reduced_motion": "reduce", "permissions": ["microphone"] if microphone else []}
    window = await browser.new_context(**options | context)
    try:
        await window.add_init_script(before or TAP.read_text())
        page = await window.new_page()
        visit = Visit(page, url)
        page.on("console", visit.on_console)
        page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        page.on("request", visit.on_request)
        page.on("websocket", lambda socket: visit.requested.add(socket.url))
        await page.goto(url)
        await expect(page.locator("#call")).to_be_enabled()
        yield visit
        await visit.finish()
    finally:
        async with asyncio.timeout(10):
            await window.close()
