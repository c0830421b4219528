"""What the model says: a TOML file of `hears -> says / calls`.

Spoken turns are answered one after the other, since the emulator hears *that* someone speaks, not what; typed turns are
matched by their content. `{name}` in `says` is filled in: `{heard_s}` with the seconds of speech, `{typed}` with the typed
text, `{tool_name}` with what that tool returned.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from configuration import FileError, parsed_toml, read_text
from emulator.errors import FaultError, ScriptError
from emulator.faults.catalogue import fault_from_table
from emulator.faults.fault import Fault
from emulator.messages import Json
from emulator.voice import RATE_HZ
from speech import SoundFileError, read_wav

Notes = dict[str, Any]
"""What a session was told, as plain JSON; it outlives its socket."""

_BLANK = re.compile(r"\{([\w.:-]+)\}(\.?)")
_LONGEST_HEARD = 300
_LONGEST_SOUND_S = 600
_KEYS = {"says", "calls", "silent", "think_ms", "thinks", "searches", "meanwhile", "plays", "plays_s"}
_SPOKEN, _TYPED, _RESULT = frozenset({"hears"}), frozenset({"matches"}), frozenset({"tool", "matches"})


@dataclass(frozen=True)
class Call:
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Rule:
    """How one turn is answered."""

    says: str = ""
    hears: str = ""
    """The transcript of what the caller said, for a spoken turn."""
    calls: tuple[Call, ...] = ()
    """Function calls made first; those that the client didn't declare are left out."""
    matches: re.Pattern[str] | None = None
    """For typed turns, and for results as JSON."""
    tool: str = ""
    """For results: whose."""
    silent: bool = False
    """The model says nothing at all."""
    think_ms: int | None = None
    thinks: str = ""
    """A thought, where the model shows any."""
    searches: str = ""
    """What the model looks up first, if the setup declares googleSearch."""
    meanwhile: str = ""
    """What it says while a NON_BLOCKING call runs."""
    plays: bytes = field(default=b"", repr=False)
    """The sound of `says`, mono PCM16 at 24 kHz, where it isn't the voice's."""
    repeats: bool = False
    """Says the caller's own sound back instead of a sentence."""


@dataclass(frozen=True)
class Script:
    turns: tuple[Rule, ...] = ()
    typed: tuple[Rule, ...] = ()
    results: tuple[Rule, ...] = ()
    """What is said about a tool's result, instead of what the turn's rule says."""
    otherwise: Rule = Rule("I heard you speak for {heard_s} seconds.")
    think_ms: int | None = None
    """From the end of a turn to the answer, instead of the model's own time."""
    faults: tuple[Fault, ...] = ()
    """What is broken on purpose, from the start."""

    keeps_sound = False

    def spoken(self, index: int, _tools: Mapping[str, Json] | None = None, _memory: Notes | None = None) -> Rule:
        """The answer to the spoken turn of that index, from 0."""
        return self.turns[index] if index < len(self.turns) else self.otherwise

    def answer_to(self, text: str, _tools: Mapping[str, Json] | None = None, _memory: Notes | None = None) -> Rule:
        """The answer to a typed text: the first rule that matches."""
        for rule in self.typed:
            if rule.matches is not None and rule.matches.search(text):
                return rule
        return self.otherwise

    def about(self, results: Mapping[str, object]) -> Rule | None:
        """What is said about results, by tool name: the first rule that matches."""
        for rule in self.results:
            shown = json.dumps(results.get(rule.tool), ensure_ascii=False)
            if rule.tool in results and (rule.matches is None or rule.matches.search(shown)):
                return rule
        return None

    def told(self, text: str, memory: Notes) -> None:
        """A script remembers nothing."""


class SayBack:
    """Says every spoken turn back in the caller's own voice, and every typed one in words: the best test of a path."""

    think_ms: int | None = None
    keeps_sound = True

    def spoken(self, _index: int, _tools: Mapping[str, Json], _memory: Notes, /) -> Rule:
        return Rule(says="You said that.", repeats=True)

    def answer_to(self, text: str, _tools: Mapping[str, Json], _memory: Notes, /) -> Rule:
        return Rule(says=text[:_LONGEST_HEARD])

    def about(self, _results: Mapping[str, object], /) -> Rule | None:
        return None

    def told(self, text: str, memory: Notes, /) -> None:
        """Nothing is remembered."""


class Answers(Protocol):
    """Who decides what the model says: a script, or auto.py. Schemas are those of the declared tools, by name."""

    def spoken(self, index: int, tools: Mapping[str, Json], memory: Notes, /) -> Rule: ...

    def answer_to(self, text: str, tools: Mapping[str, Json], memory: Notes, /) -> Rule: ...

    def about(self, results: Mapping[str, object], /) -> Rule | None:
        """What is said about tools' results, if not what the turn's own rule says."""

    def told(self, text: str, memory: Notes, /) -> None: ...

    @property
    def think_ms(self) -> int | None: ...

    @property
    def keeps_sound(self) -> bool:
        """Whether the caller's sound is needed again."""
        ...


def fill(says: str, facts: Mapping[str, object]) -> str:
    """Fill the blanks of a sentence; a blank without a fact becomes "something"."""

    def fact(blank: re.Match[str]) -> str:
        value = facts.get(blank[1], "something")
        if isinstance(value, Mapping):
            value = value.get("output", value.get("result", value))
        shown = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:_LONGEST_HEARD]
        return shown if shown.endswith(".") else shown + blank[2]

    return _BLANK.sub(fact, says)


def load(path: Path) -> Script:
    """Read a script.

    Raises:
        ScriptError: it is missing, no TOML, or has a key that means nothing.
    """
    try:
        content = parsed_toml(read_text(path), path.name)
    except FileNotFoundError as error:
        raise ScriptError(str(path), error.strerror or str(error)) from error
    except FileError as error:
        raise ScriptError(str(path), str(error)) from error
    _only(path, "the top level", content, {"turn", "typed", "result", "otherwise", "think_ms", "fault"})
    return Script(
        turns=tuple(_rule(path, f"turn {n}", rule) for n, rule in enumerate(content.get("turn", []), 1)),
        typed=tuple(_rule(path, f"typed {n}", rule, own=_TYPED) for n, rule in enumerate(content.get("typed", []), 1)),
        results=tuple(_rule(path, f"result {n}", rule, own=_RESULT) for n, rule in enumerate(content.get("result", []), 1)),
        otherwise=_rule(path, "otherwise", content["otherwise"]) if "otherwise" in content else Script.otherwise,
        think_ms=_number(path, "think_ms", content.get("think_ms")),
        faults=tuple(_fault(path, table) for table in content.get("fault", [])),
    )


def _fault(path: Path, table: Any) -> Fault:
    try:
        return fault_from_table(table)
    except FaultError as error:
        raise ScriptError(str(path), str(error)) from error


def _rule(path: Path, where: str, content: Any, *, own: frozenset[str] = _SPOKEN) -> Rule:
    if not isinstance(content, dict):
        raise ScriptError(str(path), f"{where} must be a table")
    _only(path, where, content, _KEYS | own)
    says = content.get("says", "")
    if not isinstance(says, str) or (not says and not content.get("silent") and not content.get("calls")):
        raise ScriptError(str(path), f"{where} needs `says` with a sentence, `calls`, or `silent = true`")
    return Rule(
        says=says,
        hears=str(content.get("hears", "")),
        calls=tuple(_call(path, where, call) for call in content.get("calls", [])),
        matches=_pattern(path, where, content.get("matches")) if "matches" in content or own is _TYPED else None,
        tool=str(content.get("tool", "")),
        silent=bool(content.get("silent", False)),
        think_ms=_number(path, f"{where}: think_ms", content.get("think_ms")),
        thinks=str(content.get("thinks", "")),
        searches=str(content.get("searches", "")),
        meanwhile=str(content.get("meanwhile", "")),
        plays=_sound(path, where, content),
    )


def _sound(path: Path, where: str, content: Mapping[str, Any]) -> bytes:
    """What a rule plays: a WAV file beside the script, or a part of it."""
    named, part = content.get("plays"), content.get("plays_s", [0, _LONGEST_SOUND_S])
    if named is None and "plays_s" not in content:
        return b""
    if not isinstance(named, str) or not content.get("says"):
        raise ScriptError(str(path), f'{where}: `plays` is a WAV file, such as "tones.wav", and needs `says` for its words')
    if (
        not isinstance(part, list)
        or [type(edge) in {int, float} for edge in part] != [True, True]
        or not 0 <= part[0] < part[1]
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


def _call(path: Path, where: str, content: Any) -> Call:
    if not isinstance(content, dict) or not isinstance(content.get("name"), str):
        raise ScriptError(str(path), f'{where}: a call is written {{ name = "...", args = {{ ... }} }}')
    _only(path, f"{where}: a call", content, {"name", "args"})
    return Call(content["name"], content.get("args", {}))


def _pattern(path: Path, where: str, pattern: Any) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, TypeError) as error:
        raise ScriptError(str(path), f"{where}: `matches` must be a regular expression: {error}") from error


def _number(path: Path, where: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise ScriptError(str(path), f"{where} is {value!r}; it must be a number of milliseconds")
    return value


def _only(path: Path, where: str, content: Mapping[str, Any], known: set[str]) -> None:
    for key in content:
        if key not in known:
            raise ScriptError(str(path), f"{where} has the unknown key {key!r}; known are {', '.join(sorted(known))}")
