"""Workers as processes: sharing, draining, waiting for LiveKit, giving up."""

import asyncio
import os
import re
import signal
import sys

import pytest

from caller import AgentSilent, AgentSound, AgentTrack, Left, NotHeardError, RoomEvent
from demo.parts import Part, Program, running
from tests.e2e.stack import Gemini, Sfu, sharing_worker, worker, worker_environment
from tests.ports import free_port


def calls_started(part: Part) -> int:
    return sum('"call started"' in line for line in part.lines)


@pytest.mark.long
async def test_two_workers_on_one_machine_share_the_calls_and_the_full_ones_refuse(server: Sfu, model: Gemini) -> None:
    """One place each: two callers get an agent each, from different workers; the third waits in vain."""
    name = {"AGENT_NAME": "sharer", "CALLS_PER_WORKER": "1"}
    async with (
        worker(server, model, name="one", **name) as one,
        sharing_worker(server, model, name="two", **name) as two,
    ):
        async with server.caller("share-1", agent_name="sharer") as first:
            await first.first(AgentSound, within_s=15)
            async with server.caller("share-2", agent_name="sharer") as second:
                await second.first(AgentSound, within_s=15)
                assert (calls_started(one), calls_started(two)) == (1, 1)
                async with server.caller("share-3", agent_name="sharer") as third:
                    with pytest.raises(NotHeardError):
                        await third.first(AgentTrack, within_s=3)
        for part in (one, two):
            await part.says('"process exiting"', within_s=20)
        async with server.caller("share-4", agent_name="sharer") as fourth:
            await fourth.first(AgentSound, within_s=15)


@pytest.mark.long
async def test_sigterm_lets_the_call_finish_and_exits_0(server: Sfu, model: Gemini) -> None:
    async with worker(server, model, AGENT_NAME="drainer") as part:
        async with server.caller("drain-1", agent_name="drainer") as caller:
            await caller.first(AgentSilent, within_s=15)
            part.signal(signal.SIGTERM)
            await part.says("draining worker")
            async with server.caller("drain-2", agent_name="drainer") as late:
                with pytest.raises(NotHeardError):
                    await late.first(AgentTrack, within_s=3)
            mark = len(caller.log)
            await caller.send_text("still there?")
            await caller.first(AgentSilent, since=mark, within_s=15)
        async with asyncio.timeout(20):
            assert await part.ended() == 0


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_to_the_whole_group_lets_the_call_finish_and_exits_0(
    server: Sfu, model: Gemini, number: signal.Signals
) -> None:
    """A service manager's stop, Ctrl-C, and timeout(1), which signals the worker and then its group."""
    name = f"group-{number.name.lower()}"
    async with worker(server, model, AGENT_NAME=name) as part:
        async with server.caller(name, agent_name=name) as caller:
            await caller.first(AgentSilent, within_s=15)
            part.signal(number)
            os.killpg(part.pid, number)
            await part.says("draining worker")
            mark = len(caller.log)
            await caller.send_text("still there?")
            await caller.first(AgentSilent, since=mark, within_s=15)
            assert not any(isinstance(event, Left) for event in caller.log)
        await part.says("call ended: the caller left")
        async with asyncio.timeout(20):
            assert await part.ended() == 0


@pytest.mark.long
async def test_a_second_signal_ends_the_calls_politely_in_seconds(server: Sfu, model: Gemini) -> None:
    """Each call tells its room and writes its last line; the exit code says that nothing was lost."""
    async with (
        worker(server, model, AGENT_NAME="hurried") as part,
        server.caller("hurried-1", agent_name="hurried") as caller,
    ):
        await caller.first(AgentSilent, within_s=15)
        os.killpg(part.pid, signal.SIGTERM)
        await part.says("draining worker")
        mark = len(caller.log)
        await caller.send_text("still there?")
        await caller.first(AgentSilent, since=mark, within_s=15)
        os.killpg(part.pid, signal.SIGTERM)
        ended = await caller.first(RoomEvent, within_s=5, where=lambda event: event.body["type"] == "call_ended")
        assert ended.body["reason"] == "shut_down"
        async with asyncio.timeout(8):
            assert await part.ended() == 0
        await part.says("call ended: the worker is shutting down")


@pytest.mark.long
async def test_a_call_that_outlives_the_drain_is_left_to_another_worker(server: Sfu, model: Gemini) -> None:
    """The agent says why and goes; the caller stays in the room, which is not deleted."""
    async with (
        worker(server, model, AGENT_NAME="hasty", DRAIN_TIMEOUT_S="1") as part,
        server.caller("hasty-1", agent_name="hasty") as caller,
    ):
        await caller.first(AgentSilent, within_s=15)
        part.signal(signal.SIGTERM)
        # for 20 s another process might have come
        ended = await caller.first(RoomEvent, within_s=40, where=lambda event: event.body["type"] == "call_ended")
        assert ended.body["reason"] == "shut_down"
        async with asyncio.timeout(20):
            assert await part.ended() == 0
        assert await server.participants("hasty-1") == ["caller"]


@pytest.mark.long
async def test_a_worker_waits_for_livekit_and_says_so(server: Sfu, model: Gemini) -> None:
    port = free_port()
    environment = worker_environment(Sfu(f"ws://127.0.0.1:{port}"), model, AGENT_NAME="waiter")
    program = Program("waiter", [sys.executable, "agent.py", "start"], environment, re.compile('"registered worker"'))
    async with running(program) as part:
        await part.says(f"no LiveKit at ws://127.0.0.1:{port} yet")
        await part.says("failed to connect to livekit, retrying")
        target = server.url.rpartition(":")[2]
        forward = await asyncio.start_server(lambda reader, writer: pipe(reader, writer, int(target)), "127.0.0.1", port)
        async with forward:
            await part.ready()
            part.signal(signal.SIGTERM)
            async with asyncio.timeout(20):
                assert await part.ended() == 0


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """One connection through to a port of this machine."""
    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        finally:
            target.close()

    await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer), return_exceptions=True)


@pytest.mark.long
async def test_a_worker_that_gives_up_exits_1(model: Gemini) -> None:
    nowhere = Sfu(f"ws://127.0.0.1:{free_port()}")
    environment = worker_environment(nowhere, model, LIVEKIT_CONNECT_RETRIES="1")
    program = Program("loser", [sys.executable, "agent.py", "start"], environment, re.compile("never"))
    async with running(program) as part, asyncio.timeout(90):
        assert await part.ended() == 1


async def test_a_wrong_secret_is_one_sentence_and_exit_code_2(server: Sfu, model: Gemini) -> None:
    environment = worker_environment(server, model, LIVEKIT_API_SECRET="another-secret-that-is-long-enough-too")
    program = Program("refused", [sys.executable, "agent.py", "start"], environment, re.compile("never"))
    async with running(program) as part, asyncio.timeout(90):
        assert await part.ended() == 2
        said = await part.says("LIVEKIT_API_SECRET")
    assert said == f"LIVEKIT_API_SECRET is '***': {server.url} refuses it with key 'testkey'"


@pytest.mark.long
async def test_connect_joins_a_room_without_a_dispatch(server: Sfu, model: Gemini) -> None:
    environment = worker_environment(server, model)
    argv = [sys.executable, "agent.py", "connect", "--room", "connected", "--url", server.url]
    argv += ["--api-key", environment["LIVEKIT_API_KEY"], "--api-secret", environment["LIVEKIT_API_SECRET"]]
    async with running(Program("connect", argv, environment, re.compile("call started"))) as part:
        await part.ready()
        async with server.caller("connected", agent_name="nobody") as caller:
            await caller.first(AgentSound, within_s=15)
            await caller.first(AgentSilent, within_s=15)
            assert not any(isinstance(event, Left) for event in caller.log)
