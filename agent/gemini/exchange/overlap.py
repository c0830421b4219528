"""An answer that broke off goes on, and may begin with words that were said already. Pure.

Captions and history shall show them once. The words of the continuation are held back as long as they may still be a
repetition: a run of words that was said and leads up to the break.
"""

import re
import unicodedata

_WORD = re.compile(r"\S+\s*")
_SHORTEST = 2
"""One word that matches is chance."""


class Overlap:
    """Removes what the continuation repeats of `said`, the words before the break."""

    def __init__(self, said: str) -> None:
        self._said = [_plain(word) for word in _WORD.findall(said)]
        self._starts = set(range(len(self._said)))
        self._held: list[str] = []
        self._repeated = 0
        """The number of held words that are known to lead up to the break."""
        self._partial = ""
        self._needs_space = said[-1:].strip() != ""
        self._decided = not self._said
        """Whether the repeated words are all known, so that the rest is new."""

    def new_words(self, piece: str) -> str:
        """The next piece of the continuation's text: what of it, and of what was held back, is new."""
        return self._joined(piece if self._decided else self._new(piece))

    def _new(self, piece: str) -> str:
        self._partial += piece
        *whole, self._partial = re.split(r"(?<=\s)(?=\S)", self._partial)
        if self._partial and self._partial[-1].isspace():
            whole.append(self._partial)
            self._partial = ""
        new = ""
        for word in whole:
            new += self._next(word)
        return new + self._rest_of_word()

    def rest(self) -> str:
        """The continuation has ended: what is still held back and wasn't a repetition."""
        new = self._next(self._partial) if self._partial else ""
        self._partial, self._decided = "", True
        if len(self._held) < _SHORTEST:  # else a run of words from somewhere in the middle
            new += "".join(self._held)
        return self._joined(new)

    def _joined(self, new: str) -> str:
        """With a space before the first word, where its language has spaces and nobody wrote one."""
        if not new:
            return ""
        begins_word = new[0].isalnum() and unicodedata.east_asian_width(new[0]) not in "WF"
        needs_space, self._needs_space = self._needs_space and begins_word, False
        return f" {new}" if needs_space else new

    def _rest_of_word(self) -> str:
        """The begun word, if it needn't wait for its end."""
        if not self._decided:
            return ""
        rest, self._partial = self._partial, ""
        return rest

    def _next(self, word: str) -> str:
        if self._decided:
            return word
        position = len(self._held)
        if position >= _SHORTEST and any(start + position == len(self._said) for start in self._starts):
            self._repeated = position
        self._starts = {
            start
            for start in self._starts
            if start + position < len(self._said) and self._said[start + position] == _plain(word)
        }
        self._held.append(word)
        if self._starts:
            return ""
        self._decided = True
        new, self._held = self._held[self._repeated :], []
        return "".join(new)


def _plain(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()
