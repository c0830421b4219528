"""What is made from the code is as the code would make it now: JSON Schemas, the page of all settings, that of all faults."""

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agent.gemini import LiveSettingError, check_live
from scripts import faults_table, schemas, settings_table
from tests.test_architecture import ROOT

MAKE = "run `make schemas`"
PERSONAS = sorted([*ROOT.glob("agent/personas/*.toml"), *ROOT.glob("examples/personas/*.toml")])
SCRIPTS = sorted([ROOT / "demo" / "script.toml", *ROOT.glob("tests/**/script.toml")])
LINES = [ROOT / "telephony" / "line" / "demo.toml", ROOT / "deploy" / "sip" / "telephony.toml"]


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((schemas.FOLDER / name).read_text()))


@pytest.mark.parametrize("name", schemas.FILES)
def test_a_schema_is_that_of_its_model(name: str) -> None:
    assert (schemas.FOLDER / name).read_text() == schemas.schema(schemas.FILES[name]), MAKE


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *(("persona.json", path) for path in PERSONAS),
        *(("emulator_script.json", path) for path in SCRIPTS),
        *(("telephony.json", path) for path in LINES),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else value,
)
def test_the_files_of_this_repository_are_as_their_schema_says(name: str, path: Path) -> None:
    assert [error.message for error in validator(name).iter_errors(tomllib.loads(path.read_text()))] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("persona.json", 'instructions = "x"\nvioce = "Puck"'),
        ("persona.json", 'instructions = "x"\ntemperature = 3'),
        ("persona.json", '[tools]\nmcp = [{ urll = "https://x/mcp" }]'),
        ("persona.json", "[live]\nthinking_confg = {}"),
        ("persona.json", '[live.realtime_input_config]\nactivity_handling = "SOMETIMES"'),
        ("emulator_script.json", '[[turn]]\nsay = "x"'),
        ("emulator_script.json", '[[typed]]\nsays = "x"'),
        ("emulator_script.json", '[[fault]]\nname = "goawy"'),
        ("emulator_script.json", '[[fault]]\nname = "goaway"\nsecond = 1'),
        ("telephony.json", '[[inbound]]\nnmae = "x"'),
    ],
)
def test_a_schema_marks_what_the_program_would_refuse(name: str, text: str) -> None:
    assert list(validator(name).iter_errors(tomllib.loads(text)))


def leaves(schema: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each value that a schema's tables have, with the keys that lead to it."""
    for key, inner in schema.get("properties", {}).items():
        if inner.get("type") == "object" and "properties" in inner:
            yield from leaves(inner, (*above, key))
        else:
            yield (*above, key), inner


def test_the_words_that_the_live_schema_offers_are_taken() -> None:
    """An editor offers no key and no word that the worker would refuse."""
    live = json.loads((schemas.FOLDER / "persona.json").read_text())["properties"]["live"]
    found = list(leaves(live))
    assert len(found) > 30
    for path, inner in found:
        for word in inner.get("enum", []):
            table: dict[str, Any] = {}
            at = table
            for key in path[:-1]:
                at = at.setdefault(key, {})
            at[path[-1]] = word
            try:
                check_live(table)
            except LiveSettingError as error:
                pytest.fail(f"{'.'.join(path)}: {error}")


def test_the_page_of_all_settings_is_as_the_code_says() -> None:
    assert settings_table.PAGE.read_text() == settings_table.page(), MAKE


def test_the_page_of_all_faults_is_as_the_code_says() -> None:
    assert faults_table.PAGE.read_text() == faults_table.page(), MAKE


def test_every_setting_is_on_the_page_with_its_meaning() -> None:
    text = settings_table.PAGE.read_text()
    for name, read_by in settings_table.settings().items():
        assert f"| `{name}`" in text
        for _, model, field in read_by:
            assert settings_table.meaning(model, field), f"{name} has no docstring"
