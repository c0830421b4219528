"""Write JSON Schemas: schemas/*.json, of files that people write in TOML, and of `summary.json` (`make schemas`).

Each is made of the model that reads the file. A test holds the committed files to the models.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter

from agent.persona_file import PersonaFile
from emulator.faults.catalogue import CATALOGUE
from emulator.faults.fault import Fault
from emulator.script_file import ScriptFile
from records import CallSummary
from telephony.spec import Spec

FOLDER = Path(__file__).parent.parent / "schemas"
FILES: Mapping[str, type[BaseModel]] = {
    "persona.json": PersonaFile,
    "emulator_script.json": ScriptFile,
    "telephony.json": Spec,
    "call_summary.json": CallSummary,
}


def schema(model: type[BaseModel]) -> str:
    """The JSON Schema of a file, as the text of `schemas/NAME.json`."""
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}
    if model is ScriptFile:
        found["properties"]["fault"]["items"] = {"anyOf": [_of_fault(kind) for kind in CATALOGUE.values()]}
    shown = found if model is CallSummary else _as_toml(found)
    return json.dumps(shown, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _of_fault(kind: type[Fault]) -> dict[str, Any]:
    """The schema of a `[[fault]]` table: the fault's name, and its parameters, which are the fields of its dataclass."""
    parameters = TypeAdapter(kind).json_schema()["properties"]
    named = {"name": {"const": kind.name}, **parameters}
    described = {"type": "object", "description": kind.what, "properties": named}
    return described | {"required": ["name"], "additionalProperties": False}


def _as_toml(part: Any) -> Any:
    """A schema without null, which TOML doesn't have, and without generated titles and empty defaults, which say nothing."""
    if isinstance(part, list):
        return [_as_toml(each) for each in part]
    if not isinstance(part, dict):
        return part
    kept = {key: _as_toml(value) for key, value in part.items() if not _says_nothing(key, value)}
    choices = kept.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        kept = {key: value for key, value in kept.items() if key != "anyOf"} | (rest[0] if len(rest) == 1 else {"anyOf": rest})
    return kept


def _says_nothing(key: str, value: object) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value in (None, "", [], {}))


def main() -> int:
    """Write the files; returns the exit code."""
    FOLDER.mkdir(exist_ok=True)
    for name, model in FILES.items():
        (FOLDER / name).write_text(schema(model), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
