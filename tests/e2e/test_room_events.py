"""When a caller's client gets the agent's first events, by a real livekit-server (docs/facts.md L40)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import rtc

from agent.room.room_events import TOPIC, RoomEvents
from tests.e2e.stack import Sfu, until
from tests.e2e.test_presence import joined, microphone

MARKER = "marker"
"""The topic of a text that the agent sends past its events."""


@asynccontextmanager
async def told(server: Sfu, name: str) -> AsyncIterator[tuple[rtc.Room, RoomEvents, list[str]]]:
    """An agent that has told an event as soon as it had joined, and what a caller in the room has noticed since."""
    noticed: list[str] = []

    async def read(reader: rtc.TextStreamReader) -> None:
        noticed.append(json.loads(await reader.read_all())["type"])

    def on_marker(reader: rtc.TextStreamReader, identity: str) -> None:
        del reader, identity
        noticed.append("marker")

    reading: set[asyncio.Task[None]] = set()

    def on_stream(reader: rtc.TextStreamReader, identity: str) -> None:
        del identity
        reading.add(asyncio.create_task(read(reader)))

    async with joined(server, name, "caller") as caller, asyncio.TaskGroup() as tasks:
        caller.register_text_stream_handler(TOPIC, on_stream)
        caller.register_text_stream_handler(MARKER, on_marker)
        async with joined(server, name, "agent") as agent:
            events = RoomEvents(agent)
            running = tasks.create_task(events.run())
            events.tell("first")
            await until(lambda: "agent" in caller.remote_participants)
            yield agent, events, noticed
            running.cancel()


async def test_the_first_events_wait_for_a_client_that_knows_the_agent(server: Sfu, room: str) -> None:
    async with told(server, room) as (agent, events, noticed):
        events.tell("second")
        await agent.local_participant.send_text("", topic=MARKER)
        await until(lambda: bool(noticed))
        await microphone(agent)
        await until(lambda: len(noticed) == 3)
        assert noticed[0] == "marker"
        assert set(noticed[1:]) == {"first", "second"}
        events.tell("third")
        await until(lambda: noticed[-1] == "third")


async def test_where_nobody_subscribes_the_first_events_come_all_the_same(server: Sfu, room: str) -> None:
    async with told(server, room) as (_, _, noticed):
        await until(lambda: noticed == ["first"])


async def test_the_last_events_of_a_call_wait_for_nobody(server: Sfu, room: str) -> None:
    async with told(server, room) as (_, events, noticed):
        events.tell("last")
        await events.flush()
        await until(lambda: noticed[-1:] == ["last"])
