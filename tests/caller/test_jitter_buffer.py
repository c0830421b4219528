"""The delay of the jitter buffer around an answer, by the totals of WebRTC's statistics."""

import pytest

from caller.jitter_buffer import BufferTotals

BEFORE = BufferTotals("TR_1", 960.0, 48_000)


def test_the_delay_is_the_mean_of_the_samples_that_came_since() -> None:
    """Second by second 20 ms before, and 60 ms since: half a second more has come."""
    now = BufferTotals("TR_1", 960.0 + 24_000 * 0.06, 72_000)
    assert now.delay_since(BEFORE) == pytest.approx(0.06)


@pytest.mark.parametrize(
    ("now", "before"),
    [
        pytest.param(BEFORE, None, id="nothing was heard before"),
        pytest.param(BEFORE, BEFORE, id="no sound has come"),
        pytest.param(BufferTotals("TR_2", 10.0, 96_000), BEFORE, id="another agent's track"),
        pytest.param(BufferTotals("TR_1", 1.0, 480), BEFORE, id="a buffer that has begun anew"),
    ],
)
def test_a_delay_that_is_not_known_is_none(now: BufferTotals, before: BufferTotals | None) -> None:
    assert now.delay_since(before) is None
