"""Scripts: what the model says, as a TOML file of `hears -> says / calls`.

Spoken turns are answered one after the other, since the emulator hears *that* someone speaks, not what; typed turns are
matched by their content. `{name}` in `says` is filled in: `{heard_s}` with the seconds of speech, `{typed}` with the typed
text, `{tools}` with the names of the declared functions, `{tool_name}` with what that tool returned.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configuration import FileError, parsed_toml, read_text
from emulator.answers import Answers, Call, Rule, Situation, WebPage
from emulator.auto import call_named
from emulator.errors import ScriptError
from emulator.profile import SILENCES
from emulator.voice import RATE_HZ
from speech import SoundFileError, read_wav

_LONGEST_SOUND_S = 600
_KEYS = {
    "says",
    "calls",
    "silent",
    "ignored",
    "think_ms",
    "thinks",
    "searches",
    "pages",
    "complete_reason",
    "meanwhile",
    "plays",
    "plays_s",
}
_SPOKEN, _TYPED, _RESULT = frozenset({"hears"}), frozenset({"matches", "first"}), frozenset({"tool", "matches"})
_NAMED = "auto"
"""The `calls` of a rule that calls the function which the turn's words name."""
_FIRST = "first_turn"
"""The session's note of its first turn: the typed text, or nothing if it was spoken."""
_HEARD = Rule("I heard you speak for {heard_s} seconds.")


@dataclass(frozen=True)
class Script(Answers):
    """Answers that were written down before the call."""

    turns: tuple[Rule, ...] = ()
    """The answers to spoken turns, in their order."""
    typed: tuple[Rule, ...] = ()
    """The answers to typed turns: the first rule that matches."""
    results: tuple[Rule, ...] = ()
    otherwise: Rule = _HEARD
    """The answer to turns that have no rule."""
    think_ms: int | None = None
    faults: tuple[Any, ...] = ()
    """Faults that are asked for from the start: the [[fault]] tables as they were written, which `emulator.faults` reads."""

    def answer(self, situation: Situation) -> Rule:
        if any(rule.first for rule in self.typed):
            situation.notes.setdefault(_FIRST, situation.typed or "")
        if situation.typed is None:
            turns = [found for rule in self.turns if (found := _with_call(rule, rule.hears, situation)) is not None]
            return turns[situation.spoken_turns] if situation.spoken_turns < len(turns) else self.otherwise
        for rule in self.typed:
            is_late = rule.first and situation.notes[_FIRST] != situation.typed
            if is_late or (rule.matches is not None and not rule.matches.search(situation.typed)):
                continue
            if (found := _with_call(rule, situation.typed, situation)) is not None:
                return found
        return self.otherwise


def _with_call(rule: Rule, words: str, situation: Situation) -> Rule | None:
    """The rule with the function that the words name; None if it needs one and they name none."""
    if not rule.names_tool:
        return rule
    call = call_named(words, situation.tools)
    if call is None:
        return None
    return dataclasses.replace(rule, calls=(call,), says=rule.says.replace("{result}", f"{{{call.name}}}"))


def load(path: Path) -> Script:
    """Read a script.

    Raises:
        ScriptError: it is missing, no TOML, or has a key that means nothing.
    """
    _read_sound.cache_clear()  # a file may have changed since the last script
    try:
        content = parsed_toml(read_text(path), path.name)
    except FileNotFoundError as error:
        raise ScriptError(str(path), error.strerror or str(error)) from error
    except FileError as error:
        raise ScriptError(str(path), str(error)) from error
    _only(path, "the top level", content, {"turn", "typed", "result", "otherwise", "think_ms", "fault"})
    return Script(
        turns=tuple(_rule(path, where, rule) for where, rule in _tables(path, content, "turn")),
        typed=tuple(_rule(path, where, rule, own=_TYPED) for where, rule in _tables(path, content, "typed")),
        results=tuple(_rule(path, where, rule, own=_RESULT) for where, rule in _tables(path, content, "result")),
        otherwise=_rule(path, "otherwise", content["otherwise"]) if "otherwise" in content else Script.otherwise,
        think_ms=_number(path, "think_ms", content.get("think_ms")),
        faults=tuple(table for _, table in _tables(path, content, "fault")),
    )


def _tables(path: Path, content: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    """The [[tables]] of a name, each with the name that errors give it."""
    found = content.get(key, [])
    if not isinstance(found, list):
        raise ScriptError(str(path), f"`{key}` is written [[{key}]], once for each")
    return [(f"{key} {number}", table) for number, table in enumerate(found, 1)]


def _rule(path: Path, where: str, content: Any, *, own: frozenset[str] = _SPOKEN) -> Rule:
    if not isinstance(content, dict):
        raise ScriptError(str(path), f"{where} must be a table")
    _only(path, where, content, _KEYS | own)
    ignored = _ignored(path, where, content.get("ignored", False))
    names_tool = content.get("calls") == _NAMED
    if names_tool and (own is _RESULT or (own is _SPOKEN and not content.get("hears"))):
        raise ScriptError(str(path), f'{where}: calls = "auto" is for [[typed]], and for a [[turn]] with `hears`')
    says = content.get("says", "{result}" if names_tool else _HEARD.says if ignored else "")
    if not isinstance(says, str) or (not says and not content.get("silent") and not content.get("calls")):
        raise ScriptError(str(path), f"{where} needs `says` with a sentence, `calls`, `silent = true` or `ignored = true`")
    return Rule(
        says=says,
        hears=str(content.get("hears", "")),
        calls=() if names_tool else _calls(path, where, content.get("calls", [])),
        names_tool=names_tool,
        first=_boolean(path, f"{where}: first", content.get("first", False)),
        matches=_pattern(path, where, content.get("matches"))
        if "matches" in content or (own is _TYPED and not names_tool)
        else None,
        tool=str(content.get("tool", "")),
        silent=bool(content.get("silent", False)),
        ignored=ignored,
        think_ms=_number(path, f"{where}: think_ms", content.get("think_ms")),
        thinks=str(content.get("thinks", "")),
        searches=str(content.get("searches", "")),
        pages=_pages(path, where, content["pages"]) if "pages" in content else Rule.pages,
        complete_reason=str(content.get("complete_reason", "")),
        meanwhile=str(content.get("meanwhile", "")),
        plays=_sound(path, where, content),
    )


def _ignored(path: Path, where: str, value: Any) -> str:
    if value is False or value is True:
        return "profile" if value else ""
    if value not in SILENCES:
        raise ScriptError(str(path), f"{where}: ignored is {value!r}; it must be true, or one of {', '.join(SILENCES)}")
    return str(value)


def _sound(path: Path, where: str, content: Mapping[str, Any]) -> bytes:
    """The sound that a rule plays: a WAV file beside the script, or a part of it."""
    named, part = content.get("plays"), content.get("plays_s", [0, _LONGEST_SOUND_S])
    if named is None and "plays_s" not in content:
        return b""
    if not isinstance(named, str) or not content.get("says"):
        raise ScriptError(str(path), f'{where}: `plays` is a WAV file, such as "tones.wav", and needs `says` for its words')
    if (
        not isinstance(part, list)
        or [type(edge) in {int, float} for edge in part] != [True, True]
        or not 0 <= part[0] < part[1] < math.inf
    ):
        raise ScriptError(str(path), f"{where}: plays_s is {part!r}; it must be [from, to] in seconds")
    try:
        samples = _read_sound(path.parent / named)
    except SoundFileError as error:
        raise ScriptError(str(path), f"{where}: {error}") from error
    played = samples[round(part[0] * RATE_HZ) * 2 : round(part[1] * RATE_HZ) * 2]
    if not played:
        raise ScriptError(str(path), f"{where}: {named} has no sound from {part[0]:g} s on")
    return played


@functools.lru_cache(maxsize=8)
def _read_sound(path: Path) -> bytes:
    return read_wav(path, sample_rate_hz=RATE_HZ).astype("<i2").tobytes()


def _calls(path: Path, where: str, content: Any) -> tuple[Call, ...]:
    if not isinstance(content, list):
        raise ScriptError(str(path), f'{where}: `calls` is "auto", or a list of {{ name = "...", args = {{ ... }} }}')
    return tuple(_call(path, where, call) for call in content)


def _call(path: Path, where: str, content: Any) -> Call:
    good = isinstance(content, dict) and isinstance(content.get("name"), str) and isinstance(content.get("args", {}), dict)
    if not good:
        raise ScriptError(str(path), f'{where}: a call is written {{ name = "...", args = {{ ... }} }}')
    _only(path, f"{where}: a call", content, {"name", "args"})
    return Call(content["name"], content.get("args", {}))


def _pages(path: Path, where: str, content: Any) -> tuple[WebPage, ...]:
    good = isinstance(content, list) and all(
        isinstance(page, dict) and set(page) <= {"uri", "title"} and all(isinstance(text, str) for text in page.values())
        for page in content
    )
    if not good:
        raise ScriptError(str(path), f'{where}: `pages` is a list of {{ uri = "https://...", title = "..." }}')
    return tuple(WebPage(**page) for page in content)


def _pattern(path: Path, where: str, pattern: Any) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        raise ScriptError(str(path), f"{where}: `matches` must be a regular expression: {error}") from error


def _number(path: Path, where: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise ScriptError(str(path), f"{where} is {value!r}; it must be a number of milliseconds")
    return value


def _boolean(path: Path, where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ScriptError(str(path), f"{where} is {value!r}; it must be true or false")
    return value


def _only(path: Path, where: str, content: Mapping[str, Any], known: set[str]) -> None:
    for key in content:
        if key not in known:
            raise ScriptError(str(path), f"{where} has the unknown key {key!r}; known are {', '.join(sorted(known))}")
