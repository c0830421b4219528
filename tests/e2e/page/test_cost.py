"""The page shows what a call has used and what that costs, where it shows how long the agent took."""

import pytest
from playwright.async_api import expect

from tests.e2e.page.browser import Visit
from tests.e2e.page.stand_in import stand_in
from tests.e2e.stack import Sfu

pytestmark = pytest.mark.long

TURN = {"input_tokens": {"text": 300}, "output_tokens": {"audio": 75}, "thoughts_tokens": 0, "tool_use_tokens": 0}
TOTAL = {
    "input_tokens": {"text": 1200, "audio": 400},
    "output_tokens": {"audio": 75},
    "thoughts_tokens": 20,
    "cached_tokens": 9,
}


@pytest.mark.parametrize(
    ("total_usd", "words"),
    [
        (0.01234567, "This call: 1,695 tokens, about $0.0123."),
        (None, "This call: 1,695 tokens."),
    ],
)
async def test_the_tokens_and_the_cost_of_the_call_are_shown(
    visit_alone: Visit, server: Sfu, total_usd: float | None, words: str
) -> None:
    spent = visit_alone.page.locator("#spent")
    await visit_alone.page.click("#call")
    async with stand_in(server, await visit_alone.room()) as agent:
        await visit_alone.is_in("listening")
        await expect(spent).to_be_hidden()
        await agent.tells("usage", turn=TURN, total=TOTAL, turn_usd=total_usd, total_usd=total_usd)
        await visit_alone.page.click("#timings summary")
        await expect(spent).to_have_text(words)
        await expect(spent).to_be_visible()
