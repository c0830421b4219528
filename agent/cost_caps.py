"""The caps of a call's costs: of the worker, of the persona, of the dispatch. The lowest counts. Pure."""

from collections.abc import Mapping

from agent.gemini import ModelPrices, shipped_prices

AMOUNT = "it must be a number of US dollars above 0, such as 0.50"


def is_amount(value: object) -> bool:
    """Whether a value of a persona's file or a dispatch is an amount of US dollars."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


def lowest(*caps_usd: float | None) -> float | None:
    """The lowest of these caps; None: there is none."""
    return min((cap for cap in caps_usd if cap is not None), default=None)


def lowered(cap_usd: float | None, wanted: object) -> tuple[float | None, str | None]:
    """The cap of a call whose dispatch wants another one: a dispatch may lower it, and never raise it.

    Returns:
        The cap, and a sentence if the wish can't be met.
    """
    if wanted is None:
        return cap_usd, None
    if not isinstance(wanted, int | float) or not is_amount(wanted):
        return cap_usd, f"cost_cap_usd of the dispatch metadata is {str(wanted)[:40]!r}; {AMOUNT}"
    if cap_usd is not None and wanted > cap_usd:
        return cap_usd, f"cost_cap_usd of the dispatch metadata is {wanted:g}, and the call's cap is {cap_usd:g} already"
    return float(wanted), None


def prices_of(model: str, own: Mapping[str, ModelPrices] | None) -> ModelPrices | None:
    """The prices of a model; None: there are none. `own`: those of GEMINI_PRICES, which win.

    A model under Vertex's whole name (`projects/.../models/NAME`) has the prices of NAME, unless it has some of its own.
    """
    names = (model, model.rpartition("/")[2])
    return next((table[name] for table in (own or {}, shipped_prices()) for name in names if name in table), None)


def no_prices(model: str) -> str:
    """What is wrong with a cap on the costs of a model that has no prices."""
    return f"there are no prices of {model}; write them into a file for GEMINI_PRICES (docs/costs.md), or take the cap out"
