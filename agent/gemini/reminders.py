"""What the link writes to the model by itself, as instructions: the caller never hears of it. Pure.

Each is a turn of the caller's in the form in which LiveKit's plugin gives instructions, so that no model quotes it back.
"""

from collections.abc import Iterable, Sequence

from agent.gemini.news import Line

_LAST_WORDS = 15
_MOST_HISTORY_CHARACTERS = 12_000
"""About 3,000 tokens: a session that died of its own length isn't filled up again."""


def instructions(*sentences: str) -> str:
    """What isn't empty, in one block."""
    return "<instructions>\n" + "\n".join(filter(None, sentences)) + "\n</instructions>"


def cut(heard: str, question: str = "") -> str:
    """The answer broke off after these words. `question`: what it answers, for a session that doesn't know it."""
    last = " ".join(heard.split()[-_LAST_WORDS:])
    asked = f'You were asked: "{question}". ' if question else ""
    if not last:
        return f"{asked}Your answer was cut off before a word of it was heard. Say it again."
    return asked + (
        f'Your answer was cut off. The last words that were heard are: "{last}". Go on exactly there. Do not repeat what was '
        "heard, do not apologise, and do not mention this."
    )


def owed(words: str, *, to_the_model: bool) -> str:
    """Nobody has answered yet. `to_the_model`: it was certainly meant for the model."""
    said = f'The last that was said to you is: "{words}". ' if words else ""
    if to_the_model:
        return f"There is no answer yet. {said}Answer now."
    return f"There is no answer yet. {said}If it was meant for you, answer now; if not, stay silent."


def results(told: Sequence[str]) -> str:
    """What tools have returned, and the model has not spoken about."""
    if not told:
        return ""
    return "Functions that you called have returned. " + "; ".join(told) + ". Do not call them again for this."


def is_instructions(words: str) -> bool:
    """A model that hears its typed input repeats it as the caller's words."""
    return words.lstrip().startswith("<instructions>")


def lately(lines: Iterable[Line]) -> str:
    """The last lines, for a session that may not know them."""
    shown = _shown(lines)
    return f"You may not remember the last that was said. It was:\n{shown}" if shown else ""


def history(lines: Sequence[Line]) -> str:
    """The conversation so far, for a session that doesn't know it."""
    shown = _shown(lines)
    return f"This call has been going on for a while. What was said so far:\n{shown}" if shown else ""


def _shown(lines: Iterable[Line]) -> str:
    shown = "\n".join(f"{'Caller' if line.by_caller else 'You'}: {line.text}" for line in lines)
    return shown[-_MOST_HISTORY_CHARACTERS:]
