"""Write docs/settings.md: every setting of the worker and of the token server, from their classes (`make schemas`).

The sections and their order are those of .env.example. A test holds the committed page to the code.
"""

import ast
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, SecretStr
from pydantic.fields import FieldInfo

from agent.setting_types import SettingFile
from agent.settings import Settings
from token_server.settings import TokenServerSettings

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "settings.md"
MODELS: tuple[tuple[str, type[BaseModel]], ...] = (("worker", Settings), ("token server", TokenServerSettings))
_HEAD = """# Settings

Made from the code by `make schemas`; a test compares this page with it. Each setting is an environment variable, or a line of
`.env`; [.env.example](../.env.example) has them all, with more words. The environment wins. An empty value is no value. A value
that can't be used stops the program with one sentence and exit code 2.
"""
_COLUMNS = ("| setting | values | default | read by | meaning |", "|---|---|---|---|---|")
_UNITS = {"_MS": "milliseconds", "_S": "seconds", "_MB": "MB", "_USD": "US dollars"}
_TEXTS = {bool: "true or false", str: "text", SecretStr: "secret text", Path: "path", SettingFile: "path of a TOML file"}


def page() -> str:
    """The text of docs/settings.md."""
    lines = [_HEAD]
    for title, names in _sections():
        rows = [row for name in names if (row := _row(name))]
        if rows:
            lines += [f"## {title}", "", *_COLUMNS, *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def settings() -> dict[str, list[tuple[str, type[BaseModel], str]]]:
    """Each setting's name, with the programs that read it: what they are called, their class, and the field's name."""
    found: dict[str, list[tuple[str, type[BaseModel], str]]] = {}
    for program, model in MODELS:
        for field in model.model_fields:
            found.setdefault(field.upper(), []).append((program, model, field))
    return found


def meaning(model: type[BaseModel], field: str) -> str:
    """The docstring of a field, in one line; empty without one."""
    for each in model.__mro__:
        if issubclass(each, BaseModel) and field in inspect.get_annotations(each):
            return _docstrings(each).get(field, "")
    return ""


def _sections() -> Iterator[tuple[str, list[str]]]:
    """The headings of .env.example, each with the names below it."""
    for section in re.split(r"^# --- ", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)[1:]:
        title = re.split(r"[.:,(]", section, maxsplit=1)[0].strip()
        yield title, list(dict.fromkeys(re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]+)=", section, re.MULTILINE)))


def _row(name: str) -> str:
    read_by = settings().get(name, [])
    if not read_by:
        return ""
    _, model, field = read_by[0]
    info = model.model_fields[field]
    also = [str(choice).upper() for choice in _choices(info) if str(choice).upper() != name]
    shown = f"`{name}`" + (f", also `{'`, `'.join(also)}`" if also else "")
    programs = ", ".join(program for program, _, _ in read_by)
    values = _values(info.annotation, info.metadata)
    unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), None)
    if unit is not None:
        values = re.sub("^(whole )?number", unit, values)
    cells = (shown, values, _default(info), programs, meaning(model, field))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _choices(info: FieldInfo) -> list[Any]:
    return list(info.validation_alias.choices) if isinstance(info.validation_alias, AliasChoices) else []


def _default(info: FieldInfo) -> str:
    default = info.default
    if default is None or default == ():
        return "-"
    if isinstance(default, tuple):
        default = ",".join(default)
    if isinstance(default, bool):
        default = str(default).lower()
    return f"`{default.relative_to(ROOT) if isinstance(default, Path) else default}`"


def _values(kind: Any, metadata: list[Any]) -> str:
    """The values that a setting may have, in words."""
    if get_origin(kind) is Annotated:
        inner, *more = get_args(kind)
        return _values(inner, [*more, *metadata])
    if get_origin(kind) in {Union, types.UnionType}:
        return _values(next(each for each in get_args(kind) if each is not type(None)), metadata)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kind))
    if get_origin(kind) is tuple:
        return "comma-separated"
    if kind in {int, float}:
        return f"{'whole number' if kind is int else 'number'}{_range(metadata)}"
    return _TEXTS.get(get_origin(kind) or kind, "text")


def _range(metadata: list[Any]) -> str:
    limits = {
        word: limit
        for part in metadata
        for constraint in (getattr(part, "metadata", None) or [part])
        for word in ("gt", "ge", "le")
        if (limit := getattr(constraint, word, None)) is not None
    }
    if "ge" in limits and "le" in limits:
        return f", {limits['ge']} to {limits['le']}"
    said = {"gt": "above", "ge": "at least", "le": "at most"}
    return "".join(f", {said[word]} {limit}" for word, limit in limits.items())


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings below the fields of a class."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            found[ast.unparse(field.target)] = " ".join(str(after.value.value).split())
    return found


def main() -> int:
    """Write the page; returns the exit code."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
