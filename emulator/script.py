"""Scripts: what the model says, as a TOML file of `hears -> says / calls`.

Spoken turns are answered one after the other, since the emulator hears *that* someone speaks, not what; typed turns are
matched by their content. `{name}` in `says` is filled in: `{heard_s}` with the seconds of speech, `{typed}` with the typed
text, `{tools}` with the names of the declared functions, `{tool_name}` with what that tool returned.
"""

import dataclasses
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from configuration import FileError, first_mistake, parsed_toml, read_text
from emulator.answers import Answers, Call, Rule, Situation, WebPage
from emulator.auto import call_named
from emulator.errors import ScriptError
from emulator.script_file import NAMED, ResultTable, ScriptFile, TurnTable, TypedTable, named
from emulator.voice import RATE_HZ
from speech import SoundFileError, read_wav

_LONGEST_SOUND_S = 600
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
    try:
        file = ScriptFile.model_validate(content)
    except ValidationError as invalid:
        raise ScriptError(str(path), first_mistake(invalid, named)) from None
    return Script(
        turns=tuple(_rule(path, named(("turn", number)), table) for number, table in enumerate(file.turn)),
        typed=tuple(_rule(path, named(("typed", number)), table) for number, table in enumerate(file.typed)),
        results=tuple(_rule(path, named(("result", number)), table) for number, table in enumerate(file.result)),
        otherwise=_rule(path, "otherwise", file.otherwise) if file.otherwise else Script.otherwise,
        think_ms=file.think_ms,
        faults=tuple(file.fault),
    )


def _rule(path: Path, where: str, table: TurnTable | TypedTable | ResultTable) -> Rule:
    matches = None if isinstance(table, TurnTable) else table.matches
    names_tool = table.calls == NAMED
    return Rule(
        says=table.says or ("{result}" if names_tool else _HEARD.says if table.ignored else ""),
        hears=table.hears if isinstance(table, TurnTable) else "",
        calls=() if table.calls == NAMED else tuple(Call(call.name, call.args) for call in table.calls),
        names_tool=names_tool,
        first=isinstance(table, TypedTable) and table.first,
        matches=None if matches is None else re.compile(matches, re.IGNORECASE),
        tool=table.tool if isinstance(table, ResultTable) else "",
        silent=table.silent,
        ignored="profile" if table.ignored is True else table.ignored or "",
        think_ms=table.think_ms,
        thinks=table.thinks,
        searches=table.searches,
        pages=Rule.pages if table.pages is None else tuple(WebPage(page.uri, page.title) for page in table.pages),
        complete_reason=table.complete_reason,
        meanwhile=table.meanwhile,
        plays=_sound(path, where, table.plays, table.plays_s) if table.plays else b"",
    )


def _sound(path: Path, where: str, name: str, part: tuple[float, float] | None) -> bytes:
    """The sound that a rule plays: a WAV file beside the script, or a part of it."""
    try:
        samples = _read_sound(path.parent / name)
    except SoundFileError as error:
        raise ScriptError(str(path), f"{where}: {error}") from error
    begin_s, end_s = part or (0, _LONGEST_SOUND_S)
    played = samples[round(begin_s * RATE_HZ) * 2 : round(end_s * RATE_HZ) * 2]
    if not played:
        raise ScriptError(str(path), f"{where}: {name} has no sound from {begin_s:g} s on")
    return played


@functools.lru_cache(maxsize=8)
def _read_sound(path: Path) -> bytes:
    return read_wav(path, sample_rate_hz=RATE_HZ).astype("<i2").tobytes()
