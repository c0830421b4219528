"""LiveKit's chat items, and what it asks to be said, as turns of the Live API. Pure."""

from collections.abc import Sequence

from google.genai import types
from livekit.agents import llm

from agent.gemini.exchange import prompt_texts

_VERBATIM = "Say exactly the following to the caller, word for word, in its language, and nothing else:"


def context_turns(items: Sequence[llm.ChatItem]) -> list[types.Content]:
    """The messages among `items`. What a caller has typed is no instruction, whatever it looks like."""
    found, _ = llm.ChatContext([item for item in items if item.type == "message"]).to_provider_format(
        format="google", inject_dummy_user_message=False
    )
    turns = [types.Content.model_validate(turn) for turn in found]
    for part in _texts(turns):
        part.text = prompt_texts.quoted(part.text or "")
    return turns


def result_turns(results: Sequence[llm.FunctionCallOutput]) -> list[types.Content]:
    """Results of functions in words, since the service knows no call with their ids."""
    told = [f"{result.name} {'failed' if result.is_error else 'returned'}: {result.output}" for result in results]
    return [_turn("user", prompt_texts.instructions(prompt_texts.results(told)))] if told else []


def reply_turns(instructions: str | None, *, placeholder: bool) -> list[types.Content]:
    """The turns that ask for an answer. Without any, the turn that was begun before is complete.

    `placeholder`: for a model that answers nothing but a turn of the caller's; others answer the placeholder itself, and go on
    with a turn of their own as if they had said it.
    """
    if placeholder:
        said = [_turn("model", instructions)] if instructions is not None else []
        return [*said, _turn("user", ".")]
    return [_turn("user", prompt_texts.instructions(instructions))] if instructions is not None else []


def context_note(text: str) -> list[types.Content]:
    """Something that the model is to know, and that nobody has said."""
    return [_turn("user", prompt_texts.instructions(prompt_texts.quoted(text)))]


def verbatim(words: str) -> str:
    """Instructions to say these words. The model speaks for itself, and may choose others."""
    return f"{_VERBATIM}\n{prompt_texts.quoted(words)}"


def text_of(turns: Sequence[types.Content]) -> str:
    return " ".join(part.text or "" for part in _texts(turns))


def _turn(role: str, text: str) -> types.Content:
    return types.Content(role=role, parts=[types.Part(text=text)])


def _texts(turns: Sequence[types.Content]) -> list[types.Part]:
    return [part for turn in turns for part in turn.parts or [] if part.text]
