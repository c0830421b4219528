"""One call from join to goodbye. `answer` and `afterwards` are what the worker gives to LiveKit.

The call's own life is one task with one `async with`: it begins with the job, ends when LiveKit ends the job, and in between
the worker's patience decides what a call that goes wrong ends with.
"""

import asyncio
import contextlib
import logging
import time

from livekit import rtc
from livekit.agents import (
    AgentSession,
    CloseEvent,
    CloseReason,
    JobContext,
    SpeechCreatedEvent,
    room_io,
)
from livekit.agents.job import DEFAULT_PARTICIPANT_KINDS
from livekit.agents.voice import SpeechHandle

from agent.assistant import Assistant
from agent.errors import WorkerError
from agent.gemini import EarshotModel, Endpoint, Voicing
from agent.gemini.model import EMULATOR_KEY
from agent.observer import Observer
from agent.patience import Ending, Limits, Patience
from agent.persona import Persona, for_call
from agent.record import CallRecord
from agent.room_events import RoomEvents
from agent.settings import Settings

INPUT_RATE_HZ = 16000
OUTPUT_RATE_HZ = 24000
FRAME_MS = 20
"""Of the caller's audio. 8-10 ms of CPU per second dearer than 50 ms, and 15-30 ms sooner (docs/facts.md L5)."""

LIGHTS_ATTRIBUTE = "lights"
ENDING_ATTRIBUTE = "earshot.ending"

_SUBSCRIBE_S = 5.0
_GREETING_TRIES = 3
_SOUND_IN_FLIGHT_S = 0.5
_LAST_EVENTS_S = 1.0
_LAST_EVENTS_TRAVEL_S = 0.3
_DELETE_ROOM_S = 5.0
_LONGEST_TYPED = 4000
_ENDED_BY_CLOSE = {
    CloseReason.PARTICIPANT_DISCONNECTED: Ending.CALLER_LEFT,
    CloseReason.ERROR: Ending.MODEL_FAILED,
}
"""Any other close is LiveKit's own, because the job ends: for a reason of ours, which is set by then, or a shutdown."""
_KEEPS_ROOM = {Ending.CALLER_LEFT, Ending.SHUT_DOWN}
_FAULTS = {Ending.MODEL_FAILED, Ending.NO_ANSWER, Ending.WORKER_FAILED}

logger = logging.getLogger("earshot.call")


async def answer(ctx: JobContext) -> None:
    """The job's entrypoint: returns once the call runs."""
    settings: Settings = ctx.proc.userdata["settings"]
    default: Persona = ctx.proc.userdata["persona"]
    persona, warning = for_call(ctx.job.metadata, default, settings.personas_dir)
    if warning is not None:
        logger.warning("the call gets the default persona", extra={"reason": warning, "persona": persona.name})
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
            answer_s=settings.answer_s,
            longest_call_s=settings.longest_call_s,
        )
        self._record = CallRecord(room=ctx.job.room.name, job=ctx.job.id, persona=persona.name)
        self._events = RoomEvents(ctx.room)
        self._patience = Patience(limits, time.monotonic())
        self._session = self._new_session()
        self._observer = Observer(self._session, self._patience, self._record, self._events)
        self._ending: Ending | None = None
        self._caller_here = asyncio.Event()
        self._latest_goodbye: asyncio.TimerHandle | None = None
        self._over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Join, connect the model, and let the call live on in a task of its own."""
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._live(started), name="call")
        await asyncio.wait({started, self._life}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            raise WorkerError(f"the call in room {self._record.room} could not start")

    async def finish(self) -> None:
        """Leave the call's `async with`. The room is deleted unless it was the caller who left."""
        self._over.set()
        if self._life is not None:
            await asyncio.wait({self._life})
            if (error := self._life.exception()) is not None:
                logger.error("something in the call failed", exc_info=error)

    # What tools can do (assistant.Line)

    async def show_lights(self, *, on: bool) -> None:
        self._record.lights = on
        await self._show({LIGHTS_ATTRIBUTE: "on" if on else "off"})

    def hang_up_after_goodbye(self) -> None:
        self._session.once("speech_created", self._on_goodbye)
        loop = asyncio.get_running_loop()
        self._latest_goodbye = loop.call_later(self._settings.goodbye_s, self._end, Ending.HUNG_UP)

    # The life of a call

    async def _live(self, started: asyncio.Future[None]) -> None:
        logger.info("call started", extra={"persona": self._persona.name})
        try:
            async with asyncio.TaskGroup() as tasks:
                self._watch_room()
                self._observer.watch()
                self._session.on("close", self._on_close)
                running = [tasks.create_task(self._events.run(), name="events")]
                await self._start_session()
                running += [
                    tasks.create_task(self._greet(), name="greeting"),
                    tasks.create_task(self._be_patient(), name="patience"),
                ]
                started.set_result(None)
                await self._over.wait()
                for task in running:
                    task.cancel()
        finally:
            self._end(Ending.SHUT_DOWN if self._over.is_set() else Ending.WORKER_FAILED)
            await self._say_last_words()

    def _new_session(self) -> AgentSession[None]:
        settings, persona = self._settings, self._persona
        key = settings.google_api_key
        endpoint = Endpoint(
            model=settings.gemini_model,
            api_key=EMULATOR_KEY if settings.gemini_base_url or key is None else key.get_secret_value(),
            api_version=settings.gemini_api_version,
            base_url=settings.gemini_base_url,
            ca_file=settings.gemini_ca_file,
        )
        voicing = Voicing(persona.voice, persona.language, persona.temperature, settings.gemini_silence_ms)
        return AgentSession(
            llm=EarshotModel(endpoint, voicing),
            vad=None,  # nothing here needs user_state, and a local VAD gates playout (docs/facts.md L3)
            turn_handling={"turn_detection": "realtime_llm"},
            aec_warmup_duration=None,  # the default replaces the caller's first 3 s by silence (docs/facts.md L4)
            user_away_timeout=None,
            tts_text_transforms=None,
        )

    async def _start_session(self) -> None:
        options = room_io.RoomOptions(
            audio_input=room_io.AudioInputOptions(
                sample_rate=INPUT_RATE_HZ, num_channels=1, frame_size_ms=FRAME_MS, auto_gain_control=False
            ),
            audio_output=room_io.AudioOutputOptions(sample_rate=OUTPUT_RATE_HZ),
            text_input=room_io.TextInputOptions(text_input_cb=self._on_typed),
            text_output=room_io.TextOutputOptions(sync_transcription=False),  # agent/captions.py does it, cheaper
        )
        assistant = Assistant(self._persona, self)
        # session_host: LiveKit's default lets everybody in the room read the instructions and drive the agent (L1)
        await self._session.start(assistant, room=self._ctx.room, room_options=options, session_host=False, record=False)
        if not self._in_room:
            self._observer.caller_came("console")
        for participant in self._ctx.room.remote_participants.values() if self._in_room else ():
            self._on_participant(participant)
        await self.show_lights(on=self._record.lights)

    async def _greet(self) -> None:
        await self._somebody_listens()
        for _ in range(_GREETING_TRIES if self._persona.greeting else 0):
            error = await self._ask_to_say(self._persona.greeting)
            if error is None:
                return
            logger.warning("the greeting is tried again", extra={"error": str(error)})

    async def _ask_to_say(self, instructions: str) -> BaseException | None:
        """Have the model speak, and wait until it has. Returns what went wrong."""
        if self._ending is not None:
            return None
        self._observer.asked()
        speech = self._session.generate_reply(instructions=instructions)
        await speech
        return speech.exception()

    async def _somebody_listens(self) -> None:
        if not self._in_room:
            return
        await self._caller_here.wait()
        subscribed = self._session.room_io.subscribed_fut
        assert subscribed is not None
        try:
            async with asyncio.timeout(_SUBSCRIBE_S):
                await asyncio.shield(subscribed)
        except TimeoutError:
            # a caller who only reads: without this, each answer would wait for an ear for ever
            self._session.output.set_audio_enabled(False)
            subscribed.add_done_callback(lambda _: self._session.output.set_audio_enabled(True))

    async def _be_patient(self) -> None:
        while (ending := self._patience.ending(time.monotonic())) is None:
            self._observer.changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(self._patience.next_at - time.monotonic(), 0)):
                    await self._observer.changed.wait()
        if ending.with_goodbye:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.goodbye_s):
                    await self._ask_to_say(self._persona.goodbye)
                    await asyncio.sleep(_SOUND_IN_FLIGHT_S)
        self._end(ending)

    def _end(self, ending: Ending) -> None:
        if self._ending is None:
            self._ending = ending
            self._ctx.shutdown(reason=ending.value)

    async def _say_last_words(self) -> None:
        ending, record = self._ending or Ending.SHUT_DOWN, self._record
        if self._latest_goodbye is not None:
            self._latest_goodbye.cancel()
        self._events.tell("call_ended", reason=ending.name.lower(), text=ending.value)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_EVENTS_S):
                await self._show({ENDING_ATTRIBUTE: ending.name.lower()})
                await self._events.flush()
        if self._in_room and ending not in _KEEPS_ROOM:
            await asyncio.sleep(_LAST_EVENTS_TRAVEL_S)  # the room's end would overtake them
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DELETE_ROOM_S):
                    await self._ctx.delete_room()
        facts = {"turns": record.turns, "interrupted_turns": record.interrupted_turns, "tools": record.tools}
        level = logging.ERROR if ending in _FAULTS else logging.INFO
        logger.log(level, "call ended: %s", ending.value, extra={"persona": record.persona, **facts})

    # What the room tells

    def _watch_room(self) -> None:
        if self._in_room:
            self._ctx.room.on("participant_connected", self._on_participant)
            self._ctx.room.on("participant_disconnected", self._on_participant_gone)

    def _on_participant(self, participant: rtc.RemoteParticipant) -> None:
        first_or_back = self._record.caller in {"", participant.identity}
        if first_or_back and participant.kind in DEFAULT_PARTICIPANT_KINDS:
            self._observer.caller_came(participant.identity)
            self._caller_here.set()

    def _on_participant_gone(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._record.caller:
            self._observer.caller_lost()

    def _on_close(self, event: CloseEvent) -> None:
        if event.error is not None:
            logger.error("the model's session failed", extra={"error": str(event.error.error)})
        self._end(_ENDED_BY_CLOSE.get(event.reason, Ending.SHUT_DOWN))

    async def _on_typed(self, session: AgentSession[None], typed: room_io.TextInputEvent) -> None:
        text = typed.text.strip()[:_LONGEST_TYPED]
        if text:
            self._observer.asked()
            await session.interrupt()
            session.generate_reply(user_input=text)

    def _on_goodbye(self, created: SpeechCreatedEvent) -> None:
        def heard(speech: SpeechHandle) -> None:
            if not speech.interrupted:
                asyncio.get_running_loop().call_later(_SOUND_IN_FLIGHT_S, self._end, Ending.HUNG_UP)
            elif self._latest_goodbye is not None:
                self._latest_goodbye.cancel()  # the caller has something to add: the call goes on

        created.speech_handle.add_done_callback(heard)

    async def _show(self, attributes: dict[str, str]) -> None:
        if self._in_room and self._ctx.room.isconnected():
            await self._ctx.room.local_participant.set_attributes(attributes)
