"""Tokens that the service has counted: of one turn in full, and as LiveKit's metrics. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from livekit.agents import llm
from livekit.agents.metrics import RealtimeModelMetrics
from livekit.agents.metrics.base import Metadata

from agent.gemini.generation import Generation
from agent.gemini.messages import Json, Received

OTHER = "other"
"""The name of tokens that the service counts in a sum, without saying what they are (docs/facts.md G202)."""
MODALITIES = ("text", "audio", "image", "video")
"""What tokens can be of, in small letters."""

_LONGEST_COUNT = 18
"""Digits of a count that comes as text."""
_FIELDS = {"audio": "audio_tokens", "text": "text_tokens", "image": "image_tokens", "video": "image_tokens"}
"""LiveKit's fields. Pictures of a camera may be counted under either of the last two (docs/facts.md G61). Other kinds of tokens
have no field of their own; the sums have them."""


@dataclass(frozen=True)
class TokenUsage:
    """Tokens that the service has counted, of one turn or of many.

    A turn's prompt holds the whole conversation before it, and is billed again: the tokens of a call are the sum of its
    turns', over all its connections (docs/facts.md G200).
    """

    input_tokens: Mapping[str, int] = field(default_factory=dict)
    """The tokens of the prompt, by modality: `MODALITIES` and `OTHER`. Without those that there are none of."""
    output_tokens: Mapping[str, int] = field(default_factory=dict)
    """The tokens of the answer, by modality."""
    thoughts_tokens: int = 0
    """The tokens of the model's thinking. They are no part of `output_tokens` (docs/facts.md G72)."""
    tool_use_tokens: int = 0
    """The tokens of the results of Google's own tools (`toolUsePromptTokenCount`). They are no part of `input_tokens`."""
    cached_tokens: int = 0
    """Those of `input_tokens` that came from a cache."""

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            _sums(self.input_tokens, other.input_tokens),
            _sums(self.output_tokens, other.output_tokens),
            self.thoughts_tokens + other.thoughts_tokens,
            self.tool_use_tokens + other.tool_use_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    @property
    def all_tokens(self) -> int:
        """The number of all of them."""
        spoken = sum(self.input_tokens.values()) + sum(self.output_tokens.values())
        return spoken + self.thoughts_tokens + self.tool_use_tokens


@dataclass(frozen=True)
class _Counts:
    """The usage of a message as the service has it: sums, and details that may come to less or more."""

    prompt: int
    response: int
    prompt_details: dict[str, int]
    response_details: dict[str, int]
    cached: dict[str, int]


def usage_metrics(
    received: Received, model: llm.RealtimeModel, generation: Generation | None, now: float
) -> RealtimeModelMetrics | None:
    """The usage in a message, of its `generation`. None: there is none. What can't be read is in `received.unreadable`."""
    usage = received.take(received.raw, "usageMetadata", dict)
    if usage is None:
        return None
    duration_s = generation.duration_s(now) if generation is not None else 0.0
    counts = _counts(received, usage)
    return RealtimeModelMetrics(
        label=model.label,
        request_id=generation.id if generation is not None else "",
        timestamp=generation.created_at if generation is not None else now,
        duration=duration_s,
        input_tokens=counts.prompt,
        output_tokens=counts.response,
        total_tokens=token_count(received, usage, "totalTokenCount"),
        tokens_per_second=counts.response / duration_s if duration_s > 0 else 0.0,
        input_token_details=RealtimeModelMetrics.InputTokenDetails(
            **_known(counts.prompt_details),
            cached_tokens=sum(counts.cached.values()),
            cached_tokens_details=RealtimeModelMetrics.CachedTokenDetails(**_known(counts.cached)),
        ),
        output_token_details=RealtimeModelMetrics.OutputTokenDetails(**_known(counts.response_details)),
        metadata=Metadata(model_name=model.model, model_provider=model.provider),
    )


def token_usage(received: Received) -> TokenUsage | None:
    """The tokens that a message counts; None if it counts none. What can't be read counts as nothing."""
    usage = received.take(received.raw, "usageMetadata", dict)
    if not usage:
        return None
    counts = _counts(received, usage)
    return TokenUsage(
        _whole(counts.prompt, counts.prompt_details),
        _whole(counts.response, counts.response_details),
        token_count(received, usage, "thoughtsTokenCount"),
        token_count(received, usage, "toolUsePromptTokenCount"),
        sum(counts.cached.values()) or token_count(received, usage, "cachedContentTokenCount"),
    )


def _counts(received: Received, usage: Json) -> _Counts:
    response = "candidates" if "candidatesTokenCount" in usage else "response"  # the former on Vertex (docs/facts.md G72)
    return _Counts(
        response=token_count(received, usage, f"{response}TokenCount"),
        cached=_by_modality(received, usage, "cacheTokensDetails"),
        prompt=token_count(received, usage, "promptTokenCount"),
        prompt_details=_by_modality(received, usage, "promptTokensDetails"),
        response_details=_by_modality(received, usage, f"{response}TokensDetails"),
    )


def _whole(total: int, details: dict[str, int]) -> dict[str, int]:
    """The details with what the total has beyond them."""
    named = {modality: details.get(modality, 0) for modality in MODALITIES}
    return {modality: count for modality, count in {**named, OTHER: max(total - sum(named.values()), 0)}.items() if count}


def _known(counts: dict[str, int]) -> dict[str, int]:
    known = dict.fromkeys(_FIELDS.values(), 0)
    for modality, name in _FIELDS.items():
        known[name] += counts.get(modality, 0)
    return known


def _by_modality(received: Received, usage: Json, name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for detail in received.take(usage, name, list) or []:
        if not received.is_readable(name, isinstance(detail, dict)):
            continue
        modality = (received.take(detail, "modality", str) or "").lower()
        counts[modality] = counts.get(modality, 0) + token_count(received, detail, "tokenCount")
    return counts


def _sums(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in (*MODALITIES, OTHER) if name in one or name in other}


def token_count(received: Received, holder: Json, name: str) -> int:
    """A number of tokens in a message's usage, 0 for none; JSON for protobuf may have it as text."""
    value = holder.get(name)
    if value is None:
        return 0
    is_text = isinstance(value, str) and value.isdecimal() and len(value) <= _LONGEST_COUNT
    is_number = is_text or (isinstance(value, int) and value >= 0)
    return int(value) if received.is_readable(name, is_number) else 0
