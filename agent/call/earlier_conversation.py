"""What was said before a call, as its dispatch tells it: `{"history": [{"role": "user", "text": "..."}]}`. Pure."""

from collections.abc import Iterable, Sequence

from livekit.agents import llm

from agent.gemini import Line
from agent.persona import Persona, dispatched

MOST_LINES = 100
MOST_CHARACTERS = 12_000
"""Characters of all lines together: about 3,000 tokens, which are billed again on every turn (docs/facts.md G6)."""

_SHAPE = 'write [{"role": "user" or "assistant", "text": "..."}]'


def history_of_call(metadata: str, persona: Persona) -> tuple[list[Line], list[str]]:
    """The lines that a dispatch's `history` has, the oldest first.

    Returns:
        The lines, and a sentence without their words for each thing that can't be used as it is.
    """
    history = (dispatched(metadata) or {}).get("history")
    if history is None or history == []:
        return [], []
    if not isinstance(history, list):
        return [], [f"history of the dispatch metadata is no list; {_SHAPE}"]
    if persona.translates:
        return [], [f"history can't be given to persona {persona.name!r}: its model translates, and takes no text"]
    lines = [line for entry in history if (line := _line(entry)) is not None]
    warnings = []
    if len(lines) < len(history):
        left_out = f"{len(history) - len(lines)} of {len(history)} lines of the dispatch's history are left out"
        warnings.append(f"{left_out}; {_SHAPE}")
    kept = newest(lines)
    if kept != lines:
        bounds = f"{MOST_LINES} lines and {MOST_CHARACTERS} characters in all"
        warnings.append(f"history of the dispatch metadata is longer than {bounds}; the newest lines are used")
    return kept, warnings


def newest(lines: Sequence[Line]) -> list[Line]:
    """The newest of these lines, as far as MOST_LINES and MOST_CHARACTERS allow. Of a newest line that is too long, its end."""
    kept: list[Line] = []
    left = MOST_CHARACTERS
    for line in reversed(lines[-MOST_LINES:]):
        if len(line.text) > left:
            return [Line(line.by_caller, line.text[-left:])] if not kept else kept[::-1]
        left -= len(line.text)
        kept.append(line)
    return kept[::-1]


def with_lines(context: llm.ChatContext, lines: Iterable[Line]) -> llm.ChatContext:
    """An agent's chat context with these lines after what it has."""
    extended = context.copy()
    for line in lines:
        extended.add_message(role="user" if line.by_caller else "assistant", content=line.text)
    return extended


def _line(entry: object) -> Line | None:
    if not isinstance(entry, dict):
        return None
    role, text = entry.get("role"), entry.get("text")
    if role not in ("user", "assistant") or not isinstance(text, str) or not text.strip():
        return None
    return Line(by_caller=role == "user", text=text.strip())
