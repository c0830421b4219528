"""The job that a worker gives itself for a room that livekit-server's dispatch has brought no agent into."""

from livekit import api

from agent.settings import read_settings
from agent.worker.taking import job_for, running_job
from failover.rooms import UnansweredRoom

ROOM = api.Room(sid="RM_1", name="call-1", creation_time=1_790_000_000)
FIRST = api.AgentDispatch(
    id="AD_1", agent_name="earshot", room="call-1", metadata='{"persona": "chef"}', attributes={"earshot.ticket": "signed"}
)
SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"


def test_it_is_as_the_first_dispatch_has_asked() -> None:
    job = job_for(UnansweredRoom(ROOM, FIRST), "earshot")
    assert (job.room, job.agent_name, job.metadata, dict(job.attributes)) == (
        ROOM,
        "earshot",
        FIRST.metadata,
        {"earshot.ticket": "signed"},
    )


def test_each_has_an_id_of_its_own_and_needs_no_dispatch() -> None:
    first, second = (job_for(UnansweredRoom(ROOM, None), "earshot") for _ in range(2))
    assert first.id != second.id
    assert (first.metadata, dict(first.attributes)) == ("", {})


def test_its_process_joins_as_an_agent_of_that_name() -> None:
    given = {"livekit_url": "ws://livekit", "livekit_api_key": "key", "livekit_api_secret": SECRET, "google_api_key": "key"}
    job = job_for(UnansweredRoom(ROOM, FIRST), "earshot")
    info = running_job(job, read_settings(None, **given), "AW_1")
    claims = api.TokenVerifier("key", SECRET).verify(info.token)
    assert info.accept_arguments.identity == claims.identity == f"agent-{job.id}"
    assert (claims.kind, claims.video and claims.video.room) == ("agent", "call-1")
    assert claims.attributes == {"earshot.agent": "earshot", "lk.agent_name": "earshot"}
    assert (info.worker_id, info.fake_job, info.url) == ("AW_1", False, "ws://livekit")
