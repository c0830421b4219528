"""Prices of Gemini's models: agent/gemini/prices.toml, or a file of the same form."""

import datetime
import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from agent.gemini.usage import TokenUsage

_MILLION = 1_000_000
_USD_FIX = "write US dollars for a million tokens, such as { text = 0.75, audio = 3.00 }; image and video may follow"
_FIXES = {
    "models": 'write the names of models, such as ["gemini-3.8-live"]',
    "input": _USD_FIX,
    "output": _USD_FIX,
    "as_of": "write a date, such as 2026-11-28",
    "source": "write in quotes where the prices are from",
}
"""What to write, by the field."""
_MOST_SHOWN = 40
"""Characters of a value that is shown."""
_SHIPPED = Path(__file__).with_name("prices.toml")

Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Table = Annotated[dict[Literal["text", "audio", "image", "video"], Usd], Field(min_length=1)]


class ModelPrices(BaseModel):
    """The prices of some models, in US dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: list[str] = Field(min_length=1)
    input: Table
    """Prices of the prompt's tokens, by modality. What isn't named costs as much as the dearest."""
    output: Table
    """Prices of the answer's tokens, by modality. What isn't named costs as much as the dearest."""
    as_of: datetime.date
    """The day on which the prices were read."""
    source: str

    def cost_usd(self, usage: TokenUsage) -> float:
        """The cost of these tokens, in US dollars.

        Tokens from a cache cost as others do: the price list names no other price for Live models. Thinking costs as text of
        the answer, results of Google's own tools as text of the prompt (docs/facts.md G203).
        """
        cost = sum(count * _price(self.input, modality) for modality, count in usage.input_tokens.items())
        cost += sum(count * _price(self.output, modality) for modality, count in usage.output_tokens.items())
        cost += usage.thoughts_tokens * _price(self.output, "text") + usage.tool_use_tokens * _price(self.input, "text")
        return cost / _MILLION


def price_table(content: Mapping[str, Any]) -> dict[str, ModelPrices]:
    """The prices in a TOML document, by the model's name.

    Raises:
        ValueError: the document can't be used; one sentence that names the place.
    """
    if set(content) != {"prices"} or not isinstance(content["prices"], list):
        raise ValueError("it must have tables [[prices]], as agent/gemini/prices.toml has, and nothing else")
    table: dict[str, ModelPrices] = {}
    for number, row in enumerate(content["prices"], 1):
        try:
            prices = ModelPrices.model_validate(row)
        except ValidationError as error:
            raise ValueError(_sentence(number, error.errors(include_url=False)[0])) from error
        if twice := sorted(table.keys() & set(prices.models)):
            place = f"models of its [[prices]] number {number}"
            raise ValueError(f"{place}: {twice[0]!r} has prices in an earlier table; write each model into one table")
        table |= dict.fromkeys(prices.models, prices)
    return table


@functools.cache
def shipped_prices() -> Mapping[str, ModelPrices]:
    """The prices of agent/gemini/prices.toml, by the model's name; read once."""
    return price_table(tomllib.loads(_SHIPPED.read_text(encoding="utf-8")))


def _sentence(number: int, mistake: ErrorDetails) -> str:
    """What is wrong in a table, with its value and the fix."""
    place = [str(part) for part in mistake["loc"] if part != "[key]"]
    fix = _FIXES.get(place[0], "take it out") if place else "write a table [[prices]]"
    value = "" if mistake["type"] == "missing" else f" (it is {str(mistake['input'])[:_MOST_SHOWN]!r})"
    return f"{'.'.join(place) or 'the table'} of its [[prices]] number {number}: {mistake['msg']}{value}; {fix}"


def _price(prices: Mapping[Any, float], modality: str) -> float:
    return prices.get(modality, max(prices.values()))
