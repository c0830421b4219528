"""Personas: for each a TOML file with the voice, the language and the words that make the model somebody.

agent/persona_file.py has the form of the file. agent/live_settings.py holds a persona against the model.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from agent.errors import PersonaError
from agent.eyes import Eyes
from agent.gemini import (
    TARGET_LANGUAGE,
    Pace,
    Turns,
    is_spoken,
    is_translated,
    language_tag,
    merged,
    nested,
    split_top,
    value_at,
)
from agent.persona_file import PersonaFile
from agent.tools.persona_tools import PersonaTools
from configuration import FileError, first_mistake, parsed_toml, read_text

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Persona:
    """One persona, as its file says."""

    name: str
    instructions: str = ""
    """The description of who the model is, as the file has it; `system_instruction` adds the language to it.

    Empty for an interpreter, and for nobody else.
    """
    agent: str | None = None
    """The class of the persona's agent, `module:Class`; without it that of agent/assistant.py."""
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
    welcome_back: str = (
        "The caller has called again, soon after the conversation so far. Welcome them back in one short sentence, and ask "
        "whether they want to go on where it ended. Do not introduce yourself again."
    )
    """The instruction for the first words of a call that goes on from the caller's last one, in place of `greeting`."""
    goodbye: str = "Say goodbye to the caller in one short sentence."
    """The instruction for the model's last words before the worker ends a call."""
    still_there: str = "Ask in a few words whether the caller is still there."
    """The instruction for the model when nobody has said anything for STILL_THERE_S; empty: it says nothing."""
    cost_cap_usd: float | None = None
    """A call that has cost so many US dollars ends with a goodbye. COST_CAP_USD may be lower; the lower one counts."""
    thinking_sound: bool | Literal["always"] = True
    """Whether a soft sound plays while the caller waits for a tool: `True` not on telephones, `"always"` there as well.

    Without it a tool of a few seconds sounds like a lost connection. A telephone's own noise says that the line is there.
    """
    record: bool = True
    """Whether the persona's calls may be recorded, as RECORD says; `False` forbids it."""
    redact: Sequence[str] = ()
    """Texts that are left out of transcripts and timelines, as RECORD_REDACT says."""
    eyes: Eyes = field(default_factory=Eyes)
    """The sources of pictures that the persona looks at (`[eyes]`); without it none."""
    tools: PersonaTools = field(default_factory=PersonaTools)
    """The tools that the persona gets from elsewhere (`[tools]`), beside the agent's own; without it none."""
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

    def plays_thinking_sound(self, *, on_telephone: bool) -> bool:
        """Whether a caller who waits for a tool hears the soft sound."""
        return self.thinking_sound == "always" or (bool(self.thinking_sound) and not on_telephone)

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
    try:
        return _persona(name, PersonaFile.model_validate(content))
    except ValidationError as invalid:
        raise PersonaError(name, first_mistake(invalid)) from None


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


def _persona(name: str, file: PersonaFile) -> Persona:
    """The persona that a file describes. Of what `[live]` says, a key at the top of `Persona` has its own place."""
    said_in_live, live = split_top(file.live)
    said = file.said | said_in_live | {"pace": file.hearing.pace, "turns": file.hearing.turns, "live": live}
    return Persona(name=name, **{key: value for key, value in said.items() if key != "hearing"})
