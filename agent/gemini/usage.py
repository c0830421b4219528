"""Tokens that the service has counted, as LiveKit's metrics. Pure."""

from livekit.agents import llm
from livekit.agents.metrics import RealtimeModelMetrics
from livekit.agents.metrics.base import Metadata

from agent.gemini.generation import Generation
from agent.gemini.messages import Json, Received

_LONGEST_COUNT = 18
"""Digits of a count that comes as text."""
_FIELDS = {"AUDIO": "audio_tokens", "TEXT": "text_tokens", "IMAGE": "image_tokens", "VIDEO": "image_tokens"}
"""Pictures of a camera may be counted under either of the last two (docs/facts.md G61). Other kinds of tokens have no field of
their own; the sums have them."""


def usage_metrics(
    received: Received, model: llm.RealtimeModel, generation: Generation | None, now: float
) -> RealtimeModelMetrics | None:
    """The usage in a message, of its `generation`. None: there is none. What can't be read is in `received.unreadable`."""
    usage = received.take(received.raw, "usageMetadata", dict)
    if usage is None:
        return None
    duration_s = generation.duration_s(now) if generation is not None else 0.0
    response = "candidates" if "candidatesTokenCount" in usage else "response"  # the former on Vertex (docs/facts.md G72)
    output_tokens = token_count(received, usage, f"{response}TokenCount")
    cached = _by_modality(received, usage, "cacheTokensDetails")
    return RealtimeModelMetrics(
        label=model.label,
        request_id=generation.id if generation is not None else "",
        timestamp=generation.created_at if generation is not None else now,
        duration=duration_s,
        input_tokens=token_count(received, usage, "promptTokenCount"),
        output_tokens=output_tokens,
        total_tokens=token_count(received, usage, "totalTokenCount"),
        tokens_per_second=output_tokens / duration_s if duration_s > 0 else 0.0,
        input_token_details=RealtimeModelMetrics.InputTokenDetails(
            **_known(_by_modality(received, usage, "promptTokensDetails")),
            cached_tokens=sum(cached.values()),
            cached_tokens_details=RealtimeModelMetrics.CachedTokenDetails(**_known(cached)),
        ),
        output_token_details=RealtimeModelMetrics.OutputTokenDetails(
            **_known(_by_modality(received, usage, f"{response}TokensDetails"))
        ),
        metadata=Metadata(model_name=model.model, model_provider=model.provider),
    )


def _known(counts: dict[str, int]) -> dict[str, int]:
    known = dict.fromkeys(_FIELDS.values(), 0)
    for modality, field in _FIELDS.items():
        known[field] += counts.get(modality, 0)
    return known


def _by_modality(received: Received, usage: Json, name: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for detail in received.take(usage, name, list) or []:
        if not received.is_readable(name, isinstance(detail, dict)):
            continue
        modality = received.take(detail, "modality", str) or ""
        counts[modality] = counts.get(modality, 0) + token_count(received, detail, "tokenCount")
    return counts


def token_count(received: Received, holder: Json, name: str) -> int:
    """A number of tokens in a message's usage, 0 for none; JSON for protobuf may have it as text."""
    value = holder.get(name)
    if value is None:
        return 0
    is_text = isinstance(value, str) and value.isdecimal() and len(value) <= _LONGEST_COUNT
    is_number = is_text or (isinstance(value, int) and value >= 0)
    return int(value) if received.is_readable(name, is_number) else 0
