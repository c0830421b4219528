"""A form over several turns: what is missing is asked for, and nothing is booked before all is there."""

from typing import Any

import pytest
from livekit.agents import llm

from examples.booking import BookingDesk
from testing import RecordingCall, StartCall
from testing.scripted_call import PERSONA

SCRIPT = """
think_ms = 0

[[typed]]
matches = "table for four"
calls = [{ name = "fill_in", args = { guests = 4, day = "Friday" } }]
says = "{fill_in}"

[[typed]]
matches = "Ada"
calls = [{ name = "fill_in", args = { name = "Ada", time = "19:30" } }]
says = "{fill_in}"

[[typed]]
matches = "five of us"
calls = [{ name = "fill_in", args = { guests = 5 } }]
says = "{fill_in}"

[[typed]]
matches = "Yes"
calls = [{ name = "book" }]
says = "{book}"
"""


async def test_a_table_is_booked_over_several_turns(earshot_call: StartCall) -> None:
    async with earshot_call(BookingDesk, SCRIPT) as call:
        await call.say("A table for four on Friday, please.")
        filled = await call.expect_tool("fill_in", guests=4)
        assert filled.output == "Noted. Ask for: name, time."
        await call.hear("Ask for: name, time")
        await call.say("Ada, at half past seven.")
        assert (await call.expect_tool("fill_in", name="Ada")).arguments["time"] == "19:30"
        await call.hear("Everything is there")
        await call.say("No, wait: five of us.")
        await call.hear("5 people")
        assert call.control.attributes == {"booking": "Friday, 19:30, 5 people"}
        await call.say("Yes.")
        assert (await call.expect_tool("book")).output == "The table is booked for Ada."
        await call.hear("booked for Ada")


def desk() -> Any:
    return BookingDesk(PERSONA, RecordingCall())


async def test_what_is_incomplete_is_not_booked() -> None:
    with pytest.raises(llm.ToolError, match="Ask for: name, guests, day, time"):
        await desk().book()


@pytest.mark.parametrize("guests", [0, 13])
async def test_a_table_has_so_many_places(guests: int) -> None:
    agent = desk()
    with pytest.raises(llm.ToolError, match="1 to 12 people"):
        await agent.fill_in(guests=guests)
    assert agent.booking.guests is None
