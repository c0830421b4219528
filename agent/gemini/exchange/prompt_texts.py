"""The sentences that the link writes to the model by itself, as instructions: the caller never hears of it. Pure.

Each is a turn of the caller's in the form in which LiveKit's plugin gives instructions, so that a model takes it for an
instruction. Some repeat it all the same as the caller's words: `Echoes` knows them.
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence

from agent.gemini.events import Line

_BEGINNING = "<instructions>"
_TAG = re.compile(r"<(?=\s*/?\s*instructions)", re.IGNORECASE)
_MOST_ECHOES = 8
_LAST_WORDS = 15
_MOST_HISTORY_CHARACTERS = 12_000
"""About 3,000 tokens: a session that died of its own length isn't filled up again."""

UNHEARD = (
    "The caller has said something several times, and it seems that you heard nothing of it. If you did, answer it now. "
    "Otherwise tell the caller in one short sentence that you can't hear them, and ask them to say it again."
)
"""The prompt for speech that the service has shown no sign of."""
LINE_LOST = (
    "The line to the caller was lost for a moment, and what was on its way was not heard. Before anything else, say in one "
    "short sentence that the line was gone for a moment."
)
"""The sentences for a call that goes on in another process, while the caller waits for words."""


def instructions(*sentences: str) -> str:
    """All given texts that aren't empty, in one block."""
    return f"{_BEGINNING}\n" + "\n".join(filter(None, sentences)) + "\n</instructions>"


def broken_off(spoken: str, question: str = "", *, is_mentioned: bool = False) -> str:
    """The answer broke off after these words.

    `question`: what it answers, for a session that doesn't know it. `is_mentioned`: the model is told to mention the break.
    """
    last = quoted(" ".join(spoken.split()[-_LAST_WORDS:]))
    asked = f'You were asked: "{quoted(question)}". ' if question else ""
    if not last:
        return f"{asked}Your answer was cut off before a word of it was heard. Say it again."
    go_on = f'Your answer was cut off. The last words that were heard are: "{last}". Go on exactly there. '
    if is_mentioned:
        return f"{asked}{go_on}Do not repeat what was heard."
    return f"{asked}{go_on}Do not repeat what was heard, do not apologise, and do not mention this."


def stopped(heard: str) -> str:
    """The application has stopped the answer. `heard`: its words that the caller has heard."""
    return f'Your answer was stopped, and the caller heard only this of it: "{heard}". Do not go on with it.'


def said_over(words: str) -> str:
    """The caller's words over the answer that broke off, which didn't interrupt it."""
    return f'Meanwhile this was said to you: "{quoted(words)}". If it was meant for you, answer it at the end.'


def unanswered(words: str, *, addressed_to_model: bool) -> str:
    """The prompt for words of the caller's without an answer.

    Words that weren't certainly addressed to the model may be for somebody in the room.
    """
    said = f'The last that was said to you is: "{quoted(words)}". ' if words else ""
    if addressed_to_model:
        return f"There is no answer yet. {said}Answer now."
    return f"There is no answer yet. {said}If it was meant for you, answer now; if not, stay silent."


def results(told: Sequence[str]) -> str:
    """The results of tools that the model has not spoken about."""
    if not told:
        return ""
    return "Functions that you called have returned. " + quoted("; ".join(told)) + ". Do not call them again for this."


def quoted(words: str) -> str:
    """Words of a caller or a tool with their tags broken: they neither begin nor end a block of instructions."""
    return _TAG.sub("\u2039", words)


class Echoes:
    """Instructions that were sent, for models that repeat what is typed to them as the caller's words, whole or in pieces."""

    def __init__(self) -> None:
        self._sent: deque[str] = deque(maxlen=_MOST_ECHOES)
        self._rest = ""

    def sent(self, text: str) -> None:
        if text.lstrip().startswith(_BEGINNING):
            self._sent.append(_bare(text))

    def is_echo(self, words: str) -> bool:
        """Whether the caller didn't say that."""
        bare = _bare(words)
        known = [self._rest] if self._rest.startswith(bare) else []
        known += [block for block in self._sent if bare.startswith(_BEGINNING) and block.startswith(bare)]
        self._rest = known[0][len(bare) :] if known and bare else ""
        return bool(known and bare)


def _bare(text: str) -> str:
    return "".join(text.split())


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
    return quoted(shown[-_MOST_HISTORY_CHARACTERS:])
