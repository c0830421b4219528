"""A soak in small: that it runs, that faults happen in it, and that its books add up."""

import pytest

from agent.gemini import Cause, Kind
from tests.soak.footprint import Sample, slope, typical
from tests.soak.links import LinksPlan, soak_links
from tests.soak.report import links_report

_QUICK = ("goaway", "close", "abrupt_1006", "upgrade_refused", "stale_handle", "empty_turn", "phantom_interrupted")
"""Those that nobody has to wait for."""


@pytest.mark.long
async def test_five_links_survive_twelve_seconds_of_faults() -> None:
    soaked = await soak_links(LinksPlan(links=5, seconds=12, seed=2, faults_per_link_minute=12, time_scale=0.01, names=_QUICK))
    assert soaked.wrong() == []
    assert soaked.happened.total() >= 3
    assert sum(book.answered.total() for book in soaked.books) >= 5
    assert all(book.events[Kind.CONNECTED, Cause.START] == 1 for book in soaked.books)
    assert sum(book.events[Kind.HANDED_OVER, Cause.GOAWAY] for book in soaked.books) >= 1
    assert "| goaway |" in links_report(soaked)


def test_growth_is_the_slope_of_a_minute() -> None:
    samples = [Sample(t=10.0 * number, memory_mb=100 + number, files=20) for number in range(12)]
    assert round(slope(samples, lambda each: each.memory_mb), 3) == 6
    assert slope(samples, lambda each: each.files) < 1e-6
    assert typical(samples, lambda each: each.memory_mb) == (101.5, 109.5)
    assert slope(samples[:9], lambda each: each.memory_mb) == 0, "too few to tell"
