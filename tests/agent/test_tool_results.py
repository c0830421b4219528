"""Whatever a tool returns reaches the model: it has run, and is not reported as failed for the form of its result."""

import asyncio
import dataclasses
import datetime
import decimal
import enum
import uuid
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from livekit.agents import AgentSession, function_tool, llm
from pydantic import BaseModel

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing
from agent.tools import ToolAgent
from agent.tools.tool_results import LONGEST_RESULT, error_words, tellable
from tests.agent.gemini.wire import COMPLETE, Frames, call, wire


@dataclasses.dataclass
class Booking:
    at: datetime.datetime
    price: decimal.Decimal


class Colour(enum.Enum):
    RED = "red"


class Room(BaseModel):
    number: int


BOOKING = Booking(datetime.datetime(2026, 11, 28, 15, tzinfo=datetime.UTC), decimal.Decimal("9.50"))
TOLD = {"at": "2026-11-28T15:00:00Z", "price": "9.50"}
LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        (BOOKING, TOLD),
        ([BOOKING], [TOLD]),
        ({"booking": BOOKING}, {"booking": TOLD}),
        (BOOKING.at, TOLD["at"]),
        (BOOKING.price, "9.50"),
        (Colour.RED, "red"),
        (Room(number=7), {"number": 7}),
        (b"text", "text"),
        ({"text": ["cut: \ud83d"]}, {"text": ["cut: \ufffd"]}),
        (b"\xff\xfe", "It is done. Its result, 2 bytes of data, can't be put into words."),
        ({"picture": b"\xff"}, "It is done. Its result, a dict, can't be put into words."),
        (float("nan"), "nan"),
        ({"far": [float("-inf")]}, {"far": ["-inf"]}),
        (2**53 + 1, "9007199254740993"),
        (True, True),
        (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (datetime.timedelta(seconds=3), "PT3S"),
        (None, None),
        ("as it is", "as it is"),
        (LOOP, "It is done. Its result, a list, can't be put into words."),
    ],
)
def test_results_are_told_as_json_has_them(returned: Any, told: Any) -> None:
    assert tellable(returned) == told


def test_what_is_livekits_own_is_left_alone() -> None:
    """An agent to hand over to, and a result that wants no reply."""
    other = ToolAgent(instructions="Be brief.")
    assert tellable(other) is other
    assert tellable((other, BOOKING)) == (other, TOLD)
    quiet = tellable(llm.ToolResult(BOOKING, reply_required=False))
    assert (quiet.output, quiet.reply_required) == (TOLD, False)


@pytest.mark.parametrize("returned", ["word " * 10_000, {"rows": ["word"] * 10_000}])
def test_a_very_long_result_is_cut_with_a_note(returned: Any) -> None:
    told = tellable(returned)
    assert len(told) < LONGEST_RESULT + 200
    assert told.endswith("characters.]")
    assert "The result was cut: these are its first 20,000 of " in told


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (llm.ToolError("A die has at least two sides."), "A die has at least two sides."),
        (LookupError("no such slot\nin the calendar of Ada"), "LookupError: no such slot"),
        (ValueError(), "ValueError"),
        (ValueError("cut: \ud83d"), "ValueError: cut: \ufffd"),
        (llm.ToolError("cut: \ud83d"), "cut: \ufffd"),
    ],
)
def test_a_failure_is_told_in_the_errors_own_words(error: Exception, words: str) -> None:
    assert error_words(error) == words


@settings(deadline=None)
@given(returned=st.from_type(object).filter(lambda value: not isinstance(value, BaseException)))
def test_nothing_that_a_tool_returns_raises(returned: object) -> None:
    tellable(returned)


class Clerk(ToolAgent):
    def __init__(self) -> None:
        super().__init__(instructions="Use your tools.")

    @function_tool
    async def book(self, day: datetime.date) -> Booking:
        """Book a room."""
        return dataclasses.replace(BOOKING, at=datetime.datetime.combine(day, datetime.time(15), datetime.UTC))

    @function_tool  # type: ignore[type-var]  # LiveKit's type wants an awaitable
    def price(self) -> decimal.Decimal:
        """Tell the price."""
        return BOOKING.price

    @function_tool(raw_schema={"name": "raw", "parameters": {"type": "object", "properties": {}}})
    async def raw(self, raw_arguments: dict[str, object]) -> Room:
        return Room(number=len(raw_arguments))


async def test_the_model_gets_them(tmp_path: Path) -> None:
    frames: Frames = [
        call("book", "call_1", day="2026-11-28"),
        call("price", "call_2"),
        call("raw", "call_3"),
        COMPLETE,
    ]

    def script(message: dict[str, Any]) -> Frames:
        return frames if message.get("client_content", {}).get("turnComplete") else []

    async with (
        wire(tmp_path, script) as endpoint,
        EarshotModel(
            Endpoint("gemini-3.8-live", ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file), Voicing("Puck")
        ) as model,
    ):
        session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        await session.start(Clerk(), session_host=False)
        try:
            session.generate_reply(user_input="Book it.")
            assert await endpoint.until(lambda: len(endpoint.tool_responses) == 3)
        finally:
            await asyncio.wait_for(session.aclose(), 10)
    results = {each["id"]: each["response"] for each in endpoint.tool_responses}
    assert results == {
        "call_1": {"output": TOLD},
        "call_2": {"output": "9.50"},
        "call_3": {"output": {"number": 0}},
    }


def test_an_agent_has_the_same_tools_whenever_it_is_asked() -> None:
    """LiveKit compares them by identity, to see whether a connection must be asked for others."""
    agent = Clerk()
    assert llm.ToolContext(agent.tools) == llm.ToolContext(agent.tools)
    assert {tool.id for tool in agent.tools} == {"book", "price", "raw"}
