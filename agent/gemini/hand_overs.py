"""Hand-overs to another agent by tools of agents that aren't ours, as LiveKit's session tells of them.

Before LiveKit tells the results of one generation's calls, it says which calls these are, and that one of them has returned
another agent (docs/facts.md L280). A tool of our own agents says so itself (tool_answer.py).
"""

from collections.abc import Callable, Sequence
from typing import Final

from livekit.agents import AgentSession, FunctionToolsExecutedEvent, llm

from agent.gemini.function_calls import FunctionCalls

_EVENT: Final = "function_tools_executed"


class HandOvers:
    """The calls of one conversation that ran beside one that hands over. The link's `agent_changes` is told of each."""

    def __init__(self, functions: FunctionCalls, agent_changes: Callable[[str], None]) -> None:
        self._functions = functions
        self._agent_changes = agent_changes
        self._executed: dict[str, FunctionToolsExecutedEvent] = {}
        """By the ids of calls whose results LiveKit hasn't told yet: as many as run at once."""

    def agent_comes(self, callback: object) -> None:
        """LiveKit has given the session to an agent, whose activity has this method."""
        session = _session_of(callback)
        if session is not None:
            session.on(_EVENT, self._on_executed)

    def agent_leaves(self, callback: object) -> None:
        """LiveKit has taken the session from an agent, whose activity has this method."""
        session = _session_of(callback)
        if session is not None:
            session.off(_EVENT, self._on_executed)

    def look(self, items: Sequence[llm.ChatItem]) -> None:
        """LiveKit tells these results. Whoever else has heard the event may have called the hand-over off."""
        for item in items:
            event = self._executed.pop(item.call_id, None) if item.type == "function_call_output" else None
            if event is not None and item.type == "function_call_output" and event.has_agent_handoff:
                self._functions.waits_for_agent(item.call_id)
                self._agent_changes(item.call_id)

    def _on_executed(self, event: FunctionToolsExecutedEvent) -> None:
        if event.has_agent_handoff:
            self._executed |= {output.call_id: event for output in event.function_call_outputs}


def _session_of(callback: object) -> AgentSession[object] | None:
    """LiveKit's session of the agent's activity that has this method; None: it is another method."""
    session = getattr(getattr(callback, "__self__", None), "session", None)
    return session if isinstance(session, AgentSession) else None
