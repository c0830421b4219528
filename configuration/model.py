"""Reads a program's settings into a pydantic model. Mistakes are sentences; choices are taken in upper or lower case."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ValidationError

from configuration.env import Values
from configuration.errors import ValueMistakeError, shortened
from configuration.misspelt import misspelt

M = TypeVar("M", bound=BaseModel)

LOWER_CASE = BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)
UPPER_CASE = BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value)
_SECRET = ("_KEY", "_KEYS", "_SECRET", "_PASSWORD")

logger = logging.getLogger("configuration")


def _at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError("it begins with ~, and this user has no home folder; write the whole path") from error


Folder = Annotated[Path, AfterValidator(_at_home)]
"""A path that may begin with ~."""


def read_model(model: type[M], values: Values, given: Mapping[str, object]) -> M:
    """Make a program's settings. A name that is nearly one of theirs is a warning in the log.

    Args:
        model: its fields are settings; `validation_alias` gives them other names.
        values: the environment and `.env`.
        given: wins over them, by the fields' names.

    Raises:
        ValueMistakeError: the first value that can't be used.
    """
    known = {name.lower(): name for name in values.known}
    picked: dict[str, object] = {}
    names = _names(model)
    for sentence in misspelt(values, [name.upper() for name in names]):
        logger.warning("%s", sentence)  # on stderr, before a program has set its log up (docs/facts.md L231)
    for field in names:
        if field in known:
            name = known[field]
            picked[field] = values.known[name]
            if not values.known[name].isprintable() and _is_broken(values.known[name]):
                raise ValueMistakeError(name, "***", f"it has bytes that are no UTF-8 text{values.where(name)}; write it anew")
    try:
        return model.model_validate(picked | dict(given))
    except ValidationError as invalid:
        raise _explained(invalid, values) from None


def _names(model: type[BaseModel]) -> list[str]:
    names: list[str] = []
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        names += [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [name]
    return names


def _is_broken(value: str) -> bool:
    """Whether a value has lone surrogates (bytes that Python couldn't decode) or control characters that no text has."""
    return any("\ud800" <= char <= "\udfff" or (char < " " and char not in "\n\r\t") for char in value)


def _explained(invalid: ValidationError, values: Values) -> ValueMistakeError:
    error = invalid.errors(include_url=False)[0]
    name = str(error["loc"][0]).upper()
    value: Any = error.get("input")
    message = error["msg"].removeprefix("Value error, ")
    shown = "***" if name.endswith(_SECRET) else shortened(str(value)) if isinstance(value, str | Path) else value
    return ValueMistakeError(name, shown, f"{message[0].lower()}{message[1:]}{values.where(name)}")
