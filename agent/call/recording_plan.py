"""What is recorded of a call, and where: as RECORD says, unless the persona or the dispatch forbids it."""

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from livekit.protocol.agent import Job

from agent.call.call_trace import current_trace_id
from agent.live_settings import model_of
from agent.persona import Persona
from agent.settings import Settings
from configuration.redaction import Redaction
from records import CallSummary

AUDIO, TRANSCRIPT_KIND, TIMELINE_KIND = "audio", "transcript", "timeline"
_NOTICE = "Tell the caller as well, in one short sentence, that this call is recorded."


@dataclass(frozen=True)
class RecordedCall:
    """The facts about a call that its summary begins with."""

    room: str
    job: str
    agent_name: str
    persona: str
    model: str
    call_id: str = ""
    """LiveKit's id of the room in which the call began (`sid`)."""


@dataclass(frozen=True)
class RecordingPlan:
    """What is recorded of a call. Without kinds nothing is."""

    call: RecordedCall
    kinds: frozenset[str] = frozenset()
    """Of `audio`, `transcript` and `timeline`."""
    calls: Path = Path()
    """The folder of all calls: RECORD_DIR."""
    redaction: Redaction | None = None
    """What is left out of the text. None: nothing is."""
    redacts_sound: bool = False
    """Whether the sound of lines of which something is left out is silenced."""
    has_tone: bool = False
    """Whether a tone tells the caller that the call is recorded."""

    def summary(self, name: str, began_at: datetime) -> CallSummary:
        """The summary of a call that begins.

        Args:
            name: That of its folder.
            began_at: The time at which it began.
        """
        known = {"call": name, "started_at": began_at, "recorded": tuple(sorted(self.kinds)), **vars(self.call)}
        return CallSummary.model_validate(known | {"traces": tuple(filter(None, [current_trace_id()]))})


def with_notice(persona: Persona, settings: Settings, *, is_console: bool) -> Persona:
    """The persona whose first words say that the call is recorded, if it is, and if RECORD_NOTICE is `on`.

    An interpreter's model says nothing of its own.
    """
    recorded = _is_recorded(settings, persona, is_console=is_console)
    if not recorded or settings.record_notice != "on" or persona.translates:
        return persona
    greeting = f"{persona.greeting.rstrip()} {_NOTICE}".strip()
    return replace(persona, greeting=greeting, welcome_back=f"{persona.welcome_back.rstrip()} {_NOTICE}".strip())


def _is_recorded(settings: Settings, persona: Persona, *, is_console: bool) -> bool:
    return bool(settings.record) and persona.record and not is_console


def recording_plan(job: Job, settings: Settings, persona: Persona, *, is_console: bool) -> RecordingPlan:
    """The plan for a job's call. The console's calls aren't recorded."""
    call = RecordedCall(job.room.name, job.id, settings.agent_name, persona.name, model_of(persona, settings), job.room.sid)
    if settings.record_dir is None or not _is_recorded(settings, persona, is_console=is_console):
        return RecordingPlan(call)
    redaction = Redaction(persona.redact) if settings.record_redact == "on" else None
    has_tone, redacts_sound = settings.record_notice == "tone", settings.record_redact_sound == "on"
    kinds = frozenset(settings.record)
    return RecordingPlan(call, kinds, settings.record_dir, redaction, redacts_sound=redacts_sound, has_tone=has_tone)
