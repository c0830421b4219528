"""A room that existed before its caller's token gets its agent, and never two."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit import api
from livekit.protocol.agent import Job, JobState, JobStatus

import tickets
from agent.room.other_agents import ENDING_ATTRIBUTE
from caller import Caller
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, sfu, until
from tests.ports import free_port
from tests.token_server.program import UNLIMITED, TokenServerProcess, running_token_server
from token_server.dispatches import (
    ANSWERS_WITHIN_S,
    ENDING,
    JOINED_WITHIN_S,
    LARGEST_SKEW_S,
    LAUNCHED_WITHIN_S,
    PendingDispatches,
    absent,
    missing,
)

PAIR = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
NOW_S = 1_790_000_000.0
OURS = api.RoomAgentDispatch(agent_name="earshot")


def agent(name: str, **attributes: str) -> api.ParticipantInfo:
    return api.ParticipantInfo(kind=api.ParticipantInfo.Kind.AGENT, attributes={"lk.agent_name": name} | attributes)


def dispatched(name: str, age_s: float, *jobs: int) -> api.AgentDispatch:
    """A dispatch of that age, by a LiveKit whose clock is behind this machine's by the largest allowed difference."""
    made = api.AgentDispatch(id=f"{name} {age_s}", agent_name=name)
    made.state.created_at = int((NOW_S - LARGEST_SKEW_S - age_s) * 1e9)
    made.state.jobs.extend(Job(state=JobState(status=status)) for status in jobs)  # type: ignore[arg-type]
    return made


def needs(*listed: api.AgentDispatch) -> bool:
    return missing([OURS], [], PendingDispatches().agent_names(listed, 0, NOW_S)) == [OURS]


def test_a_room_needs_an_agent_that_is_not_on_its_way() -> None:
    assert needs()
    assert needs(dispatched("", 1), dispatched("other", 1))
    assert not needs(dispatched("earshot", 1))
    assert not needs(dispatched("earshot", LAUNCHED_WITHIN_S + 1, JobStatus.JS_RUNNING))
    assert not needs(dispatched("earshot", 60), dispatched("earshot", 1))


def test_a_dispatch_whose_agent_did_not_come_or_has_gone_counts_no_longer() -> None:
    """livekit-server keeps it, and calls its job running, also after the agent's process has died."""
    assert needs(dispatched("earshot", LAUNCHED_WITHIN_S + 1)), "no worker took it"
    assert needs(dispatched("earshot", JOINED_WITHIN_S + 1, JobStatus.JS_RUNNING))
    assert needs(dispatched("earshot", 1, JobStatus.JS_SUCCESS)), "the worker refused it for good"
    assert needs(dispatched("earshot", 1, JobStatus.JS_FAILED))
    assert not needs(dispatched("earshot", 1, JobStatus.JS_FAILED, JobStatus.JS_RUNNING))


def test_a_person_who_calls_itself_an_agent_is_none() -> None:
    """A caller may write attributes, but livekit-server gives the kind."""
    assert absent([OURS], [api.ParticipantInfo(identity="mallory", attributes={"lk.agent_name": "earshot"})]) == [OURS]
    assert absent([OURS], [agent("other")]) == [OURS]
    assert absent([OURS], [api.ParticipantInfo(identity="alice"), agent("earshot")]) == []


def test_an_agent_that_is_about_to_leave_is_waited_for_and_then_replaced() -> None:
    """Two at once would speak with two voices. The attribute is the worker's own."""
    assert ENDING == ENDING_ATTRIBUTE
    leaving = agent("earshot", **{ENDING: "1"})
    assert absent([OURS], [leaving]) == [OURS]
    assert missing([OURS], [leaving], ()) == []
    assert missing([OURS], [], ()) == [OURS]
    assert absent([OURS], [leaving, agent("earshot")]) == []


@pytest.mark.parametrize("ahead_s", [-LARGEST_SKEW_S, -9, 0, 9, LARGEST_SKEW_S])
@pytest.mark.parametrize(("jobs", "within_s"), [((), LAUNCHED_WITHIN_S), ((JobStatus.JS_RUNNING,), JOINED_WITHIN_S)])
def test_the_age_of_a_dispatch_does_not_depend_on_the_difference_of_two_clocks(
    ahead_s: float, jobs: tuple[int, ...], within_s: float
) -> None:
    pending, made = PendingDispatches(), dispatched("earshot", -LARGEST_SKEW_S, *jobs)
    for passed_s in (0.0, within_s - 1):
        assert pending.agent_names([made], passed_s, NOW_S + ahead_s + passed_s) == {"earshot"}
    assert pending.agent_names([made], within_s, NOW_S + ahead_s + within_s) == set()


def test_the_oldest_dispatches_are_forgotten_when_there_are_too_many() -> None:
    pending, made = PendingDispatches(most=2), [dispatched(name, -LARGEST_SKEW_S) for name in "abc"]
    assert pending.agent_names(made, 0, NOW_S) == set("abc")
    assert pending.agent_names(made[1:], LAUNCHED_WITHIN_S, NOW_S) == set()
    assert pending.agent_names(made[:1], LAUNCHED_WITHIN_S, NOW_S) == {"a"}, "seen for the first time again"


@given(st.lists(st.sampled_from("abc"), unique=True), st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_each_agent_of_the_token_that_is_neither_there_nor_coming_is_dispatched_once(
    wanted: list[str], there: list[str], coming: list[str]
) -> None:
    lacking = absent([api.RoomAgentDispatch(agent_name=name) for name in wanted], [agent(name) for name in there])
    needed = missing(lacking, [], coming)
    assert [dispatch.agent_name for dispatch in needed] == [name for name in wanted if name not in there + coming]


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[Sfu]:
    async with sfu() as running:
        yield running


@pytest.fixture(scope="module")
async def giving(server: Sfu) -> AsyncIterator[TokenServerProcess]:
    async with running_token_server(LIVEKIT_URL=server.url, **PAIR, **UNLIMITED) as running:
        yield running


@pytest.fixture
def room() -> str:
    return f"room-{secrets.token_hex(4)}"


async def make(server: Sfu, room: str) -> None:
    async with server.api() as livekit:
        await livekit.room.create_room(api.CreateRoomRequest(name=room, empty_timeout=300))


async def dispatches(server: Sfu, room: str) -> list[api.AgentDispatch]:
    async with server.api() as livekit:
        return [one for one in await livekit.agent_dispatch.list_dispatch(room) if one.agent_name]


async def token(giving: TokenServerProcess, room: str, metadata: str = "") -> str:
    body = {"room_name": room, "room_config": {"agents": [{"metadata": metadata}]}}
    answer = await giving.ask(body=json.dumps(body).encode())
    assert answer.status == 201
    return str(answer.content["participant_token"])


async def test_a_room_that_was_made_before_gets_the_tokens_dispatch(server: Sfu, giving: TokenServerProcess, room: str) -> None:
    """The dispatch has the token's metadata and ticket."""
    await make(server, room)
    claims = jwt.decode(await token(giving, room, "no JSON"), API_SECRET, algorithms=["HS256"])
    [made] = await dispatches(server, room)
    assert (made.agent_name, made.metadata) == ("earshot", "no JSON")
    [in_token] = claims["roomConfig"]["agents"]
    assert made.attributes[tickets.ATTRIBUTE] == in_token["attributes"][tickets.ATTRIBUTE]


async def test_many_tokens_for_one_room_bring_one_agent(server: Sfu, giving: TokenServerProcess, room: str) -> None:
    await make(server, room)
    await asyncio.gather(*(token(giving, room) for _ in range(20)))
    assert len(await dispatches(server, room)) == 1


async def test_a_room_that_is_made_after_the_token_gets_its_agent_too(
    server: Sfu, giving: TokenServerProcess, room: str
) -> None:
    await token(giving, room)
    await make(server, room)

    async def has_one() -> bool:
        return len(await dispatches(server, room)) == 1

    await until(has_one)


async def test_a_room_that_the_caller_opens_keeps_the_one_dispatch_that_it_has(
    server: Sfu, giving: TokenServerProcess, room: str
) -> None:
    first = await token(giving, room)
    async with Caller(server.url, first):
        await token(giving, room)
        assert len(await dispatches(server, room)) == 1


async def test_a_dispatch_that_no_worker_took_is_made_once_more(server: Sfu, giving: TokenServerProcess, room: str) -> None:
    """A worker may have started meanwhile; livekit-server itself never tries again. Then it is enough."""
    async with Caller(server.url, await token(giving, room)):

        async def are_two() -> bool:
            return len(await dispatches(server, room)) == 2

        await until(are_two, within_s=LAUNCHED_WITHIN_S + 10)
        await giving.part.says(f"agent 'earshot' is dispatched into room '{room}'")


async def test_a_livekit_that_does_not_answer_holds_no_token_up(room: str) -> None:
    """Nobody listens at one port; at the other a server takes connections and says nothing."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with silent:
        for port in (free_port(), silent.sockets[0].getsockname()[1]):
            async with running_token_server(LIVEKIT_URL=f"ws://127.0.0.1:{port}", **PAIR, **UNLIMITED) as running:
                async with asyncio.timeout(ANSWERS_WITHIN_S + 2):
                    await asyncio.gather(*(token(running, room) for _ in range(5)))
                async with asyncio.timeout(1):
                    await token(running, "another")
                assert sum("LiveKit didn't say" in line for line in running.part.lines) <= 1
