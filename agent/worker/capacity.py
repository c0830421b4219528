"""The calls that a worker takes, and the load that it tells. Pure."""

FULL = 0.99
"""The load of a full worker. At 1.0 the SFU gives a worker no weight: a job with no other taker is lost (docs/facts.md S1)."""
BUSY = 0.98
"""The most that a worker with a place says, however busy its machine is: who asks its load can tell that there is a place."""

REFUSED = 1.0
"""The load of a worker whose calls Gemini refuses, or whose day has cost enough: the SFU sends it none."""


class Capacity:
    """Counts the calls that were accepted and have not started yet; how many run is passed in."""

    def __init__(self, calls: int) -> None:
        self._calls = calls
        self._accepted = 0

    def load(self, running: int, cpu: float, *, is_refused: bool = False) -> float:
        """The share of calls taken, or the machine's CPU (0 to 1) where that is worse; `FULL` without a place.

        `is_refused`: Gemini refuses the setup of calls, or the day's costs are at their cap; then it is `REFUSED`.
        """
        if is_refused:
            return REFUSED
        taken = running + self._accepted
        return FULL if taken >= self._calls else min(BUSY, max(taken / self._calls, cpu))

    def take(self, running: int) -> bool:
        """Reserve a place for an offered call; False when there is none."""
        if running + self._accepted >= self._calls:
            return False
        self._accepted += 1
        return True

    def settle(self) -> None:
        """An accepted call has started, or won't."""
        self._accepted -= 1
