"""Personas: for each a TOML file with the voice, the language and the words that make the model somebody.

Gemini's own settings (`[live]`, `[hearing]`) are read here, and held against the model in agent/live_settings.py.
"""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args

from agent.errors import PersonaError
from agent.eyes import Eyes, checked_eyes
from agent.gemini import (
    DETECTION,
    PACED,
    TARGET_LANGUAGE,
    TOP_NAMES,
    VOICES,
    LiveSettingError,
    Pace,
    Turns,
    check_live,
    is_spoken,
    is_translated,
    language_tag,
    merged,
    nested,
    split_top,
    value_at,
    voice_named,
)
from configuration import FileError, parsed_toml, read_text

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NOT_FOR_INTERPRETERS = (
    *("instructions", "greeting", "goodbye", "still_there", "voice", "language", "temperature"),
    *("hearing", "eyes"),
)
"""Keys of a persona file that mean nothing to a model that translates."""


@dataclass(frozen=True)
class Persona:
    """One persona, as its file says."""

    name: str
    instructions: str = ""
    """The description of who the model is, as the file has it; `system_instruction` adds the language to it.

    Empty for an interpreter, and for nobody else.
    """
    model: str | None = None
    """The model of the persona's calls; without it GEMINI_MODEL."""
    title: str = ""
    """The name under which a page offers the persona; the token server reads it from the same file."""
    voice: str | None = None
    """One of Gemini's prebuilt voices; without it GEMINI_LIVE_CONFIG's, or Puck."""
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
    """The sources of pictures that the persona looks at (`[eyes]`); without it none."""
    pace: Pace | None = None
    """The pace of the caller's turns (`[hearing]`); without it as GEMINI_LIVE_CONFIG says, or `normal`."""
    turns: Turns = "automatic"
    """Whether the service detects the caller's turns, or the caller marks them by a button (`[hearing]`)."""
    live: Mapping[str, Any] = field(default_factory=dict)
    """Gemini's own settings (`[live]`), without those that have a name of their own above."""

    @property
    def translates(self) -> bool:
        """Whether it is an interpreter: its model says what it hears in another language, and answers nobody."""
        return "translation_config" in self.live

    @property
    def spoken_language(self) -> str | None:
        """The language that the caller hears (BCP-47): an interpreter's is the one that it translates into."""
        return value_at(self.live, TARGET_LANGUAGE) if self.translates else self.language

    def speaking(self, language: str) -> "Persona":
        """This persona in another language (BCP-47); an interpreter translates into it."""
        if self.translates:
            return replace(self, live=merged(self.live, nested(TARGET_LANGUAGE, language)))
        return replace(self, language=language)

    @property
    def system_instruction(self) -> str:
        """The instructions, and the language in words, since native audio ignores its code in the setup (docs/facts.md G12)."""
        if self.language is None:
            return self.instructions
        told = f"Speak {self.language} (a BCP-47 tag), unless the caller asks for another language."
        return f"{self.instructions.rstrip()}\n\n{told}\n"


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
    wanted = dispatched(metadata)
    persona, warnings = default, [] if wanted is not None else ["the dispatch metadata is no JSON object"]
    wanted = wanted or {}
    name = wanted.get("persona")
    if name is not None and name != default.name:
        try:
            found = load(str(name), folder)
            persona = default if found.name == default.name else found
        except PersonaError as error:
            warnings.append(str(error))
    if (language := wanted.get("language")) is not None:
        if isinstance(language, str) and (tag := language_tag(language)) is not None:
            persona = persona.speaking(tag)
        else:
            warnings.append(f"language is {language!r}; it must be a BCP-47 tag such as de-DE")
    return persona, warnings


def dispatched(metadata: str) -> dict[str, Any] | None:
    """The wishes of a dispatch; None if its metadata is no JSON object."""
    if not metadata.strip():
        return {}
    try:
        wanted = json.loads(metadata)
    except (ValueError, RecursionError):
        return None
    return wanted if isinstance(wanted, dict) else None


def names(folder: Path) -> list[str]:
    """The personas there are."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def language_warning(persona: Persona) -> str | None:
    """A sentence about a language that Google doesn't list; the model may speak it all the same."""
    language, listed = persona.spoken_language, is_translated if persona.translates else is_spoken
    if language is None or listed(language):
        return None
    what = "live translation" if persona.translates else "the Live API"
    return f"persona {persona.name!r}: Google doesn't list the language {language!r} for {what}; check the tag"


def _checked(name: str, content: dict[str, Any]) -> Persona:
    _check_keys(name, content)
    live = content.get("live")
    if isinstance(live, dict) and "translation_config" in live:
        _check_interpreter(name, content)
    elif not content.get("instructions", "").strip():
        raise PersonaError(name, "`instructions` is missing: say who the model is")
    pace, turns = _hearing(name, content.pop("hearing", {}))
    said_in_live, live = split_top(_live(name, content, pace, turns))
    content |= said_in_live
    voice = content.get("voice")
    if voice is not None and (voice := voice_named(voice)) is None:
        raise PersonaError(name, f"voice {content['voice']!r} is none of Gemini's: {', '.join(sorted(VOICES))}")
    language = content.get("language")
    if language is not None and (language := language_tag(language)) is None:
        raise PersonaError(name, f"language is {content['language']!r}; it must be a BCP-47 tag such as de-DE")
    temperature = content.get("temperature")
    if temperature is not None and not (type(temperature) in {int, float} and 0 <= temperature <= 2):
        raise PersonaError(name, f"temperature is {temperature!r}; it must be a number from 0 to 2")
    eyes = checked_eyes(name, content.get("eyes", {}))
    if model := content.get("model"):
        content["model"] = model.removeprefix("models/")
    checked = {"voice": voice, "language": language, "pace": pace, "turns": turns, "live": live, "eyes": eyes}
    return Persona(name=name, **content | checked)


def _check_interpreter(name: str, content: dict[str, Any]) -> None:
    """A file with `[live.translation_config]` has nothing that a model which translates doesn't take (docs/facts.md G80)."""
    in_live = {key for key, dotted in TOP_NAMES.items() if value_at(content["live"], dotted) is not None}
    for key in NOT_FOR_INTERPRETERS:
        if key in content or key in in_live:
            instead = f"write the language as live.{TARGET_LANGUAGE}" if key == "language" else "leave it out"
            shown = f"live.{TOP_NAMES[key]}" if key in in_live else key
            raise PersonaError(
                name,
                f"{shown} and [live.translation_config] can't stand in one file: a model that translates has none; {instead}",
            )


def _check_keys(name: str, content: dict[str, Any]) -> None:
    known = {each.name for each in fields(Persona)} - {"name", "pace", "turns"} | {"hearing"}
    for key, value in content.items():
        if key not in known:
            near = "".join(f"did you mean {each}? " for each in difflib.get_close_matches(key, known, 1))
            raise PersonaError(name, f"the key {key!r} is unknown; {near}known are {', '.join(sorted(known))}")
        if key not in {"temperature", "hearing", "live", "eyes"} and not isinstance(value, str):
            raise PersonaError(name, f"{key} must be a text in quotes")


def _hearing(name: str, hearing: object) -> tuple[Pace | None, Turns]:
    """The `pace` and the `turns` of a `[hearing]` table."""
    if not isinstance(hearing, dict):
        raise PersonaError(name, f"hearing is {hearing!r}; it must be a table: write [hearing]")
    for key in hearing:
        if key not in {"pace", "turns"}:
            raise PersonaError(name, f"the key 'hearing.{key}' is unknown; known are pace and turns")
    pace: Pace | None = hearing.get("pace")
    if pace is not None and pace not in get_args(Pace):
        raise PersonaError(name, f"hearing.pace is {pace!r}; it must be one of {', '.join(get_args(Pace))}")
    turns: Turns = hearing.get("turns", "automatic")
    if turns not in get_args(Turns):
        raise PersonaError(name, f"hearing.turns is {turns!r}; it must be automatic or push_to_talk")
    if turns == "push_to_talk" and pace is not None:
        raise PersonaError(name, f"hearing.pace is {pace!r}, and turns are push_to_talk: no silence ends them; leave pace out")
    return pace, turns


def _live(name: str, content: dict[str, Any], pace: Pace | None, turns: Turns) -> Mapping[str, Any]:
    """The `[live]` table, which says nothing that the file says elsewhere."""
    try:
        live = check_live(content.pop("live", {}))
    except LiveSettingError as error:
        raise PersonaError(name, str(error)) from error
    if turns == "push_to_talk" and (detection := value_at(live, DETECTION)):
        key = next(iter(detection))
        reason = 'the caller marks the turns with hearing.turns = "push_to_talk"; leave it out'
        raise PersonaError(name, f"live.{DETECTION}.{key} is {detection[key]!r}: {reason}")
    elsewhere = {dotted: f"`{key}` at the top" for key, dotted in TOP_NAMES.items() if key in content}
    if pace is not None:
        elsewhere |= dict.fromkeys(PACED, "`pace` in [hearing]")
    for dotted, place in elsewhere.items():
        if value_at(live, dotted) is not None:
            raise PersonaError(name, f"live.{dotted} and {place} of the file say the same thing; leave one out")
    return live
