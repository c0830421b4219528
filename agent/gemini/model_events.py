"""Events of the model beside its sound and its words: sources, code, thoughts, a turn's reason, the context's size, tokens.

Sources, code and thoughts are never spoken, captioned, kept in the history, or logged.
"""

from dataclasses import dataclass

from agent.gemini.usage import TokenUsage


@dataclass(frozen=True)
class Source:
    """A page that an answer is based on."""

    url: str
    """Begins with `http://` or `https://`."""
    title: str = ""
    """Empty where the service gave none."""


@dataclass(frozen=True)
class Support:
    """A passage of an answer, with the sources that it is based on."""

    text: str
    sources: tuple[int, ...]
    """Positions in `Sources.sources`, from 0."""


@dataclass(frozen=True)
class Sources:
    """The sources of one turn (`groundingMetadata` and `urlContextMetadata`), told at its end."""

    sources: tuple[Source, ...] = ()
    supports: tuple[Support, ...] = ()
    queries: tuple[str, ...] = ()
    """The model's searches, in its words."""
    search_entry_point: str = ""
    """Google's HTML for its search suggestions (`searchEntryPoint.renderedContent`). To be shown in a sandboxed frame only."""


@dataclass(frozen=True)
class Code:
    """Code that the model has written for the service to run (`executableCode`)."""

    language: str
    """Gemini's word, such as `PYTHON`."""
    code: str


@dataclass(frozen=True)
class CodeResult:
    """The result of code that the service has run (`codeExecutionResult`)."""

    outcome: str
    """Gemini's word, such as `OUTCOME_OK`."""
    output: str


@dataclass(frozen=True)
class Thought:
    """A summary of the model's thinking, told only where the setup asks for it (`include_thoughts`)."""

    text: str


@dataclass(frozen=True)
class TurnCompleteReason:
    """The reason for which a turn ended otherwise than with the end of its answer (`turnCompleteReason`)."""

    reason: str
    """Gemini's word, such as `RESPONSE_REJECTED`."""


@dataclass(frozen=True)
class ContextTokens:
    """The tokens of the conversation that the model holds, at the end of a turn."""

    before_tokens: int | None
    """The `after_tokens` of the turn before; None in the first turn.

    Far more than `prompt_tokens`: the service has compressed the context, or the session was begun anew.
    """
    after_tokens: int
    """Tokens of the turn's prompt and response together."""
    prompt_tokens: int
    """Tokens of everything that the model was given for this turn, the conversation before it included."""
    response_tokens: int
    thoughts_tokens: int
    """Tokens of the model's thinking. They are no part of `after_tokens` (docs/facts.md G72)."""


@dataclass(frozen=True)
class TurnUsage:
    """The tokens that the service has counted since the event before: those of one turn, where the model has turns."""

    usage: TokenUsage


ModelEvent = Sources | Code | CodeResult | Thought | TurnCompleteReason | ContextTokens | TurnUsage
