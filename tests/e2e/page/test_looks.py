"""The page for everybody: keyboard, screen reader, 320 px, dark, devices, what may be shared. Pictures are kept for review."""

import re
from functools import partial

import pytest
from livekit import api
from playwright.async_api import Browser, expect

from tests.e2e.conftest import GREETING
from tests.e2e.page.browser import DESKTOP, SMALLEST, chromium, visiting
from tests.e2e.page.conftest import to
from tests.e2e.stack import Sfu, until
from tests.token_server.program import RunningDoor, door

SMALLEST_TARGET_PX = 44
TARGETS = "button:visible, select:visible, summary:visible, input[type=text]:visible"

pytestmark = pytest.mark.usefixtures("shared_worker")


@pytest.mark.parametrize(("scheme", "size"), [("light", DESKTOP), ("dark", DESKTOP), ("light", SMALLEST)])
async def test_each_state_is_accessible(browser: Browser, front_door: RunningDoor, scheme: str, size: dict[str, int]) -> None:
    """axe-core finds nothing grave, nothing overflows sideways, and what can be pressed is large enough."""
    where = f"{scheme}-{size['width']}"
    async with visiting(browser, front_door.url, color_scheme=scheme, viewport=size) as visit:
        await visit.is_accessible()
        await visit.picture(f"{where}-idle")
        await visit.page.click("#call")
        await visit.is_in("speaking")
        await visit.picture(f"{where}-speaking")
        await visit.is_in("listening")
        await visit.type("Please switch on the lights")
        await visit.says("#captions", "Done: The lights are on.")
        await visit.is_in("listening")
        for fold in await visit.page.locator("summary").all():
            await fold.click()
        await visit.is_accessible()
        await visit.picture(f"{where}-call")
        for target in await visit.page.locator(
            "button:visible, select:visible, summary:visible, input[type=text]:visible"
        ).all():
            box = await target.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= SMALLEST_TARGET_PX, await target.get_attribute("id")
        await visit.page.click("#call")
        await visit.is_in("ended")
        await visit.is_accessible()
        await visit.picture(f"{where}-ended")


async def test_a_call_by_keyboard_and_screen_reader(browser: Browser, front_door: RunningDoor) -> None:
    """The state is a status, captions keep quiet unless asked to, the focus stays where it was and can be seen."""
    async with visiting(browser, front_door.url) as visit:
        page = visit.page
        await expect(page.get_by_role("status")).to_have_text("Ready when you are")
        await page.get_by_role("button", name="Call", exact=True).focus()
        await page.keyboard.press("Enter")
        await visit.is_in("listening", "speaking")
        await expect(page.locator("#call")).to_be_focused()
        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await expect(page.get_by_role("status")).to_have_text(re.compile("Listening|Speaking"))
        await expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")
        await page.get_by_label("Have a screen reader announce").check()
        await expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
        await page.locator("#mute").focus()
        await page.keyboard.press("Space")
        await expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("button", name="Hang up").focus()
        await page.keyboard.press("Enter")
        await visit.is_in("ended")


async def test_motion_follows_the_voice_unless_the_visitor_wants_none(browser: Browser, front_door: RunningDoor) -> None:
    moves = {}
    for motion in ("reduce", "no-preference"):
        async with visiting(browser, front_door.url, reduced_motion=motion) as visit:
            await visit.page.click("#call")
            moves[motion] = await visit.page.evaluate(
                """() => new Promise((done) => {
                  let most = 0;
                  const look = () => {
                    most = Math.max(most, Number(orb.style.getPropertyValue("--agent")));
                    const heard = Number(document.getElementById("agent-level").getAttribute("aria-valuenow")) > 30;
                    if (heard) done(most > 0.2 || document.getAnimations().length > 0);
                    else setTimeout(look, 10);
                  };
                  look();
                })"""
            )
    assert moves == {"reduce": False, "no-preference": True}


async def test_zoom_is_allowed(browser: Browser, front_door: RunningDoor) -> None:
    async with visiting(browser, front_door.url) as visit:
        content = str(await visit.page.get_attribute("meta[name=viewport]", "content"))
        assert not re.search("user-scalable|maximum-scale", content)


async def test_devices_can_be_chosen_during_the_call(browser: Browser, front_door: RunningDoor) -> None:
    async with visiting(browser, front_door.url) as visit:
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


async def test_the_camera_and_the_screen_where_the_door_allows_them(server: Sfu) -> None:
    sharing = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # somebody has to choose a screen
    async with (
        door(**to(server), TOKEN_SOURCES="microphone,camera,screen_share") as running,
        chromium(*sharing) as browser,
        visiting(browser, running.url, permissions=["microphone", "camera"]) as visit,
    ):
        await visit.call()
        for button, source in (("#camera", "CAMERA"), ("#screen", "SCREEN_SHARE")):
            await visit.page.click(button)
            await expect(visit.page.locator(button)).to_have_attribute("aria-pressed", "true")
            room = str(await visit.page.evaluate("earshot.room.name"))
            await until(partial(publishes, server, room, source))
        await visit.picture("sharing")
        await visit.is_accessible()
        await visit.page.click("#camera")
        await expect(visit.page.locator("#camera")).to_have_attribute("aria-pressed", "false")
        await visit.page.click("#call")
        await visit.is_in("ended")
        await visit.has_released_the_microphone()
        await expect(visit.page.locator("video")).to_have_count(0)


async def publishes(server: Sfu, room: str, source: str) -> bool:
    return source in await sources(server, room)


async def sources(server: Sfu, room: str) -> set[str]:
    """What the caller publishes, as the SFU knows it."""
    async with server.api() as livekit:
        found = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
    callers = [participant for participant in found.participants if participant.identity.startswith("caller")]
    return {api.TrackSource.Name(track.source) for caller in callers for track in caller.tracks}


async def test_who_answers_and_in_which_language_is_asked_for(browser: Browser, front_door: RunningDoor) -> None:
    """What is chosen rides in the dispatch; what isn't, doesn't."""
    async with visiting(browser, front_door.url) as visit:
        both = '{"persona":"boxing_coach","language":"de-DE"}'
        for persona, language, metadata in (("boxing_coach", "de-DE", both), ("assistant", "", None)):
            await visit.page.select_option("#persona", persona)
            await visit.page.select_option("#language", language)
            async with visit.page.expect_request("**/token") as asked:
                await visit.page.click("#call")
            body = (await asked.value).post_data_json
            expected = {"room_config": {"agents": [{"metadata": metadata}]}} if metadata else {}
            assert body == expected
            await visit.is_in("speaking")
            await expect(visit.page.locator("h1")).to_have_text("Boxing coach" if persona == "boxing_coach" else "Assistant")
            await visit.page.click("#call")
            await visit.is_in("ended")


async def test_captions_stay_where_the_reader_is(browser: Browser, front_door: RunningDoor) -> None:
    """They follow the conversation, unless somebody has scrolled up."""
    async with visiting(browser, front_door.url, viewport=SMALLEST) as visit:
        await visit.page.click("#type-instead")
        await visit.says("#captions", GREETING)
        await visit.is_in("listening")
        await visit.page.evaluate("scroller.style.cssText = 'min-block-size: 0; max-block-size: 6rem'")
        await visit.type("Tell me the story")
        below = "scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight"
        await visit.page.wait_for_function("() => scroller.scrollHeight > scroller.clientHeight + 60")
        assert await visit.page.evaluate(below) < 2
        await visit.page.evaluate("scroller.scrollTop = 0")
        length = await visit.page.evaluate("captions.textContent.length")
        await visit.page.wait_for_function("(length) => captions.textContent.length > length + 10", arg=length)
        assert await visit.page.evaluate("scroller.scrollTop") == 0
