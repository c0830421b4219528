"""A call that has ended, as it is remembered for its caller, and what the caller's next call makes of it. Pure.

    the remembered call                         the next call begins with
    ended more than REMEMBERED_S ago            nothing of it
    was another persona's                       nothing of it
    has no handle                               its lines
    had another model, or another key           its lines
    otherwise                                   its session, by the handle; its lines if the service refuses that

tests/agent/test_remembered_call.py reads this table.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agent.gemini import Line

REMEMBERED_S = 2 * 3600.0
"""The service keeps a session for so long (docs/facts.md G7), and nothing else is kept for longer."""
_CLOCKS_DIFFER_S = 300.0
"""The clocks of two workers may differ by so much."""


@dataclass(frozen=True)
class Terms:
    """What a call has in common with one whose session it goes on with."""

    persona: str
    model: str
    access: str
    """A hash of the key, or of Vertex's project and location, and of the address."""


@dataclass(frozen=True)
class RememberedCall:
    """A call that has ended."""

    terms: Terms
    ended_at: float
    """Unix time in seconds."""
    handle: str | None
    """The handle that resumes its session; None: there is none that is of use."""
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Resumption:
    """What a call takes over from an earlier one."""

    handle: str | None
    """None: a new session is told the lines."""
    lines: tuple[Line, ...]


def resumption(remembered: RememberedCall | None, terms: Terms, now: float) -> Resumption | None:
    """What a call under these terms begins with at `now` (Unix time); None: nothing of the remembered one."""
    if remembered is None or not is_current(remembered.ended_at, now) or remembered.terms.persona != terms.persona:
        return None
    return Resumption(remembered.handle if remembered.terms == terms else None, remembered.lines)


def is_current(ended_at: float, now: float) -> bool:
    """Whether a call that ended then is still remembered. Both are Unix times."""
    return -_CLOCKS_DIFFER_S <= now - ended_at <= REMEMBERED_S


def is_worth_keeping(lines: Sequence[Line]) -> bool:
    """Whether the caller has said something."""
    return any(line.by_caller for line in lines)


def to_json(remembered: RememberedCall) -> str:
    terms = remembered.terms
    return json.dumps(
        {
            "persona": terms.persona,
            "model": terms.model,
            "access": terms.access,
            "ended_at": remembered.ended_at,
            "handle": remembered.handle,
            "lines": [["caller" if line.by_caller else "agent", line.text] for line in remembered.lines],
        }
    )


def from_json(text: str) -> RememberedCall | None:
    """The call that `to_json` has written; None for anything else."""
    try:
        content = json.loads(text)
        terms = Terms(str(content["persona"]), str(content["model"]), str(content["access"]))
        handle = None if content["handle"] is None else str(content["handle"])
        lines = tuple(Line(by_caller=who == "caller", text=str(said)) for who, said in content["lines"])
        return RememberedCall(terms, float(content["ended_at"]), handle, lines)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
