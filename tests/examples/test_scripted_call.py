"""The fixture for tests of one's own agents: what fails there says what there was instead, and the caller may be another."""

import pytest

from agent.assistant import Assistant
from emulator.errors import ScriptError
from testing import RecordingCall, StartCall

SCRIPT = """
think_ms = 0

[[typed]]
matches = "where"
calls = [{ name = "caller_location" }]
says = "Now I know."

[[typed]]
matches = "bye"
calls = [{ name = "hang_up" }]
says = "Goodbye."

[otherwise]
says = "That is all I know."
"""


async def test_an_answer_that_does_not_come_is_a_failure_that_shows_the_others(earshot_call: StartCall) -> None:
    async with earshot_call(Assistant, SCRIPT) as call:
        await call.say("Tell me more.")
        await call.hear("That is all")
        await call.say("And more?")
        with pytest.raises(
            AssertionError, match=r"no answer with 'elephants' within 2 s; the agent said: \['That is all I know"
        ):
            await call.hear("elephants", within_s=2)


async def test_a_tool_that_is_not_called_is_a_failure_that_shows_the_calls(earshot_call: StartCall) -> None:
    async with earshot_call(Assistant, SCRIPT) as call:
        await call.say("bye")
        await call.hear("Goodbye")
        assert call.control.hangs_up
        with pytest.raises(AssertionError, match=r"no result of local_time\(place='Tokyo'\).*ToolUse\(name='hang_up'"):
            await call.expect_tool("local_time", place="Tokyo", within_s=0.01)
        await call.expect_tool("hang_up")
        with pytest.raises(AssertionError):
            await call.expect_tool("hang_up", within_s=0.01)


async def test_the_caller_may_have_a_client_with_tools_or_none(earshot_call: StartCall) -> None:
    here = {"latitude": 52.5, "longitude": 13.4}
    control = RecordingCall(client_tools={"earshot.location": lambda _: here})
    async with earshot_call(Assistant, SCRIPT, control=control) as call:
        await call.say("where am I?")
        assert (await call.expect_tool("caller_location")).output == here
        control.client_tools.clear()
        await call.say("where am I now?")
        failed = await call.expect_tool("caller_location")
        assert failed.error is not None
        assert "doesn't offer earshot.location" in failed.error


async def test_a_script_with_a_mistake_is_refused_in_the_emulators_words(earshot_call: StartCall) -> None:
    with pytest.raises(ScriptError, match="unknown key"):
        async with earshot_call(Assistant, "[[typed]]\nmatchs = 'x'\n"):
            pytest.fail("the call began")


async def test_without_a_script_the_emulator_answers_by_itself(earshot_call: StartCall) -> None:
    async with earshot_call(Assistant) as call:
        await call.say("Please hang up.")
        await call.expect_tool("hang_up")
        assert await call.hear()


async def test_the_connection_breaks_and_the_agent_answers_all_the_same(earshot_call: StartCall) -> None:
    async with earshot_call(Assistant, SCRIPT) as call:
        with call.expecting("abrupt_1006:at=thinking"):
            await call.say("Tell me more.")
            await call.hear("That is all")
        await call.say("And more?")
        await call.hear("That is all")


async def test_faults_of_a_script_happen(earshot_call: StartCall) -> None:
    script = (
        SCRIPT
        + """
[[fault]]
name = "tool_response_ignored"
"""
    )
    async with earshot_call(Assistant, script) as call:
        [asked] = call.faults.report()
        assert asked["name"] == "tool_response_ignored"
