"""Who counts in a room: humans, telephones, and agents of this fleet."""

import pytest
from livekit import api

from failover.errors import LiveKitUnavailableError
from failover.rooms import AGENT_NAME_ATTRIBUTE, LiveKitAccess, open_rooms, watched
from failover.watch import WatchedRoom
from tests.failover.livekit_stand_in import livekit_stand_in
from tests.ports import free_port

Kind = api.ParticipantInfo.Kind
SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"


def test_recorders_strangers_agents_and_who_has_left_are_nobody() -> None:
    gone = api.ParticipantInfo.State.DISCONNECTED
    participants = [
        api.ParticipantInfo(identity="caller", kind=Kind.STANDARD),
        api.ParticipantInfo(identity="telephone", kind=Kind.SIP),
        api.ParticipantInfo(identity="connector", kind=Kind.CONNECTOR),
        api.ParticipantInfo(identity="gone", kind=Kind.STANDARD, state=gone),
        api.ParticipantInfo(identity="hidden", kind=Kind.STANDARD, permission=api.ParticipantPermission(hidden=True)),
        api.ParticipantInfo(identity="speaker", kind=Kind.STANDARD, permission=api.ParticipantPermission(can_publish=True)),
        api.ParticipantInfo(identity="observer", kind=Kind.STANDARD, permission=api.ParticipantPermission(can_subscribe=True)),
        api.ParticipantInfo(identity="recorder", kind=Kind.EGRESS),
        api.ParticipantInfo(identity="agent-1", kind=Kind.AGENT, attributes={AGENT_NAME_ATTRIBUTE: "earshot"}),
        api.ParticipantInfo(identity="agent-2", kind=Kind.AGENT, attributes={AGENT_NAME_ATTRIBUTE: "another"}),
        api.ParticipantInfo(identity="poser", kind=Kind.STANDARD, attributes={AGENT_NAME_ATTRIBUTE: "earshot"}),
    ]
    assert watched("room", participants, "earshot") == WatchedRoom(
        "room",
        humans=frozenset({"caller", "telephone", "connector", "speaker", "observer", "poser"}),
        telephones=frozenset({"telephone"}),
        audience=frozenset({"observer"}),
        agents=frozenset({"agent-1"}),
    )


async def test_a_room_that_is_gone_is_no_failure() -> None:
    async with livekit_stand_in() as livekit, open_rooms(LiveKitAccess(livekit.url, "key", SECRET, "earshot")) as rooms:
        assert await rooms.look("gone") is None
        await rooms.remove("gone", "agent-1")


async def test_a_dispatch_without_a_first_one_has_the_name_alone() -> None:
    """A restart of livekit-server loses the dispatches that its API was asked for."""
    async with livekit_stand_in() as livekit, open_rooms(LiveKitAccess(livekit.url, "key", SECRET, "earshot")) as rooms:
        await rooms.dispatch("call-1")
        [created] = livekit.created
        assert (created.room, created.agent_name, created.metadata) == ("call-1", "earshot", "")


async def test_nobody_at_the_address_is_an_error_of_this_package() -> None:
    async with open_rooms(LiveKitAccess(f"http://127.0.0.1:{free_port()}", "key", SECRET, "earshot")) as rooms:
        with pytest.raises(LiveKitUnavailableError):
            await rooms.names()
