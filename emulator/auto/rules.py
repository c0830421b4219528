"""The rules of `--script auto`: answers to clients that nothing is known about. Pure.

The emulator hears that somebody speaks and not what, so only typed turns are understood, and those by their words: a declared
function whose name they use is called, what they state is remembered, and questions about that are answered. Every answer is at
least two seconds of speech, so that a client has something to hear and to interrupt; `long` ones are at least ten.
"""

import re
from collections.abc import Mapping

from emulator.answers import Answers, Call, Notes, Rule, Situation
from emulator.auto import facts
from emulator.auto.arguments import arguments_for
from emulator.messages import Json

GREETING = "Hello! I am an emulator of the Gemini Live API. I hear that you speak, but not what you say."
STORY = (
    "Once upon a time there was a little machine that could not understand a single word. It heard when somebody spoke, and it"
    " heard when they stopped, and then it told them something, whatever came to its mind. People came from far away to talk to"
    " it, for it never lost its patience, and it never asked for a key. And if nobody has switched it off, it is talking still."
)
_LONG = re.compile(r"\b(?:story|stories|count (?:up )?to|in detail|essay|poem)\b|(?<!how )\blong(?:er)?\b", re.IGNORECASE)
_COUNT = re.compile(r"\bcount (?:up )?(?:from \d{1,9} )?to (\d{1,9})", re.IGNORECASE)
_MOST_COUNTED = 100
_LONGEST_READ = 5000
"""Characters of a typed turn that are looked at; other sessions wait meanwhile."""
_PROMPT = "<instructions>"
_VAGUE = {
    *("get", "fetch", "find", "show", "list", "check", "lookup", "search", "query", "read", "function", "tool", "do", "run"),
    *("the", "a", "an", "of", "for", "to", "in", "my", "current"),
}
"""Words in a function's name that don't say what it is about."""
_ENOUGH = 0.6
"""Share of a function's words that a text about that function uses, from 0 to 1."""
_NAME_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


class Auto(Answers):
    """Answers by what was typed, by what the session was told, and by the functions that are declared."""

    def take_note(self, text: str, notes: Notes) -> None:
        """Remember what a system instruction, or an earlier turn, states."""
        facts.remember(text, _known(notes))

    def answer(self, situation: Situation) -> Rule:
        if situation.typed is not None:
            return _to_text(situation.typed[:_LONGEST_READ], situation)
        number, tools = situation.spoken_turns, situation.tools
        if number == 0 and tools:
            name = next(iter(tools))
            return _calling(Call(name, arguments_for(tools[name], "")))
        return Rule(
            f"I heard you speak for {{heard_s}} seconds, and this is my answer to your spoken turn number {number + 1}."
        )


def _to_text(text: str, situation: Situation) -> Rule:
    known = _known(situation.notes)
    new = facts.remember(text, known)
    if _PROMPT in text or not re.search(r"\w", text):
        return Rule(GREETING)
    call = call_named(text, situation.tools)
    if call is not None:
        return _calling(call)
    found = facts.recall(text, known)
    if found:
        return Rule(f"I remember what you have told me: {found}.")
    if _LONG.search(text):
        return Rule(f"{_counted(text)}{STORY}")
    if new:
        return Rule(f"Thank you, I will remember what you have told me: {new[-1]['tells']}.")
    return Rule("You wrote: {typed} This is an emulator, and so that is all I can say about it.")


def _known(notes: Notes) -> list[facts.Fact]:
    known: list[facts.Fact] = notes.setdefault("facts", [])
    return known


def _calling(call: Call) -> Rule:
    return Rule(f"I have asked for it, and the tool {call.name} says: {{{call.name}}}.", calls=(call,))


def call_named(text: str, tools: Mapping[str, Json]) -> Call | None:
    """The call of the declared function whose name a text uses, with arguments from the text; None if it uses none.

    Args:
        text: What the caller has typed, or is announced to say. LiveKit's instructions name no function.
        tools: The schemas of the declared functions' arguments, by function name.
    """
    read = text[:_LONGEST_READ]
    name = None if _PROMPT in read else _meant(read, tools)
    return None if name is None else Call(name, arguments_for(tools[name], read))


def _meant(text: str, tools: Mapping[str, Json]) -> str | None:
    """The name of the function most of whose words a text uses; of equals the one that is declared first."""
    used = {_stem(word) for word in _NAME_PARTS.findall(text.lower())}
    best, most = None, 0.0
    for name in tools:
        words = [_stem(part.lower()) for part in _NAME_PARTS.findall(name)]
        telling = [word for word in words if word not in _VAGUE] or words
        share = sum(word in used for word in telling) / max(len(telling), 1)
        if share >= _ENOUGH and share > most:
            best, most = name, share
    return best


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word


def _counted(text: str) -> str:
    found = _COUNT.search(text)
    if found is None:
        return ""
    last = min(int(found[1]), _MOST_COUNTED)
    return f"{', '.join(str(number) for number in range(1, last + 1))}. " if last else ""
