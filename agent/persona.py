"""Who speaks: a TOML file with the voice, the language and the words that make the model somebody."""

import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from agent.errors import PersonaError
from agent.gemini import VOICES

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Persona:
    """One persona, as its file says."""

    name: str
    instructions: str
    """The system instruction."""
    voice: str = "Puck"
    """One of Gemini's prebuilt voices."""
    language: str | None = None
    """BCP-47; without it the model follows the caller."""
    temperature: float | None = None
    """0 to 2; without it the model's own."""
    greeting: str = ""
    """What the model is asked to say first; without it the caller begins."""
    goodbye: str = "Say goodbye to the caller in one short sentence."
    """What the model is asked to say before the worker ends a call."""


def load(name: str, folder: Path) -> Persona:
    """Read the persona of that name.

    Raises:
        PersonaError: there is none, or its file can't be used.
    """
    if not _NAME.fullmatch(name):
        raise PersonaError(name, "a name has small letters, digits, - and _ only")
    path = folder / f"{name}.toml"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PersonaError(name, f"there is no such file in {folder}; there are {', '.join(names(folder))}") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PersonaError(name, f"{path.name} can't be read: {error}") from error
    return _checked(name, content)


def for_call(metadata: str, default: Persona, folder: Path) -> tuple[Persona, str | None]:
    """The persona that a dispatch asks for with `{"persona": NAME}`, and a warning if it had to be the default instead."""
    if not metadata.strip():
        return default, None
    try:
        wanted = json.loads(metadata)
        name = wanted.get("persona") if isinstance(wanted, dict) else None
    except ValueError:
        return default, "the dispatch metadata is no JSON object"
    if name is None or name == default.name:
        return default, None
    try:
        return load(str(name), folder), None
    except PersonaError as error:
        return default, str(error)


def names(folder: Path) -> list[str]:
    """The personas there are."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def _checked(name: str, content: dict[str, Any]) -> Persona:
    known = {field.name for field in fields(Persona)} - {"name"}
    for key, value in content.items():
        if key not in known:
            raise PersonaError(name, f"the key {key!r} is unknown; known are {', '.join(sorted(known))}")
        if key != "temperature" and not isinstance(value, str):
            raise PersonaError(name, f"{key} must be a text in quotes")
    if not content.get("instructions", "").strip():
        raise PersonaError(name, "`instructions` is missing: say who the model is")
    voice = content.get("voice", Persona.voice)
    if voice not in VOICES:
        raise PersonaError(name, f"voice {voice!r} is none of Gemini's: {', '.join(sorted(VOICES))}")
    temperature = content.get("temperature")
    if temperature is not None and not (isinstance(temperature, int | float) and 0 <= temperature <= 2):
        raise PersonaError(name, f"temperature is {temperature!r}; it must be a number from 0 to 2")
    return Persona(name=name, **content)
