"""What is said in these calls: sentences of markers, one word for each, and the script by which the emulator says its own.

The model of these calls goes on where it is told that it was cut: each word quoted to it has a rule. Spoken turns are answered
by their number in the session, so an answer tells whether the session was remembered; a model whose handles don't bring back
all of it can't count, and is told what will be asked (`asked_aloud`).
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from caller.ear import Samples
from speech import write_wav
from tests.e2e.faults.private import TOLD
from tests.e2e.faults.tones import MARKER_S, MOST_MARKERS, sound

CALLER_RATE_HZ = 48000
MODEL_RATE_HZ = 24000

GREETING = range(5)
FIRST = range(5, 25)
"""Answers the session's first spoken turn: 4 s."""
SECOND = range(25, 35)
THIRD = range(35, 45)
LATER = range(45, 55)
STORY = range(55, 95)
"""8 s, for who asks for a story."""
REMINDED = range(95, 103)
"""Said when the model is told that there is no answer, and when it is asked about speech that it hasn't heard."""
RESULT = range(103, 113)
"""Said about a tool's result."""
PARTING = range(113, 118)
_NUMBERED = (FIRST, SECOND, THIRD)
_CUTTABLE = (GREETING, FIRST, SECOND, THIRD, LATER, STORY, REMINDED, RESULT, PARTING)

QUESTIONS = (range(10), range(10, 20), range(20, 30))
"""2 s each."""
LONG_QUESTION = range(30, 55)

_TUNE = "tones.wav"
_THINK_MS = 200
_SOFTER = 0.4
_FADE = CALLER_RATE_HZ // 200
"""Samples: 5 ms between a loud word and a soft one."""


def words(markers: range) -> str:
    """The transcript of a sentence: each word takes as long as its marker."""
    return " ".join(f"m{marker}" for marker in markers)


def question(markers: Sequence[int]) -> Samples:
    """The same aloud, for the caller's microphone; every second word is softer, since a steady tone is no speech."""
    spoken = sound(markers, sample_rate_hz=CALLER_RATE_HZ)
    gains = np.repeat([_SOFTER if marker % 2 else 1.0 for marker in markers], round(MARKER_S * CALLER_RATE_HZ))
    smooth = np.full(_FADE, 1 / _FADE)
    return (spoken * np.convolve(gains, smooth, mode="same")).astype(np.int16)


def asked_aloud(owed: range) -> str | None:
    """The question that this answers, as the model transcribes it."""
    return f"question {_NUMBERED.index(owed) + 1}" if owed in _NUMBERED else None


def write_script(folder: Path, rules: Iterable[str] | None = None) -> Path:
    """The script and its sound, as files in the folder. `rules`: those of another script than the rows'."""
    write_wav(folder / _TUNE, sound(range(MOST_MARKERS), sample_rate_hz=MODEL_RATE_HZ), sample_rate_hz=MODEL_RATE_HZ)
    script = folder / "script.toml"
    script.write_text("\n".join([f"think_ms = {_THINK_MS}", *(_rules() if rules is None else rules)]), encoding="utf-8")
    return script


def _rules() -> Iterator[str]:
    yield from (rule("turn", markers, hears=f"{asked_aloud(markers)} {TOLD}") for markers in _NUMBERED)
    yield rule("otherwise", LATER, hears=f"another question {TOLD}")
    yield from going_on(_CUTTABLE)
    yield rule("typed", FIRST, matches="cut off before")
    yield rule("typed", RESULT, matches="have returned")
    yield rule("typed", REMINDED, matches="no answer|you heard nothing")
    yield '[[typed]]\nmatches = "keep silent"\nsilent = true\n'
    yield rule("typed", STORY, matches="story")
    yield from (rule("typed", markers, matches=asked_aloud(markers) or "") for markers in _NUMBERED)
    for tool in ("slow_switch", "blocking_switch", "threaded_switch", "endless_switch"):
        yield rule("typed", RESULT, matches=tool.replace("_", " "), calls=tool)
    yield rule("typed", RESULT, matches="[Tt]urn on the lights", calls="turn_on_the_lights")
    yield rule("typed", PARTING, matches="goodbye")
    yield rule("typed", GREETING, matches="<instructions>|greet")
    yield rule("typed", LATER, matches=".")


def going_on(sentences: Sequence[range]) -> Iterator[str]:
    """The rules by which the model goes on with each of these sentences where it is told that it was cut."""
    for markers in reversed(sentences):
        for last in reversed(markers):
            rest = range(last + 1, markers.stop) or range(last, last + 1)
            yield rule("typed", rest, matches=rf"cut off[\s\S]*\bm{last}\b")


def rule(kind: str, markers: range, *, hears: str = "", matches: str = "", calls: str = "") -> str:
    """A rule of the script: what is said to a spoken turn ("turn", "otherwise"), or to a typed one that matches ("typed")."""
    table = "[otherwise]" if kind == "otherwise" else f"[[{kind}]]"
    lines = [table, f'says = "{words(markers)}"', f'plays = "{_TUNE}"']
    lines.append(f"plays_s = [{markers.start * MARKER_S:.1f}, {markers.stop * MARKER_S:.1f}]")
    lines += [f'hears = "{hears}"'] if hears else []
    lines += [f"matches = '{matches}'"] if matches else []
    lines += [f'calls = [{{ name = "{calls}" }}]'] if calls else []
    return "\n".join(lines) + "\n"
