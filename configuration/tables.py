"""Tables of files that people write in TOML, as pydantic models; and the first mistake in one, as a sentence. Pure.

A sentence names the place, the value and the fix.
"""

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError, model_validator
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

Place = tuple[str | int, ...]
"""The keys and numbers that lead to a value, as in `("tools", "mcp", 0, "url")`; numbers from 0."""
Named = Callable[[Place], str]

_FIXES = {
    "model_type": "it must be a table: write [{name}]",
    "dict_type": "it must be a table: write [{name}]",
    "list_type": "it must be a list in brackets",
    "tuple_type": "it must be a list in brackets",
    "bool_type": "it must be true or false",
}
"""What a value must be, by pydantic's type of the mistake; of other types pydantic's own words are shown."""
_MOST_SHOWN = 80
"""Characters of a value that a sentence shows."""


class Table(BaseModel):
    """A table of a file. Values have the type that is written here, and no other keys are known.

    A field's docstring is its description in the JSON Schema of the file, which editors show.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    unknown_key: ClassVar[str] = "the key '{key}' is unknown"
    """The beginning of the sentence about a key that isn't known; `{bare}` is the key without its place."""

    @model_validator(mode="before")
    @classmethod
    def _has_known_keys(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            cls.check_keys(value, cls.model_fields)
            for key, field in cls.model_fields.items():
                if field.is_required() and key not in value:
                    fix = next((each.fix for each in field.metadata if isinstance(each, Wanted)), "add it")
                    raise sentence(f"{{key}} is missing; {fix}", key)
        return value

    @classmethod
    def check_keys(cls, table: Mapping[str, Any], known: Collection[str]) -> None:
        """Raise a validator's error for the first key of a table that isn't among the known ones."""
        for key in table:
            if key not in known:
                names = sorted(known)
                near = difflib.get_close_matches(key, names, 1) if len(names) > 1 else []
                hint = f"did you mean {near[0]}? " if near else ""
                begun = cls.unknown_key.replace("{bare}", key)
                raise sentence(f"{begun}; {hint}known {_listed(names)}", key)


@dataclass(frozen=True)
class Wanted:
    """The sentence about a value that a field can't have: `NAME is VALUE; FIX`."""

    fix: str
    """What the field must be."""
    shows_value: bool = True
    """False for a value that may be a secret, or long: `NAME FIX`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of the field's type, with this sentence for whatever it refuses."""
        return core_schema.no_info_wrap_validator_function(self._checked, handler(source))

    def _checked(self, value: Any, validate: core_schema.ValidatorFunctionWrapHandler) -> Any:
        try:
            return validate(value)
        except ValidationError as error:
            predicate = f"is {_shown(value)}; {self.fix}" if self.shows_value else self.fix
            raise sentence(f"{{name}} {predicate}") from error


def sentence(text: str, key: str = "") -> PydanticCustomError:
    """A validator's error whose text is the whole sentence.

    Args:
        text: `{name}` in it is the place of the value, and `{key}` that of a key in it.
        key: that key.
    """
    return PydanticCustomError("sentence", "{text}", {"text": text, "key": key})


def first_mistake(invalid: ValidationError, named: Named | None = None) -> str:
    """The first mistake in a table, as a sentence.

    Args:
        invalid: what the model has raised.
        named: how a place is called; without it as in `tools.mcp[0].url`.
    """
    return _said(invalid.errors(include_url=False)[0], named or dotted)


def dotted(place: Place) -> str:
    """The place of a value as in `tools.mcp[0].url`; empty for the whole file."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def _said(error: ErrorDetails, named: Named) -> str:
    name = named(error["loc"])
    context = error.get("ctx", {})
    if error["type"] == "sentence":
        return str(context["text"]).replace("{name}", name).replace("{key}", named((*error["loc"], context["key"])))
    if error["type"] == "value_error":
        return f"{name} {context['error']}"
    if error["type"] == "string_type":
        return f"{name} must be a text in quotes"
    message = f"{error['msg'][:1].lower()}{error['msg'][1:]}"
    fix = _FIXES.get(error["type"], message).replace("{name}", name)
    return f"{name} is {_shown(error['input'])}; {fix}"


def _listed(names: list[str]) -> str:
    return f"is {names[0]}" if len(names) == 1 else f"are {' and '.join(names) if len(names) == 2 else ', '.join(names)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
