"""The page for everybody: keyboard, screen reader, 320 px, dark, motion, choices. `PICTURES=1` keeps pictures for review."""

import re
from typing import Literal

import pytest
from livekit import api
from playwright.async_api import Browser, ViewportSize, expect

from tests.e2e.conftest import GREETING
from tests.e2e.page.browser import DESKTOP, LIGHTS, SMALLEST, Visit, visiting
from tests.e2e.page.stand_in import stand_in
from tests.e2e.stack import Sfu
from tests.token_server.program import TokenServerProcess

SMALLEST_TARGET_PX = 44
LOOKS: dict[str, tuple[Literal["light", "dark"], ViewportSize]] = {
    "light-1280": ("light", DESKTOP),
    "dark-1280": ("dark", DESKTOP),
    "light-320": ("light", SMALLEST),
}
TARGETS = "button:visible, select:visible, summary:visible, input[type=text]:visible"


async def in_every_look(visit: Visit, state: str, *, is_audited: bool = False) -> None:
    """A picture in each; and, if asked for, axe-core finds nothing grave and nothing overflows sideways."""
    for name, (scheme, size) in LOOKS.items():
        await visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await visit.page.set_viewport_size(size)
        await visit.picture(f"{name}-{state}")
        if is_audited:
            await visit.is_accessible()


async def test_each_state_is_accessible(visit_alone: Visit, server: Sfu) -> None:
    """In light, in dark and on 320 px. What can be pressed is large enough."""
    visit = visit_alone
    await in_every_look(visit, "idle", is_audited=True)
    async with visit.connecting():
        await in_every_look(visit, "connecting", is_audited=True)
    await visit.is_in("waiting")
    async with stand_in(server, await visit.room()) as agent:
        await agent.says("Hello, this is Earshot. How can I help you?")
        await agent.is_("listening", lights="on", mood="curious")
        await visit.says("#captions", "How can I help you?")
        await visit.says(LIGHTS, "on")
        for fold in await visit.page.locator("summary").all():
            await fold.click()
        await in_every_look(visit, "listening", is_audited=True)
        await targets_are_large(visit)
        for state in ("thinking", "speaking"):
            await agent.is_(state)
            await visit.is_in(state)
            await in_every_look(visit, state)
        await visit.page.click("#call")
        await visit.is_in("ended")
        await in_every_look(visit, "ended", is_audited=True)


MARK_SIDES = """() => [...document.querySelectorAll(".line p")].map((words) => {
  const node = document.createTreeWalker(words, NodeFilter.SHOW_TEXT).nextNode();
  const at = (index) => {
    const range = document.createRange();
    range.setStart(node, index);
    range.setEnd(node, index + 1);
    return range.getBoundingClientRect().left;
  };
  return [words.textContent, at(node.length - 1) < at(0) ? "left" : "right"];
})"""


@pytest.mark.long
async def test_each_line_goes_in_its_own_direction(visit_alone: Visit, server: Sfu) -> None:
    """The mark that ends an Arabic or a Hebrew line stands on its left, also while others are English."""
    visit = visit_alone
    lines = {
        "مرحبا، كيف حالك؟": "left",
        "קוד ABC-12 מוכן?": "left",
        "(שלום) 12:30.": "left",
        "Hello, world.": "right",
    }
    await visit.page.click("#type-instead")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.is_("listening", mood="سعيد!")
        for text, side in lines.items():
            await visit.page.fill("#line", text)
            direction = await visit.page.evaluate("getComputedStyle(document.getElementById('line')).direction")
            assert direction == ("rtl" if side == "left" else "ltr")
            await visit.page.press("#line", "Enter")
            await visit.says(".line[data-who=caller]:last-child", text)
            await agent.says(text)
            await visit.says(".line[data-who=agent]:last-child", text)
        sides = await visit.page.evaluate(MARK_SIDES)
        assert sides == [[text, side] for text, side in lines.items() for _ in ("caller", "agent")]
        await visit.page.fill("#line", "אני כותב עכשיו.")
        await in_every_look(visit, "right-to-left", is_audited=True)


async def targets_are_large(visit: Visit) -> None:
    for target in await visit.page.locator(TARGETS).all():
        box = await target.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= SMALLEST_TARGET_PX, await target.get_attribute("id")


@pytest.mark.usefixtures("shared_worker")
async def test_a_call_by_keyboard_and_screen_reader(browser: Browser, token_server: TokenServerProcess) -> None:
    """The state is a status, captions keep quiet unless asked to, the focus stays where it was and can be seen."""
    async with visiting(browser, token_server.url) as visit:
        page = visit.page
        await expect(page.get_by_role("status")).to_have_text("Ready when you are")
        await page.get_by_role("button", name="Call", exact=True).focus()
        await page.keyboard.press("Enter")
        await visit.is_in("listening", "speaking")
        await expect(page.locator("#call")).to_be_focused()
        assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        await expect(page.get_by_role("status")).to_have_text(re.compile("Listening|Speaking"))
        await expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")
        await page.click("#devices summary")
        await page.get_by_label("Have a screen reader announce").check()
        await expect(page.get_by_role("log")).to_have_attribute("aria-live", "polite")
        await page.locator("#mute").focus()
        await page.keyboard.press("Space")
        await expect(page.get_by_role("button", name="Mute")).to_have_attribute("aria-pressed", "true")
        await page.get_by_role("button", name="Hang up").focus()
        await page.keyboard.press("Enter")
        await visit.is_in("ended")


@pytest.mark.long
async def test_the_focus_is_never_lost(visit_alone: Visit, server: Sfu) -> None:
    """A control that hides itself hands it on: to the field in a call without a microphone, else to the button."""
    visit = visit_alone
    page = visit.page
    await page.locator("#type-instead").focus()
    await page.keyboard.press("Enter")
    await visit.is_in("waiting")
    await expect(page.get_by_label("Type to the agent")).to_be_focused()
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.ends_the_call(visit, "silence", "nobody said anything")
        await visit.is_in("ended")
    await expect(page.get_by_role("status")).to_contain_text("Nobody said anything.")
    await expect(page.locator("#call")).to_be_focused()
    await page.keyboard.press("Enter")
    await visit.is_in("waiting")
    await page.locator("#mute").focus()
    await expect(page.locator("#mute")).to_be_focused()
    async with server.api() as livekit:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=await visit.room()))
    await visit.is_in("ended")
    await expect(page.locator("#call")).to_be_focused()


async def test_a_line_that_cannot_be_sent_is_not_shown_as_said(visit_alone: Visit, server: Sfu) -> None:
    """The line goes back into the field, unless there is another one already."""
    visit = visit_alone
    await visit.page.click("#type-instead")
    async with stand_in(server, await visit.room()):
        await visit.is_in("listening")
        await visit.page.evaluate(
            """() => {
              const sending = (_, fail) => { tap.fail = () => fail(Error("by the test")); };
              earshot.room.localParticipant.sendText = () => new Promise(sending);
            }"""
        )
        for meanwhile in ("", "another line"):
            await visit.type("good evening")
            await visit.page.wait_for_function("() => tap.fail")
            await visit.page.fill("#line", meanwhile)
            await visit.page.evaluate("() => { tap.fail(); delete tap.fail; }")
            await visit.says("#failure", "sent: try again")
            assert await visit.page.input_value("#line") == (meanwhile or "good evening")
        assert await visit.captions() == []
        await visit.page.evaluate("() => delete earshot.room.localParticipant.sendText")
        await visit.page.press("#line", "Enter")
        await visit.says("#captions", "another line")


@pytest.mark.long
@pytest.mark.usefixtures("shared_worker")
async def test_motion_follows_the_voice_unless_the_visitor_wants_none(
    browser: Browser, token_server: TokenServerProcess
) -> None:
    moves = {}
    for motion in ("reduce", "no-preference"):
        async with visiting(browser, token_server.url, reduced_motion=motion) as visit:
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


async def test_zoom_is_allowed(browser: Browser, token_server: TokenServerProcess) -> None:
    async with visiting(browser, token_server.url) as visit:
        content = str(await visit.page.get_attribute("meta[name=viewport]", "content"))
        assert not re.search("user-scalable|maximum-scale", content)


async def test_who_answers_and_in_which_language_is_asked_for(visit_alone: Visit) -> None:
    """A choice is in the dispatch's metadata; what isn't chosen isn't."""
    visit = visit_alone
    both = '{"persona":"boxing_coach","language":"de-DE"}'
    for persona, language, metadata in (("boxing_coach", "de-DE", both), ("assistant", "", None)):
        await visit.page.select_option("#persona", persona)
        await visit.page.select_option("#language", language)
        async with visit.page.expect_request("**/token") as asked:
            await visit.page.click("#call")
        body = (await asked.value).post_data_json
        expected = {"room_config": {"agents": [{"metadata": metadata}]}} if metadata else {}
        assert body == expected
        await visit.is_in("waiting")
        await expect(visit.page.locator("h1")).to_have_text("Boxing coach" if persona == "boxing_coach" else "Assistant")
        await visit.page.click("#call")
        await visit.is_in("ended")


@pytest.mark.long
@pytest.mark.usefixtures("shared_worker")
async def test_captions_stay_where_the_reader_is(browser: Browser, token_server: TokenServerProcess) -> None:
    """Captions follow the conversation, unless somebody has scrolled up."""
    async with visiting(browser, token_server.url, viewport=SMALLEST) as visit:
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
