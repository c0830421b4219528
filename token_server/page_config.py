"""The page's configuration, which it reads from GET /config: authentication, personas, languages, sources, recording."""

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from configuration import FileError, parsed_toml, read_text
from token_server.settings import TokenServerSettings

NATIVE_NAMES = {
    "ar-EG": "العربية",
    "bn-BD": "বাংলা",
    "de-DE": "Deutsch",
    "en-AU": "English (Australia)",
    "en-GB": "English (United Kingdom)",
    "en-IN": "English (India)",
    "en-US": "English (United States)",
    "es-ES": "Español (España)",
    "es-US": "Español (Estados Unidos)",
    "fr-CA": "Français (Canada)",
    "fr-FR": "Français",
    "hi-IN": "हिन्दी",
    "id-ID": "Bahasa Indonesia",
    "it-IT": "Italiano",
    "ja-JP": "日本語",
    "ko-KR": "한국어",
    "mr-IN": "मराठी",
    "nl-NL": "Nederlands",
    "pl-PL": "Polski",
    "pt-BR": "Português (Brasil)",
    "ro-RO": "Română",
    "ru-RU": "Русский",
    "ta-IN": "தமிழ்",
    "te-IN": "తెలుగు",
    "th-TH": "ไทย",
    "tr-TR": "Türkçe",
    "uk-UA": "Українська",
    "vi-VN": "Tiếng Việt",
}
"""The languages' names in their own words. A language that isn't here is shown by its code."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LONGEST_TITLE = 80
_VISIBLE = ("camera", "screen_share")
"""The sources that a persona can look at, in the order in which they are told."""

logger = logging.getLogger("token_server")


class PersonaFolder:
    """What a folder of personas offers to callers, as its files are now: a saved change counts from the next request on."""

    def __init__(self, settings: TokenServerSettings) -> None:
        self._settings = settings
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        """The files' names, times of change in ns and sizes in bytes, when they were read last."""
        self._config: dict[str, object] = {}
        self._sources: tuple[str, ...] = ()
        self._names: tuple[str, ...] = ()

    def config(self) -> dict[str, object]:
        """The answer to GET /config, as JSON has it."""
        self._look()
        return self._config

    def sources(self) -> tuple[str, ...]:
        """The track sources that callers may publish."""
        self._look()
        return self._sources

    def names(self) -> tuple[str, ...]:
        """The names of the personas."""
        self._look()
        return self._names

    def _look(self) -> None:
        """Read the files if one of them has changed, so that what is wrong with them is logged once."""
        seen = tuple(sorted(_state(path) for path in self._settings.personas_dir.glob("*.toml")))
        if seen != self._seen:
            self._config, self._sources = page_config(self._settings), sources(self._settings)
            self._names = tuple(path.stem for path in sorted(self._settings.personas_dir.glob("*.toml")))
            self._seen = seen


class PersonaChoice(TypedDict):
    name: str
    title: str


class LanguageChoice(TypedDict):
    code: str
    name: str


def page_config(settings: TokenServerSettings) -> dict[str, object]:
    """The answer to GET /config, as JSON has it."""
    known = personas(settings.personas_dir)
    default = settings.persona if any(persona["name"] == settings.persona for persona in known) else ""
    return {
        "auth": settings.token_mode,
        "personas": known,
        "default_persona": default,
        "languages": languages(settings.token_languages),
        "sources": sources(settings),
        "recording": settings.recording,
    }


def sources(settings: TokenServerSettings) -> tuple[str, ...]:
    """The track sources that callers may publish: those of TOKEN_SOURCES, or the microphone and what a persona looks at."""
    if settings.token_sources is not None:
        return settings.token_sources
    looked_at = {source for path in sorted(settings.personas_dir.glob("*.toml")) for source in _looked_at(path)}
    return ("microphone", *(source for source in _VISIBLE if source in looked_at))


def personas(folder: Path) -> list[PersonaChoice]:
    """The personas of a folder, in the order of their names.

    A file without a good name, title or instructions (an interpreter needs none) is left out, with a warning. Voice,
    temperature and the rest are the worker's to check: a persona that it can't use it replaces by its default, and says so in
    its log.
    """
    found: list[PersonaChoice] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found.append({"name": path.stem, "title": _title(path)})
        except (OSError, FileError, ValueError) as error:
            logger.warning("the persona %s is left out: %s", path.name, str(error))  # about the file
    return found


def languages(codes: tuple[str, ...]) -> list[LanguageChoice]:
    """The languages of these BCP-47 codes, in this order."""
    return [{"code": code, "name": NATIVE_NAMES.get(code, code)} for code in codes]


def _state(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:  # gone since the folder was listed
        return path.name, 0, 0
    return path.name, status.st_mtime_ns, status.st_size


def _title(path: Path) -> str:
    if not _NAME.fullmatch(path.stem):
        raise ValueError("a name has small letters, digits, - and _ only")
    content = parsed_toml(read_text(path), path.name)
    instructions = content.get("instructions", "")
    if not isinstance(instructions, str) or not (instructions.strip() or _is_interpreter(content)):
        raise ValueError("`instructions` is missing")
    title = content.get("title", path.stem.replace("_", " ").replace("-", " ").capitalize())
    if not isinstance(title, str) or not 1 <= len(title) <= _LONGEST_TITLE:
        raise ValueError(f"title is {title!r}; it must be a text of 1 to {_LONGEST_TITLE} characters")
    return title


def _is_interpreter(content: Mapping[str, Any]) -> bool:
    """Whether a persona's file is of one that translates, and so has no instructions."""
    live = content.get("live")
    return isinstance(live, dict) and "translation_config" in live


def _looked_at(path: Path) -> list[str]:
    """The sources in the `[eyes]` of a persona's file; none if the file can't be read, which `personas` logs."""
    try:
        eyes = parsed_toml(read_text(path), path.name).get("eyes")
    except (OSError, FileError):
        return []
    listed = eyes.get("sources") if isinstance(eyes, dict) else None
    return [source for source in listed if isinstance(source, str)] if isinstance(listed, list) else []
