"""One call from its job's beginning to its end: joins, has the conversation begin, and leaves.

ending_machine.py decides when and how a call ends, transport.py is the way to its caller.
"""

import asyncio
import functools
import logging
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from livekit.agents import JobContext

from agent.assistant import agent_of
from agent.call.admission import Admission
from agent.call.agent_attributes import agent_attributes
from agent.call.call_cost import CallCost
from agent.call.call_ending import CallEnding
from agent.call.call_figures import ended
from agent.call.call_lease import LeaseEvents
from agent.call.call_room import PUSH_TO_TALK, CallRoom, CallRoomOptions
from agent.call.call_state import CallParts, CallState
from agent.call.caller_events import CallerEvents
from agent.call.caller_memory import caller_memory, terms_of
from agent.call.checkpoint import Checkpoint
from agent.call.conversation import Conversation
from agent.call.day_spending import DaySpending
from agent.call.dispatching import dispatch_again
from agent.call.earlier_conversation import with_lines
from agent.call.ending_events import CallEnded, CallerListens, HangUpRequested
from agent.call.ending_machine import EndingMachine
from agent.call.endings import ELSEWHERE, FAULTS, Ending
from agent.call.greeter import Greeter
from agent.call.handover import CallHandover, CallScene, HandoverReason
from agent.call.kept_sound import kept_sound
from agent.call.leaving import leave_caller
from agent.call.limits import CallTimer, limits_of
from agent.call.memory_watch import MemoryWatch
from agent.call.observer import Observer
from agent.call.record import CallRecord
from agent.call.recording import call_recording
from agent.call.replaced_persona import ReplacedPersona
from agent.call.sight import Sight
from agent.call.stored_lease import call_lease
from agent.call.telemetry import CallTelemetry, TracedCall, label_log_lines
from agent.call.transport import CallTransport, Console
from agent.call.webhooks import call_webhooks
from agent.call_reports import ReportSender
from agent.day_costs import day_costs_of
from agent.endpoint import service_of
from agent.errors import WorkerError, until_session_ends
from agent.gemini import Line, prepare_tools
from agent.live_settings import prices_of_call
from agent.persona import Persona
from agent.room.room_events import RoomEvents
from agent.settings import Settings
from agent.tools import state_attribute

_FINISH_S = 10.0

logger = logging.getLogger("earshot.call")


class Call:
    """Owns the parts of one call and their tasks. To tools it is their `CallControl`.

    `history` is what was said before the call, as its dispatch tells it.
    """

    def __init__(
        self,
        ctx: JobContext,
        settings: Settings,
        persona: Persona,
        history: Sequence[Line] = (),
        replaced: ReplacedPersona | None = None,
    ) -> None:
        self._ctx, self._settings, self._history = ctx, settings, history
        if ctx.is_fake_job():
            persona = replace(persona, turns="automatic")  # the console has no talk button
        self._persona = persona
        cost = CallCost(prices_of_call(persona, settings), persona.cost_cap_usd)
        self._record = CallRecord(room=ctx.job.room.name, persona=persona.name, cost=cost)
        self._events = RoomEvents(ctx.room, tells_tool_details=settings.tool_details == "on")
        self._recording = call_recording(ctx, settings, persona, self._events)
        self._webhooks = call_webhooks(ctx, settings, persona, self._events)
        if replaced is not None:
            self._events.tell("persona_replaced", **asdict(replaced))
        now = time.monotonic()
        self._timer = timer = CallTimer(limits_of(settings, persona), now - self._events.since_start(now))
        self._ending = CallEnding(EndingMachine(timer, settings.goodbye_s), ctx.shutdown)
        self._lease = call_lease(ctx, settings, LeaseEvents(self._checkpoint, self._taken_over, self._asked))
        self._admission = Admission(self._lease, terms_of(settings, persona), self._take_over)
        self._day_spending = DaySpending(day_costs_of(settings))
        observer = self._observer_of(timer, ctx.proc.userdata["reports"])
        self._sight = Sight(self._events)
        self._conversation = Conversation(settings, persona, observer, self._sight, self._lease.changed)
        self._greeter = Greeter(self._greet)
        self._memory = caller_memory(settings, persona, ctx.room, is_console=ctx.is_fake_job())
        self._transport = self._transport_of(observer)
        told = (timer, self._record, self._events, self._greeter, self._ending)
        parts = CallParts(*told, self._conversation, self._transport, self._recording)
        self._state = CallState(parts, terms_of(settings, persona), ctx.job)
        self._handover = self._handover_of(ctx)
        self._kept_sound = kept_sound(settings, is_console=ctx.is_fake_job())
        self._caller_listens = asyncio.Event()  # set once the agent's voice reaches the caller
        self._over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    def _observer_of(self, timer: CallTimer, reports: ReportSender) -> Observer:
        spend = self._day_spending.spend
        return Observer(timer, self._record, self._events, self._ending, spend, reports.quota_refused)

    def _handover_of(self, ctx: JobContext) -> CallHandover:
        scene = CallScene(self._ending, self._transport, self._conversation)
        dispatch = functools.partial(dispatch_again, ctx, self._settings)
        return CallHandover(self._lease.offered_lease, scene, dispatch, ctx.proc.userdata["reports"].measured)

    def _transport_of(self, observer: Observer) -> CallTransport:
        if self._ctx.is_fake_job():
            return Console(observer.caller_joined)
        caller_events = CallerEvents(
            observer, self._conversation, self._greeter, self._sight, self._memory, lambda: self._ending.accepts_turns
        )
        options = CallRoomOptions(self._persona.eyes.sources, self._persona.turns == PUSH_TO_TALK)
        return CallRoom(self._ctx, self._events, caller_events, self._ending.tell, self._admission, options)

    async def begin(self) -> None:
        """Join, connect the model, and let the call live on in a task of its own.

        Raises:
            WorkerError: it could not start; the cause says why.
        """
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._connected(started), name="call")
        await asyncio.wait({started, self._life}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            cause = None if self._life.cancelled() else self._life.exception()
            raise WorkerError(f"the call in room {self._record.room} could not start") from cause

    async def finish(self) -> None:
        """End the call's tasks: the last events, the end of the room, the last line of the log; in bounded time."""
        self._over.set()
        if self._life is None:
            return
        done, _ = await asyncio.wait({self._life}, timeout=_FINISH_S)
        if not done:
            self._life.cancel()
            await asyncio.wait({self._life})
        if not self._life.cancelled() and (error := self._life.exception()) is not None:
            logger.error("something in the call failed", exc_info=error)

    async def show(self, name: str, value: str) -> None:
        """Show a state to everybody in the room, even if the service takes its call of the tool back meanwhile.

        Raises:
            ValueError: the name or the value can't be shown.
        """
        await asyncio.shield(self._transport.show(state_attribute(name, value)))
        self._lease.changed()

    def hang_up_after_goodbye(self) -> None:
        """End the call once the model's next reply has been heard."""
        self._ending.tell(HangUpRequested())
        self._lease.changed()

    async def press_keys(self, keys: str) -> None:
        """Press keys on the caller's telephone.

        Raises:
            NoTelephoneError: the caller isn't on one.
        """
        await self._transport.press_keys(keys)

    async def ask_client(self, method: str, arguments: Mapping[str, Any] | None = None, *, timeout_s: float = 10) -> Any:
        """Call an RPC method of the caller's client, and return its answer.

        Raises:
            ClientToolError: there is none.
        """
        return await self._transport.ask_client(method, arguments, timeout_s)

    async def _connected(self, started: asyncio.Future[None]) -> None:
        process = f"{self._record.room} {self._ctx.job.id}"
        async with self._lease, self._conversation, self._recording:  # the model is dialled while the room is joined
            with self._kept_sound.ring(process) as ring:
                if self._lease.is_kept:
                    self._state.record(ring)
                await self._live(started)

    async def _live(self, started: asyncio.Future[None]) -> None:
        telemetry = self._begin_telemetry()
        logger.info("call started", extra={"persona": self._persona.name})
        try:
            service = service_of(self._settings)
            await self._transport.show(agent_attributes(self._persona, self._conversation.model, service, self._ctx.worker_id))
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(self._transport.listen(), name="room")]
                # so that joining begins: the session's start lets no other task run for a while (docs/facts.md L19)
                await asyncio.sleep(0)
                await self._start_conversation(telemetry)
                running += [tasks.create_task(until_session_ends(work), name=name) for name, work in self._work().items()]
                started.set_result(None)
                await self._over.wait()
                for task in running:
                    task.cancel()
        finally:
            self._ending.tell(CallEnded(Ending.SHUT_DOWN if self._over.is_set() else Ending.WORKER_FAILED))
            await self._leave(telemetry)

    def _begin_telemetry(self) -> CallTelemetry:
        model, service = self._conversation.model.model, service_of(self._settings)
        call = TracedCall(self._ctx.job.room.sid, self._ctx.job.id, self._persona.name, model, service)
        telemetry = CallTelemetry(self._ctx, self._events, call)
        self._state.traced(telemetry.traceparent)
        return telemetry

    async def _start_conversation(self, telemetry: CallTelemetry) -> None:
        """Start the session, with what was said earlier: as the dispatch tells it, or in the caller's last call."""
        agent = agent_of(self._persona, self)
        self._state.watch(agent)
        if await self._admission.stands_by():
            await self._conversation.close()  # no setup is sent while the other process has the session (docs/facts.md L400)
            prepare_tools(agent.tools)
        checkpoint = await self._admission.takeover()
        if checkpoint is not None:
            lines: Sequence[Line] = checkpoint.link.lines
            telemetry.go_on(checkpoint.trace)
            self._state.give_agent(checkpoint)
            self._conversation.model.begin_from(checkpoint.link, self._kept_sound.take(checkpoint.sound))
        else:
            remembered = None if self._history else await self._memory.recall()
            if remembered is not None and remembered.handle is not None and not agent.chat_ctx.items:
                self._conversation.model.resume(remembered.handle)
            lines = self._history if remembered is None else remembered.lines
        if lines:
            await agent.update_chat_ctx(with_lines(agent.chat_ctx, lines))
        await self._recording.begin("" if checkpoint is None else checkpoint.recording)
        sound = self._recording.caller_sound(self._transport.sound)
        await self._conversation.start(agent, self._ctx.room, sound, self._recording.agent_sound)
        self._recording.listen(self._conversation.session)

    def _checkpoint(self, at: float) -> bytes | None:
        """The call's checkpoint; None while the session is closed: another process goes on with what was being said before."""
        return None if self._conversation.session.is_closing else self._state.checkpoint(at)

    def _take_over(self, checkpoint: Checkpoint, away_s: float | None) -> None:
        self._state.take_over(checkpoint, away_s)
        self._webhooks.go_on(self._state.call_id)
        label_log_lines(self._ctx, call=self._state.call_id)

    def _taken_over(self) -> None:
        """Another process has this call now."""
        self._transport.fall_silent()
        self._recording.leave()
        self._ending.tell(CallEnded(Ending.TAKEN_OVER))

    def _work(self) -> dict[str, Coroutine[None, None, None]]:
        """The work of a session that has started, by the names of its tasks."""
        plays = self._persona.thinking_sound and not self._ctx.is_fake_job()  # the console has no room to play it in
        play, may_play = self._conversation.thinking_player.run, self._hears_thinking_sound
        player = play(self._ctx.room, may_play, self._recording.background_sounds) if plays else None
        thinking = None if self._persona.translates else self._conversation.thinking_state.run()
        memory = None if self._ctx.is_fake_job() else self._memory_watch().run()  # the console's process is the worker's own
        optional = {"thinking sound": player, "thinking state": thinking, "memory limit": memory}
        return {name: work for name, work in optional.items() if work is not None} | {
            "ending": self._ending.run(self._conversation, self._transport),
            "events": self._events.run(),
            "hearing": self._until_caller_listens(),
            "greeter": self._greeter.run(),
            "turns": self._transport.take_turns(self._take_turn),
            "costs": self._day_spending.run(),
            "recording": self._recording.run(),
            "hand-over": self._handover.run(),
        }

    def _asked(self) -> None:
        self._handover.request(HandoverReason.ASKED)

    def _memory_watch(self) -> MemoryWatch:
        limit_mb, killed_at_mb = self._settings.job_memory_mb, self._settings.job_killed_at_mb
        return MemoryWatch(limit_mb, killed_at_mb, lambda: self._handover.request(HandoverReason.MEMORY))

    def _hears_thinking_sound(self) -> bool:
        return self._persona.plays_thinking_sound(on_telephone=self._transport.phone_call is not None)

    async def _until_caller_listens(self) -> None:
        await self._transport.until_caller_listens(self._conversation.until_subscribed)
        self._caller_listens.set()
        self._ending.tell(CallerListens())
        await self._recording.tell_caller(self._ctx.room)

    async def _take_turn(self, text: str) -> None:
        if self._ending.accepts_turns and not self._handover.is_given:
            self._greeter.skip(self._transport.identities())
            await self._caller_listens.wait()
            self._recording.caller_typed(text)
            await self._conversation.take_turn(text)

    async def _greet(self) -> None:
        await self._caller_listens.wait()
        if await self._conversation.model.connected() and self._ending.accepts_turns:
            self._greeter.begins(self._transport.identities())
            await self._conversation.greet(self._transport.phone_call, comes_back=self._memory.takes_welcome())

    async def _leave(self, telemetry: CallTelemetry) -> None:
        ending, record, model = self._ending.ending or Ending.SHUT_DOWN, self._record, self._conversation.model
        ending = await leave_caller(ending, self._transport, self._lease, self._persona.spoken_language)
        handle, lines = None if ending in FAULTS else model.session_handle, model.history()
        own_lines = self._conversation.history()
        await self._transport.leave(ending, record.failure)
        await self._conversation.close()
        await self._day_spending.flush()
        await self._lease.release()
        if ending in ELSEWHERE:
            await self._memory.give_back()
        else:
            await self._memory.keep(handle, lines, own_lines)
        losses = self._state.losses()
        level = logging.ERROR if ending in FAULTS else logging.INFO
        duration_s = self._timer.times(time.monotonic()).lasted_s
        await self._recording.hand_over(ending)
        figures_of = functools.partial(ended, ending=ending, record=record, losses=losses, duration_s=duration_s)
        recorded = await self._recording.end(figures_of)
        self._webhooks.ended(ending, figures_of, recorded)
        figures = {"persona": record.persona, **record.figures(losses, self._sight.pictures, duration_s)}
        telemetry.ended(ending, duration_s, is_recorded=recorded is not None and recorded.stopped is None)
        logger.log(level, "call ended: %s", ending.value, extra=figures)
