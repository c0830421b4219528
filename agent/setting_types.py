"""The forms of the worker's settings that need more than a type: words, amounts, and files that a setting names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from agent.gemini import LiveSettingError, ModelPrices, check_live, check_name, price_table
from configuration import FileError, parsed_toml, read_text

_LEVELS = {"TRACE": "DEBUG", "NOTSET": "DEBUG", "VERBOSE": "DEBUG", "INFORMATION": "INFO", "NOTICE": "INFO"}
_LEVELS |= {"WARNING": "WARN", "ERR": "ERROR", "FATAL": "CRITICAL", "CRIT": "CRITICAL"}
_LEVELS |= {"10": "DEBUG", "20": "INFO", "30": "WARN", "40": "ERROR", "50": "CRITICAL"}

Seconds = Annotated[int, Field(gt=0, le=24 * 3600)]
Usd = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
"""An amount of US dollars."""


def level(value: object) -> object:
    """The name that LiveKit's command line knows, of a level's usual names; anything else as it is."""
    upper = str(value).upper()
    return _LEVELS.get(upper, upper if upper in {"DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"} else value)


def switch(value: object) -> object:
    """`on` or `off`, of a switch's usual words; anything else as it is."""
    lower = str(value).lower()
    return {"true": "on", "yes": "on", "1": "on", "false": "off", "no": "off", "0": "off"}.get(lower, lower)


def model_name(value: object) -> object:
    return value.removeprefix("models/") if isinstance(value, str) else value


@dataclass(frozen=True)
class LiveFile:
    """The file of GEMINI_LIVE_CONFIG, read."""

    path: Path
    table: Mapping[str, Any]
    """Its `[live]` table."""


def live_file(value: object) -> object:
    """The file at a path, whose one table is `[live]`."""
    if not isinstance(value, str | Path):
        return value
    try:
        path = Path(value).expanduser()
        content = parsed_toml(read_text(path), path.name)
        if set(content) != {"live"}:
            raise ValueError("it must have a table [live], as a persona file has, and nothing else")
        return LiveFile(path, check_live(content["live"]))
    except FileNotFoundError:
        raise ValueError("there is no such file; it is TOML with a table [live]") from None
    except (FileError, LiveSettingError, RuntimeError) as error:
        raise ValueError(str(error)) from error


_HEARING = ("hearing", "hearing.turns")


def dotted_names(value: object) -> object:
    """Dotted names of a `[live]` table, or `hearing.turns`, comma-separated."""
    if not isinstance(value, str):
        return value
    names = [name.strip().removeprefix("live.") for name in value.split(",") if name.strip()]
    try:
        return tuple(name if name in _HEARING else check_name(name) for name in names)
    except LiveSettingError as error:
        raise ValueError(str(error)) from error


@dataclass(frozen=True)
class PriceFile:
    """The file of GEMINI_PRICES, read."""

    path: Path
    prices: Mapping[str, ModelPrices]
    """Its prices, by the model's name."""


def price_file(value: object) -> object:
    """The file at a path, whose tables are `[[prices]]`."""
    if not isinstance(value, str | Path):
        return value
    try:
        path = Path(value).expanduser()
        return PriceFile(path, price_table(parsed_toml(read_text(path), path.name)))
    except FileNotFoundError:
        raise ValueError("there is no such file; it is TOML with tables [[prices]], as agent/gemini/prices.toml has") from None
    except (FileError, RuntimeError) as error:
        raise ValueError(str(error)) from error
