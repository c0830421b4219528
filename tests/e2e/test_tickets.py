"""A token that livekit-server handed out in the room opens no call after the token server's own has ended."""

import datetime
import re
import time
from typing import Any

import jwt

from caller import AgentTrack, Caller
from demo.parts import Part
from tests.e2e.stack import AGENT_NAME, API_KEY, API_SECRET, Sfu
from token_server.grants import TokenPolicy, issue
from token_server.token_request import TokenRequest

LIFE_S = 60


def refreshed(sfu: Sfu, room: str, *, given_s_ago: int, metadata: str = "") -> str:
    """What livekit-server makes of a token: its claims as they were, with another ten minutes to live."""
    request = TokenRequest.model_validate({"room_name": room, "room_config": {"agents": [{"metadata": metadata}]}})
    given = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=given_s_ago)
    token = issue(request, TokenPolicy(API_KEY, API_SECRET, AGENT_NAME, life_s=LIFE_S), given).token
    claims: dict[str, Any] = jwt.decode(token, API_SECRET, algorithms=["HS256"], options={"verify_exp": False})
    return jwt.encode(claims | {"exp": int(time.time()) + 600}, API_SECRET, algorithm="HS256")


async def test_a_kept_token_that_opens_the_room_anew_gets_no_agent(server: Sfu, shared_worker: Part, room: str) -> None:
    async with Caller(server.url, refreshed(server, room, given_s_ago=3 * LIFE_S)):
        line = await shared_worker.says(re.compile(rf'"a job is refused".*"room": "{room}"'))
        assert "had expired" in line
        assert '"level": "WARNING"' in line
        assert len(await server.participants(room)) == 1


async def test_a_token_in_its_life_does_whatever_its_metadata_is(server: Sfu, shared_worker: Part, room: str) -> None:
    async with Caller(server.url, refreshed(server, room, given_s_ago=0, metadata="no JSON {")) as caller:
        await caller.first(AgentTrack, within_s=20)
        await shared_worker.says("the dispatch metadata is no JSON object")
