"""Agents that take turns in one call, and what is said without asking the model: one conversation with Gemini throughout."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, AgentSession, AgentTask, function_tool, llm

from agent.gemini import ApiKey, EarshotModel, Endpoint, ModelListener, Voicing
from agent.gemini.events import Kind
from tests.agent.gemini.listening import Told
from tests.agent.gemini.wire import COMPLETE, Frames, Wire, call, sound, wire
from tests.e2e.stack import until

MODEL = "gemini-3.8-live"
HANDLE: dict[str, Any] = {"sessionResumptionUpdate": {"newHandle": "h1", "resumable": True}}


def model_at(endpoint: Wire, listener: ModelListener | None = None, name: str = MODEL) -> EarshotModel:
    where = Endpoint(name, ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file)
    return EarshotModel(where, Voicing("Puck"), listener=listener)


class NameTask(AgentTask[str]):
    """Asks for a name, and ends when the model has it."""

    def __init__(self) -> None:
        super().__init__(instructions="Ask for the name.")

    async def on_enter(self) -> None:
        self.session.generate_reply(instructions="ask for the name")

    @function_tool
    async def save_name(self, spoken: str) -> str:
        """Save the name."""
        self.complete(spoken)
        return "Saved."


class Clerk(Agent):
    def __init__(self, task: type[NameTask] = NameTask) -> None:
        super().__init__(instructions="You are a clerk.")
        self._task = task

    @function_tool
    async def ask_for_a_name(self) -> str:
        """Ask the caller for a name."""
        return f"The name is {await self._task()}."


ANSWERS: dict[str, Frames] = {
    "ask me": [call("ask_for_a_name", "call_1"), COMPLETE, HANDLE],
    "ask for the name": [sound("What is your name?"), COMPLETE, HANDLE],
    "I am Bob": [call("save_name", "call_2", spoken="Bob"), COMPLETE, HANDLE],
}


class Script:
    """Answers by what was written last, which comes before the message that wants an answer."""

    def __init__(self) -> None:
        self._words = ""

    def __call__(self, message: dict[str, Any]) -> Frames:
        content = message.get("client_content", {})
        self._words += str(content.get("turns") or "")
        if not content.get("turnComplete"):
            return []
        words, self._words = self._words, ""
        return next((answer for asked, answer in ANSWERS.items() if asked in words), [sound("Yes."), COMPLETE])


async def test_what_a_tool_asked_another_agent_for_reaches_gemini(tmp_path: Path) -> None:
    """The call is answered in the session that made it; however long the caller has thought, it is not given up."""
    told = Told()
    async with wire(tmp_path, Script()) as endpoint, model_at(endpoint, told) as model:
        session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        await session.start(Clerk(), session_host=False)
        try:
            session.generate_reply(user_input="ask me")
            await until(lambda: isinstance(session.current_agent, NameTask))
            await until(lambda: "ask for the name" in str(endpoint.of("client_content")))
            await until(lambda: session.current_speech is None)
            session.generate_reply(user_input="I am Bob")
            await until(lambda: isinstance(session.current_agent, Clerk))
            assert await endpoint.until(lambda: any(each["id"] == "call_1" for each in endpoint.tool_responses))
        finally:
            await session.aclose()
    written = [
        part["text"] for each in endpoint.of("client_content") for turn in each.get("turns") or [] for part in turn["parts"]
    ]
    assert [sum(words in text for text in written) for words in ("ask me", "I am Bob")] == [1, 1], "nothing is told twice"
    results = {each["id"]: each["response"] for each in endpoint.tool_responses}
    assert results["call_1"] == {"output": "The name is Bob."}
    asked = [*endpoint.of("setup"), *endpoint.of("contextUpdate")]
    assert len(endpoint.of("setup")) == 1, "one connection, told twice of other tools"
    assert [each["systemInstruction"]["parts"][0]["text"] for each in asked] == [
        "You are a clerk.",
        "Ask for the name.",
        "You are a clerk.",
    ]
    assert [event.kind for event in told.events] == [Kind.CONNECTED]


class OtherVoice(NameTask):
    voice = "Kore"


async def test_a_task_has_its_own_voice_and_the_agent_that_comes_back_its_own_again(tmp_path: Path) -> None:
    async with wire(tmp_path, Script()) as endpoint, model_at(endpoint) as model:
        session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        await session.start(Clerk(OtherVoice), session_host=False)
        try:
            session.generate_reply(user_input="ask me")
            await until(lambda: "ask for the name" in str(endpoint.of("client_content")))
            await until(lambda: session.current_speech is None)
            session.generate_reply(user_input="I am Bob")
            assert await endpoint.until(lambda: any(each["id"] == "call_1" for each in endpoint.tool_responses))
            assert await endpoint.until(lambda: len(endpoint.of("setup")) == 3)
        finally:
            await session.aclose()
    speech = [setup["generationConfig"]["speechConfig"] for setup in endpoint.of("setup")]
    assert [each["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] for each in speech] == ["Puck", "Kore", "Puck"]
    kinds = [next(iter(message)) for message in endpoint.received]
    asked = next(at for at, message in enumerate(endpoint.received) if "ask for the name" in str(message))
    assert kinds[:asked].count("setup") == 2, "the task's first words are in its own voice"


async def test_an_answer_that_begins_between_two_agents_is_for_the_second(tmp_path: Path) -> None:
    """LiveKit drops it for the first."""

    def answers(message: dict[str, Any]) -> Frames:
        return [sound("Yes?"), COMPLETE] if message.get("client_content", {}).get("turnComplete") else []

    first: list[llm.GenerationCreatedEvent] = []
    second: list[llm.GenerationCreatedEvent] = []
    async with wire(tmp_path, answers) as endpoint, model_at(endpoint) as model:
        session = model.session()
        session.on("generation_created", first.append)
        session.generate_reply(instructions="Say yes.").cancel()
        await until(lambda: len(first) == 1)
        session.off("generation_created", first.append)
        session.on("generation_created", second.append)
        await until(lambda: len(second) == 1)
        [message] = [each async for each in second[0].message_stream]
        assert "".join([words async for words in message.text_stream]) == "Yes?"
        session.on("generation_created", first.append)
        await session.aclose()
    assert len(first) == 1, "it was taken"
    assert first[0].response_id == second[0].response_id


OLDER = ["gemini-3.1-flash-live-preview", "gemini-2.5-flash-native-audio-preview-12-2025"]


@pytest.mark.parametrize("name", OLDER)
async def test_older_models_get_a_connection_for_each_agent(tmp_path: Path, name: str) -> None:
    """The calls of the session before are forgotten by then: the result is told in words."""
    told = Told()
    async with wire(tmp_path, Script()) as endpoint, model_at(endpoint, told, name) as model:
        session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        await session.start(Clerk(), session_host=False)
        try:
            session.generate_reply(user_input="ask me")
            await until(lambda: isinstance(session.current_agent, NameTask))
            await until(lambda: "ask for the name" in str(endpoint.received))
            await until(lambda: session.current_speech is None)
            session.generate_reply(user_input="I am Bob")
            await until(lambda: isinstance(session.current_agent, Clerk))
            assert await endpoint.until(lambda: "The name is Bob." in str(endpoint.received))
        finally:
            await session.aclose()
    instructions = [setup["systemInstruction"]["parts"][0]["text"] for setup in endpoint.of("setup")]
    assert instructions == ["You are a clerk.", "Ask for the name.", "You are a clerk."]
    assert endpoint.of("contextUpdate") == []
    assert {event.kind for event in told.events} <= {Kind.CONNECTED, Kind.HANDED_OVER}


async def test_say_has_the_model_say_it(tmp_path: Path) -> None:
    """Without a TTS there is no other voice to say it with."""

    def answers(message: dict[str, Any]) -> Frames:
        return [sound("Welcome."), COMPLETE] if message.get("client_content", {}).get("turnComplete") else []

    async def pieces() -> Any:
        for piece in ("Good", "bye."):
            yield piece

    async with wire(tmp_path, answers) as endpoint, model_at(endpoint) as model:
        session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        await session.start(Agent(instructions="Be brief."), session_host=False)
        try:
            async with asyncio.timeout(10):
                await session.say('Welcome to "Earshot".')
                await session.say(pieces())
        finally:
            await session.aclose()
    asked = [content["turns"][0]["parts"][0]["text"] for content in endpoint.of("client_content") if content["turnComplete"]]
    assert ["word for word" in text for text in asked] == [True, True]
    assert 'Welcome to "Earshot".' in asked[0]
    assert "Goodbye." in asked[1]


async def test_a_hand_over_that_livekit_gives_up_is_told_at_once(tmp_path: Path) -> None:
    """The caller has interrupted the turn: no agent will come that the result could wait for."""
    calls: list[llm.GenerationCreatedEvent] = []
    script = Script()
    async with wire(tmp_path, script) as endpoint, model_at(endpoint) as model:
        session = model.session()
        session.on("generation_created", calls.append)
        assert await asyncio.wait_for(model.connected(), 5)
        session.generate_reply(instructions="ask me")
        await until(lambda: bool(calls))
        session.functions.hands_over("call_1")
        chat = session.chat_ctx
        given_up = "the agent handoff was interrupted and did not happen"
        chat.insert(
            llm.FunctionCallOutput(
                call_id="call_1", name="ask_for_a_name", output=given_up, is_error=True, reply_required=False
            )
        )
        await session.update_chat_ctx(chat)
        assert await endpoint.until(lambda: bool(endpoint.tool_responses), within_s=3)
        assert [response["response"] for response in endpoint.tool_responses] == [{"error": given_up}]
        await asyncio.wait_for(session.aclose(), 5)


class Bills(Agent):
    def __init__(self) -> None:
        super().__init__(instructions="You do the bills.")


class Desk(Agent):
    """An agent of LiveKit's own class, whose tools say nothing to our session themselves."""

    def __init__(self) -> None:
        super().__init__(instructions="You are the desk.")

    @function_tool
    async def transfer(self) -> Agent:
        """Put the caller through to the bills."""
        return Bills()

    @function_tool
    async def look_up(self) -> str:
        """Look the caller's bill up."""
        return "It is open."


async def test_the_results_of_a_livekit_agents_calls_wait_for_the_agent_that_one_of_them_has_returned(tmp_path: Path) -> None:
    """Or the model would answer them by the instructions of the agent that leaves."""
    both = [{"id": "call_1", "name": "transfer", "args": {}}, {"id": "call_2", "name": "look_up", "args": {}}]

    def answers(message: dict[str, Any]) -> Frames:
        asked = message.get("client_content", {}).get("turnComplete")
        return [{"toolCall": {"functionCalls": both}}, COMPLETE, HANDLE] if asked else []

    async with wire(tmp_path, answers) as endpoint, model_at(endpoint) as model:
        session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        await session.start(Desk(), session_host=False)
        try:
            session.generate_reply(user_input="put me through")
            assert await endpoint.until(lambda: len(endpoint.tool_responses) == len(both))
            assert isinstance(session.current_agent, Bills)
        finally:
            await session.aclose()
    names = [next(iter(message)) for message in endpoint.received if "realtime_input" not in message]
    assert names.index("contextUpdate") < names.index("tool_response")
    [update] = endpoint.of("contextUpdate")
    assert update["systemInstruction"]["parts"][0]["text"] == "You do the bills."
    told = {each["id"]: each["response"] for each in endpoint.tool_responses}
    assert told == {"call_1": {"output": ""}, "call_2": {"output": "It is open."}}


class Broken(Clerk):
    """Has a tool that can't be declared."""

    @function_tool(raw_schema={"name": "tidy", "parameters": {"type": "object", "properties": {"items": {"type": "array"}}}})
    async def tidy(self, raw_arguments: dict[str, object]) -> str:
        return str(raw_arguments)


BAD_TOOL = "the model isn't told of a tool: parameter 'items' of the tool 'tidy' can't be declared to Gemini"


def names_in(setup: dict[str, Any]) -> list[str]:
    return [function["name"] for tool in setup.get("tools", []) for function in tool["functionDeclarations"]]


async def test_a_tool_that_cannot_be_declared_costs_nothing_but_itself(tmp_path: Path, caplog: Any) -> None:
    """The setup is sent with the other tools, and the log says which tool and which parameter it is."""
    told = Told()
    async with wire(tmp_path, lambda _: []) as endpoint, model_at(endpoint, told) as model:
        session: AgentSession[None] = AgentSession(llm=model, vad=None, user_away_timeout=None)
        try:
            await session.start(Broken(), session_host=False)
            assert await asyncio.wait_for(model.connected(), 5)
            assert [names_in(setup) for setup in endpoint.of("setup")] == [["ask_for_a_name"]]
        finally:
            await session.aclose()
    assert [event.kind for event in told.events] == [Kind.CONNECTED]
    [line] = [record.getMessage() for record in caplog.records if record.name == "earshot.link" and record.levelname != "INFO"]
    assert line.startswith(BAD_TOOL)


async def test_a_tool_that_cannot_be_declared_later_is_left_out_and_the_others_replace_the_old_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The other tools that were given with it are declared."""
    told = Told()
    async with wire(tmp_path, lambda _: []) as endpoint, model_at(endpoint, told) as model:
        session = model.session()
        await session.update_tools(llm.ToolContext(Clerk().tools).flatten())
        assert await asyncio.wait_for(model.connected(), 5)
        before = session.tools
        tidy = next(tool for tool in Broken().tools if isinstance(tool, llm.RawFunctionTool))
        await session.update_tools([*before.flatten(), tidy])
        assert session.tools == before
        await session.update_tools([tidy, *llm.ToolContext(NameTask().tools).flatten()])
        assert await endpoint.until(lambda: bool(endpoint.of("contextUpdate")))
        asked = [*endpoint.of("setup"), *(update["tools"] for update in endpoint.of("contextUpdate"))]
        assert [names_in(setup) for setup in asked] == [["ask_for_a_name"], ["save_name"]]
        await asyncio.wait_for(session.aclose(), 5)
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [line.startswith(BAD_TOOL) for line in lines] == [True, True]
    assert [event.kind for event in told.events] == [Kind.CONNECTED]


async def test_a_voice_that_gemini_does_not_have_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with wire(tmp_path, lambda _: []) as endpoint, model_at(endpoint) as model:
        session = model.session()
        session.update_options(voice="Nobody")
        assert await endpoint.until(lambda: bool(endpoint.of("setup")))
        await session.aclose()
    [setup] = endpoint.of("setup")
    assert setup["generationConfig"]["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"] == "Puck"
    [line] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert line == "Gemini has no voice named 'Nobody'; the agent speaks with Puck"
