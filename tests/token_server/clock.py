"""A clock that tests set."""


class ManualClock:
    """The time in seconds: `now`, which only the test changes."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
