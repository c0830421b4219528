"""Results of tools that hand over wait for the other agent, for what is asked first, and not for ever."""

from typing import Any

import pytest

from agent.gemini.held_results import HeldResults
from tests.e2e.stack import until

RESULT: dict[str, Any] = {"id": "call_1", "name": "transfer", "response": {"output": ""}}


async def test_they_are_told_when_another_agent_has_come() -> None:
    sent: list[Any] = []
    held = HeldResults(sent.append)
    held.hold([RESULT])
    assert sent == []
    held.agent_has_come()
    await until(lambda: sent == [[RESULT]])


async def test_they_are_told_before_what_is_asked() -> None:
    sent: list[Any] = []
    held = HeldResults(sent.append)
    held.hold([RESULT])
    held.release()
    held.release()
    assert sent == [[RESULT]], "once"


async def test_they_are_told_though_no_agent_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiveKit refuses a hand-over to two agents at once."""
    monkeypatch.setattr("agent.gemini.held_results._LONGEST_S", 0.1)
    sent: list[Any] = []
    held = HeldResults(sent.append)
    held.agent_has_come()
    held.hold([RESULT])
    await until(lambda: sent == [[RESULT]])
    held.close()
