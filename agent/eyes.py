"""The sources of pictures that a persona looks at: `[eyes]` in its file."""

import difflib
from dataclasses import dataclass

from agent.errors import PersonaError

SOURCES = ("camera", "screen_share")
"""LiveKit's names of the track sources that the model can look at."""


@dataclass(frozen=True)
class Eyes:
    """The sources of pictures that a persona looks at; by default none."""

    sources: tuple[str, ...] = ()
    """Track sources, of SOURCES."""


def checked_eyes(persona: str, table: object) -> Eyes:
    """The `[eyes]` of a persona's file.

    Raises:
        PersonaError: it can't be used.
    """
    if not isinstance(table, dict):
        raise PersonaError(persona, 'eyes must be a table: write [eyes], and below it sources = ["camera", "screen_share"]')
    for key in table:
        if key != "sources":
            raise PersonaError(persona, f"the key {key!r} in [eyes] is unknown; known is sources")
    sources = table.get("sources", [])
    if not isinstance(sources, list):
        raise PersonaError(persona, f'sources in [eyes] is {sources!r}; it must be a list such as ["camera", "screen_share"]')
    for source in sources:
        if source not in SOURCES:
            near = difflib.get_close_matches(str(source), SOURCES, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(SOURCES)}"
            raise PersonaError(persona, f"sources in [eyes] has {source!r}; {advice}")
    return Eyes(tuple(dict.fromkeys(sources)))
