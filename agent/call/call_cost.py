"""The tokens and the cost of one call, and its cap. Pure: what the service counts in, what it has come to out."""

from dataclasses import asdict, dataclass

from agent.gemini import ModelPrices, TokenUsage

_WARNS_AT = 0.8
"""The share of the cap at which the room is warned."""
_DIGITS = 6
"""Digits of a cost in US dollars after the point: a token of text costs less than a millionth."""


@dataclass(frozen=True)
class CostStep:
    """The change of a call's cost by one count of the service's."""

    turn_usage: TokenUsage
    total_usage: TokenUsage
    turn_usd: float | None
    """None: no prices of the call's model are known."""
    total_usd: float | None
    warns: bool = False
    """The call has come to 80 % of its cap with this turn."""
    is_over: bool = False
    """The call has come to its cap, with this turn or one before."""

    def facts(self) -> dict[str, object]:
        """The fields of the event `usage`."""
        return {
            "turn": asdict(self.turn_usage),
            "total": asdict(self.total_usage),
            "turn_usd": rounded(self.turn_usd),
            "total_usd": rounded(self.total_usd),
        }


class CallCost:
    """Adds up what the model's service counts in one call.

    Args:
        prices: those of the call's model; None: there are none, and tokens alone are counted.
        cap_usd: the most that the call may cost, in US dollars; None: no matter how much.
    """

    def __init__(self, prices: ModelPrices | None = None, cap_usd: float | None = None) -> None:
        self._prices = prices
        self.cap_usd = cap_usd if prices is not None else None
        self._total = TokenUsage()
        self._total_usd = 0.0

    @property
    def total(self) -> tuple[TokenUsage, float]:
        """The tokens so far, and their cost in US dollars: 0 without prices."""
        return self._total, self._total_usd

    @property
    def has_prices(self) -> bool:
        """Whether the prices of the call's model are known."""
        return self._prices is not None

    def go_on(self, total: TokenUsage, total_usd: float) -> None:
        """The call has come to this before, in another process."""
        self._total, self._total_usd = total, total_usd

    def add(self, usage: TokenUsage) -> CostStep:
        """The service has counted these tokens."""
        self._total += usage
        if self._prices is None:
            return CostStep(usage, self._total, None, None)
        before_usd, turn_usd = self._total_usd, self._prices.cost_usd(usage)
        self._total_usd += turn_usd
        step = CostStep(usage, self._total, turn_usd, self._total_usd)
        if self.cap_usd is None:
            return step
        warning_usd = _WARNS_AT * self.cap_usd
        warns, is_over = before_usd < warning_usd <= self._total_usd, self._total_usd >= self.cap_usd
        return CostStep(usage, self._total, turn_usd, self._total_usd, warns, is_over)

    def figures(self) -> dict[str, object]:
        """The tokens and the cost for the last line of the log; empty before the service has counted any tokens."""
        if not self._total.all_tokens:
            return {}
        cost = {"cost_usd": rounded(self._total_usd)} if self._prices is not None else {"cost_usd": "no prices"}
        return {"tokens": {name: count for name, count in asdict(self._total).items() if count}, **cost}


def rounded(cost_usd: float | None) -> float | None:
    """A cost in US dollars as events and the log have it."""
    return None if cost_usd is None else round(cost_usd, _DIGITS)
