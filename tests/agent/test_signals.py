"""What signals ask a worker for: the order of the steps, and what counts as one request."""

import pytest

from agent.signals import Step, Steps


@pytest.mark.parametrize(
    ("drains", "at", "steps"),
    [
        (True, [0.0, 5.0, 10.0, 15.0], [Step.DRAIN, Step.CLOSE, Step.EXIT, None]),
        (True, [0.0, 0.001, 0.4, 0.8], [Step.DRAIN, None, None, None]),
        (True, [0.0, 0.001, 1.0, 1.001, 2.0], [Step.DRAIN, None, Step.CLOSE, None, Step.EXIT]),
        (False, [0.0, 0.001, 1.0], [Step.CLOSE, None, Step.EXIT]),
    ],
    ids=["one after the other", "a burst is one request", "pairs, as timeout(1) sends them", "dev mode doesn't drain"],
)
def test_each_request_is_one_step_further(drains: bool, at: list[float], steps: list[Step | None]) -> None:
    asked = Steps(drains=drains)
    assert [asked.signalled(now) for now in at] == steps
