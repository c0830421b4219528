"""The state of a call's parts: collected for its checkpoint, and given to the parts of a call that goes on."""

import json
import logging
import time
from dataclasses import dataclass

from livekit.protocol.agent import Job

from agent.call.call_ending import CallEnding
from agent.call.checkpoint import CallersState, Checkpoint, to_json
from agent.call.conversation import Conversation
from agent.call.greeter import Greeter
from agent.call.limits import CallTimer
from agent.call.record import CallLosses, CallRecord
from agent.call.recording import CallRecording
from agent.call.remembered_call import Terms
from agent.call.transport import CallTransport
from agent.gemini import SoundRing
from agent.room.room_events import RoomEvents
from agent.voice import VoiceAgent

logger = logging.getLogger("earshot.call")


@dataclass(frozen=True)
class CallParts:
    """The parts of a call that have a state which another process needs."""

    timer: CallTimer
    record: CallRecord
    events: RoomEvents
    greeter: Greeter
    ending: CallEnding
    conversation: Conversation
    transport: CallTransport
    recording: CallRecording


class CallState:
    """The state of one call."""

    def __init__(self, parts: CallParts, terms: Terms, job: Job) -> None:
        self._parts = parts
        self._events = parts.events
        self._terms = terms
        self._metadata = job.metadata
        self.call_id = job.room.sid
        """LiveKit's id of the room in which the call began (`sid`), maybe in another process."""
        self._agent: VoiceAgent | None = None
        self._agent_has_failed = False
        self._sound = ""
        self._trace = ""

    def watch(self, agent: VoiceAgent) -> None:
        """Save the state of this agent as well. One that it hands the call to has none (docs/failover.md)."""
        self._agent = agent

    def traced(self, traceparent: str) -> None:
        """This is the span of the call. A process that goes on with the call links its own to it."""
        self._trace = traceparent

    def record(self, ring: SoundRing | None) -> None:
        """Have the model tell when a checkpoint is due; the caller's sound goes into that file as well, if there is one."""
        self._sound = "" if ring is None else ring.path.name
        self._parts.conversation.model.record_state(ring)

    def checkpoint(self, at: float) -> bytes:
        """The call's checkpoint; `at` is the time on the clock of the store that keeps it."""
        parts, now = self._parts, time.monotonic()
        caller = parts.transport.caller_state
        return to_json(
            Checkpoint(
                terms=self._terms,
                metadata=self._metadata,
                caller=CallersState(caller.identity, caller.is_engaged, tuple(sorted(parts.greeter.greeted))),
                link=parts.conversation.model.snapshot(),
                shown=parts.transport.shown,
                agent=self._agent_state(),
                times=parts.timer.times(now),
                figures=parts.record.saved(self.losses()),
                written_at=at,
                hangs_up=parts.ending.hangs_up,
                goodbye=parts.ending.goodbye,
                sound=self._sound,
                recording=parts.recording.name,
                latencies=parts.recording.latencies,
                call_id=self.call_id,
                trace=self._trace,
            )
        )

    def losses(self) -> CallLosses:
        """The things that were lost in the call so far."""
        parts, model = self._parts, self._parts.conversation.model
        lost = CallLosses(
            link={f"{kind}.{cause}": count for (kind, cause), count in model.counts.items()},
            dropped_chunks=model.dropped_chunks,
            dropped_events=self._events.dropped,
            dropped_lines=parts.transport.dropped_lines,
        )
        return parts.record.losses_before + lost

    def take_over(self, checkpoint: Checkpoint, away_s: float | None) -> None:
        """The call goes on from there. The room is told, unless another process gave the call to this one: `away_s` is None."""
        parts, now = self._parts, time.monotonic()
        parts.timer.go_on(checkpoint.times, now)
        parts.record.go_on(checkpoint.figures)
        self._events.go_on(checkpoint.times.lasted_s)
        self.call_id = checkpoint.call_id or self.call_id
        parts.recording.go_on(checkpoint.latencies, self.call_id)
        parts.greeter.go_on(checkpoint.caller.greeted)
        parts.ending.go_on(hangs_up=checkpoint.hangs_up, goodbye=checkpoint.goodbye)
        if away_s is None:
            logger.info("the call was handed over by another process")
            return
        self._events.tell("resumed", away_s=round(away_s, 1))
        logger.info("the call goes on from another process", extra={"away_s": round(away_s, 1)})

    def give_agent(self, checkpoint: Checkpoint) -> None:
        """Give the agent that is watched the state that it had in another process."""
        if self._agent is None or not checkpoint.agent:
            return
        try:
            self._agent.restore_state(checkpoint.agent)
        except Exception as error:  # whoever wrote the agent may have made any mistake
            logger.exception("restore_state of the agent has failed", exc_info=error)

    def _agent_state(self) -> dict[str, object]:
        """The state that the agent wants to keep; without it if it can't be had, which the log says once."""
        if self._agent is None:
            return {}
        try:
            state = self._agent.checkpoint_state()
            json.dumps(state, allow_nan=False)
        except Exception as error:  # whoever wrote the agent may have made any mistake
            if not self._agent_has_failed:
                logger.exception("checkpoint_state of the agent can't be kept", exc_info=error)
            self._agent_has_failed = True
            return {}
        return state
