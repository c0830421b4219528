"""A conversation's state at one moment, as another process needs it to go on with the call. Pure.

JSON with a version. Times are ages in seconds, so that the clocks of two processes need not agree. What the caller has said and
heard is in it: whoever keeps a snapshot keeps private words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from agent.gemini.events import Line


class SnapshotError(ValueError):
    """A text that is no snapshot of this version. The message says where it differs, without the conversation's words."""


class Owes(StrEnum):
    """What the model owes the caller."""

    NOTHING = "nothing"
    ANSWER = "answer"
    """The model was asked, and the caller has heard nothing of its answer."""
    REST = "rest"
    """The caller has heard the beginning of an answer, or was about to."""


@dataclass(frozen=True)
class SavedMessage:
    """A message to the model that it isn't known to have understood."""

    payload: str
    """The frame, as on the wire."""
    asks: bool
    """Whether the model is expected to answer the text."""
    text: str = ""
    """The caller's words in it."""


@dataclass(frozen=True)
class SavedCall:
    """A function call that the model hasn't spoken about yet."""

    id: str
    """The id by which the model made it first; empty where the service gave none."""
    name: str
    args: str
    """JSON with sorted keys."""
    ids: tuple[str, ...] = ()
    """All ids by which the model has made it."""
    waiting: tuple[str, ...] = ()
    """Those of `ids` that want the result."""
    response: str | None = None
    """The result as JSON, without an id. None: the tool runs."""
    is_spoken_about: bool = False
    """The model has begun to speak since the tool returned."""


@dataclass(frozen=True)
class SavedExchange:
    """What both sides owe each other."""

    owes: Owes = Owes.NOTHING
    question: str = ""
    """The caller's words, as transcribed, that are owed an answer or are being answered."""
    is_addressed_to_model: bool = False
    """The question was typed, asked by the worker, or followed a tool: it wasn't meant for somebody else in the room."""
    heard: str = ""
    """The words of the current answer that the caller has certainly heard."""
    said_over: str | None = None
    """The caller's words over the answer, which it is to be finished before. None: there are none."""
    asked_since: str | None = None
    """The words of a request that came since the answer began and may not be answered by it. None: there is none."""
    calls: tuple[SavedCall, ...] = ()
    held: tuple[str, ...] = ()
    """Function responses, as JSON, that no connection was there for."""


@dataclass(frozen=True)
class SavedLink:
    """The state of the link to Gemini."""

    handle: str | None = None
    """The handle that resumes the session. None: there is none."""
    handle_age_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    """The time since the handle was given."""
    exchange: SavedExchange = SavedExchange()
    messages: tuple[SavedMessage, ...] = ()
    """In order."""
    uncovered: tuple[Line, ...] = ()
    """The words since the handle was given, where a handle restores no more than what came before it (docs/facts.md G7)."""


@dataclass(frozen=True)
class Snapshot:
    """A conversation with Gemini at one moment."""

    model: str
    """The model's name. A handle is of use to no other model."""
    link: SavedLink = SavedLink()
    lines: tuple[Line, ...] = ()
    """What was said, as it was heard: with the question and the heard words of an answer that is under way."""
    notes: tuple[str, ...] = ()
    """What `add_context` has told the model."""
    version: Literal[1] = 1
    """The version of the format. Another version's snapshot is refused."""

    def to_json(self) -> str:
        """The snapshot as text."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> "Snapshot":
        """The snapshot that `to_json` has written.

        Raises:
            SnapshotError: the text is something else, or of another version.
        """
        try:
            return _ADAPTER.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_context=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the text"
            raise SnapshotError(f"no snapshot of this version: {where}: {first['type']}") from None


def lines_heard(history: Sequence[Line], exchange: SavedExchange) -> tuple[Line, ...]:
    """What was said and heard so far: `history`, the question that is under way, and the heard words of its answer."""
    lines = list(history)
    if exchange.owes is Owes.NOTHING:
        return tuple(lines)
    question, heard = exchange.question.strip(), exchange.heard.strip()
    if question and question != _last(lines, by_caller=True):
        lines.append(Line(by_caller=True, text=question))
    if (before := _last(lines, by_caller=False)) and heard.startswith(before):
        heard = heard.removeprefix(before).strip()
    return (*lines, Line(by_caller=False, text=heard)) if heard else tuple(lines)


def _last(lines: Sequence[Line], *, by_caller: bool) -> str:
    return next((line.text.strip() for line in reversed(lines) if line.by_caller is by_caller), "")


_ADAPTER = TypeAdapter(Snapshot)
