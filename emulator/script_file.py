"""The form of a script file. `scripts/schemas.py` makes its JSON Schema of it, schemas/emulator_script.json. Pure."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from configuration import Place, Table, Wanted, dotted, sentence
from emulator.profile import SILENCES, Silence

_CALL = 'a call is written { name = "...", args = { ... } }'
NAMED: Literal["auto"] = "auto"
"""The `calls` of a rule that calls the function which the turn's words name."""
_NAMES_NONE = '{name}: calls = "auto" is for [[typed]], and for a [[turn]] with `hears`'
_PAGES = '`pages` is a list of { uri = "https://...", title = "..." }'


def named(place: Place) -> str:
    """The place of a value in a script, as in `turn 1: calls[0]`; tables count from 1."""
    match place:
        case ():
            return "the top level"
        case (str(key), int(number), *rest):
            table = f"{key} {number + 1}"
        case (key, *rest):
            table = str(key)
    return f"{table}: {dotted(tuple(rest))}" if rest else table


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"must be a regular expression: {error}") from error
    return text


def _tables(value: object) -> object:
    if not isinstance(value, list):
        raise sentence("`{name}` is written [[{name}]], once for each")
    return value


def _part(edges: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= edges[0] < edges[1] < float("inf"):
        raise ValueError("it ends before it begins")
    return edges


Milliseconds = Annotated[int, Field(ge=0), Wanted("it must be a number of milliseconds")]
Pattern = Annotated[str, Wanted("it must be a regular expression"), AfterValidator(_pattern)]


class _ScriptTable(Table):
    unknown_key = "{name} has the unknown key '{bare}'"


class CallTable(_ScriptTable):
    """A function call of the model."""

    name: str
    args: dict[str, Any] = Field(default_factory=dict)


class PageTable(_ScriptTable):
    """A page that a search of the model finds."""

    uri: str = "https://example.com/found"
    title: str = "example.com"


class _AnswerTable(_ScriptTable):
    """What the model says and does in one turn."""

    says: str = ""
    """The sentence. `{typed}`, `{heard_s}`, `{tools}` and `{tool_name}` (what that tool has returned) are filled in."""
    calls: Annotated[list[CallTable] | Literal["auto"], Wanted(f'it is "auto" or a list, and {_CALL}')] = Field(
        default_factory=list
    )
    """Function calls that are made first. Those that the client hasn't declared are left out. `"auto"`: the declared function
    that the turn's words name; a turn that names none is for another rule."""
    meanwhile: str = ""
    """A sentence that is said while a NON_BLOCKING call runs."""
    silent: bool = False
    """The model begins to answer, and nothing comes of it: it is stuck."""
    ignored: Annotated[bool | Silence, Wanted(f"it must be true, or one of {', '.join(SILENCES)}")] = False
    """Spoken words that a proactive model leaves unanswered on purpose; a word says how that shows."""
    think_ms: Milliseconds | None = None
    """Milliseconds from the end of the turn to the answer; without it the model's own time."""
    thinks: str = ""
    """A thought, where the model shows any."""
    searches: str = ""
    """The model's search before the answer, if the setup declares googleSearch."""
    pages: Annotated[list[PageTable] | None, Wanted(_PAGES)] = None
    """The pages that the search finds; a page of example.com without it."""
    complete_reason: str = ""
    """The `turnCompleteReason` of an answer without calls, such as `RESPONSE_REJECTED`."""
    plays: str = ""
    """A WAV file beside the script that is the sound of `says`."""
    plays_s: Annotated[
        tuple[float, float] | None,
        Field(strict=False),
        AfterValidator(lambda edges: None if edges is None else _part(edges)),
        Wanted("it must be [from, to] in seconds"),
    ] = None
    """The part of the WAV file that is played, `[from, to]` in seconds."""

    @model_validator(mode="after")
    def _has_an_answer(self) -> Self:
        if (self.plays or self.plays_s is not None) and not (self.plays and self.says):
            raise sentence('{name}: `plays` is a WAV file, such as "tones.wav", and needs `says` for its words')
        if not (self.says or self.silent or self.calls or self.ignored):
            raise sentence("{name} needs `says` with a sentence, `calls`, `silent = true` or `ignored = true`")
        return self

    @model_validator(mode="before")
    @classmethod
    def _is_a_table(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise sentence("{name} must be a table")
        return value


class TurnTable(_AnswerTable):
    """`[[turn]]`: the answer to a spoken turn; the first one to the first turn, and so on."""

    hears: str = ""
    """The transcript of what the caller has said."""

    @model_validator(mode="after")
    def _has_words_that_name_a_function(self) -> Self:
        if self.calls == NAMED and not self.hears:
            raise sentence(_NAMES_NONE)
        return self


class TypedTable(_AnswerTable):
    """`[[typed]]`: the answer to the typed turns that match; the first one that does counts."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": ["matches"]}, {"required": ["calls"], "properties": {"calls": {"const": NAMED}}}]
        }
    )

    matches: Pattern | None = None
    """A regular expression that is looked for in the typed text, in any case. With `calls = "auto"` it may be left out."""
    first: bool = False
    """The rule is for the first turn of a session only."""

    @model_validator(mode="after")
    def _says_which_turns_it_is_for(self) -> Self:
        if self.matches is None and self.calls != NAMED:
            raise sentence("{name} needs `matches` with a regular expression")
        return self


class ResultTable(_AnswerTable):
    """`[[result]]`: what the model says about a tool's result, instead of what its turn says."""

    tool: str = ""
    """The function whose results it is for."""
    matches: Pattern | None = None
    """A regular expression that is looked for in the result as JSON, in any case; without it every result matches."""

    @model_validator(mode="after")
    def _names_its_functions(self) -> Self:
        if self.calls == NAMED:
            raise sentence(_NAMES_NONE)
        return self


class ScriptFile(_ScriptTable):
    """A script of the Gemini Live emulator: what the model says."""

    turn: Annotated[list[TurnTable], BeforeValidator(_tables)] = Field(default_factory=list)
    typed: Annotated[list[TypedTable], BeforeValidator(_tables)] = Field(default_factory=list)
    result: Annotated[list[ResultTable], BeforeValidator(_tables)] = Field(default_factory=list)
    otherwise: TurnTable | None = None
    """The answer to turns that have no other."""
    think_ms: Milliseconds | None = None
    """Milliseconds from the end of a turn to its answer; without it the model's own time."""
    fault: Annotated[list[Any], BeforeValidator(_tables)] = Field(default_factory=list)
    """Faults from the start, such as `name = "goaway"` with its parameters (`python -m emulator faults` lists them)."""
