"""What of a setup has changed, and the message that tells it: the SDK's."""

import asyncio
import json
from typing import Any

from google import genai
from google.genai import _live_converters, types

from agent.gemini import wire
from agent.gemini.setup_change import Change, change_of, changed_fields, context_update
from tests.agent.gemini.test_wire import camel

BOOK = types.Tool(function_declarations=[types.FunctionDeclaration(name="book", description="Book.")])


def setup(instructions: str = "Be brief.", tools: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    said = types.Content(role="user", parts=[types.Part(text=instructions)])
    return wire.setup("m", types.LiveConnectConfig(system_instruction=said, tools=[BOOK] if tools is None else tools, **more))


def as_the_sdk(update: types.LiveClientContextUpdate) -> Any:
    client = genai.Client(api_key="key")
    message = types.LiveClientMessage(context_update=update)
    converted = _live_converters._LiveClientMessage_to_mldev(client._api_client, message)
    client.close()
    asyncio.run(client.aio.aclose())
    return camel(genai._common.encode_unserializable_types(genai._common.convert_to_dict(converted)))


def test_the_update_is_what_google_genai_sends() -> None:
    sent = context_update(setup(), setup("Be kind.", []))
    assert sent is not None
    content = types.Content(role="user", parts=[types.Part(text="Be kind.")])
    tools = types.LiveClientContextUpdateTools(tools=[])
    assert camel(json.loads(sent)) == as_the_sdk(types.LiveClientContextUpdate(system_instruction=content, tools=tools))


def test_only_what_has_changed_is_told() -> None:
    sent = context_update(setup("Be brief.", []), setup())
    assert sent is not None
    assert json.loads(sent) == {
        "contextUpdate": {"tools": {"tools": [{"functionDeclarations": [{"name": "book", "description": "Book."}]}]}}
    }
    assert context_update(setup(), setup()) is None


def test_a_connection_is_told_by_an_update_where_that_can_say_it() -> None:
    louder = setup(temperature=0.5)
    assert change_of(changed_fields(setup(), setup("Be kind.")), takes_updates=True) is Change.UPDATE
    assert change_of(changed_fields(setup(), setup("Be kind.")), takes_updates=False) is Change.CONNECTION
    assert change_of(changed_fields(setup(), louder), takes_updates=True) is Change.CONNECTION
    assert change_of(changed_fields(setup(), setup()), takes_updates=True) is Change.NONE
    assert changed_fields(None, setup()) == frozenset(), "nothing was told yet, and the setup tells all of it"
