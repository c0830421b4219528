"""Personas: for each a TOML file with the voice, the language and the words that make the model somebody."""

import json
import re
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from agent.errors import PersonaError
from agent.eyes import Eyes, checked_eyes
from agent.gemini import VOICES
from configuration import FileError, parsed_toml, read_text

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


@dataclass(frozen=True)
class Persona:
    """One persona, as its file says."""

    name: str
    instructions: str
    """The system instruction."""
    title: str = ""
    """The name under which a page offers the persona; the token server reads it from the same file."""
    voice: str = "Puck"
    """One of Gemini's prebuilt voices."""
    language: str | None = None
    """BCP-47; without it the model follows the caller."""
    temperature: float | None = None
    """0 to 2; without it the model's own."""
    greeting: str = ""
    """The instruction for the model's first words; without it the caller begins."""
    goodbye: str = "Say goodbye to the caller in one short sentence."
    """The instruction for the model's last words before the worker ends a call."""
    still_there: str = "Ask in a few words whether the caller is still there."
    """The instruction for the model when nobody has said anything for STILL_THERE_S; empty: it says nothing."""
    eyes: Eyes = field(default_factory=Eyes)
    """What the model sees of the caller (`[eyes]`); without it nothing."""


def load(name: str, folder: Path) -> Persona:
    """Read the persona of that name.

    Raises:
        PersonaError: there is none, or its file can't be used.
    """
    name = name.lower().removesuffix(".toml")
    if not _NAME.fullmatch(name):
        raise PersonaError(name, "a name has small letters, digits, - and _ only")
    path = folder / f"{name}.toml"
    try:
        content = parsed_toml(read_text(path), path.name)
    except FileNotFoundError:
        raise PersonaError(name, f"there is no such file in {folder}; there are {', '.join(names(folder)) or 'none'}") from None
    except FileError as error:
        raise PersonaError(name, str(error)) from error
    return _checked(name, content)


def for_call(metadata: str, default: Persona, folder: Path) -> tuple[Persona, list[str]]:
    """The persona that a dispatch asks for with `{"persona": NAME, "language": "de-DE"}`; both may be left out.

    Returns:
        The persona, and a sentence for each wish that can't be met.
    """
    if not metadata.strip():
        return default, []
    try:
        wanted = json.loads(metadata)
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        return default, ["the dispatch metadata is no JSON object"]
    persona, warnings = default, []
    name = wanted.get("persona")
    if name is not None and name != default.name:
        try:
            persona = load(str(name), folder)
        except PersonaError as error:
            warnings.append(str(error))
    if (language := wanted.get("language")) is not None:
        if isinstance(language, str) and _LANGUAGE.fullmatch(_tag(language)):
            persona = _speaking(persona, _tag(language))
        else:
            warnings.append(f"language is {language!r}; it must be a BCP-47 tag such as de-DE")
    return persona, warnings


def _speaking(persona: Persona, language: str) -> Persona:
    # native audio models choose the language themselves and ignore the setup's languageCode (docs/facts.md G12)
    told = f"{persona.instructions.rstrip()}\n\nSpeak {language} (a BCP-47 tag), unless the caller asks for another language.\n"
    return replace(persona, language=language, instructions=told)


def names(folder: Path) -> list[str]:
    """The personas there are."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def _checked(name: str, content: dict[str, Any]) -> Persona:
    known = {each.name for each in fields(Persona)} - {"name"}
    for key, value in content.items():
        if key not in known:
            raise PersonaError(name, f"the key {key!r} is unknown; known are {', '.join(sorted(known))}")
        if key not in {"temperature", "eyes"} and not isinstance(value, str):
            raise PersonaError(name, f"{key} must be a text in quotes")
    if not content.get("instructions", "").strip():
        raise PersonaError(name, "`instructions` is missing: say who the model is")
    voice = content.get("voice", Persona.voice)
    known_voices = {known.lower(): known for known in VOICES}
    if voice.strip().lower() not in known_voices:
        raise PersonaError(name, f"voice {voice!r} is none of Gemini's: {', '.join(sorted(VOICES))}")
    language = content.get("language")
    if language is not None and not _LANGUAGE.fullmatch(language := _tag(language)):
        raise PersonaError(name, f"language is {language!r}; it must be a BCP-47 tag such as de-DE")
    temperature = content.get("temperature")
    if temperature is not None and not (type(temperature) in {int, float} and 0 <= temperature <= 2):
        raise PersonaError(name, f"temperature is {temperature!r}; it must be a number from 0 to 2")
    eyes = checked_eyes(name, content.get("eyes", {}))
    checked = {"voice": known_voices[voice.strip().lower()], "language": language, "eyes": eyes}
    return Persona(name=name, **content | checked)


def _tag(language: str) -> str:
    """A BCP-47 tag, also where it is written as systems write their locale."""
    return language.strip().replace("_", "-")
