"""The functions that LiveKit calls for each job of the worker: `answer` at its beginning, `afterwards` at its end."""

import logging

from livekit.agents import JobContext

from agent.call.call import Call
from agent.call.earlier_conversation import history_of_call
from agent.call.recording_plan import with_notice
from agent.call.replaced_persona import replaced_persona
from agent.call.telemetry import label_log_lines
from agent.live_settings import persona_of_call
from agent.persona import Persona, dispatched, names
from agent.settings import Settings
from agent.tracing import Tracing
from configuration.private_text import PrivateText

logger = logging.getLogger("earshot.call")


async def answer(ctx: JobContext) -> None:
    """The job's entrypoint: returns once the call runs."""
    label_log_lines(ctx, call=ctx.job.room.sid, room=ctx.job.room.name, job=ctx.job.id)
    settings: Settings = ctx.proc.userdata["settings"]
    default: Persona = ctx.proc.userdata["persona"]
    persona, warnings = persona_of_call(ctx.job.metadata, default, settings)
    private: PrivateText = ctx.proc.userdata["private"]
    private.of_persona(persona.redact)
    history, unusable = history_of_call(ctx.job.metadata, persona)
    for warning in (*warnings, *unusable):
        logger.warning("the call is not as its dispatch asks", extra={"reason": warning, "persona": persona.name})
    persona = with_notice(persona, settings, is_console=ctx.is_fake_job())
    replaced = replaced_persona(dispatched(ctx.job.metadata), persona.name, names(settings.personas_dir))
    call = ctx.proc.userdata["call"] = Call(ctx, settings, persona, history, replaced)
    await call.begin()


async def afterwards(ctx: JobContext) -> None:
    """The session is closed, the room not left yet: let the call finish."""
    call: Call | None = ctx.proc.userdata.pop("call", None)
    if call is not None:
        await call.finish()
    tracing: Tracing = ctx.proc.userdata["tracing"]
    await tracing.flush()
