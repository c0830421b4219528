"""The pages that an answer is based on are links under it; nothing that the web or a model writes becomes more than a link."""

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.e2e.page.browser import Visit
from tests.e2e.page.stand_in import stand_in
from tests.e2e.stack import Sfu

HOSTILE = '<img src=x onerror="window.stolen = 1"><script>window.stolen = 1</script>'
SOURCES: list[dict[str, Any]] = [
    {"url": "https://weather.example/rome?a=1&b=2", "title": "Rome today"},
    {"url": "https://hostile.example/", "title": HOSTILE},
    {"url": "http://untitled.example/page", "title": ""},
    {"url": "javascript:window.stolen=1", "title": "Click me"},
    {"url": " JavaScript:window.stolen=1", "title": "Click me"},
    {"url": "data:text/html,<script>opener.stolen=1</script>", "title": "Click me"},
    {"url": "https://google.com@evil.example/", "title": "Click me"},
    {"url": "https://weather.example/rome?a=1&b=2", "title": "The same page again"},
]
QUERY = 'weather "in" Rome & elsewhere'


async def shown(links: Locator) -> list[tuple[str, str]]:
    """Where each link leads, and its text."""
    return [(str(await link.get_attribute("href")), await link.inner_text()) for link in await links.all()]


async def test_sources_are_links_under_the_answer_and_nothing_else(visit_alone: Visit, server: Sfu) -> None:
    """Titles are text, also hostile ones; addresses that are no web page's, and Google's HTML, are not shown."""
    visit = visit_alone
    await visit.page.click("#type-instead")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.says("How can I help?")
        await visit.says("#captions", "How can I help?")
        await agent.says("It is sunny in Rome.")
        await visit.says("#captions", "sunny")
        await agent.tells("sources", sources=SOURCES, queries=[QUERY], supports=[], search_entry_point=HOSTILE)
        answer = visit.page.locator(".line", has_text="It is sunny in Rome.")
        links = answer.locator(".sources a")
        await expect(links).to_have_count(4)
        assert await shown(links) == [
            ("https://weather.example/rome?a=1&b=2", "Rome today"),
            ("https://hostile.example/", HOSTILE),
            ("http://untitled.example/page", "untitled.example"),
            ("https://www.google.com/search?q=weather+%22in%22+Rome+%26+elsewhere", f"Search with Google: {QUERY}"),
        ]
        for link in await links.all():
            assert await link.get_attribute("target") == "_blank"
            assert str(await link.get_attribute("rel")).split() == ["noopener", "noreferrer"]
        await expect(visit.page.locator(".sources")).to_have_count(1)
        await expect(visit.page.locator("#captions :is(img, script, iframe)")).to_have_count(0)
        assert await visit.page.evaluate("window.stolen") is None
        assert await visit.captions() == [("agent", "How can I help?"), ("agent", "It is sunny in Rome.")]
        await visit.is_accessible()
        await visit.picture("sources")


async def test_a_turn_that_gemini_ends_for_a_reason_is_noted(visit_alone: Visit, server: Sfu) -> None:
    visit = visit_alone
    await visit.page.click("#type-instead")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.says("I")
        await agent.tells("turn_complete_reason", reason="GENERATED_CONTENT_SAFETY")
        await visit.says(".line[data-who=note]", "generated content safety")


async def test_code_and_its_result_are_folded_notes_and_thoughts_are_not_shown(visit_alone: Visit, server: Sfu) -> None:
    """Code is text, also hostile code; a thought is in the room's events alone."""
    visit = visit_alone
    await visit.page.click("#type-instead")
    async with stand_in(server, await visit.room()) as agent:
        await visit.is_in("listening")
        await agent.tells("thought", text="I will count them.")
        await agent.tells("code", language="PYTHON", code=HOSTILE)
        await agent.tells("code_result", outcome="OUTCOME_OK", output="42")
        await agent.says("There are 42.")
        await visit.says("#captions", "There are 42.")
        code, result = (visit.page.locator("#captions pre").nth(place) for place in (0, 1))
        await expect(code).to_be_hidden()
        await visit.page.get_by_text("The model ran code").click()
        await expect(code).to_have_text(HOSTILE)
        await visit.page.get_by_text("What the code returned").click()
        await expect(result).to_have_text("42")
        assert await visit.page.evaluate("window.stolen") is None
        await expect(visit.page.locator("#captions")).not_to_contain_text("I will count them.")
        await visit.is_accessible()


LINKS = """async (event) => (await import("/sources.js")).linksOf(event).map(({ href, text }) => [href, text])"""


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"sources": None, "queries": None},
        {"sources": "https://a.example/", "queries": "a"},
        {"sources": [None, 7, "x", [], {}, {"url": 7}, {"url": ""}, {"url": "//a.example/"}], "queries": [None, 7, " ", {}]},
        {"sources": [{"url": "https://a.example/" + "a" * 2000}]},
    ],
)
async def test_what_is_no_source_makes_no_link(page: Page, event: dict[str, Any]) -> None:
    assert await page.evaluate(LINKS, event) == []


async def test_number_and_length_of_links_have_a_bound(page: Page) -> None:
    sources = [{"url": f"https://a.example/{number}", "title": "\N{PARTY POPPER}" * 999} for number in range(99)]
    links = await page.evaluate(LINKS, {"sources": sources, "queries": ["\N{PARTY POPPER}" * 999] * 99})
    assert len(links) == 30
    assert {len(text) for _, text in links[:20]} == {120}
    assert all("\N{REPLACEMENT CHARACTER}" not in text and "%EF%BF%BD" not in href for href, text in links)
