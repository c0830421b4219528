"""The page stands still: the button to call keeps its place and size through a call, and what is said can be seen beside it."""

import pytest
from playwright.async_api import FloatRect, Locator, ViewportSize

from tests.e2e.page.browser import SMALLEST, Visit
from tests.e2e.page.stand_in import stand_in
from tests.e2e.stack import Sfu

TABLET: ViewportSize = {"width": 768, "height": 1024}
LEAST_WIDE: ViewportSize = {"width": 900, "height": 700}
LAPTOP: ViewportSize = {"width": 1280, "height": 800}
SIZES = (SMALLEST, TABLET, LEAST_WIDE, LAPTOP)
MOST_PX = 2
LONG = "In Tokyo it is half past six on a Sunday morning, and it rains."


async def box(part: Locator) -> FloatRect:
    found = await part.bounding_box()
    assert found is not None
    return found


class Places:
    """Keeps where the button was in each state, in each size of the window."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._found: dict[int, dict[str, FloatRect]] = {size["width"]: {} for size in SIZES}

    async def look(self, state: str) -> None:
        page = self._visit.page
        for size in SIZES:
            await page.set_viewport_size(size)
            found = await box(page.locator("#call"))
            assert found["y"] + found["height"] <= size["height"], f"below the fold: {state}, {size}"
            self._found[size["width"]][state] = found
            await self._visit.picture(f"place-{size['width']}-{state}")

    def check(self) -> None:
        for width, places in self._found.items():
            first = places["idle"]
            for state, place in places.items():
                moved = [abs(place[side] - first[side]) for side in ("x", "y", "width", "height")]
                assert max(moved) <= MOST_PX, f"at {width} px, in {state}: {place}, and {first} while idle"


async def test_the_button_stays_where_it_is(visit_alone: Visit, server: Sfu) -> None:
    visit, page, places = visit_alone, visit_alone.page, Places(visit_alone)
    await places.look("idle")
    async with visit.connecting():
        await places.look("connecting")
    await visit.is_in("waiting")
    await places.look("waiting")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await places.look("listening")
        for number in range(8):
            await agent.says(f"{number}: {LONG}")
        await visit.says("#captions", "7: In Tokyo")
        for state in ("speaking", "thinking"):
            await agent.is_(state, lights="on", **{"earshot.model": "gemini-3.8-live", "earshot.service": "gemini"})
            await visit.is_in(state)
            await places.look(state)
        await agent.tells("tool_started", id="1", name="turn_on_the_lights", arguments="{}")
        await visit.says("#tool", "turn on the lights")
        await places.look("tool")
        await agent.is_("listening")
        await agent.tells("link", kind="waiting", cause="unanswered", attempts=1)
        await visit.says("#hint", "takes longer than usual")
        await page.click("#mute")
        await visit.says("#hint", "takes longer than usual")
        await places.look("muted")
        await agent.is_("speaking", **{"earshot.interruptions": "off"})
        await visit.says("#hint", "muted")
        await places.look("a long hint")
        await page.click("#call")
        await visit.is_in("ended")
        await places.look("ended")
    places.check()


async def test_on_a_small_telephone_the_captions_are_visible_in_a_call(visit_alone: Visit, server: Sfu) -> None:
    visit, page = visit_alone, visit_alone.page
    await page.set_viewport_size(SMALLEST)
    await page.click("#call")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.says("Hello, this is Earshot.")
        await agent.says(LONG)
        await visit.says("#captions", LONG)
        bar = await box(page.locator(".dock"))
        for part in (page.locator(".line").last, page.locator("#line")):
            place = await box(part)
            assert place["y"] >= 0
            assert place["y"] + place["height"] <= bar["y"], "beneath the button"
        await agent.is_("listening", **{"earshot.turns": "push_to_talk"})
        await page.wait_for_selector("#talk:visible")
        await visit.picture("place-320-push-to-talk")
        bar, last = await box(page.locator(".dock")), await box(page.locator(".line").last)
        assert last["y"] + last["height"] <= bar["y"]


@pytest.mark.parametrize("size", [LEAST_WIDE, LAPTOP], ids=["900", "1280"])
async def test_there_are_two_columns_from_the_start_where_there_is_room(visit_alone: Visit, size: ViewportSize) -> None:
    page = visit_alone.page
    await page.set_viewport_size(size)
    stage, conversation = await box(page.locator(".stage")), await box(page.locator(".conversation"))
    assert stage["x"] + stage["width"] <= conversation["x"]
    assert conversation["y"] + conversation["height"] <= size["height"]
    assert conversation["x"] + conversation["width"] <= size["width"]
