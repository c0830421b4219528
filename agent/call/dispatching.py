"""Has livekit-server dispatch another agent into the room of a call."""

from livekit.agents import JobContext

from agent.settings import Settings
from failover.rooms import LiveKitAccess, open_rooms


async def dispatch_again(ctx: JobContext, settings: Settings) -> None:
    """Dispatch an agent as the first dispatch of the job's room asked for it; any worker may get the job.

    Raises:
        LiveKitUnavailableError: livekit-server can't be reached, or refuses.
    """
    access = LiveKitAccess(settings.livekit_url, settings.key, settings.secret, settings.agent_name, settings.livekit_proxy)
    async with open_rooms(access) as rooms:
        await rooms.dispatch(ctx.job.room.name)
