"""The cap on the costs of a day: a worker that has reached it takes no more calls that day (UTC)."""

from agent.day_costs import DayCosts

REFUSAL_HEADER = "X-Earshot-Refusal"
"""The header of a 503 of /readyz that says why, for programs: token_server/workers.py reads it."""
DAY_COST_CAP = "day_cost_cap"


class DayBudget:
    """Whether the calls of a day have cost as much as they may. `now` is in seconds since 1970."""

    def __init__(self, costs: DayCosts | None, cap_usd: float | None) -> None:
        """Without `costs` or `cap_usd` nothing is capped."""
        self._costs = costs
        self._cap_usd = cap_usd

    def is_spent(self, now: float) -> bool:
        """Whether no call may begin any more today. Calls that run go on."""
        total_usd = self.total_usd(now)
        return total_usd is not None and self._cap_usd is not None and total_usd >= self._cap_usd

    def total_usd(self, now: float) -> float | None:
        """What the calls of today have cost, in US dollars; None if nothing is capped."""
        return None if self._costs is None or self._cap_usd is None else self._costs.total_usd(now)

    @property
    def sentence(self) -> str:
        """The reason why no call may begin."""
        return f"the calls of today (UTC) have cost DAY_COST_CAP_USD, which is {self._cap_usd:g} US dollars"
