"""What callers and the model say in these calls, as tones (tests/e2e/faults/tones.py).

The model has one answer, so what a caller is owed is known after any loss. A caller's question begins and ends with the
caller's own word: what the emulator heard on a connection tells whose call that was.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.e2e.faults.sentences import going_on, rule, write_script
from tests.e2e.faults.tones import MOST_MARKERS

GREETING = range(5)
ANSWER = range(5, 45)
"""8 s."""
MOST_CALLERS = 12
NAMES = range(MOST_MARKERS - MOST_CALLERS, MOST_MARKERS)
"""The callers' own words."""
_BLOCK = 9
_BLOCKS = NAMES.start // _BLOCK
LAST_WORD = f"m{ANSWER[-1]}"


def question(caller: int, turn: int) -> tuple[int, ...]:
    """The words of a caller's question. They are the same again twelve turns later."""
    first = turn % _BLOCKS * _BLOCK
    return (NAMES[caller], *range(first, first + _BLOCK), NAMES[caller])


def brief_question(caller: int, turn: int) -> tuple[int, ...]:
    """Two words: the caller's own, and one that they say again after a hundred turns."""
    return (NAMES[caller], turn % NAMES.start)


def script(folder: Path) -> Path:
    """The emulator's script and its sound, as files in the folder."""
    return write_script(folder, _rules())


def _rules() -> Iterator[str]:
    yield rule("otherwise", ANSWER, hears="a question")
    yield from going_on((GREETING, ANSWER))
    yield rule("typed", ANSWER, matches="cut off before|no answer|you heard nothing")
    yield rule("typed", GREETING, matches="<instructions>|greet")
    yield rule("typed", ANSWER, matches=".")
