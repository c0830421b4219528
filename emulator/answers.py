"""Rules by which turns are answered, and `Answers`, which choose them. Pure.

Three kinds of `Answers` exist: a script (script.py), the caller's own sound (`SayBack`), and answers to clients that nothing
is known about (auto/).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.messages import Json

Notes = dict[str, Any]
"""A session's notes for `Answers`, as plain JSON; they outlive the session's sockets."""

_BLANK = re.compile(r"\{([\w.:-]+)\}(\.?)")
_LONGEST_FACT = 300
"""Characters of a fact that a sentence repeats."""


@dataclass(frozen=True)
class Call:
    """A function call of the model."""

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WebPage:
    """A page that a search of the model finds."""

    uri: str = "https://example.com/found"
    title: str = "example.com"


@dataclass(frozen=True)
class Rule:
    """The answer to one turn."""

    says: str = ""
    hears: str = ""
    """The transcript of what the caller said, for a spoken turn."""
    calls: tuple[Call, ...] = ()
    """Function calls made first; those that the client didn't declare are left out."""
    matches: re.Pattern[str] | None = None
    """The typed turns, or results as JSON, that the rule is for."""
    names_tool: bool = False
    """The rule is for turns whose words name a declared function, and calls that one."""
    first: bool = False
    """The rule is for the first turn of a session only, which is typed."""
    tool: str = ""
    """The function whose results the rule is for."""
    silent: bool = False
    """The model begins to answer, and nothing comes of it: it is stuck."""
    ignored: str = ""
    """A proactive model doesn't answer these spoken words on purpose, and shows it as its profile says (`profile`), or by
    `nothing`, an `empty_turn` or `waiting`. Empty, and for another model: they are answered."""
    think_ms: int | None = None
    """Milliseconds from the end of the turn to the answer; None is the time of the `Answers`."""
    thinks: str = ""
    """A thought, where the model shows any."""
    searches: str = ""
    """The model's search before the answer, if the setup declares googleSearch."""
    pages: tuple[WebPage, ...] = (WebPage(),)
    """The pages that the search finds, and that all of the answer is based on."""
    complete_reason: str = ""
    """The `turnCompleteReason` of an answer without calls; empty for none."""
    meanwhile: str = ""
    """A sentence of the model while a NON_BLOCKING call runs."""
    plays: bytes = field(default=b"", repr=False)
    """The sound of `says`, mono PCM16 at 24 kHz, where it isn't the voice's."""
    repeats: bool = False
    """The model says the caller's own sound back instead of a sentence."""


@dataclass(frozen=True)
class Situation:
    """The facts by which a turn of the caller is answered."""

    typed: str | None = None
    """The text of a typed turn; None for a spoken turn, since the emulator hears *that* someone speaks, not what."""
    spoken_turns: int = 0
    """The number of spoken turns that the session had before."""
    tools: Mapping[str, Json] = field(default_factory=dict)
    """The schemas of the declared functions' arguments, by function name."""
    notes: Notes = field(default_factory=dict)
    """The session's notes; answering may change them."""


class Answers:
    """Decides what the model says. Base of all kinds."""

    think_ms: int | None = None
    """Milliseconds from the end of a turn to the answer; None is the model's own time."""
    keeps_sound: bool = False
    """Whether answers repeat the caller's sound, which is kept for them."""
    results: tuple[Rule, ...] = ()
    """Rules for tools' results, which are spoken about by them instead of by the turn's own rule."""

    def answer(self, situation: Situation) -> Rule:
        """The answer to a turn."""
        raise NotImplementedError

    def take_note(self, text: str, notes: Notes) -> None:
        """Take note of a system instruction, or of a turn that isn't to be answered."""

    def about(self, results: Mapping[str, object]) -> Rule | None:
        """The first of the `results` rules that matches results, which are given by function name."""
        for rule in self.results:
            shown = json.dumps(results.get(rule.tool), ensure_ascii=False)
            if rule.tool in results and (rule.matches is None or rule.matches.search(shown)):
                return rule
        return None


class SayBack(Answers):
    """Says every spoken turn back in the caller's own voice, and every typed one in words: the best test of a path."""

    keeps_sound = True

    def answer(self, situation: Situation) -> Rule:
        if situation.typed is None:
            return Rule(says="You said that.", repeats=True)
        return Rule(says=situation.typed[:_LONGEST_FACT])


def fill(says: str, facts: Mapping[str, object]) -> str:
    """Fill the blanks of a sentence; a blank without a fact becomes "something"."""

    def fact(blank: re.Match[str]) -> str:
        value = facts.get(blank[1], "something")
        if isinstance(value, Mapping):
            value = value.get("output", value.get("result", value))
        shown = (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:_LONGEST_FACT]
        return shown if shown.endswith(".") else shown + blank[2]

    return _BLANK.sub(fact, says)
