"""The tools, without sound: a tool is an ordinary method."""

import asyncio
import re
import threading
from typing import Any

import pytest
from livekit.agents import function_tool, llm

from agent.assistant import Assistant
from agent.errors import ClientToolError
from agent.persona import Persona
from agent.tools import tool_options
from testing import RecordingCall

PERSONA = Persona(name="test", instructions="Be brief.", goodbye="Say goodbye.")


def assistant(call: RecordingCall | None = None) -> Any:
    """An agent outside of any call. `Any`: LiveKit types its tools as objects, which are called like methods."""
    return Assistant(PERSONA, call or RecordingCall())


async def test_the_local_time_is_told_in_words() -> None:
    told = await assistant().local_time("Tokyo")
    assert re.fullmatch(r"In Tokyo it is \d\d:\d\d on \w+day, \d{1,2} \w+ 20\d\d\.", told)


async def test_an_unknown_place_is_explained_with_a_suggestion() -> None:
    with pytest.raises(llm.ToolError) as caught:
        await assistant().local_time("Tokio")
    assert "Did you mean Tokyo?" in caught.value.message


async def test_ending_the_call_asks_for_a_goodbye_first() -> None:
    call = RecordingCall()
    assert (await assistant(call).hang_up()).endswith("Say goodbye.")
    assert call.hangs_up


def test_every_tool_has_a_description_for_the_model() -> None:
    tools = Assistant(PERSONA, RecordingCall()).tools
    described = {tool.info.name: tool.info.description for tool in tools if isinstance(tool, llm.FunctionTool)}
    assert described.keys() >= {"local_time", "hang_up", "send_dtmf", "caller_location", "copy_text"}
    assert all(described.values())


async def test_keys_are_pressed_on_a_telephone_only() -> None:
    call = RecordingCall(on_a_telephone=True)
    assert await assistant(call).send_dtmf("1,2#") == "Pressed 1,2#."
    assert call.pressed == "1,2#"
    call.on_a_telephone = False
    with pytest.raises(llm.ToolError, match="isn't on a telephone"):
        await assistant(call).send_dtmf("1")


@pytest.mark.parametrize("keys", ["", "1 2", "abc", "9" * 33, "\u0661"])
async def test_what_is_no_key_is_explained(keys: str) -> None:
    call = RecordingCall()
    with pytest.raises(llm.ToolError, match="can't be pressed"):
        await assistant(call).send_dtmf(keys)
    assert call.pressed == ""


async def test_the_callers_client_says_where_they_are() -> None:
    here = {"latitude": 52.5, "longitude": 13.4, "accuracy_m": 30}
    call = RecordingCall(client_tools={"earshot.location": lambda _: here})
    assert await assistant(call).caller_location() == here


@pytest.mark.parametrize(("copied", "told"), [(True, "It is copied."), (False, "a button that copies it")])
async def test_a_text_is_copied_or_offered(copied: bool, told: str) -> None:
    asked: list[Any] = []

    def copy(arguments: Any) -> dict[str, bool]:
        asked.append(arguments)
        return {"copied": copied}

    call = RecordingCall(client_tools={"earshot.copy_text": copy})
    assert told in await assistant(call).copy_text("12 Harbour Road")
    assert asked == [{"text": "12 Harbour Road"}]


async def test_a_client_that_can_do_neither_is_explained() -> None:
    """A telephone, say: the sentence is one for the model."""
    with pytest.raises(ClientToolError, match=r"doesn't offer earshot\.location") as refused:
        await assistant(RecordingCall(on_a_telephone=True)).caller_location()
    assert isinstance(refused.value, llm.ToolError)


async def test_a_tool_that_blocks_lets_the_call_go_on() -> None:
    class Blocking(Assistant):
        @function_tool
        @tool_options(thread=True)
        def look_up(self, name: str) -> str:
            """Look a name up.

            Args:
                name: Whose.
            """
            assert going_on.wait(5), "the loop stands still"
            return f"{name} was found."

    going_on = threading.Event()
    agent: Any = Blocking(PERSONA, RecordingCall())
    [tool] = [tool for tool in agent.tools if tool.info.name == "look_up"]
    looking = asyncio.create_task(tool(name="Ada"))
    await asyncio.sleep(0)
    going_on.set()
    assert await looking == "Ada was found."
    schema = llm.utils.build_legacy_openai_schema(tool)
    assert "name" in schema["function"]["parameters"]["properties"]
