"""Tools in LiveKit's framework: each runs as its options say, and each call is answered when its own tool is ready."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from google.genai import types
from livekit.agents import AgentSession, RunContext, function_tool, llm

from agent.gemini import ApiKey, EarshotModel, Endpoint, ToolOptionsError, Voicing, capabilities_of, live_config, tool_warnings
from agent.tools import ToolAgent, tool_options
from tests.agent.gemini.wire import COMPLETE, Frames, Wire, call, sound, wire
from tests.agent.loudspeaker import RATE_HZ, Loudspeaker

V3_8, V3_1, ET = "gemini-3.8-live", "gemini-3.1-flash-live-preview", "gemini-3.8-live-extended-thinking"
V2_5 = "gemini-2.5-flash-native-audio-preview-12-2025"


class Clerk(ToolAgent):
    """Its tools wait for what the test does."""

    def __init__(self) -> None:
        super().__init__(instructions="Use your tools.")
        self.began = asyncio.Event()
        self.ready = asyncio.Event()
        self.looked_up: list[str] = []
        self.cancelled: list[str] = []

    @function_tool
    async def quick(self) -> str:
        """Return at once."""
        return "quick"

    @function_tool
    @tool_options(behavior="non_blocking", scheduling="interrupt", timeout_s=60)
    async def slow(self) -> str:
        """Return when the test says."""
        return await self._wait("slow")

    @function_tool
    @tool_options(shielded=True)
    async def book(self) -> str:
        """Book a slot, whatever happens meanwhile."""
        return await self._wait("book")

    @function_tool
    @tool_options(scheduling="silent")
    async def note(self) -> str:
        """Note something."""
        return "noted"

    @function_tool
    async def nothing(self) -> None:
        """Return nothing."""

    @function_tool
    async def failing(self) -> str:
        """Fail."""
        raise LookupError("no such slot")

    @function_tool
    @tool_options(behavior="non_blocking", scheduling="interrupt")
    async def look_up(self) -> AsyncIterator[str]:
        """Look something up, and tell of the progress."""
        yield "Looking."
        await self.ready.wait()
        yield "Found it."

    @function_tool
    async def with_context(self, context: RunContext[None]) -> str:
        """Return the call's own name."""
        return context.function_call.name

    @function_tool
    async def reporting(self, context: RunContext[None]) -> str:
        """Report progress as LiveKit has it."""
        await context.update("half done")
        await self.ready.wait()
        return "reporting: the end"

    async def _wait(self, name: str) -> str:
        self.began.set()
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        self.looked_up.append(name)
        return name


Asked = Callable[[Frames], Any]


@asynccontextmanager
async def talking(
    folder: Path, frames: Frames, model: str = V3_8, speaker: Loudspeaker | None = None, about_results: Sequence[Any] = ()
) -> AsyncIterator[tuple[Wire, Clerk, AgentSession[None]]]:
    """A clerk's session in which the model answers the first typed turn with `frames`, and each result with `about_results`."""
    left = [frames]

    def script(message: dict[str, Any]) -> Frames:
        if "tool_response" in message:
            return list(about_results)
        asks = message.get("client_content", {}).get("turnComplete") or "text" in message.get("realtime_input", {})
        return left.pop() if left and asks else []

    async with wire(folder, script) as endpoint:
        where = Endpoint(model, ApiKey("key"), base_url=endpoint.url, ca_file=endpoint.ca_file)
        async with EarshotModel(where, Voicing("Puck")) as realtime:
            session: AgentSession[None] = AgentSession(llm=realtime, vad=None, user_away_timeout=None)
            if speaker is not None:
                session.output.audio = speaker
            clerk = Clerk()
            await session.start(clerk, session_host=False)
            try:
                session.generate_reply(user_input="Do it.")
                yield endpoint, clerk, session
            finally:
                await asyncio.wait_for(session.aclose(), 10)


def both(*names: str) -> dict[str, Any]:
    """One message with a call of each."""
    return {"toolCall": {"functionCalls": [{"id": f"call_{name}", "name": name, "args": {}} for name in names]}}


async def test_each_call_is_answered_when_its_tool_is_ready(tmp_path: Path) -> None:
    async with talking(tmp_path, [both("slow", "quick"), COMPLETE]) as (endpoint, clerk, _):
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 1)
        assert endpoint.tool_responses[0]["id"] == "call_quick", "the other one still runs"
        clerk.ready.set()
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 2)
        slow = endpoint.tool_responses[1]
        assert (slow["id"], slow["scheduling"], slow["response"]) == ("call_slow", "INTERRUPT", {"output": "slow"})
    assert len(endpoint.tool_responses) == 2, "LiveKit's copies are left out"


async def test_a_call_is_answered_while_the_voice_still_plays(tmp_path: Path) -> None:
    speaker = Loudspeaker()
    frames: Frames = [sound("One moment, please."), call("quick", "call_quick"), COMPLETE]
    async with talking(tmp_path, frames, speaker=speaker) as (endpoint, _, session):
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 1)
        assert session.current_speech is not None, "the voice hasn't ended"


@pytest.mark.parametrize(("name", "whole"), [("quick", True), ("slow", False)])
async def test_the_words_before_a_call_are_heard_whole_unless_the_result_is_to_interrupt(
    tmp_path: Path, name: str, whole: bool
) -> None:
    """The answer comes while they still play, since each result is told at once."""
    speaker, answer = Loudspeaker(), [sound("Done."), COMPLETE]
    frames: Frames = [*[sound("One moment.")] * 10, call(name, "call_1"), COMPLETE]
    async with talking(tmp_path, frames, speaker=speaker, about_results=answer) as (_, clerk, _session):
        await speaker.until(began=1)
        clerk.ready.set()
        await speaker.until(ended=2)
    words, done = (len(heard) / RATE_HZ for heard in speaker.heard)
    assert (words == pytest.approx(2.0, abs=0.05)) == whole
    assert done == pytest.approx(0.2, abs=0.05)


async def test_a_tool_that_knows_its_call_is_answered_once(tmp_path: Path) -> None:
    async with talking(tmp_path, [call("with_context", "call_1"), COMPLETE]) as (endpoint, _, session):
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 1)
        await endpoint.until(lambda: session.current_speech is None and len(endpoint.tool_responses) > 1, 0.3)
    assert [response["response"] for response in endpoint.tool_responses] == [{"output": "with_context"}]


async def test_a_tool_that_outlives_an_interruption_is_answered_once_by_its_own_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LiveKit answers such a call with words of its own, and tells the result as another call's (docs/facts.md L140)."""
    monkeypatch.setattr("livekit.agents.voice.speech_handle.INTERRUPTION_TIMEOUT", 0.1)
    frames: Frames = [sound("One moment."), call("slow", "call_1"), COMPLETE]
    async with talking(tmp_path, frames, speaker=Loudspeaker()) as (endpoint, clerk, session):
        await clerk.began.wait()
        released = asyncio.Event()
        session.on("tool_execution_updated", lambda event: released.set() if event.update.type == "tool_call_updated" else None)
        await session.interrupt()
        await asyncio.wait_for(released.wait(), 5)
        asked = len(endpoint.of("client_content"))
        clerk.ready.set()
        assert await endpoint.until(lambda: bool(endpoint.tool_responses))
        await endpoint.until(lambda: len(endpoint.of("client_content")) > asked or len(endpoint.tool_responses) > 1, 0.5)
        assert len(endpoint.of("client_content")) == asked, "nor in words, and no further reply is asked for"
    assert [response["response"] for response in endpoint.tool_responses] == [{"output": "slow"}]


async def test_progress_that_a_tool_reports_to_livekit_is_told_as_livekit_tells_it(tmp_path: Path) -> None:
    """`RunContext.update` is the call's result then; what the tool returns is told in words."""
    async with talking(tmp_path, [call("reporting", "call_1"), COMPLETE]) as (endpoint, clerk, _):
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 1)
        clerk.ready.set()
        assert await endpoint.until(lambda: "reporting: the end" in str(endpoint.of("client_content")))
    [response] = endpoint.tool_responses
    assert "half done" in response["response"]["output"]


async def test_what_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    async with talking(tmp_path, [call("failing", "call_1"), COMPLETE]) as (endpoint, _, _session):
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 1)
    assert endpoint.tool_responses[0]["response"] == {"error": "LookupError: no such slot"}


async def test_progress_is_told_when_it_comes_and_the_last_value_ends_the_call(tmp_path: Path) -> None:
    """Progress interrupts nobody; the result does, if the tool says so."""
    async with talking(tmp_path, [call("look_up", "call_1"), COMPLETE]) as (endpoint, clerk, _):
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 1)
        clerk.ready.set()
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 2)
    progress, result = endpoint.tool_responses
    assert progress == {"id": "call_1", "name": "look_up", "response": {"output": "Looking."}, "willContinue": True}
    assert result == {"id": "call_1", "name": "look_up", "response": {"output": "Found it."}, "scheduling": "INTERRUPT"}


async def test_where_a_model_takes_one_result_the_last_value_alone_is_told(tmp_path: Path) -> None:
    async with talking(tmp_path, [call("look_up", "call_1"), COMPLETE], V3_1) as (endpoint, clerk, _):
        clerk.ready.set()
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 1)
    assert endpoint.tool_responses == [{"id": "call_1", "name": "look_up", "response": {"output": "Found it."}}]


@pytest.mark.parametrize(("model", "scheduling"), [(V3_8, "SILENT"), (ET, "SILENT"), (V3_1, None), (V2_5, None)])
@pytest.mark.parametrize(("name", "told"), [("note", "noted"), ("nothing", "")])
async def test_a_silent_result_is_silent_where_the_model_does_not_wait(
    tmp_path: Path, model: str, scheduling: str | None, name: str, told: str
) -> None:
    async with talking(tmp_path, [call(name, "call_1"), COMPLETE], model) as (endpoint, _, _session):
        assert await endpoint.until(lambda: len(endpoint.tool_responses) == 1)
    [response] = endpoint.tool_responses
    assert (response["response"], response.get("scheduling")) == ({"output": told}, scheduling)


@pytest.mark.parametrize(
    ("model", "declared"),
    [
        (V3_8, {"quick": "NON_BLOCKING", "slow": "NON_BLOCKING"}),
        (ET, {"quick": "NON_BLOCKING", "slow": "NON_BLOCKING"}),
        (V3_1, {"quick": None, "slow": None}),
        (V2_5, {"quick": None, "slow": "NON_BLOCKING"}),
    ],
)
async def test_a_tool_is_declared_as_its_options_say(tmp_path: Path, model: str, declared: dict[str, str | None]) -> None:
    async with talking(tmp_path, [], model) as (endpoint, _, _session):
        assert await endpoint.until(lambda: bool(endpoint.of("setup")))
        functions = endpoint.of("setup")[0]["tools"][0]["functionDeclarations"]
    found = {function["name"]: function for function in functions}
    assert {name: found[name].get("behavior") for name in declared} == declared
    assert "earshot" not in str(functions), "the model isn't told of the context"


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize(("model", "behavior"), [(V3_8, "BLOCKING"), (ET, "NON_BLOCKING"), (V2_5, None), (V3_1, None)])
def test_a_tool_that_the_model_is_to_wait_for_is_declared_so_where_it_would_not(
    model: str, behavior: str | None, above: bool
) -> None:
    """Whether the options stand above LiveKit's decorator or under it."""

    async def transfer() -> str:
        """Transfer the money."""
        return "done"

    options = tool_options(behavior="blocking")
    tool: Any = options(function_tool(transfer)) if above else function_tool(options(transfer))
    [made] = live_config(Voicing("Puck"), capabilities_of(model), None, llm.ToolContext([tool])).tools or []
    assert isinstance(made, types.Tool)
    [function] = made.function_declarations or []
    assert (function.behavior and function.behavior.value) == behavior


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"behavior": "async"}, "behavior = 'async': write blocking or non_blocking"),
        ({"scheduling": "later"}, "scheduling = 'later': write interrupt, when_idle or silent"),
        ({"behavior": "blocking", "scheduling": "silent"}, "scheduling = 'silent': the model waits for a blocking tool"),
        ({"behavior": ""}, "behavior = '': write blocking or non_blocking"),
        ({"timeout_s": "10"}, "timeout_s = '10': write a number of seconds above 0"),
        ({"timeout_s": 0}, "timeout_s = 0: write a number of seconds above 0"),
        ({"thread": True}, "thread = True: only a plain `def` runs in a thread"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_sentence(options: Any, sentence: str) -> None:
    async def look_up() -> str:
        """Look something up."""
        return ""

    with pytest.raises(ToolOptionsError) as refused:
        tool_options(**options)(look_up)
    assert f"tool_options of 'look_up': {sentence}" in str(refused.value)


@pytest.mark.parametrize(
    ("model", "warnings"),
    [
        (V3_8, []),
        (
            V3_1,
            [
                f"tool 'slow': behavior = \"non_blocking\" has no effect, since {V3_1} waits for every tool",
                f"tool 'note': scheduling has no effect, since {V3_1} waits for the tool",
                f"tool 'look_up': behavior = \"non_blocking\" has no effect, since {V3_1} waits for every tool",
                f"tool 'look_up': of its values the last one alone is told, since {V3_1} takes one result for a call",
            ],
        ),
        (V2_5, [f"tool 'note': scheduling has no effect, since {V2_5} waits for the tool; write behavior = \"non_blocking\""]),
        (
            ET,
            [
                f"tool 'slow': scheduling has no effect, since {ET} speaks about every result as soon as it can",
                f"tool 'note': scheduling has no effect, since {ET} speaks about every result as soon as it can",
                f"tool 'look_up': scheduling has no effect, since {ET} speaks about every result as soon as it can",
                f"tool 'look_up': of its values the last one alone is told, since {ET} takes one result for a call",
            ],
        ),
    ],
)
async def test_what_a_model_does_not_heed_is_a_warning(model: str, warnings: list[str]) -> None:
    found = sorted(tool_warnings(Clerk().tools, model, capabilities_of(model)))
    assert [one[: len(other)] for one, other in zip(found, sorted(warnings), strict=True)] == sorted(warnings)
