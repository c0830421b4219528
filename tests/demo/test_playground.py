"""The token that the demo prints is one that LiveKit takes, and brings the agent."""

import time

from livekit import api

from demo import playground

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"


def test_livekits_own_library_reads_the_token() -> None:
    claims = api.TokenVerifier("key", SECRET).verify(playground.token("key", SECRET, "earshot", time.time()))
    assert claims.video is not None
    assert claims.video.room_join
    assert not claims.video.room_admin
    assert claims.room_config is not None
    assert [agent.agent_name for agent in claims.room_config.agents] == ["earshot"]


def test_each_token_opens_a_room_of_its_own() -> None:
    verify = api.TokenVerifier("key", SECRET).verify
    one, two = (verify(playground.token("key", SECRET, "earshot", time.time())) for _ in range(2))
    assert one.video is not None
    assert two.video is not None
    assert one.video.room != two.video.room
    assert one.identity != two.identity
