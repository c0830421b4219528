"""No text closes the connection: all that goes out is valid Unicode, and what comes in loses the broken characters alone."""

import asyncio
import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from google.genai import types
from hypothesis import given, settings
from livekit.agents import AgentSession, function_tool
from pydantic_core import from_json

from agent.gemini import ApiKey, EarshotModel, Endpoint, Voicing, wire
from agent.gemini.events import Kind, Line
from agent.gemini.exchange import prompt_texts
from agent.gemini.json_text import from_base64
from agent.gemini.messages import read
from agent.tools import ToolAgent
from tests.agent.gemini.listening import Told
from tests.agent.gemini.rig.messages import voice
from tests.agent.gemini.wire import COMPLETE, Frames, call, sound
from tests.agent.gemini.wire import wire as served

HALF = "\ud83d"
TEXT = st.text(alphabet=st.characters() | st.sampled_from([HALF, "\ude00", "\U0001f600", '"', "\\", "u"]))


def outgoing(text: str) -> list[bytes]:
    """Each kind of message that has text in it, with this text wherever there can be one."""
    turn = types.Content(role="user", parts=[types.Part(text=text)])
    schema = types.Schema(type=types.Type.OBJECT, properties={text: types.Schema(type=types.Type.STRING, enum=[text])})
    function = types.FunctionDeclaration(name="f", description=text, parameters=schema)
    config = types.LiveConnectConfig(system_instruction=turn, tools=[types.Tool(function_declarations=[function])])
    response = types.FunctionResponse(id=text, name=text, response={"output": text, text: [text]})
    return [
        wire.text(text),
        wire.context(text),
        wire.typed(text),
        wire.text(
            prompt_texts.instructions(prompt_texts.history([Line(by_caller=True, text=text)]), prompt_texts.quoted(text))
        ),
        wire.content(types.LiveClientContent(turns=[turn], turn_complete=True)),
        wire.live_input(types.LiveClientRealtimeInput(text=text)),
        wire.tool_responses([wire.plain(response)]),
        wire.first_message(wire.setup("m", config), text),
    ]


@settings(deadline=None)
@given(text=TEXT)
def test_whatever_the_text_is_each_message_is_valid(text: str) -> None:
    """Pydantic's parser takes what the service takes, and no half of a pair."""
    for payload in outgoing(text):
        from_json(payload)


@settings(deadline=None)
@given(text=st.text())
def test_valid_text_goes_out_as_it_is(text: str) -> None:
    assert from_json(wire.text(text))["client_content"]["turns"][0]["parts"][0]["text"] == text
    assert from_json(wire.tool_responses([{"response": {"output": text}}]))["tool_response"] == {
        "functionResponses": [{"response": {"output": text}}]
    }


class Clerk(ToolAgent):
    def __init__(self) -> None:
        super().__init__(instructions=f"Be brief {HALF}.")

    @function_tool(description=f"Look something up {HALF}.")
    async def look_up(self) -> str:
        return f"a page that was cut {HALF}"


async def test_in_a_conversation_half_an_emoji_costs_nothing(tmp_path: Path) -> None:
    """Instructions, a tool's description and its result, a typed line, and words to say, by one connection."""
    told = Told()
    answers: list[Frames] = [[call("look_up", "call_1"), COMPLETE], [sound("Welcome."), COMPLETE]]

    def script(message: dict[str, Any]) -> Frames:
        if message.get("client_content", {}).get("turnComplete") or "tool_response" in message:
            return answers.pop() if answers else [sound("Yes."), COMPLETE]
        return []

    async with (
        served(tmp_path, script) as endpoint,
        EarshotModel(
            Endpoint("gemini-3.8-live", ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file),
            Voicing("Puck"),
            listener=told,
        ) as model,
    ):
        session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        await session.start(Clerk(), session_host=False)
        try:
            async with asyncio.timeout(15):
                await session.say(f"Welcome {HALF}.")
                session.generate_reply(user_input=f"look it up {HALF}")
                await endpoint.until(lambda: bool(endpoint.tool_responses))
        finally:
            await session.aclose()
    assert [each["response"] for each in endpoint.tool_responses] == [{"output": "a page that was cut \ufffd"}]
    assert "Welcome \ufffd." in str(endpoint.of("client_content"))
    assert [event.kind for event in told.events] == [Kind.CONNECTED]


@pytest.mark.parametrize("broken", [json.dumps(HALF).encode(), b'"\xed\xa0\xbd"', b'"\xff"'])
def test_a_broken_character_costs_no_sound_and_no_other_words(broken: bytes) -> None:
    """In the words, in a field that nobody reads, and in the name of one."""
    frame = json.dumps(voice(0.2, "Well, ") | {"new": "?"}).encode()
    for place, words in ((b'"Well, "', "\ufffd"), (b'"?"', "Well, "), (b'"new"', "Well, ")):
        received = read(frame.replace(place, broken))
        assert len(received.pcm) == 9600
        assert received.words.strip("\ufffd") == words.strip("\ufffd")
        assert received.unreadable == ["characters that are no Unicode"]


@settings(deadline=None)
@given(words=TEXT)
def test_no_frame_of_json_is_lost_for_its_text(words: str) -> None:
    received = read(json.dumps({"serverContent": {"outputTranscription": {"text": words}}, words: words}).encode())
    from_json(json.dumps(received.words))
    assert len(received.words) <= len(words)


@pytest.mark.parametrize(
    ("text", "data"),
    [("", b""), ("AAA=", bytes(2)), ("AAA", bytes(2)), ("AA", bytes(1)), ("_-8=", b"\xff\xef"), ("_-8", b"\xff\xef")],
)
def test_base64_is_read_in_both_alphabets_padded_or_not(text: str, data: bytes) -> None:
    assert from_base64(text) == data


@pytest.mark.parametrize("text", ["!!", "AA!!AA==", "AA==AA==", "AA AA", "A", "AA=A", "====", "AAA==", "\u20ac" * 4])
def test_what_is_no_base64_is_no_noise(text: str) -> None:
    part = {"inlineData": {"mimeType": "audio/pcm", "data": text}}
    received = read(json.dumps({"serverContent": {"modelTurn": {"parts": [part]}}}).encode())
    assert (received.pcm, received.unreadable) == (b"", ["inlineData.data"])
