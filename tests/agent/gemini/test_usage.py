"""Tokens that the service counts reach LiveKit's metrics, whatever else is in the message."""

from typing import Any

import pytest

from agent.gemini import EarshotModel, Endpoint, Voicing
from agent.gemini.generation import Generation
from agent.gemini.messages import Received
from agent.gemini.usage import usage_metrics

USAGE: dict[str, Any] = {
    "promptTokenCount": 534,
    "responseTokenCount": "75",
    "totalTokenCount": 609,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 312}, {"modality": "AUDIO", "tokenCount": 222}],
    "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 75}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 300}, {"modality": "VIDEO", "tokenCount": 4}],
    "newer": {},
}


async def test_tokens_are_told_by_kind_and_answer() -> None:
    model = EarshotModel(Endpoint("gemini-3.8-live", "key"), Voicing("Puck"))
    generation = Generation(100.0)
    generation.complete(110.0)
    metrics = usage_metrics(Received({"usageMetadata": USAGE}), model, generation, 120.0)
    assert metrics is not None
    assert (metrics.request_id, metrics.timestamp, metrics.duration) == (generation.id, 100.0, 10.0)
    assert (metrics.input_tokens, metrics.output_tokens, metrics.total_tokens) == (534, 75, 609)
    assert metrics.tokens_per_second == 7.5
    told = metrics.input_token_details
    assert (told.text_tokens, told.audio_tokens, told.cached_tokens) == (312, 222, 304)
    assert told.cached_tokens_details is not None
    assert told.cached_tokens_details.text_tokens == 300
    assert metrics.output_token_details.audio_tokens == 75
    assert metrics.metadata is not None
    assert (metrics.metadata.model_name, metrics.metadata.model_provider) == ("gemini-3.8-live", "Gemini")


def test_vertex_counts_candidates() -> None:
    model = EarshotModel(Endpoint("gemini-3.8-live", "key"), Voicing("Puck"))
    details = [{"modality": "TEXT", "tokenCount": 11}, {"modality": "AUDIO", "tokenCount": 50}]
    usage = {"promptTokenCount": 44, "candidatesTokenCount": 61, "candidatesTokensDetails": details}
    metrics = usage_metrics(Received({"usageMetadata": usage}), model, None, 0.0)
    assert metrics is not None
    assert (metrics.output_tokens, metrics.output_token_details.audio_tokens) == (61, 50)


@pytest.mark.parametrize("usage", [{"promptTokenCount": "many"}, {"promptTokensDetails": [3]}, {"totalTokenCount": -1}])
def test_what_cannot_be_read_is_named_and_counts_as_nothing(usage: dict[str, Any]) -> None:
    model = EarshotModel(Endpoint("gemini-3.8-live", "key"), Voicing("Puck"))
    received = Received({"usageMetadata": usage | {"responseTokenCount": 5}})
    metrics = usage_metrics(received, model, None, 0.0)
    assert metrics is not None
    assert (metrics.output_tokens, metrics.input_tokens, metrics.total_tokens) == (5, 0, 0)
    assert received.unreadable == list(usage)


async def test_pictures_are_counted_whichever_kind_the_service_takes_them_for() -> None:
    details = [{"modality": "IMAGE", "tokenCount": 258}, {"modality": "VIDEO", "tokenCount": 64}]
    model = EarshotModel(Endpoint("gemini-3.8-live", "key"), Voicing("Puck"))
    metrics = usage_metrics(Received({"usageMetadata": {"promptTokensDetails": details}}), model, None, 0.0)
    assert metrics is not None
    assert metrics.input_token_details.image_tokens == 322


def test_a_message_without_usage_has_none() -> None:
    model = EarshotModel(Endpoint("gemini-3.8-live", "key"), Voicing("Puck"))
    for raw in ({}, {"usageMetadata": None}, {"usageMetadata": 3}):
        assert usage_metrics(Received(raw), model, None, 0.0) is None
