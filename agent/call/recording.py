"""Records one call, as RECORD says, in a folder of RECORD_DIR (records/call_folder.py).

What happens in the call is placed on one clock, seconds since the call began, and handed to a thread that writes it.
"""

import asyncio
import json
import logging
import math
import time
from bisect import insort
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from types import TracebackType
from typing import Self

from livekit import rtc
from livekit.agents import AgentSession, JobContext, UserInputTranscribedEvent
from livekit.agents.voice.io import AudioInput, AudioOutput

from agent.call.endings import Ending
from agent.call.heard_latencies import SavedLatencies
from agent.call.recorded_folder import BegunRecord, finish, open_record
from agent.call.recorded_io import RecordedInput, RecordedOutput, RecordedText
from agent.call.recorded_lines import silence_of, transcript_line
from agent.call.recorded_sound import RecordedSound
from agent.call.recording_plan import AUDIO, TIMELINE_KIND, TRANSCRIPT_KIND, RecordingPlan, recording_plan
from agent.call.transcript_lines import SpokenLine, TranscriptLines
from agent.gemini import CallerVoice, loudness
from agent.persona import Persona
from agent.room.room_events import RoomEvents, cut_details
from agent.settings import Settings
from agent.voice.record_tone import play_record_tone
from records import CallFolder, CallSummary, RecordsError, RecordWriter
from records.call_folder import BACKGROUND, TIMELINE, TRANSCRIPT, new_name
from records.summary import latency
from records.transcript import to_json as transcript_json
from records.writer import Silence, Sound, Text

_WRITES_EVERY_S = 0.4
_MOST_EARLY = 50
"""Events that wait for the folder; then the oldest is left out."""

logger = logging.getLogger("earshot.call")


class CallRecording:
    """The recording of one call. `async with` it; `begin` opens the folder, and `run` writes.

    Args:
        plan: what is recorded.
        since_start: gives the seconds since the call began, for a time of `time.monotonic()`.
        on_stopped: called when nothing more can be recorded, because the disk is full, for example.
    """

    def __init__(self, plan: RecordingPlan, since_start: Callable[[float], float], on_stopped: Callable[[], None]) -> None:
        self._plan = plan
        self._since_start = since_start
        self._on_stopped = on_stopped
        self._opened = ExitStack()
        self._folder: CallFolder | None = None
        self._writer: RecordWriter | None = None
        self._summary: CallSummary | None = None
        self._stopped: str | None = None
        """Why nothing more is recorded, although the call goes on."""
        self._is_left = False
        self._early: deque[Mapping[str, object]] = deque(maxlen=_MOST_EARLY)
        """Events from before there was a folder."""
        self._lines = TranscriptLines()
        self._sound = RecordedSound(since_start, self._put_sound)
        self._voice = CallerVoice()
        self._silences: list[Silence] = []
        """The stretches of sound with private words."""

    @property
    def name(self) -> str:
        """The name of the call's folder; empty without one."""
        return "" if self._folder is None else self._folder.name

    @property
    def is_running(self) -> bool:
        return self._writer is not None and self._stopped is None and not self._is_left

    @property
    def latencies(self) -> SavedLatencies:
        """The latencies that were measured so far; none in a call that isn't recorded."""
        return self._sound.latencies.measured

    def go_on(self, measured: SavedLatencies, call_id: str) -> None:
        """This is a call that another process has begun, with these latencies and that id."""
        self._sound.latencies.go_on(measured)
        self._plan = replace(self._plan, call=replace(self._plan.call, call_id=call_id))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Close the files."""
        await asyncio.to_thread(self._opened.close)

    async def begin(self, name: str = "") -> None:
        """Open the folder.

        Args:
            name: The folder of a call that another process has begun; empty: a new one.
        """
        if not self._plan.kinds:
            return
        now = time.monotonic()
        began_at = datetime.now(UTC) - timedelta(seconds=self._since_start(now))
        loop = asyncio.get_running_loop()

        def failed(reason: str) -> None:
            loop.call_soon_threadsafe(self._stop, reason)

        def opened() -> tuple[CallFolder, RecordWriter, BegunRecord]:
            folder = CallFolder(self._plan.calls, name or new_name(began_at))
            new = self._plan.summary(folder.name, began_at)
            writer, begun = open_record(folder, new, self._since_start(now), failed, has_sound=AUDIO in self._plan.kinds)
            return folder, self._opened.enter_context(writer), begun

        try:
            self._folder, self._writer, begun = await asyncio.to_thread(opened)
        except RecordsError as error:
            self._stopped = str(error)
            logger.warning("the call is not recorded", extra={"reason": str(error)})
            self._on_stopped()
            return
        self._summary = begun.summary
        logger.info("the call is recorded", extra={"record": self.name})
        early = [*self._early]
        self._early.clear()
        if begun.gap_s is not None:
            resumed = {"t": round(self._since_start(now), 3), "type": "recording", "state": "resumed", "gap_s": begun.gap_s}
            insort(early, resumed, key=itemgetter("t"))
        for event in early:
            self._write_event(event)

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(_WRITES_EVERY_S)
            self._write_sound(time.monotonic())

    def leave(self) -> None:
        """Another process has the call, and goes on with its recording."""
        if self._is_left:
            return
        now = time.monotonic()
        self._write_sound(now)
        self._write_background(math.inf)
        self._write_lines(self._lines.over(now))
        self._is_left = True

    async def end(self, summary: Callable[[CallSummary], CallSummary]) -> CallSummary | None:
        """The call is over: write what is left, and its figures; in bounded time. Returns them; None: it isn't recorded."""
        folder, begun, writer = self._folder, self._summary, self._writer
        if folder is None or begun is None or writer is None or self._is_left:
            return None
        now = time.monotonic()
        self._write_sound(now)
        self._write_background(math.inf)
        self._write_lines(self._lines.over(now))
        await asyncio.to_thread(self._opened.close)
        heard = self._sound.latencies.measured
        told: dict[str, object] = {"stopped": self._stopped, "dropped_s": round(writer.dropped_s, 1)}
        told |= {"response_latency": latency([*heard.responses_s]), "greeting_latency_s": heard.greeting_s}
        over = summary(begun.model_copy(update=told))
        try:
            await asyncio.to_thread(finish, folder, over, self._silences)
        except RecordsError as error:
            logger.warning("the record of the call is incomplete", extra={"reason": str(error)})
        return over

    async def hand_over(self, ending: Ending) -> None:
        """Leave the folder to the process that goes on with the call; one in a call of somebody else's is deleted."""
        if ending is Ending.TAKEN_OVER:
            self.leave()
        elif ending is Ending.SECOND_AGENT:
            await self._discard()

    async def _discard(self) -> None:
        folder, self._folder, self._is_left = self._folder, None, True
        await asyncio.to_thread(self._opened.close)
        if folder is not None:
            await asyncio.to_thread(folder.delete)

    # The ends of the session

    def caller_sound(self, source: AudioInput | None) -> AudioInput | None:
        """The caller's sound, recorded."""
        return source if source is None or not self.is_running else RecordedInput(source, self)

    def agent_sound(self, output: AudioOutput) -> AudioOutput:
        """The output of the agent's sound, recorded."""
        return RecordedOutput(output, self) if self.is_running else output

    def listen(self, session: AgentSession[None]) -> None:
        """Record the words of a session that has started."""
        if not self.is_running:
            return
        session.output.transcription = RecordedText(session.output.transcription, self)
        session.on("user_input_transcribed", self._on_caller_words)

    async def tell_caller(self, room: rtc.Room) -> None:
        """The caller listens: play the tone that says that the call is recorded, if RECORD_NOTICE asks for it."""
        is_first = self._summary is not None and self._summary.processes == 1
        if self._plan.has_tone and self.is_running and is_first:
            await play_record_tone(room, self.background_sounds)

    # What happens in the call

    def event(self, at: float, kind: str, facts: Mapping[str, object]) -> None:
        """The room is told an event; `at` is its field `t`, in seconds."""
        if kind == "caller":
            self._sound.latencies.came(at)
        self._write_event({"t": at, "type": kind, **facts})

    def _write_event(self, event: Mapping[str, object]) -> None:
        if TIMELINE_KIND not in self._plan.kinds or self._is_left:
            return
        if self._writer is None:
            self._early.append(event)
        else:
            redacted = event if self._plan.redaction is None else self._plan.redaction.event(event)
            self._writer.put(Text(TIMELINE, json.dumps(cut_details(redacted), ensure_ascii=False)))

    def caller_typed(self, text: str) -> None:
        """The caller has typed this, or pressed keys."""
        self._write_lines(self._lines.caller_typed(text, time.monotonic()))

    def caller_sounds(self, frame: rtc.AudioFrame, now: float) -> None:
        pcm = bytes(frame.data)
        self._sound.arrived.arrived(pcm, now)
        did_speak = self._voice.speaking
        self._voice.hear(loudness(pcm), frame.duration, now)
        if self._voice.speaking is not did_speak:
            self._lines.caller_voice(self._voice.began_at, self._voice.last_at if did_speak else None)

    def background_sounds(self, frame: rtc.AudioFrame, at: float) -> None:
        """A frame of the sound while a tool runs is heard at that time."""
        if self.is_running:
            self._sound.background.played(bytes(frame.data), frame.sample_rate, at)

    def agent_captured(self, frame: rtc.AudioFrame, now: float) -> None:
        self._sound.heard.captured(bytes(frame.data), now)

    def agent_flushed(self) -> None:
        self._sound.heard.flushed()

    def agent_starts(self, at: float) -> None:
        self._sound.heard.started(at)
        self._lines.agent_sound_starts(at)

    def agent_pauses(self, now: float, *, is_paused: bool) -> None:
        (self._sound.heard.pauses if is_paused else self._sound.heard.goes_on)(now)

    def agent_played(self, until_s: float) -> None:
        self._sound.agent_heard(self._sound.heard.played(until_s))

    def agent_cut(self, now: float) -> None:
        self._sound.agent_heard(self._sound.heard.cut(now))

    def agent_ends(self, position_s: float, now: float, *, interrupted: bool) -> None:
        self._sound.agent_heard(self._sound.heard.finished(position_s))
        self._write_lines(self._lines.agent_sound_ends(now, interrupted=interrupted))

    def agent_says(self, text: str, now: float) -> None:
        self._lines.agent_text(text, now)

    def agent_said(self) -> None:
        self._write_lines(self._lines.agent_text_ends())

    def _on_caller_words(self, words: UserInputTranscribedEvent) -> None:
        if words.is_final:
            until = self._voice.last_at if self._voice.speaking else time.monotonic()
            self._write_lines(self._lines.caller_said(words.transcript, until))

    # Writing

    def _write_sound(self, now: float) -> None:
        self._sound.take(now, is_silent=not self._voice.speaking and not self._voice.may_speak)
        self._write_background(now)

    def _write_background(self, now: float) -> None:
        """Write an event for each stretch of the sound beside the voice that is over by that time."""
        for start, end in self._sound.background.over(now):
            t, until_s = (round(self._since_start(at), 3) for at in (start, end))
            self._write_event({"t": t, "type": BACKGROUND, "until_s": until_s})

    def _put_sound(self, sound: Sound) -> bool:
        if self._writer is None or not self.is_running:
            return False
        if AUDIO in self._plan.kinds:
            self._writer.put(sound)
        return True

    def _write_lines(self, lines: Iterable[SpokenLine]) -> None:
        if self._writer is None or not self.is_running:
            return
        for line in lines:
            written = transcript_line(line, self._since_start, self._plan.redaction)
            if TRANSCRIPT_KIND in self._plan.kinds:
                self._writer.put(Text(TRANSCRIPT, transcript_json(written)))
            if self._plan.redacts_sound and written.text != line.text and not line.typed:
                self._write_sound(time.monotonic())  # none of it waits
                self._silences.append(silence_of(written))
                self._writer.put(self._silences[-1])

    def _stop(self, reason: str) -> None:
        if self._stopped is None:
            self._stopped = reason
            logger.warning("the recording has stopped; the call goes on", extra={"reason": reason, "record": self.name})
            self._on_stopped()


def call_recording(ctx: JobContext, settings: Settings, persona: Persona, room_events: RoomEvents) -> CallRecording:
    """The recording of a job's call, which is given the call's events."""
    plan = recording_plan(ctx.job, settings, persona, is_console=ctx.is_fake_job())
    recording = CallRecording(plan, room_events.since_start, lambda: room_events.tell("recording", state="stopped"))
    room_events.add_listener(recording.event)
    return recording
