"""What a call leaves on the page: who answers, how long, tools and what they returned, interruptions, and a copy of it all."""

import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.e2e.page.browser import Visit
from tests.e2e.page.stand_in import stand_in
from tests.e2e.page.test_client_tools import CLIPBOARD
from tests.e2e.stack import Sfu

TURN = {"heard_to_sound_s": 0.61, "spoke_s": 1.0}
NOTE = ".line[data-who=note]"


async def test_the_conversation_tells_of_tools_and_interruptions_and_can_be_copied(visit_alone: Visit, server: Sfu) -> None:
    visit, page = visit_alone, visit_alone.page
    await page.evaluate(CLIPBOARD)
    await page.click("#call")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await expect(page.locator("#copy")).to_be_hidden()
        await expect(page.get_by_role("timer")).to_have_text(re.compile(r"0:0\d"))
        await agent.says("It is half past")
        await visit.says("#captions", "It is half past")
        await agent.tells("turn", interrupted=True, **TURN)
        await expect(page.locator(".cut")).to_have_text("interrupted")
        await agent.tells("tool_started", id="1", name="local_time", arguments='{"place": "Tokyo"}')
        await agent.tells("tool_ended", id="1", name="local_time", status="done", took_s=0.022, result="In Tokyo it is 06:38.")
        await expect(page.locator(f"{NOTE} p")).to_have_text("local time \N{MIDDLE DOT} 22 ms")
        await expect(page.locator(f"{NOTE} small")).to_have_text("place: Tokyo \N{RIGHTWARDS ARROW} In Tokyo it is 06:38.")
        await visit.is_accessible()
        await visit.picture("conversation")
        await page.get_by_role("button", name="Copy").click()
        await expect(page.locator("#copied")).to_have_text("The conversation was copied.")
        await expect(page.locator("#copied")).to_have_attribute("aria-live", "polite")
        [text] = await page.evaluate("copied")
        assert text.splitlines() == [
            "Agent: It is half past (interrupted)",
            "[local time \N{MIDDLE DOT} 22 ms: place: Tokyo \N{RIGHTWARDS ARROW} In Tokyo it is 06:38.]",
        ]
        await page.click("#call")
        await visit.is_in("ended")
        await expect(page.locator("#timer")).to_be_visible()


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"earshot.model": "gemini-3.8-live", "earshot.service": "emulator"}, "Emulator, offline"),
        ({"earshot.model": "gemini-3.8-live", "earshot.service": "gemini"}, "gemini-3.8-live"),
        ({"earshot.model": "gemini-3.8-live", "earshot.service": "vertex"}, "gemini-3.8-live on Vertex"),
        ({"earshot.model": "<b>mine</b>", "earshot.service": "proxy"}, "<b>mine</b>"),
        ({}, ""),
    ],
)
async def test_a_badge_says_who_answers(page: Page, attributes: dict[str, str], words: str) -> None:
    shown = await page.evaluate(
        """async (attributes) => {
          const { drawBadge } = await import("/view.js");
          drawBadge(attributes);
          return [badge.textContent, badge.hidden, badge.title];
        }""",
        attributes,
    )
    assert shown == [words, words == "", attributes.get("earshot.model", "")]


NOTES: list[tuple[dict[str, Any], Any, list[str]]] = [
    ({"status": "done", "took_s": 1.5, "result": ""}, "{}", ["roll dice \N{MIDDLE DOT} 1.50 s", ""]),
    ({"status": "error", "result": "No."}, None, ["roll dice \N{MIDDLE DOT} failed", "No."]),
    (
        {"status": "cancelled"},
        '{"day_of_week": 3, "who": ["a"]}',
        ["roll dice \N{MIDDLE DOT} cancelled", 'day of week: 3, who: ["a"]'],
    ),
    (
        {"status": "done", "took_s": 0.1},
        '{"text": "cut in the mid\N{HORIZONTAL ELLIPSIS}',
        ["roll dice \N{MIDDLE DOT} 100 ms", '{"text": "cut in the mid\N{HORIZONTAL ELLIPSIS}'],
    ),
    ({"status": "done", "took_s": 0.1, "result": 7}, "3", ["roll dice \N{MIDDLE DOT} 100 ms", "7"]),
]


@pytest.mark.parametrize(("ended", "given", "note"), NOTES)
async def test_a_tools_note_is_short_whatever_the_event_holds(
    page: Page, ended: dict[str, Any], given: Any, note: list[str]
) -> None:
    script = """async ([ended, given]) => Object.values((await import("/tool_notes.js")).toolNote(ended, given))"""
    assert await page.evaluate(script, [{"name": "roll_dice", **ended}, given]) == note
    long = {"name": "x", "status": "done", "took_s": 0.1, "result": "\N{GRINNING FACE}" * 1000}
    _, detail = await page.evaluate(script, [long, json.dumps({"a": "b" * 1000})])
    assert len(detail) <= 290
    assert detail.endswith("\N{GRINNING FACE}\N{HORIZONTAL ELLIPSIS}")


@pytest.mark.parametrize(("s", "shown"), [(0, "0:00"), (59.9, "0:59"), (725, "12:05"), (3725.4, "1:02:05")])
async def test_the_timer_is_a_clock(page: Page, s: float, shown: str) -> None:
    assert await page.evaluate("""async (s) => (await import("/durations.js")).clock(s)""", s) == shown


async def test_the_curve_of_the_latency_stays_in_its_frame(page: Page) -> None:
    """The slowest answer is on top, the newest at the right; answers that are alike make a line that is nearly flat."""
    script = """async (answers) => (await import("/latency.js")).pointsOf(answers)"""
    assert await page.evaluate(script, [1.0, 2.0, 1.5]) == [[3, 21], [48, 3], [93, 12]]
    assert await page.evaluate(script, []) == []
    alike = await page.evaluate(script, [1.30, 1.32, 1.31])
    assert max(y for _, y in alike) - min(y for _, y in alike) < 2


async def test_the_latency_is_shown_in_one_unit(page: Page) -> None:
    """A greeting has no row. The newest answer and the curve are seen without opening the table."""
    await page.evaluate(
        """async () => {
          const { drawLatency } = await import("/latency.js");
          const told = (s) => ({ heard_to_sound_s: s, spoke_s: 1, interrupted: false });
          drawLatency([
            { answerMs: null, bargeInMs: null, told: told(null) },
            { answerMs: 550, bargeInMs: 230, told: told(0.5) },
            { answerMs: 1180, bargeInMs: null, told: null },
          ]);
        }"""
    )
    cells = await page.locator("#turns td").all_text_contents()
    assert cells == ["1", "0.55 s", "0.23 s", "0.50 s", "2", "1.18 s", "\N{EN DASH}", "\N{EN DASH}"]
    await expect(page.locator("#latest")).to_have_text("1.18 s")
    await expect(page.get_by_role("img", name="Latency of the last 2 answers: 0.55 s, 1.18 s")).to_be_visible()


@pytest.mark.parametrize(("told", "words"), [("off", "The call is not recorded."), ("on", "The call is recorded."), (None, "")])
async def test_what_is_said_about_recordings_is_what_the_operator_has_set(
    visit_alone: Visit, told: str | None, words: str
) -> None:
    async def answer(route: Route) -> None:
        offered = await (await route.fetch()).json()
        assert offered["recording"] is None, "nobody has set anything"
        await route.fulfill(json={**offered, "recording": told})

    await visit_alone.page.route("**/config", answer)
    await visit_alone.page.reload()
    await expect(visit_alone.page.locator("#recording")).to_have_text(words)
