"""A dispatch that asks for a persona which the worker can't use: what the room is told about it. Pure."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST_NAME = 64


@dataclass(frozen=True)
class ReplacedPersona:
    """The fields of the event `persona_replaced`."""

    asked: str
    """The name in the dispatch, shortened to 64 characters."""
    instead: str
    """The persona that answers."""
    did_you_mean: str | None
    """The name of a persona that there is and that is like the one asked for."""


def replaced_persona(wanted: Mapping[str, Any] | None, answers: str, there_are: Sequence[str]) -> ReplacedPersona | None:
    """What to tell of a dispatch's persona; None: it is the one that answers, or none was asked for.

    Args:
        wanted: the wishes of the dispatch; None if its metadata is no JSON object.
        answers: the name of the persona that answers.
        there_are: the names of all personas.
    """
    asked = (wanted or {}).get("persona")
    if asked is None or (name := str(asked).lower().removesuffix(".toml")) == answers:
        return None
    near = [] if name in there_are else difflib.get_close_matches(name[:_LONGEST_NAME], there_are, 1)
    return ReplacedPersona(str(asked)[:_LONGEST_NAME], answers, near[0] if near else None)
