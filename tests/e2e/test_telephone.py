"""The agent on the telephone: who calls, when it greets, keys both ways, and what it says into a silence."""

import pytest

from caller import AgentSound, AgentTrack, Caption, Key, NotHeardError, RoomEvent
from demo.parts import Part
from tests.e2e.conftest import GREETING
from tests.e2e.stack import Gemini, Sfu, worker

pytestmark = pytest.mark.sound

FROM = {"sip.phoneNumber": "+15550001111", "sip.trunkPhoneNumber": "+15550002222", "sip.callID": "SCL_1"}


def told_the_model(model: Gemini, since: int) -> str:
    """All texts that went to the model."""
    return str([line["message"] for line in model.lines()[since:] if "setup" not in line["message"]])


async def test_it_greets_once_the_call_is_answered_and_knows_who_calls(
    server: Sfu, model: Gemini, room: str, shared_worker: Part
) -> None:
    since = len(model.lines())
    async with server.telephone(room, FROM | {"sip.callStatus": "ringing"}) as caller:
        await caller.first(AgentTrack, within_s=15)
        with pytest.raises(NotHeardError):
            await caller.first(AgentSound, within_s=2)
        await caller.set_attributes({"sip.callStatus": "active"})
        await caller.first(Caption, within_s=10, where=lambda caption: caption.final and caption.text == GREETING)
        assert "on a telephone from +15550001111" in told_the_model(model, since)
        mark = len(caller.log)
        await caller.press("4")
        await caller.press("2")
        await caller.first(Key, since=mark, within_s=10, where=lambda key: key.digit == "1")
        await caller.first(Key, since=mark, within_s=5, where=lambda key: key.digit == "#")
        said = await caller.first(Caption, since=mark, within_s=10, where=lambda caption: caption.final)
        assert said.text == "Done: Pressed 1#."
    assert not any("+1555" in line for line in shared_worker.lines if '"name": "earshot' in line), "numbers stay out of the log"


@pytest.mark.long
@pytest.mark.usefixtures("shared_worker")
async def test_a_browser_can_not_pass_for_a_telephone(server: Sfu, model: Gemini, room: str) -> None:
    since = len(model.lines())
    async with server.caller(room) as caller:
        await caller.set_attributes(FROM)
        await caller.first(Caption, within_s=15, where=lambda caption: caption.final and caption.text == GREETING)
        mark = len(caller.log)
        await caller.press("7")
        await caller.send_text("good evening")
        said = await caller.first(Caption, since=mark, within_s=10, where=lambda caption: caption.final)
        assert said.text == "You wrote: good evening"
        await caller.quiet(for_s=2, within_s=15)
    assert "telephone" not in told_the_model(model, since)


@pytest.mark.long
async def test_into_a_silence_it_asks_once_and_then_ends(server: Sfu, model: Gemini, room: str) -> None:
    settings = {"AGENT_NAME": "asks", "STILL_THERE_S": "3", "CALLER_SILENCE_S": "6"}
    async with worker(server, model, **settings), server.telephone(room, FROM, agent_name="asks") as caller:
        ended = await caller.first(RoomEvent, within_s=40, where=lambda event: event.body["type"] == "call_ended")
        assert ended.body["reason"] == "silence"
        said = [event.text for event in caller.log if isinstance(event, Caption) and event.final]
        assert said == [GREETING, "Are you still there?", "Goodbye, and thank you for calling."]
