"""The tokens of a call are the sum of what the service has counted: of every turn, over all connections, none of them twice."""

import functools
from collections.abc import Callable
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from agent.gemini import ApiKey, EarshotModel, Endpoint, TokenUsage, TurnUsage, Voicing
from agent.gemini.messages import Received
from agent.gemini.usage import token_usage
from emulator.answers import Rule
from emulator.journal import Journal
from emulator.script import Script
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context
from tests.agent.gemini.listening import Told
from tests.agent.gemini.rig import Rig, connected
from tests.e2e.stack import until

TURNS = 20
USAGE: dict[str, Any] = {
    "promptTokenCount": 626,
    "responseTokenCount": "63",
    "totalTokenCount": 689,
    "thoughtsTokenCount": 40,
    "toolUsePromptTokenCount": 12,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 312},
        {"modality": "AUDIO", "tokenCount": 222},
        {"modality": "VIDEO", "tokenCount": 64},
        {"modality": "DOCUMENT", "tokenCount": 1},
    ],
    "responseTokensDetails": [{"modality": "TEXT"}, {"modality": "AUDIO", "tokenCount": 63}],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 300}],
}


def test_tokens_are_told_by_modality_and_direction_and_none_gets_lost() -> None:
    """What a sum has beyond its details is `other`: the service's details come to less than its sums (docs/facts.md G202)."""
    counted = token_usage(Received({"usageMetadata": USAGE}))
    assert counted == TokenUsage({"text": 312, "audio": 222, "video": 64, "other": 28}, {"audio": 63}, 40, 12, 300)
    assert counted.all_tokens == 626 + 63 + 40 + 12


def test_vertex_counts_candidates() -> None:
    usage = {"candidatesTokenCount": 61, "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}]}
    assert token_usage(Received({"usageMetadata": usage})) == TokenUsage({}, {"audio": 50, "other": 11})


@pytest.mark.parametrize("raw", [{}, {"usageMetadata": None}, {"usageMetadata": 3}, {"usageMetadata": {}}])
def test_a_message_that_counts_nothing_has_no_tokens(raw: dict[str, Any]) -> None:
    assert token_usage(Received(raw)) is None


def test_what_can_not_be_read_counts_as_nothing() -> None:
    usage = {"promptTokenCount": "many", "promptTokensDetails": [3, {"modality": 4, "tokenCount": -1}], "responseTokenCount": 5}
    assert token_usage(Received({"usageMetadata": usage})) == TokenUsage({}, {"other": 5})


AMOUNTS = st.builds(
    TokenUsage,
    st.dictionaries(st.sampled_from(["text", "audio", "image", "video", "other"]), st.integers(1, 10**9)),
    st.dictionaries(st.sampled_from(["text", "audio", "other"]), st.integers(1, 10**9)),
    *[st.integers(0, 10**9)] * 3,
)


@given(st.lists(AMOUNTS, max_size=6))
def test_the_order_of_turns_is_no_matter(usages: list[TokenUsage]) -> None:
    there, back = reduce(add, usages, TokenUsage()), reduce(add, reversed(usages), TokenUsage())
    assert there == back
    assert there.all_tokens == sum(usage.all_tokens for usage in usages)


def answers(rig: Rig) -> None:
    rig.gemini.answers()
    rig.gemini.has_generated()


def is_interrupted(rig: Rig) -> None:
    rig.gemini.answers()
    rig.caller.speaks(1, 30)
    rig.gemini.interrupts()


def is_said_to_be_interrupted(rig: Rig) -> None:
    rig.gemini.answers()
    rig.gemini.interrupts()


def owes_an_answer(rig: Rig) -> None:
    rig.caller.types("Go on.")


def is_silent(rig: Rig) -> None:
    rig.passes(1.0)


BEFORE_THE_COUNT: list[Callable[[Rig], None]] = [
    answers,
    is_interrupted,
    is_said_to_be_interrupted,
    owes_an_answer,
    is_silent,
]
"""What a turn was, before the service says what it has counted."""


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(st.tuples(st.sampled_from(BEFORE_THE_COUNT), st.booleans()), st.sampled_from(["drops", "warns", "resumes"])),
        max_size=8,
    )
)
def test_each_count_reaches_the_conversation_once_whatever_happens_between(steps: list[Any]) -> None:
    """`serverContent` with `turnComplete` beside it or not: a turn that is withheld from the conversation was paid for too."""
    rig, sent = connected(), list[int]()
    for step in steps:
        if step == "drops":
            rig.gemini.drops()
        elif step == "warns":
            rig.gemini.warns("50s")
        elif step == "resumes":
            rig.gemini.gives_handle(f"h{len(sent)}")
        else:
            happens, ends_turn = step
            happens(rig)
            if rig.socket == "open":
                sent.append(len(sent) + 1)
                content = {"serverContent": {"turnComplete": True}} if ends_turn else {}
                rig.gemini.sends({**content, "usageMetadata": {"promptTokenCount": sent[-1]}})
        if rig.socket != "open" and not rig.is_over:
            rig.connects()
    counts = [token_usage(Received(message)) for message in rig.conversation.messages]
    assert [count.input_tokens["other"] for count in counts if count is not None] == sent


async def test_twenty_turns_come_to_what_the_service_has_counted(tmp_path: Path) -> None:
    """Over TLS: the emulator's account and ours are the same, turn by turn."""
    told, tls = Told(), server_context(tmp_path / "ca.pem")
    rule = Rule("It is sunny.", plays=bytes(4800))
    with Journal(None, most_recent=100_000) as journal:
        emulator = Emulator(Script(otherwise=rule, think_ms=0), journal)
        async with serving(emulator, host="127.0.0.1", port=0, tls=tls) as port:
            endpoint = Endpoint(
                "gemini-3.8-live", ApiKey("key"), base_url=f"https://127.0.0.1:{port}", ca_file=tmp_path / "ca.pem"
            )
            async with EarshotModel(endpoint, Voicing("Puck"), listener=told) as earshot:
                session = earshot.session()
                for number in range(TURNS):
                    await session.generate_reply(instructions=f"How is the weather? {number}")
                    await until(functools.partial(has_counted, told, number + 1), within_s=10)
                await session.aclose()
        counted = [
            usage
            for line in journal.recent()
            if line["direction"] == "sent" and (usage := token_usage(Received(line["message"]))) is not None
        ]
    assert [event.usage for event in of(told)] == counted
    assert len(counted) == TURNS
    total = reduce(add, counted, TokenUsage())
    assert total.input_tokens["text"] > TURNS * 300
    assert total.output_tokens["audio"] > 0


def has_counted(told: Told, turns: int) -> bool:
    return len(of(told)) >= turns


def of(told: Told) -> list[TurnUsage]:
    return [event for event in told.model_events if isinstance(event, TurnUsage)]
