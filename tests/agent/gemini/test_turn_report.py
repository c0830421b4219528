"""Code, thoughts, a turn's reason, its sources and its tokens are read from the service's messages, each field for itself."""

import json
from typing import Any

import pytest
from google.genai import types

from agent.gemini import EarshotModel, Endpoint, Voicing, messages
from agent.gemini.model_events import Code, CodeResult, ContextTokens, ModelEvent, Source, Sources, Thought, TurnCompleteReason
from agent.gemini.turn_report import LONGEST_CODE, LONGEST_THOUGHT, MOST_PARTS, TurnReport, asks_for_thoughts
from agent.gemini.usage import usage_metrics

MODEL = EarshotModel(Endpoint("gemini-3.8-live", "key"), Voicing("Puck"))
THOUGHT = {"text": "**Plan**\n\nI will greet.\n\n\n", "thought": True}
GROUNDED = {"groundingChunks": [{"web": {"uri": "https://a.example/", "title": "A"}}]}
COMPLETE = {"turnComplete": True}


class Reading:
    """A conversation's report, and all fields that were unreadable."""

    def __init__(self, *, with_thoughts: bool = True) -> None:
        self.unreadable: list[str] = []
        self._report = TurnReport()
        self._with_thoughts = with_thoughts

    def read(self, content: Any, usage: dict[str, Any] | None = None) -> list[ModelEvent]:
        raw = {"serverContent": content} | ({} if usage is None else {"usageMetadata": usage})
        received = messages.read(json.dumps(raw).encode())
        events = self._report.read(received, usage_metrics(received, MODEL, None, 0.0), with_thoughts=self._with_thoughts)
        self.unreadable += received.unreadable
        return events


def parts(*parts: Any) -> dict[str, Any]:
    return {"modelTurn": {"parts": list(parts)}}


def test_code_and_its_result_are_told_when_they_come() -> None:
    reading = Reading()
    search = parts({"executableCode": {"language": "PYTHON", "code": 'concise_search("x")\n'}})
    assert reading.read(search) == [Code("PYTHON", 'concise_search("x")\n')]
    result = parts({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "Looking up.\n"}})
    assert reading.read(result) == [CodeResult("OUTCOME_OK", "Looking up.\n")]
    assert reading.unreadable == []


def test_a_thought_is_told_if_the_setup_asks_for_thoughts() -> None:
    """Some models send thoughts unasked (docs/facts.md G73)."""
    assert Reading().read(parts(THOUGHT)) == [Thought("**Plan**\n\nI will greet.")]
    assert Reading(with_thoughts=False).read(parts(THOUGHT)) == []


def test_text_that_is_no_thought_is_not_told() -> None:
    assert Reading().read(parts({"text": "Hello."}, {"text": "Hello.", "thought": False}, {"thoughtSignature": "AAA="})) == []


def test_none_of_it_is_words_or_sound_of_the_answer() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "secret"}}
    received = messages.read(json.dumps({"serverContent": parts(THOUGHT, code)}).encode())
    assert (received.words, received.pcm, received.caller_words, received.is_output) == ("", b"", "", False)


def test_a_reason_is_told_and_the_ordinary_end_is_not() -> None:
    reading = Reading()
    assert reading.read(COMPLETE) == []
    assert reading.read(COMPLETE | {"turnCompleteReason": "TURN_COMPLETE_REASON_UNSPECIFIED"}) == []
    assert reading.read(COMPLETE | {"turnCompleteReason": "RESPONSE_REJECTED"}) == [TurnCompleteReason("RESPONSE_REJECTED")]
    assert reading.unreadable == []


@pytest.mark.parametrize("reason", list(types.TurnCompleteReason))
def test_each_reason_that_is_known_can_be_told(reason: types.TurnCompleteReason) -> None:
    told = Reading().read({"turnCompleteReason": reason.value})
    assert bool(told) == (reason is not types.TurnCompleteReason.TURN_COMPLETE_REASON_UNSPECIFIED)


def test_sources_are_told_once_at_the_end_of_their_turn() -> None:
    reading = Reading()
    assert reading.read({"groundingMetadata": GROUNDED}) == []
    assert reading.read({"interrupted": True}) == []
    assert reading.read(COMPLETE) == [Sources((Source("https://a.example/", "A"),))]
    assert reading.read(COMPLETE) == []


def test_the_context_is_told_once_a_turn_with_what_it_was_before() -> None:
    """The second turn's prompt is smaller: the context was compressed meanwhile."""
    reading = Reading()
    [first] = reading.read(COMPLETE, {"promptTokenCount": 626, "responseTokenCount": 63, "thoughtsTokenCount": 40})
    assert first == ContextTokens(None, 689, 626, 63, 40)
    assert reading.read({"generationComplete": True}, {"promptTokenCount": 1}) == []
    [second] = reading.read(COMPLETE, {"promptTokenCount": 300, "responseTokenCount": 20})
    assert second == ContextTokens(689, 320, 300, 20, 0)
    assert reading.read(COMPLETE) == [], "a turn without usage"


def test_vertex_counts_candidates() -> None:
    [event] = Reading().read(COMPLETE | {"groundingMetadata": {}}, {"promptTokenCount": 44, "candidatesTokenCount": 61})
    assert event == ContextTokens(None, 105, 44, 61, 0)


def test_number_and_length_of_everything_have_a_bound() -> None:
    assert len(Reading().read(parts(*[THOUGHT] * 999))) == MOST_PARTS
    code = {"executableCode": {"language": "PYTHON", "code": "x" * 99_999}}
    result = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "x" * 99_999}}
    thought = {"text": "x" * 99_999, "thought": True}
    assert Reading().read(parts(code, result, thought)) == [
        Code("PYTHON", "x" * LONGEST_CODE),
        CodeResult("OUTCOME_OK", "x" * LONGEST_CODE),
        Thought("x" * LONGEST_THOUGHT),
    ]


@pytest.mark.parametrize(
    ("content", "told", "unreadable"),
    [
        (parts({"executableCode": 7}), [], ["executableCode"]),
        (parts({"executableCode": {"language": 7, "code": "x"}}), [Code("", "x")], ["language"]),
        (parts({"executableCode": {"language": "a b", "code": "x"}}), [Code("", "x")], ["language"]),
        (parts({"executableCode": {"language": "PYTHON", "code": 7}}), [Code("PYTHON", "")], ["code"]),
        (parts({"codeExecutionResult": [7]}), [], ["codeExecutionResult"]),
        (parts({"codeExecutionResult": {"outcome": {}, "output": "x"}}), [CodeResult("", "x")], ["outcome"]),
        (parts({"text": 7, "thought": True}), [], ["text"]),
        (parts({"text": "x", "thought": "yes"}), [], ["thought"]),
        (parts({"text": " \n", "thought": True}), [], []),
        (parts(7, THOUGHT), [Thought("**Plan**\n\nI will greet.")], ["modelTurn.parts"]),
        ({"turnCompleteReason": 7}, [], ["turnCompleteReason"]),
        ({"turnCompleteReason": "<b>"}, [], ["turnCompleteReason"]),
    ],
)
def test_a_field_of_another_form_is_skipped_alone(content: Any, told: list[ModelEvent], unreadable: list[str]) -> None:
    reading = Reading()
    assert reading.read(content) == told
    assert reading.unreadable == unreadable


def test_a_setup_asks_for_thoughts_in_either_place() -> None:
    asks = types.ThinkingConfig(include_thoughts=True)
    assert asks_for_thoughts(types.LiveConnectConfig(thinking_config=asks))
    assert asks_for_thoughts(types.LiveConnectConfig(generation_config=types.GenerationConfig(thinking_config=asks)))
    for config in (
        types.LiveConnectConfig(),
        types.LiveConnectConfig(thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)),
        types.LiveConnectConfig(thinking_config=types.ThinkingConfig(include_thoughts=False)),
    ):
        assert not asks_for_thoughts(config)
