"""/api/calls: the operator starts, lists, looks at and ends calls, with a real livekit-server."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from livekit import api

import tickets
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, sfu
from tests.ports import free_port
from tests.test_architecture import ROOT
from tests.token_server.program import UNLIMITED, Answer, TokenServerProcess, running_token_server
from token_server.call_view import RoomFacts, call_of
from token_server.openapi import description

KEY = "the-key-of-the-operator"
PAIR = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET, "OPERATOR_KEY": KEY}
MADE_MS = 1_790_000_000_250
ROOM = api.Room(sid="RM_1", name="support", creation_time_ms=MADE_MS)
OURS = api.AgentDispatch(agent_name="earshot", metadata='{"persona": "assistant"}')


@pytest.fixture(scope="module")
async def running_livekit() -> AsyncIterator[Sfu]:
    async with sfu() as running:
        yield running


@pytest.fixture(scope="module")
async def server(running_livekit: Sfu) -> AsyncIterator[TokenServerProcess]:
    async with running_token_server(LIVEKIT_URL=running_livekit.url, **PAIR, **UNLIMITED) as running:
        yield running


async def ask(server: TokenServerProcess, method: str, path: str = "", body: Any = None, key: str = KEY) -> Answer:
    headers = [f"Authorization: Bearer {key}"] if key else []
    return await server.ask(method, f"/api/calls{path}", headers, b"" if body is None else json.dumps(body).encode())


def agent(joined_at_ms: int = MADE_MS, **attributes: str) -> api.ParticipantInfo:
    shown = {"lk.agent_name": "earshot", "earshot.agent": "earshot"}
    shown |= {f"earshot.{name}": value for name, value in attributes.items()}
    kind = api.ParticipantInfo.Kind.AGENT
    return api.ParticipantInfo(identity=f"agent-{joined_at_ms}", kind=kind, joined_at_ms=joined_at_ms, attributes=shown)


def test_a_room_is_a_call_if_the_agent_is_there_or_dispatched() -> None:
    others = agent()
    others.attributes["lk.agent_name"] = "other"
    assert call_of(RoomFacts(ROOM, [others], [api.AgentDispatch(agent_name="other")]), "earshot") is None
    waiting = call_of(RoomFacts(ROOM, [others], [OURS]), "earshot")
    assert waiting is not None
    assert (waiting.id, waiting.room, waiting.state, waiting.persona) == ("RM_1", "support", "waiting", "assistant")
    assert waiting.started_at.timestamp() * 1000 == MADE_MS
    assert [one.kind for one in waiting.participants] == ["agent"]


def test_a_call_says_what_its_agent_shows() -> None:
    there = agent(persona="lights", worker="AW_1", model="gemini-3.8-live")
    there.attributes["lk.agent.state"] = "listening"
    caller = api.ParticipantInfo(identity="sip_+1", name="Ann", kind=api.ParticipantInfo.Kind.SIP, joined_at_ms=MADE_MS)
    call = call_of(RoomFacts(ROOM, [there, caller], [OURS]), "earshot")
    assert call is not None
    assert call.agent is not None
    assert (call.state, call.persona) == ("running", "lights")
    assert (call.agent.worker, call.agent.model, call.agent.state) == ("AW_1", "gemini-3.8-live", "listening")
    assert [(one.identity, one.name, one.kind) for one in call.participants] == [("sip_+1", "Ann", "sip")]


def test_of_two_agents_the_one_that_stays_is_the_calls() -> None:
    leaves, stays = agent(MADE_MS + 1, ending="taken_over"), agent(MADE_MS)
    for participants in ([leaves, stays], [stays, leaves]):
        call = call_of(RoomFacts(ROOM, participants, []), "earshot")
        assert call is not None
        assert call.agent is not None
        assert (call.agent.identity, call.state) == (stays.identity, "running")
    ending = call_of(RoomFacts(ROOM, [leaves], []), "earshot")
    assert ending is not None
    assert ending.state == "ending"


async def test_a_call_is_started_listed_looked_at_and_ended(running_livekit: Sfu, server: TokenServerProcess) -> None:
    wanted = {"persona": "assistant", "metadata": {"record": False}, "caller": {"identity": "ann", "name": "Ann"}}
    started = (await ask(server, "POST", body=wanted)).content
    claims = jwt.decode(started["caller"]["participant_token"], API_SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["name"], claims["video"]["room"]) == ("ann", "Ann", started["room"])
    assert started["caller"]["server_url"] == running_livekit.url
    async with running_livekit.api() as livekit:
        [dispatch] = await livekit.agent_dispatch.list_dispatch(started["room"])
        await livekit.room.create_room(api.CreateRoomRequest(name="not-a-call"))
    assert dispatch.agent_name == "earshot"
    assert json.loads(dispatch.metadata) == {"persona": "assistant", "record": False}
    tickets.read(dispatch.attributes[tickets.ATTRIBUTE], API_SECRET).check(started["room"], 0, "ann")

    call = (await ask(server, "GET", f"/{started['id']}")).content
    assert (call["room"], call["state"], call["persona"]) == (started["room"], "waiting", "assistant")
    assert [one["id"] for one in (await ask(server, "GET", f"?room={started['room']}")).content["calls"]] == [started["id"]]
    assert (await ask(server, "GET", "?room=not-a-call")).content["calls"] == []

    assert (await ask(server, "DELETE", f"/{started['id']}")).status == 204
    for method in ("GET", "DELETE"):
        answer = await ask(server, method, f"/{started['id']}")
        assert (answer.status, answer.code) == (404, "no_call")


async def test_calls_are_listed_in_pages_the_newest_first(server: TokenServerProcess) -> None:
    ids = [(await ask(server, "POST", body={"room": f"page-{number}"})).content["id"] for number in range(5)]
    found: list[str] = []
    after = ""
    while True:
        page = (await ask(server, "GET", f"?limit=2{after}")).content
        found += [call["id"] for call in page["calls"] if call["room"].startswith("page-")]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert found == ids[::-1]
    again = await ask(server, "POST", body={"room": "page-0"})
    assert (again.status, again.code) == (409, "room_exists")


async def test_a_mistake_is_named_with_its_field(server: TokenServerProcess) -> None:
    wrong: list[tuple[str, str, Any, str]] = [
        ("POST", "", {"rooom": "x"}, "rooom"),
        ("POST", "", {"room": "no blanks"}, "room"),
        ("POST", "", {"persona": "nobody"}, "persona"),
        ("POST", "", {"persona": "assistant", "metadata": {"persona": "assistant"}}, "persona"),
        ("POST", "", {"language": "1"}, "language"),
        ("POST", "", {"metadata": "text"}, "metadata"),
        ("POST", "", {"caller": {"identity": "agent-x"}}, "caller.identity"),
        ("POST", "", {"caller": {"attributes": {"lk.x": "y"}}}, "The attribute 'lk.x'"),
        ("POST", "", {"metadata": {"history": "x" * 4096}}, "metadata"),
        ("POST", "", {"caller": {"metadata": "x" * 4000}, "metadata": {"x": "y" * 200}}, "Names, metadata and attributes"),
        ("POST", "", {"metadata": {"x": float("nan")}}, "The request's body"),
        ("GET", "?limit=0", None, "limit"),
        ("GET", "?limit=1&limit=2", None, "limit"),
        ("GET", "?rooms=x", None, "rooms"),
        ("GET", "?after=x", None, "after"),
    ]
    for method, path, body, field in wrong:
        answer = await ask(server, method, path, body)
        assert answer.status == 400, (body, path)
        assert re.match(rf"{re.escape(field)}(: | )", answer.content["message"]), answer.content["message"]


async def test_only_the_operator_is_answered(server: TokenServerProcess) -> None:
    for key in ("", "another-key-of-somebody"):
        for method, path in (("GET", ""), ("POST", ""), ("GET", "/RM_1"), ("DELETE", "/RM_1")):
            assert (await ask(server, method, path, key=key)).status == 401
        assert (await server.ask("GET", "/api/openapi.json", [f"Authorization: Bearer {key}"] if key else [])).status == 401


async def test_without_the_key_there_is_no_such_api_and_without_livekit_it_says_so() -> None:
    async with running_token_server(LIVEKIT_URL=f"ws://127.0.0.1:{free_port()}", **UNLIMITED) as without:
        assert (await ask(without, "GET")).status == 404
    async with running_token_server(LIVEKIT_URL=f"ws://127.0.0.1:{free_port()}", **PAIR, **UNLIMITED) as alone:
        for method, path in (("GET", ""), ("POST", ""), ("GET", "/RM_1"), ("DELETE", "/RM_1")):
            answer = await ask(alone, method, path)
            assert (answer.status, answer.code) == (503, "livekit_unavailable")


def test_the_description_has_no_form_without_a_text() -> None:
    for name, schema in description(["assistant"])["components"]["schemas"].items():
        assert schema.get("description"), name


@pytest.mark.timeout(300)
async def test_schemathesis_finds_no_request_that_is_answered_as_it_must_not_be(server: TokenServerProcess) -> None:
    config = str(Path(__file__).with_name("schemathesis.toml"))
    argv = ("-m", "schemathesis.cli", "--config-file", config, "run", f"{server.url}api/openapi.json")
    options = ("--header", f"Authorization: Bearer {KEY}", "--max-examples", "5", "--no-color", "--generation-database", "none")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *argv, *options), cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
