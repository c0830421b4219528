"""Values in a text that may serve as a function's arguments: numbers, names, places, quoted words. Pure."""

import re
from dataclasses import dataclass, field

_NUMBER = re.compile(r"(?<![\w.])-?\d{1,15}(?:\.\d{1,6})?(?![\w])")
_WORD_NUMBERS = {
    word: float(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_QUOTED = re.compile(r"[\"“”]([^\"“”]{1,200})[\"“”]|(?<!\w)'([^']{1,200})'(?!\w)")
_NAMED = re.compile(r"(?<=[a-z,:] )[A-Z][\w'-]*(?: [A-Z][\w'-]*)*")
_AFTER = re.compile(r"\b(?:in|at|to|for|from|called|named|about|with)\s+(?:the\s+|an?\s+)?([^\s,.?!;:]+)", re.IGNORECASE)
_NO_NAMES = {"I", "I'm", "I'd", "I'll", "I've"}
_NO_OBJECTS = {"me", "you", "it", "us", "them", "now", "my", "your", "this", "that"}
_MOST = 50
_LONGEST_READ = 5000


@dataclass
class Mentions:
    """A text's values. Each is given out once, the likeliest first."""

    text: str
    numbers: list[float] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def next_number(self, *, whole: bool, least: float, most: float) -> float | None:
        """The first number within the limits, which is then used up."""
        for number in self.numbers:
            if least <= number <= most and (not whole or number == int(number)):
                self.numbers.remove(number)
                return number
        return None

    def next_word(self) -> str | None:
        return self.words.pop(0) if self.words else None


def mentions(text: str) -> Mentions:
    """Find a text's values. Quoted words are likelier than names, and names are likelier than what follows a preposition."""
    read = text[:_LONGEST_READ]
    numbers = [float(found[0]) for found in _NUMBER.finditer(read)]
    numbers += [_WORD_NUMBERS[word] for word in re.findall(r"[a-z]+", read.lower()) if word in _WORD_NUMBERS]
    quoted = [first or second for first, second in _QUOTED.findall(read)]
    named = [found for found in _NAMED.findall(read) if found not in _NO_NAMES]
    after = [found for found in _AFTER.findall(read) if found.lower() not in _NO_OBJECTS and not found.isdecimal()]
    known = {word for name in [*quoted, *named] for word in name.split()}
    words = [*quoted, *named, *(found for found in after if found not in known)]
    return Mentions(text, numbers[:_MOST], list(dict.fromkeys(words))[:_MOST])
