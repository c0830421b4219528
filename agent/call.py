"""One call from join to goodbye. `answer` and `afterwards` are what the worker gives to LiveKit.

The call's own life is one task with one `async with`: it begins with the job, ends when LiveKit ends the job, and in between
the worker's patience decides what a call that goes wrong ends with.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Coroutine

from livekit.agents import CloseEvent, JobContext

from agent.assistant import Assistant
from agent.call_room import CallRoom
from agent.conversation import Conversation
from agent.endings import FAULTS, NOBODY_THERE, WITH_GOODBYE, Ending, after_close, after_failure
from agent.errors import SessionOverError, WorkerError, until_session_ends
from agent.gemini.news import Cause, Kind, LinkEvent
from agent.goodbye import SOUND_IN_FLIGHT_S
from agent.greeter import Greeter
from agent.observer import Observer
from agent.patience import Limits, Patience
from agent.persona import Persona, for_call
from agent.record import CallRecord
from agent.room_events import RoomEvents
from agent.settings import Settings
from agent.telephone import phone_call

LIGHTS_ATTRIBUTE = "lights"

_LAST_WORDS_S = 10.0

logger = logging.getLogger("earshot.call")


async def answer(ctx: JobContext) -> None:
    """The job's entrypoint: returns once the call runs."""
    settings: Settings = ctx.proc.userdata["settings"]
    default: Persona = ctx.proc.userdata["persona"]
    persona, warnings = for_call(ctx.job.metadata, default, settings.personas_dir)
    for warning in warnings:
        logger.warning("the call is not as its dispatch asks", extra={"reason": warning, "persona": persona.name})
    call = ctx.proc.userdata["call"] = Call(ctx, settings, persona)
    await call.begin()


async def afterwards(ctx: JobContext) -> None:
    """The session is closed, the room not left yet: the call's last words."""
    call: Call | None = ctx.proc.userdata.pop("call", None)
    if call is not None:
        await call.finish()


class Call:
    """A call in a room; in the console, a conversation without one."""

    def __init__(self, ctx: JobContext, settings: Settings, persona: Persona) -> None:
        self._ctx = ctx
        self._settings = settings
        self._persona = persona
        self._in_room = not ctx.is_fake_job()
        limits = Limits(
            caller_join_s=settings.caller_join_s,
            caller_return_s=settings.caller_return_s,
            caller_silence_s=settings.caller_silence_s,
            still_there_s=settings.still_there_s if persona.still_there else math.inf,
            answer_s=settings.answer_s,
            longest_call_s=settings.longest_call_s,
        )
        self._record = CallRecord(room=ctx.job.room.name, persona=persona.name)
        self._events = RoomEvents(ctx.room)
        self._patience = Patience(limits, time.monotonic())
        self._observer = Observer(self._patience, self._record, self._events)
        self._conversation = Conversation(settings, persona, self._observer, self._on_link)
        self._conversation.goodbye.on_heard = lambda: self._end(Ending.HUNG_UP)
        self._room = CallRoom(ctx, self._record, self._observer, self._events)
        self._presence = self._room.presence
        self._presence.on_caller, self._presence.on_ringing = self._on_caller, self._conversation.link
        self._presence.on_caller_speaks = self._conversation.local_voice.hush
        self._presence.on_microphone = lambda is_open: self._conversation.model.microphone(is_open=is_open)
        self._ending: Ending | None = None
        self._greeter = Greeter(self._greet)
        self._is_heard = False
        self._keeps_waiting = False
        self._saying_goodbye = False
        self._link_failed = asyncio.Event()
        self._over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

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
        """Leave the call's `async with`: the last events, the end of the room, the last line of the log; in bounded time."""
        self._over.set()
        if self._life is None:
            return
        done, _ = await asyncio.wait({self._life}, timeout=_LAST_WORDS_S)
        if not done:
            self._life.cancel()
            await asyncio.wait({self._life})
        if not self._life.cancelled() and (error := self._life.exception()) is not None:
            logger.error("something in the call failed", exc_info=error)

    # What tools can do (assistant.Line)

    async def show_lights(self, *, on: bool) -> None:
        self._record.lights = on  # and shown, even if the service takes its call of the tool back meanwhile
        await asyncio.shield(self._show({LIGHTS_ATTRIBUTE: "on" if on else "off"}))

    def hang_up_after_goodbye(self) -> None:
        self._conversation.goodbye.begin()

    async def press_keys(self, keys: str) -> None:
        await self._room.telephone.press(keys)

    # The life of a call

    async def _connected(self, started: asyncio.Future[None]) -> None:
        async with self._conversation:  # the model is dialled while the room is joined
            await self._live(started)

    async def _live(self, started: asyncio.Future[None]) -> None:
        logger.info("call started", extra={"persona": self._persona.name})
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(work, name=name) for name, work in self._listening().items()]
                await self._start()
                running.append(tasks.create_task(self._events.run(), name="events"))
                self._ear = tasks.create_task(until_session_ends(self._find_ear()), name="ear")
                running.append(self._ear)
                running.append(tasks.create_task(self._greeter.run(), name="greeter"))
                running += [tasks.create_task(until_session_ends(work), name=name) for name, work in self._talking().items()]
                started.set_result(None)
                await self._over.wait()
                for task in running:
                    task.cancel()
        finally:
            self._end(Ending.SHUT_DOWN if self._over.is_set() else Ending.WORKER_FAILED)
            await self._say_last_words()

    def _listening(self) -> dict[str, Coroutine[None, None, None]]:
        """What runs from the beginning."""
        if not self._in_room:
            return {}
        self._ctx.room.on("disconnected", lambda _: self._end(Ending.ROOM_GONE))
        joining = self._room.join(lambda: self._end(Ending.SECOND_AGENT))
        return {"joining": joining, "sound": self._room.sound.listen(), "presence": self._presence.probe()}

    def _talking(self) -> dict[str, Coroutine[None, None, None]]:
        """What runs once the session has started."""
        work = {"patience": self._be_patient(), "failure": self._part_after_failure()}
        if self._in_room:
            work["chat"] = self._room.chat.listen(self._presence.typed, self._take_turn)
            work["keys"] = self._room.telephone.listen(self._take_turn)
        return work

    async def _start(self) -> None:
        await asyncio.sleep(0)  # the joining's turn: the session's start gives it none for a while (docs/facts.md L19)
        self._conversation.session.on("close", self._on_close)
        sound = self._room.sound if self._in_room else None
        await self._conversation.start(Assistant(self._persona, self), self._ctx.room, sound)
        if not self._in_room:
            self._observer.caller_came()
        await self.show_lights(on=self._record.lights)

    async def _take_turn(self, text: str) -> None:
        if self._link_failed.is_set():
            return
        self._greeter.skip(human.identity for human in self._presence.humans())
        await asyncio.shield(self._ear)
        await self._conversation.take_turn(text)

    async def _find_ear(self) -> None:
        if self._in_room:
            await self._presence.caller_here.wait()
            await self._conversation.somebody_listens()
        self._is_heard = True
        if self._keeps_waiting:
            self._ask_for_patience(again=False)

    async def _greet(self) -> None:
        await asyncio.shield(self._ear)
        if await self._conversation.model.connected() and self._ending is None:
            self._greeter.begins(human.identity for human in self._presence.humans())
            caller = self._presence.caller if self._in_room else None
            await self._conversation.greet(phone_call(caller) if caller else None)

    async def _part_after_failure(self) -> None:
        """The model is lost for good: who is in the call, or comes, is told so, and it ends."""
        await self._link_failed.wait()
        await asyncio.shield(self._ear)
        self._saying_goodbye = True
        await self._conversation.local_voice.say_goodbye()
        self._end(after_failure(Cause(self._record.failure)))

    async def _be_patient(self) -> None:
        while True:
            ending = await self._out_of_patience()
            answered_back = ending in WITH_GOODBYE and not await self._say_goodbye()
            if ending is not Ending.SILENCE or not answered_back:
                break
        if self._in_room and ending in NOBODY_THERE and self._ending is None:
            self._ending = ending
            await self._room.delete_if_empty()
            self._ctx.shutdown(reason=ending.value)
        self._end(ending)

    async def _out_of_patience(self) -> Ending:
        while (ending := self._patience.ending(time.monotonic())) is None:
            if self._patience.asks_back(time.monotonic()):
                self._conversation.prompt(self._persona.still_there)
            self._observer.changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(self._patience.next_at - time.monotonic(), 0)):
                    await self._observer.changed.wait()
        return ending

    async def _say_goodbye(self) -> bool:
        """Have it said, in bounded time; False if the caller interrupted it."""
        if self._patience.link_is_down:
            await self._conversation.local_voice.say_goodbye()
            return True
        self._saying_goodbye = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.goodbye_s):
                if (await self._conversation.say(self._persona.goodbye)).interrupted:
                    self._saying_goodbye = False
                    return False
                await asyncio.sleep(SOUND_IN_FLIGHT_S)
        return True

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._ctx.shutdown(reason=ending.value)

    async def _say_last_words(self) -> None:
        ending, record = self._ending or Ending.SHUT_DOWN, self._record
        self._conversation.goodbye.cancel()
        if self._in_room:
            await self._room.leave(ending, record.failure)
        await self._conversation.close()
        record.link = {f"{kind}.{cause}": count for (kind, cause), count in self._conversation.model.counts.items()}
        record.dropped_chunks = self._conversation.model.dropped_chunks
        record.dropped_events, record.dropped_lines = self._events.dropped, self._room.chat.dropped
        level = logging.ERROR if ending in FAULTS else logging.INFO
        logger.log(level, "call ended: %s", ending.value, extra={"persona": record.persona, **record.figures()})

    # What the room, the link and the session tell

    def _on_caller(self, identity: str) -> None:
        self._conversation.link(identity)
        self._greeter.caller_came(identity)

    def _on_link(self, event: LinkEvent) -> None:
        self._observer.link(event)
        if event.kind in {Kind.CONNECTED, Kind.WAITING}:
            self._keeps_waiting = event.kind is Kind.WAITING
        if event.kind is Kind.FAILED:
            self._record.failure = event.cause
            self._link_failed.set()
        elif event.kind is Kind.WAITING and self._is_heard:
            self._ask_for_patience(again=(event.attempts or 1) > 1)

    def _ask_for_patience(self, *, again: bool) -> None:
        if not (self._saying_goodbye or self._presence.caller_speaks):
            with contextlib.suppress(SessionOverError):
                self._conversation.ask_for_patience(again=again)

    def _on_close(self, event: CloseEvent) -> None:
        if event.error is not None:
            logger.error("the model's session failed", extra={"error": str(event.error.error)})
        self._end(after_close(event.reason))

    async def _show(self, attributes: dict[str, str]) -> None:
        if self._in_room and self._ctx.room.isconnected():
            await self._ctx.room.local_participant.set_attributes(attributes)
