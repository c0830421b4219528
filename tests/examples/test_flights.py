"""A slow lookup: the model hears of the progress and of the result, and of a failure in the tool's own words."""

import functools

from examples.flights import FlightDesk
from testing import StartCall

SCRIPT = """
think_ms = 0

[[typed]]
matches = "Lisbon"
calls = [{ name = "find_flight", args = { city = "Lisbon" } }]
says = "{find_flight}"

[[typed]]
matches = "Atlantis"
calls = [{ name = "find_flight", args = { city = "Atlantis" } }]
says = "{find_flight}"
"""
PRICES = {"Northern": 190, "Halcyon": 120}


async def price_of(airline: str, city: str) -> int | None:
    return PRICES.get(airline) if city == "Lisbon" else None


async def test_the_cheapest_flight_is_told_after_the_progress(earshot_call: StartCall) -> None:
    async with earshot_call(functools.partial(FlightDesk, price_of=price_of), SCRIPT) as call:
        await call.say("I want to fly to Lisbon.")
        found = await call.expect_tool("find_flight", city="Lisbon")
        assert found.progress[-1] == "3 of 3 airlines have answered."
        assert found.output == "The cheapest flight to Lisbon is Halcyon's, for 120 euros."
        await call.hear("120 euros")


async def test_where_nobody_flies_the_model_is_told_so(earshot_call: StartCall) -> None:
    async with earshot_call(functools.partial(FlightDesk, price_of=price_of), SCRIPT) as call:
        await call.say("I want to fly to Atlantis.")
        failed = await call.expect_tool("find_flight")
        assert failed.error == "No airline flies to Atlantis."
