"""Microphone and speaker: chosen, refused, lost, given too late; and a sound file as the microphone."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, expect

from caller.caller import SAMPLE_RATE_HZ
from speech import write_wav
from tests.e2e.conftest import ANSWER
from tests.e2e.page.browser import Visit, chromium, visiting
from tests.e2e.page.conftest import to
from tests.e2e.page.test_call import HELLO
from tests.e2e.stack import Sfu
from tests.token_server.program import TokenServerProcess, running_token_server

UNTIL_GREETED_S, QUIET_TAIL_S = 6.0, 0.5


@pytest.mark.long
@pytest.mark.usefixtures("shared_worker")
async def test_a_call_with_the_browsers_own_microphone(token_server: TokenServerProcess, tmp_path: Path) -> None:
    """A sound file in its place, played once. It ends in silence, or Chromium would repeat its last sound for ever."""
    silence = [np.zeros(int(seconds * SAMPLE_RATE_HZ), dtype=np.int16) for seconds in (UNTIL_GREETED_S, QUIET_TAIL_S)]
    file = tmp_path / "hello.wav"
    write_wav(file, np.concatenate([silence[0], HELLO, silence[1]]), sample_rate_hz=SAMPLE_RATE_HZ)
    flags = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={file}%noloop"]
    async with chromium(*flags) as browser, visiting(browser, token_server.url) as visit:
        await visit.page.evaluate("tap.isReal = true")
        await visit.page.click("#call")
        await visit.says("#captions", ANSWER)
        await visit.is_in("listening")
        assert [text for who, text in await visit.captions() if who == "caller"] == ["Hello, can you hear me?"]
        await visit.page.click("#call")
        await visit.is_in("ended")
        await visit.has_released_the_microphone()


async def choosing(visit: Visit) -> tuple[str, str]:
    """In a call, before the pickers: the microphone in use, and another one."""
    await visit.page.click("#call")
    await visit.is_in("waiting")
    await visit.page.click("#devices summary")
    return await visit.page.input_value("#microphone"), str(
        await visit.page.locator("#microphone option").last.get_attribute("value")
    )


async def test_a_microphone_that_cannot_be_switched_to_leaves_the_one_before(visit_alone: Visit) -> None:
    visit = visit_alone
    before, other = await choosing(visit)
    await visit.page.evaluate("(id) => { tap.refuseWith = 'NotReadableError'; tap.refused = id; }", other)
    await visit.page.select_option("#microphone", other)
    await visit.says("#failure", "the one before is in use again")
    assert await visit.page.input_value("#microphone") == before
    assert (await visit.microphones())[-1] == "live"
    [*_, asked] = await visit.page.evaluate("tap.asked")
    assert before in str(asked["audio"]["deviceId"])


async def test_when_no_microphone_is_left_it_is_said(visit_alone: Visit) -> None:
    visit = visit_alone
    before, other = await choosing(visit)
    await visit.page.evaluate("tap.refuseWith = 'NotReadableError'")
    await visit.page.select_option("#microphone", other)
    await visit.says("#failure", "The agent hears nothing")
    assert "live" not in await visit.microphones()
    await visit.page.evaluate("tap.refuseWith = null")
    await visit.page.select_option("#microphone", other)
    await visit.page.wait_for_function("() => tap.tracks.at(-1).readyState === 'live'")
    assert before != other


async def test_a_muted_microphone_that_is_gone_stays_muted_and_that_is_said(visit_alone: Visit) -> None:
    visit = visit_alone
    _, other = await choosing(visit)
    await visit.page.click("#mute")
    mute = visit.page.locator("#mute")
    await expect(mute).to_have_attribute("aria-pressed", "true")
    await visit.page.select_option("#microphone", other)  # opened when it is needed
    await visit.page.evaluate("tap.refuseWith = 'NotReadableError'")
    await visit.page.click("#mute")
    await visit.says("#failure", "you stay muted")
    await expect(mute).to_have_attribute("aria-pressed", "true")
    await visit.page.evaluate("tap.refuseWith = null")
    await visit.page.click("#mute")
    await expect(mute).to_have_attribute("aria-pressed", "false")


async def test_a_microphone_that_is_given_after_the_end_is_closed_at_once(visit_alone: Visit) -> None:
    visit = visit_alone
    await visit.page.evaluate("() => { tap.gate = new Promise((open) => { tap.give = open; }); }")
    await visit.page.click("#call")
    await visit.page.wait_for_function("() => tap.asked.length === 1")
    await visit.page.click("#call")
    await visit.is_in("ended")
    await visit.page.evaluate("tap.give()")
    await visit.page.wait_for_function("() => tap.tracks.at(-1)?.readyState === 'ended'", timeout=2000)
    await expect(visit.page.locator("#failure")).to_be_empty()


async def test_no_camera_and_no_screen_is_offered(browser: Browser, server: Sfu) -> None:
    """Where no agent looks, whatever the token allows."""
    sources = {"TOKEN_SOURCES": "microphone,camera,screen_share"}
    async with (
        running_token_server(**to(server), AGENT_NAME="nobody", **sources) as running,
        visiting(browser, running.url) as visit,
    ):
        await visit.page.click("#call")
        await visit.is_in("waiting")
        names = await visit.page.locator("button:visible").all_inner_texts()
        assert not [name for name in names if re.search("camera|screen|share", name, re.IGNORECASE)]


async def test_where_no_microphone_may_be_used_none_is_asked_for(browser: Browser, server: Sfu) -> None:
    async with (
        running_token_server(**to(server), AGENT_NAME="nobody", TOKEN_SOURCES="camera") as running,
        visiting(browser, running.url) as visit,
    ):
        await expect(visit.page.locator("#type-instead")).to_be_hidden()
        assert "microphone" not in await visit.page.inner_text(".about")
        await visit.page.click("#call")
        await visit.is_in("waiting")
        await expect(visit.page.locator("#mute")).to_be_hidden()
        await expect(visit.page.locator("#line")).to_be_focused()
        assert await visit.page.evaluate("tap.asked") == []


@pytest.mark.usefixtures("shared_worker")
async def test_devices_can_be_chosen_during_the_call(browser: Browser, token_server: TokenServerProcess) -> None:
    async with visiting(browser, token_server.url) as visit:
        await visit.call()
        await visit.page.click("#devices summary")
        microphones = visit.page.locator("#microphone option")
        assert await microphones.count() >= 2, "Chromium's fake devices are several"
        last = str(await microphones.last.get_attribute("value"))
        asked = await visit.page.evaluate("tap.asked.length")
        await visit.page.select_option("#microphone", last)
        await visit.page.wait_for_function("(asked) => tap.asked.length > asked", arg=asked)
        [*_, constraints] = await visit.page.evaluate("tap.asked")
        assert last in str(constraints["audio"]["deviceId"])
        await expect(visit.page.locator("#speaker")).to_be_visible()
        await visit.page.select_option("#speaker", index=1)
        speaker = await visit.page.input_value("#speaker")
        await visit.page.wait_for_function("(id) => document.querySelector('audio').sinkId === id", arg=speaker)
        await visit.page.click("#call")
        await visit.is_in("ended")
        await visit.has_released_the_microphone()
