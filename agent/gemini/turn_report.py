"""Events from what the service's messages tell beside sound and words. Pure.

Code, thoughts and the reason of a turn's end are told when they come; sources and tokens once, when their turn is over.
"""

import re
from collections.abc import Iterator

from google.genai import types
from livekit.agents.metrics import RealtimeModelMetrics

from agent.gemini.grounding import Grounding
from agent.gemini.messages import Json, Received
from agent.gemini.model_events import Code, CodeResult, ContextTokens, ModelEvent, Thought, TurnCompleteReason
from agent.gemini.usage import token_count

LONGEST_CODE = 10_000
"""Characters of code, or of its output; the rest is cut."""
LONGEST_THOUGHT = 10_000
MOST_PARTS = 50
"""Parts of one message that are looked at, so that a message can't push all other events for the room out of their queue."""
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_NO_REASON = "TURN_COMPLETE_REASON_UNSPECIFIED"


class TurnReport:
    """Reads the messages of one conversation."""

    def __init__(self) -> None:
        self._grounding = Grounding()
        self._tokens: ContextTokens | None = None
        """The tokens of the turn that isn't over."""
        self._before_tokens: int | None = None

    def read(self, received: Received, metrics: RealtimeModelMetrics | None, *, with_thoughts: bool) -> list[ModelEvent]:
        """The events of a message. What has another form than documented becomes unreadable.

        Args:
            received: the message.
            metrics: the tokens that it counts, if it does.
            with_thoughts: the setup has asked for thoughts; some models show them unasked (docs/facts.md G73).
        """
        content: Json = received.raw.get("serverContent") or {}
        events: list[ModelEvent] = [*_parts(received, content, with_thoughts=with_thoughts), *_reason(received, content)]
        self._grounding.read(received, content)
        if metrics is not None:
            self._count(received, metrics)
        if received.turn_complete:
            events += [event for event in (self._grounding.take(), self._tokens) if event is not None]
            self._before_tokens = self._tokens.after_tokens if self._tokens is not None else self._before_tokens
            self._tokens = None
        return events

    def _count(self, received: Received, metrics: RealtimeModelMetrics) -> None:
        prompt, response = metrics.input_tokens, metrics.output_tokens
        thoughts = token_count(received, received.raw.get("usageMetadata") or {}, "thoughtsTokenCount")
        self._tokens = ContextTokens(self._before_tokens, prompt + response, prompt, response, thoughts)


def asks_for_thoughts(config: types.LiveConnectConfig) -> bool:
    """Whether a setup has the model send summaries of its thinking."""
    thinking = config.thinking_config or (config.generation_config.thinking_config if config.generation_config else None)
    return thinking is not None and bool(thinking.include_thoughts)


def _parts(received: Received, content: Json, *, with_thoughts: bool) -> Iterator[ModelEvent]:
    turn: Json = content.get("modelTurn") or {}
    for part in (turn.get("parts") or [])[:MOST_PARTS]:
        if not isinstance(part, dict):  # named unreadable already
            continue
        if received.take(part, "thought", bool):
            text = received.take(part, "text", str)
            if with_thoughts and text and (thought := text.strip()):
                yield Thought(thought[:LONGEST_THOUGHT])
        if (written := received.take(part, "executableCode", dict)) is not None:
            code = received.take(written, "code", str) or ""
            yield Code(_word(received, written, "language"), code[:LONGEST_CODE])
        if (returned := received.take(part, "codeExecutionResult", dict)) is not None:
            output = received.take(returned, "output", str) or ""
            yield CodeResult(_word(received, returned, "outcome"), output[:LONGEST_CODE])


def _reason(received: Received, content: Json) -> Iterator[TurnCompleteReason]:
    reason = _word(received, content, "turnCompleteReason")
    if reason and reason != _NO_REASON:
        yield TurnCompleteReason(reason)


def _word(received: Received, holder: Json, name: str) -> str:
    """A word of Gemini's enums; empty where there is none, or none that can be read."""
    word = received.take(holder, name, str)
    return word if word and received.is_readable(name, _REASON.fullmatch(word) is not None) else ""
