"""A tool that asks the caller's client is declared while the client offers it, where tools can change on an open connection."""

from pathlib import Path
from typing import Any

import pytest
from livekit.agents import function_tool, llm

from agent.assistant import Assistant
from agent.gemini.client_methods import client_method_of, client_tool, with_client
from agent.persona import Persona
from agent.tools import tool_options
from testing import RecordingCall
from tests.agent.gemini.test_mid_call import GEMINI_2_5, GEMINI_3_1, GEMINI_3_8, Reception, Talk, names, talking
from tests.e2e.stack import until

METHOD = "app.open_order"


class Orders(Reception):
    """A reception with a tool on the caller's side."""

    @function_tool
    @client_tool(METHOD)
    @tool_options(repeatable=True)
    async def open_order(self, number: int) -> str:
        """Open an order in the caller's app.

        Args:
            number: Of the order.
        """
        return f"opened {number}"


def tools_by_name(agent: Any) -> dict[str, Any]:
    return {tool.info.name: tool for tool in agent.tools}


def test_a_method_is_found_above_and_under_livekits_decorator() -> None:
    @client_tool(METHOD)
    @function_tool
    async def above() -> None:
        """Do it."""

    assert client_method_of(above) == METHOD
    assert client_method_of(tools_by_name(Orders())["open_order"]) == METHOD
    assert client_method_of(tools_by_name(Orders())["transfer"]) is None


@pytest.mark.parametrize("method", ["", "  ", "a,b", None, test_a_method_is_found_above_and_under_livekits_decorator])
def test_what_is_no_method_is_refused(method: Any) -> None:
    with pytest.raises(ValueError, match=r"client_tool\(.*\): write the name of one RPC method, such as"):
        client_tool(method)


def test_the_assistants_own_two_name_their_methods() -> None:
    tools = tools_by_name(Assistant(Persona(name="test", instructions="Be brief."), RecordingCall()))
    methods = {name: method for name, tool in tools.items() if (method := client_method_of(tool)) is not None}
    assert methods == {"caller_location": "earshot.location", "copy_text": "earshot.copy_text"}


@pytest.mark.parametrize(
    ("methods", "is_there"), [(None, True), (frozenset(), False), (frozenset({"other"}), False), (frozenset({METHOD}), True)]
)
def test_a_tool_is_left_out_if_the_client_is_known_and_does_not_offer_it(
    methods: frozenset[str] | None, is_there: bool
) -> None:
    kept = with_client(llm.ToolContext(Orders().tools), methods).function_tools
    assert ("open_order" in kept, "transfer" in kept) == (is_there, True)


def told_in(sent: list[Any]) -> list[bool]:
    """For each setup or update, whether the tool is in it."""
    return ["open_order" in names(each["tools"]) for each in sent]


def updates_of(talk: Talk) -> list[bool]:
    return told_in([update["tools"] for update in talk.sent("contextUpdate")])


async def test_it_is_declared_when_the_client_offers_it_and_no_longer_when_the_caller_changes(tmp_path: Path) -> None:
    async with talking(tmp_path, GEMINI_3_8, Orders(), client_methods=frozenset()) as talk:
        await until(lambda: any("setupComplete" in message for message in talk.messages))
        talk.model.client_offers(frozenset({METHOD}))
        await until(lambda: updates_of(talk) == [True])
        talk.model.client_offers(frozenset({METHOD, "app.other"}))
        talk.model.client_offers(frozenset())
        await until(lambda: updates_of(talk) == [True, False])
        assert told_in(talk.sent("setup")) == [False], "no other connection was opened for it"


@pytest.mark.parametrize("model", [GEMINI_3_1, GEMINI_2_5])
async def test_other_models_are_told_of_it_in_every_call(tmp_path: Path, model: str) -> None:
    """Each change would cost a connection."""
    async with talking(tmp_path, model, Orders(), client_methods=frozenset()) as talk:
        await until(lambda: any("setupComplete" in message for message in talk.messages))
        talk.model.client_offers(frozenset({METHOD}))
        talk.session.generate_reply(user_input="Hello.")
        await until(lambda: "Well." in talk.words)
        assert told_in(talk.sent("setup")) == [True]


async def test_a_client_that_is_known_before_there_is_a_session_is_heeded(tmp_path: Path) -> None:
    async with talking(tmp_path, GEMINI_3_8, Orders(), client_methods=frozenset({METHOD})) as talk:
        await until(lambda: bool(talk.sent("setup")))
        assert told_in(talk.sent("setup")) == [True]
