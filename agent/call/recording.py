"""Records one call, as RECORD says, in a folder of RECORD_DIR (records/call_folder.py).

What happens in the call is placed on one clock, seconds since the call began, and handed to a thread that writes it.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from livekit import rtc
from livekit.agents import AgentSession, JobContext, UserInputTranscribedEvent
from livekit.agents.voice.io import AudioInput

from agent.call.endings import Ending
from agent.call.recorded_io import RecordedInput, RecordedOutput, RecordedText
from agent.call.recording_plan import RecordingPlan, recording_plan
from agent.call.sound_placement import ArrivedSound, HeardSound, PlacedSound
from agent.call.transcript_lines import SpokenLine, TranscriptLines
from agent.gemini import INPUT_RATE_HZ, OUTPUT_RATE_HZ, CallerVoice, loudness
from agent.persona import Persona
from agent.room.room_events import RoomEvents
from agent.settings import Settings
from records import CallFolder, CallSummary, RecordsError, RecordWriter, TranscriptLine
from records.call_folder import SUBTITLES, SUMMARY, TIMELINE, TRANSCRIPT, new_name
from records.stereo_wav import LEFT, RIGHT
from records.summary import from_json, to_json
from records.transcript import from_json as transcript_lines
from records.transcript import subtitles
from records.transcript import to_json as transcript_json
from records.writer import Sound, Text

AUDIO, TRANSCRIPT_KIND, TIMELINE_KIND = "audio", "transcript", "timeline"
_WRITES_EVERY_S = 0.4
_SILENT_SAMPLE = bytes(2)
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
        self._arrived = ArrivedSound(INPUT_RATE_HZ)
        self._heard = HeardSound(OUTPUT_RATE_HZ)
        self._batch = bytearray()
        """The caller's sound that has no place yet."""
        self._batch_ends = 0.0
        self._voice = CallerVoice()

    @property
    def name(self) -> str:
        """The name of the call's folder; empty without one."""
        return "" if self._folder is None else self._folder.name

    @property
    def is_running(self) -> bool:
        return self._writer is not None and self._stopped is None and not self._is_left

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

        def stop(reason: str) -> None:
            loop.call_soon_threadsafe(self._stop, reason)

        def opened() -> tuple[CallFolder, RecordWriter, CallSummary]:
            folder = CallFolder(self._plan.calls, name or new_name(began_at))
            writer = self._opened.enter_context(RecordWriter(folder, stop, has_sound=AUDIO in self._plan.kinds))
            begun = _gone_on(folder.read(SUMMARY)) or self._plan.summary(folder.name, began_at)
            folder.replace(SUMMARY, to_json(begun))
            return folder, writer, begun

        try:
            self._folder, self._writer, self._summary = await asyncio.to_thread(opened)
        except RecordsError as error:
            self._stopped = str(error)
            logger.warning("the call is not recorded", extra={"reason": str(error)})
            self._on_stopped()
            return
        logger.info("the call is recorded", extra={"record": self.name})
        while self._early:
            self._write_event(self._early.popleft())

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
        self._write_lines(self._lines.over(now))
        self._is_left = True

    async def end(self, summary: Callable[[CallSummary], CallSummary]) -> CallSummary | None:
        """The call is over: write what is left, and its figures; in bounded time. Returns them; None: it isn't recorded."""
        folder, begun, writer = self._folder, self._summary, self._writer
        if folder is None or begun is None or writer is None or self._is_left:
            return None
        now = time.monotonic()
        self._write_sound(now)
        self._write_lines(self._lines.over(now))
        self._put(RIGHT, OUTPUT_RATE_HZ, [PlacedSound(now, _SILENT_SAMPLE)])  # the sound is as long as the call
        await asyncio.to_thread(self._opened.close)
        told = {"stopped": self._stopped, "dropped_s": round(writer.dropped_s, 1)}
        over = summary(begun.model_copy(update=told))
        try:
            await asyncio.to_thread(_finish, folder, over)
        except RecordsError as error:
            logger.warning("the record of the call has no figures", extra={"reason": str(error)})
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

    def listen(self, session: AgentSession[None]) -> None:
        """Record what a session that has started says and hears."""
        if not self.is_running:
            return
        if session.output.audio is not None:
            session.output.audio = RecordedOutput(session.output.audio, self)
        session.output.transcription = RecordedText(session.output.transcription, self)
        session.on("user_input_transcribed", self._on_caller_words)

    # What happens in the call

    def event(self, at: float, kind: str, facts: Mapping[str, object]) -> None:
        """The room is told an event; `at` is its field `t`, in seconds."""
        self._write_event({"t": at, "type": kind, **facts})

    def _write_event(self, event: Mapping[str, object]) -> None:
        if TIMELINE_KIND not in self._plan.kinds or self._is_left:
            return
        if self._writer is None:
            self._early.append(event)
        else:
            redacted = event if self._plan.redaction is None else self._plan.redaction.value(event)
            self._writer.put(Text(TIMELINE, json.dumps(redacted, ensure_ascii=False)))

    def caller_typed(self, text: str) -> None:
        """The caller has typed this, or pressed keys."""
        self._write_lines(self._lines.caller_typed(text, time.monotonic()))

    def caller_sounds(self, frame: rtc.AudioFrame, now: float) -> None:
        pcm = bytes(frame.data)
        self._batch += pcm
        self._batch_ends = now
        did_speak = self._voice.speaking
        self._voice.hear(loudness(pcm), frame.duration, now)
        if self._voice.speaking is not did_speak:
            self._lines.caller_voice(self._voice.began_at, self._voice.last_at if did_speak else None)

    def agent_captured(self, frame: rtc.AudioFrame, now: float) -> None:
        self._heard.captured(bytes(frame.data), now)

    def agent_flushed(self) -> None:
        self._heard.flushed()

    def agent_starts(self, at: float) -> None:
        self._heard.started(at)
        self._lines.agent_sound_starts(at)

    def agent_cut(self, now: float) -> None:
        self._put(RIGHT, OUTPUT_RATE_HZ, self._heard.cut(now))

    def agent_ends(self, position_s: float, now: float, *, interrupted: bool) -> None:
        self._put(RIGHT, OUTPUT_RATE_HZ, self._heard.finished(position_s))
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
        batch, self._batch = bytes(self._batch), bytearray()
        if batch and (placed := self._arrived.place(batch, self._batch_ends)) is not None:
            self._put(LEFT, INPUT_RATE_HZ, [placed])
        self._put(RIGHT, OUTPUT_RATE_HZ, self._heard.take(now))

    def _put(self, channel: int, rate_hz: int, sounds: Iterable[PlacedSound]) -> None:
        if self._writer is None or AUDIO not in self._plan.kinds or not self.is_running:
            return
        track = "caller" if channel == LEFT else "agent"
        for sound in sounds:
            start_s = self._since_start(sound.start)
            skipped = round(max(-start_s, 0.0) * rate_hz)  # from before the call began
            self._writer.put(Sound(channel, track, max(start_s, 0.0), rate_hz, sound.pcm[2 * skipped :]))

    def _write_lines(self, lines: Iterable[SpokenLine]) -> None:
        if self._writer is None or TRANSCRIPT_KIND not in self._plan.kinds or not self.is_running:
            return
        for line in lines:
            written = TranscriptLine(
                start_s=round(max(self._since_start(line.start), 0.0), 3),
                end_s=round(max(self._since_start(line.end), 0.0), 3),
                who="caller" if line.by_caller else "agent",
                text=line.text if self._plan.redaction is None else self._plan.redaction.text(line.text),
                interrupted=line.interrupted,
                interrupts=line.interrupts,
                typed=line.typed,
            )
            self._writer.put(Text(TRANSCRIPT, transcript_json(written)))

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


def _gone_on(text: str) -> CallSummary | None:
    """The summary of a call that another process has begun; None: there is none that can be read."""
    try:
        begun = from_json(text)
    except RecordsError:
        return None
    return begun.model_copy(update={"processes": begun.processes + 1})


def _finish(folder: CallFolder, summary: CallSummary) -> None:
    if TRANSCRIPT_KIND in summary.recorded:
        folder.replace(SUBTITLES, subtitles(transcript_lines(folder.read(TRANSCRIPT))))
    folder.replace(SUMMARY, to_json(summary))
