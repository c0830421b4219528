"""Each caller is greeted once, and one who asks for something at once gets an answer instead."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agent.call.greeter import Greeter


class Spoken:
    """Counts greetings; each goes on until it is told to end."""

    def __init__(self) -> None:
        self.begun = self.whole = 0
        self.ends = asyncio.Event()

    async def greet(self) -> None:
        self.begun += 1
        await self.ends.wait()
        self.whole += 1


@pytest.fixture
async def spoken() -> Spoken:
    return Spoken()


@pytest.fixture
async def greeter(spoken: Spoken) -> AsyncIterator[Greeter]:
    made = Greeter(spoken.greet)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.wait({running})


async def turn() -> None:
    """Let every task run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_first_caller_is_greeted_once(greeter: Greeter, spoken: Spoken) -> None:
    await turn()
    greeter.begins(["first", "there as well"])
    spoken.ends.set()
    await turn()
    for identity in ("first", "there as well"):
        greeter.caller_came(identity)
        await turn()
    assert (spoken.begun, spoken.whole) == (1, 1)


async def test_who_comes_later_is_greeted_anew(greeter: Greeter, spoken: Spoken) -> None:
    """The greeting of the caller before ends."""
    await turn()
    greeter.begins(["first"])
    greeter.caller_came("second")
    await turn()
    spoken.ends.set()
    await turn()
    assert (spoken.begun, spoken.whole) == (2, 1)


async def test_who_asks_for_something_isnt_greeted(greeter: Greeter, spoken: Spoken) -> None:
    greeter.skip(["first"])
    await turn()
    greeter.begins(["first"])
    greeter.caller_came("second")
    greeter.skip(["first", "second"])
    await turn()
    spoken.ends.set()
    await turn()
    assert spoken.whole == 0


async def test_who_typed_first_isnt_greeted_when_they_come_back(greeter: Greeter, spoken: Spoken) -> None:
    """Somebody who has joined since is greeted, once they are the caller."""
    spoken.ends.set()
    greeter.skip(["typist"])
    await turn()
    greeter.skip(["typist", "later"])
    greeter.caller_came("typist")
    await turn()
    assert spoken.whole == 0
    greeter.caller_came("later")
    await turn()
    assert spoken.whole == 1


async def test_a_caller_who_interrupts_nothing_hears_the_greeting_that_has_begun(greeter: Greeter, spoken: Spoken) -> None:
    """Before it has begun, what they ask for takes its place."""
    await turn()
    greeter.begins(["first"])
    greeter.skip(["first"], interrupts=False)
    await turn()
    spoken.ends.set()
    await turn()
    assert spoken.whole == 1
    greeter.caller_came("second")
    greeter.skip(["second"], interrupts=False)
    await turn()
    assert spoken.whole == 1
