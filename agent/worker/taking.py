"""Jobs that a worker gives itself: for rooms that livekit-server's dispatch has brought no agent into."""

import secrets

from livekit import api
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.protocol.agent import Job, JobType

from agent.room.other_agents import MARK
from agent.settings import Settings
from failover.rooms import AGENT_NAME_ATTRIBUTE, UnansweredRoom


def job_for(unanswered: UnansweredRoom, agent_name: str) -> Job:
    """The job as the room's first dispatch has asked for it. Its id is new, and so is the identity of its agent."""
    job = Job(id=f"AJ_{secrets.token_hex(6)}", type=JobType.JT_ROOM, room=unanswered.room, agent_name=agent_name)
    if unanswered.first is not None:
        job.dispatch_id, job.metadata = unanswered.first.id, unanswered.first.metadata
        job.deployment = unanswered.first.deployment
        job.attributes.update(unanswered.first.attributes)
    return job


def running_job(job: Job, settings: Settings, worker: str) -> RunningJobInfo:
    """What a process needs to answer that job.

    Args:
        job: Of `job_for`.
        settings: The worker's.
        worker: The id that LiveKit has given this worker.
    """
    identity, attributes = f"agent-{job.id}", {MARK: job.agent_name, AGENT_NAME_ATTRIBUTE: job.agent_name}
    token = api.AccessToken(settings.key, settings.secret).with_identity(identity).with_kind("agent")
    grants = api.VideoGrants(room_join=True, room=job.room.name, agent=True, can_update_own_metadata=True)
    return RunningJobInfo(
        accept_arguments=JobAcceptArguments(name="", identity=identity, metadata="", attributes=attributes),
        job=job,
        url=settings.livekit_url,
        token=token.with_attributes(attributes).with_grants(grants).to_jwt(),
        worker_id=worker,
        fake_job=False,
    )
