"""The button that is held to talk: offered if the agent takes turns by it; what the agent is told by hands, keys and tools."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page, expect

from tests.e2e.page.browser import SMALLEST, Visit
from tests.e2e.page.stand_in import StandIn, stand_in
from tests.e2e.stack import Sfu, until

TURNS = {"earshot.turns": "push_to_talk"}
HOLD_MS = 400
"""Longer than a tap."""
HEARD, MAY_PRESS = "The agent hears you", "A short tap stays on"

ALL_ORDERS = """async () => {
  const { OFF, TAP_MS, pressed } = await import("/press.js");
  const wrong = [];
  let seen = 0;
  const facts = [
    { type: "down", way: "pointer" }, { type: "up", way: "pointer" }, { type: "down", way: "key" }, { type: "up", way: "key" },
    { type: "cancel", way: "pointer" }, { type: "let_go" }, { type: "click" }, { type: "end" },
  ];
  const walk = (press, atMs, path) => {
    seen += 1;
    if (!press.isOn && (press.isLatched || press.holds.length > 0)) wrong.push(["off, and held", path]);
    if (press.isOn && !press.isLatched && press.holds.length === 0) wrong.push(["nothing holds it", path]);
    if (press.isLatched && press.holds.length > 0) wrong.push(["two reasons", path]);
    if (path.length === 5) return;
    for (const fact of facts) {
      for (const waitMs of [TAP_MS / 2, TAP_MS]) {
        const after = pressed(press, { ...fact, atMs: atMs + waitMs });
        const way = [...path, `${fact.type} ${fact.way ?? ""} ${waitMs}`];
        if (fact.type === "end" && after.isOn) wrong.push(["on after the end", way]);
        if (fact.type === "let_go" && after.isOn !== press.isLatched) wrong.push(["stuck", way]);
        if (fact.type === "click" && after.isOn === press.isOn) wrong.push(["a click that changes nothing", way]);
        if (fact.type === "down" && press.isLatched && after.isOn) wrong.push(["latched for ever", way]);
        if (fact.type === "up" && !press.holds.includes(fact.way) && after !== press) wrong.push(["somebody else's", way]);
        walk(after, atMs + waitMs, way);
      }
    }
  };
  walk(OFF, 0, []);
  return [seen, wrong.slice(0, 5)];
}"""


async def test_in_whatever_order_the_button_never_sticks(page: Page) -> None:
    """Both ways at once, taps, lost windows, clicks of assistive tools: it is on only while held, or if it stays on."""
    seen, wrong = await page.evaluate(ALL_ORDERS)
    assert wrong == []
    assert seen > 1_000_000


async def is_told(agent: StandIn, *presses: bool) -> None:
    """Wait until the agent was told of these presses and releases, and forget them."""
    await until(lambda: len(agent.presses) >= len(presses))
    assert [active for _, active in agent.presses] == list(presses)
    agent.presses.clear()


@asynccontextmanager
async def talking(visit: Visit, server: Sfu) -> AsyncIterator[tuple[StandIn, Locator]]:
    """A call with an agent that takes turns by the button, and the button."""
    await visit.page.click("#call")
    async with stand_in(server, await visit.room(), **TURNS) as agent:
        await visit.is_in("listening")
        button = visit.page.get_by_role("button", name="Hold to talk")
        await expect(button).to_have_attribute("aria-disabled", "false")
        yield agent, button


async def test_held_by_hand_and_by_key(visit_alone: Visit, server: Sfu) -> None:
    """The pointer may slide off, a key repeats itself, and the space bar belongs to text fields and other buttons."""
    visit, page = visit_alone, visit_alone.page
    async with talking(visit, server) as (agent, button):
        await expect(page.locator("#state")).to_have_text("Ready")
        await expect(button).to_be_focused()
        await visit.picture("talk-ready")
        await button.hover()
        await page.mouse.down()
        await is_told(agent, True)
        await expect(button).to_have_attribute("aria-pressed", "true")
        await visit.says("#talk-hint", HEARD)
        await expect(page.locator("#state")).to_have_text("Listening")
        await page.mouse.move(5, 5)
        await page.wait_for_timeout(HOLD_MS)
        await visit.picture("talk-held")
        await visit.is_accessible()
        await page.mouse.up()
        await is_told(agent, False)
        await expect(button).to_have_attribute("aria-pressed", "false")
        for focused in ("body", "#talk", "#scroller"):
            await page.evaluate(
                "(selector) => { document.activeElement.blur(); document.querySelector(selector).focus(); }", focused
            )
            await page.keyboard.down("Space")
            await page.keyboard.down("Space")
            await page.wait_for_timeout(HOLD_MS)
            await page.keyboard.up("Space")
            await is_told(agent, True, False)
        await page.press("#line", "Space")
        await expect(page.locator("#line")).to_have_value(" ")
        await page.press("#mute", "Space")
        await expect(button).to_have_attribute("aria-disabled", "true")
        await visit.says("#talk-hint", "muted")
        await page.press("#mute", "Space")
        await button.click()
        await is_told(agent, True)  # the first press since


async def test_a_tap_stays_on_and_so_does_a_click_of_a_screen_reader(visit_alone: Visit, server: Sfu) -> None:
    visit, page = visit_alone, visit_alone.page
    async with talking(visit, server) as (agent, button):
        await button.click()
        await is_told(agent, True)
        await visit.says("#talk-hint", "Press again to send it")
        await visit.picture("talk-latched")
        await page.keyboard.press("Space")
        await is_told(agent, False)
        await visit.says("#talk-hint", MAY_PRESS)
        await button.dispatch_event("click")
        await is_told(agent, True)
        await button.press("Enter")
        await is_told(agent, False)


async def test_what_ends_a_press_besides_letting_go(visit_alone: Visit, server: Sfu) -> None:
    """A window that loses the focus, the mute button, the agent's own word, and an agent that refuses."""
    visit, page = visit_alone, visit_alone.page
    async with talking(visit, server) as (agent, button):
        await button.hover()
        await page.mouse.down()
        await is_told(agent, True)
        await page.evaluate("window.dispatchEvent(new Event('blur'))")
        await is_told(agent, False)
        await page.mouse.up()
        await button.click()
        await is_told(agent, True)
        await page.evaluate("window.dispatchEvent(new Event('blur'))")
        await page.click("#mute")
        await is_told(agent, False)
        await page.click("#mute")
        await button.click()
        await is_told(agent, True)
        identity = await page.evaluate("earshot.room.localParticipant.identity")
        await agent.tells("activity", identity=identity, active=False, reason="too_long")
        await visit.says("#failure", "stopped listening after five minutes")
        await is_told(agent, False)
        agent.refuses_presses = True
        await button.click()
        await visit.says("#failure", "didn\N{RIGHT SINGLE QUOTATION MARK}t notice the button")
        await expect(button).to_have_attribute("aria-pressed", "false")
        await agent.is_("listening", **{"earshot.turns": "automatic"})
        await expect(button).to_be_hidden()
        await expect(page.locator("#state")).to_have_text("Listening")


async def test_the_button_fits_a_small_screen(visit_alone: Visit, server: Sfu) -> None:
    visit = visit_alone
    await visit.page.set_viewport_size(SMALLEST)
    async with talking(visit, server) as (_, button):
        await button.scroll_into_view_if_needed()
        await visit.picture("talk-small")
        await visit.is_accessible()
