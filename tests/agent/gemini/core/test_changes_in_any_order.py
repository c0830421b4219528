"""Settings, agents, stopped answers, results, interruptions and drops in any order."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import precondition, rule

from tests.agent.gemini.core.test_any_order import AnyOrder
from tests.agent.gemini.rig import STEP_S

FIELDS = ["systemInstruction", "tools", "generationConfig"]


class ChangesInAnyOrder(AnyOrder):
    """What was asked for last is what the newest connection was told, and every result reaches the model once.

    That nothing is typed into a connection that was told something else is checked wherever the rig sends (rig/edge.py).
    """

    def set_up(self) -> None:
        self.called = 0
        self.running: list[str] = []
        self.returned: list[str] = []

    @rule(field=st.sampled_from(FIELDS), value=st.sampled_from(["one", "another", "a third"]))
    def settings_change(self, field: str, value: str) -> None:
        self.rig.asks_for(**{field: value})

    @rule()
    def another_agent_comes(self) -> None:
        self.rig.changes_agent()

    @rule()
    def answer_is_stopped(self) -> None:
        self.rig.stops()

    @precondition(lambda self: self.rig.socket == "open")
    @rule()
    def answers(self) -> None:
        """Without this short way, most changes would come while nobody speaks."""
        self.rig.gemini.says("Once upon a time ")

    @precondition(lambda self: self.rig.socket == "open")
    @rule()
    def calls_a_function(self) -> None:
        self.called += 1
        call_id = f"own_{self.called}"
        self.rig.gemini.calls({"id": call_id, "name": "look_up", "args": {"number": self.called}})
        self.running.append(call_id)

    @precondition(lambda self: self.running)
    @rule(which=st.integers(0, 9))
    def function_returns(self, which: int) -> None:
        call_id = self.running.pop(which % len(self.running))
        if self.was_given_up(call_id):
            return
        self.returned.append(call_id)
        self.rig.tools.returns({"id": call_id, "name": "look_up", "response": {"output": f"found {call_id}."}})

    def was_given_up(self, call_id: str) -> bool:
        """The link has answered for a tool that took too long; what it returns later is nobody's."""
        return any(call_id in str(message.get("toolCallCancellation")) for message in self.rig.conversation.messages)

    def everything_has_arrived(self) -> None:
        super().everything_has_arrived()
        rig, gemini = self.rig, self.rig.gemini
        for _ in range(100):
            if gemini.told == rig.wanted or rig.is_over:
                break
            if rig.socket == "open":
                gemini.completes()
            rig.passes(STEP_S)
            rig.connects()
        assert gemini.told == rig.wanted
        connections = range(len(gemini.connections))
        by_id = [each["id"] for at in connections for several in gemini.tool_responses(at) for each in several]
        own = [call_id for call_id in by_id if call_id.startswith("own_")]
        assert len(own) == len(set(own)), "no result is given twice"
        written = str(gemini.connections)
        assert [call_id for call_id in self.returned if f"found {call_id}." not in written] == [], "none is lost"


ChangesInAnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestChangesInAnyOrder = ChangesInAnyOrder.TestCase
