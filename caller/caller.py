"""The caller's participant in the room: a microphone, an ear, captions, and a log of events."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Literal, Self, TypeVar

import numpy as np
from livekit import rtc

from caller.background import TRACK as BACKGROUND
from caller.background import hear_background
from caller.call_endings import CallEnding, ending_of
from caller.ear import Ear, Onset, Samples, Silence, mixed
from caller.errors import CallEndedError, JoinError, NotHeardError
from caller.events import (
    AgentAttributes,
    AgentSilent,
    AgentSound,
    AgentTrack,
    Event,
    Joined,
    Key,
    Left,
)
from caller.jitter_buffer import BufferTotals, totals_of
from caller.microphone import FRAME_MS, Microphone
from caller.streams import TOPIC_CAPTIONS, TOPIC_CHAT, TOPIC_EVENTS, read_caption, read_event
from caller.talk_button import held

SAMPLE_RATE_HZ = 48000
"""The sample rate of the microphone, the ear and the recording, all mono."""

_JOIN_TIMEOUT_S = 15.0
_LAST_WORDS_S = 1.0
_AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT

E = TypeVar("E", bound=Event)


class Caller:
    """A caller for one call: `async with Caller(url, token) as caller`.

    Entering joins the room with an open microphone; on leaving the block the room is left and every task has ended.

    Args:
        url: the SFU, `ws://` or `wss://`.
        token: a LiveKit access token that may join, publish and subscribe.
        subscribe: whether the agent is listened to; without it the caller only reads.
        on_event: called with each event, at once, from the event loop.

    Raises:
        JoinError: on entering, when the server isn't there or refuses the token.
    """

    def __init__(
        self, url: str, token: str, *, subscribe: bool = True, on_event: Callable[[Event], None] | None = None
    ) -> None:
        self.log: list[Event] = []
        """All events, in the order in which they were noticed."""
        self._url, self._token, self._subscribe, self._on_event = url, token, subscribe, on_event
        self._room = rtc.Room()
        self._source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=0)
        self._microphone = Microphone(self._source, sample_rate_hz=SAMPLE_RATE_HZ, tell=self.tell)
        self._joined_at = self._left_at = time.monotonic()
        self._ears: list[tuple[str, Ear]] = []
        """One for each track of an agent's voice, with the agent's identity, in the order in which they came."""
        self._voice: rtc.Track | None = None
        """The newest one."""
        self._leaving: asyncio.Task[None] | None = None
        self._hearing: dict[str, asyncio.Task[None]] = {}
        """By the id of a track: the task that listens to it."""
        self._reading: set[asyncio.Task[None]] = set()
        self._events_in_order = asyncio.Lock()
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            async with AsyncExitStack() as opened:
                self._group = await opened.enter_async_context(asyncio.TaskGroup())
                opened.push_async_callback(self._close)
                await self._connect()
                self._exit = opened.pop_all()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._exit.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as failed:
            if failed.exceptions != (error,):
                raise  # a task of ours failed; the block's own error goes on as it is

    @property
    def identity(self) -> str:
        return self._room.local_participant.identity

    @property
    def now(self) -> float:
        """The clock that all events are on."""
        return time.monotonic()

    @property
    def joined_at(self) -> float:
        """The time at which the recording begins, on the monotonic clock."""
        return self._joined_at

    @property
    def recording(self) -> Samples:
        """The sound heard since joining, silence included: mono int16 at 48 kHz. Several agents at once are mixed."""
        until = time.monotonic() if self._room.isconnected() else self._left_at
        return mixed([ear.recording for _, ear in self._ears], int((until - self._joined_at) * SAMPLE_RATE_HZ))

    @property
    def recordings(self) -> dict[str, Samples]:
        """The sound of each agent's voice since joining, by the agent's identity. As long as there was sound to hear of it."""
        identities = dict.fromkeys(identity for identity, _ in self._ears)
        return {name: mixed([ear.recording for of, ear in self._ears if of == name]) for name in identities}

    @property
    def agent_sounding(self) -> bool:
        return any(ear.sounding for _, ear in self._ears)

    @property
    def ending(self) -> CallEnding:
        """What is known so far of how the call has ended."""
        return ending_of(self.log)

    async def say(self, samples: Samples, *, text: str = "") -> float:
        """Speak mono int16 samples at 48 kHz in real time; returns once the last one went to WebRTC.

        Returns:
            When the last audible sample went.

        Raises:
            RuntimeError: this caller is speaking already.
        """
        return await self._microphone.say(samples, text)

    def holding_button(self) -> AbstractAsyncContextManager[None]:
        """Hold the talk button, if the agent takes turns by one."""
        return held(self._room)

    async def send_text(self, text: str) -> None:
        """Send a typed turn on `lk.chat`."""
        await self._room.local_participant.send_text(text, topic=TOPIC_CHAT)

    async def press(self, key: str) -> None:
        """Press a telephone's key: 0 to 9, * or #. Only a caller of kind SIP is listened to."""
        await self._room.local_participant.publish_dtmf(code="0123456789*#".index(key), digit=key)

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        """Change attributes of one's own; the grant must allow it."""
        await self._room.local_participant.set_attributes(attributes)

    async def first(self, kind: type[E], *, since: int = 0, within_s: float, where: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of a kind in the log from index `since` on, waited for if it isn't there yet.

        Raises:
            NotHeardError: it didn't come in time.
            CallEndedError: the call ended before.
        """
        try:
            async with asyncio.timeout(within_s):
                while True:
                    for event in self.log[since:]:
                        if isinstance(event, kind) and where(event):
                            return event
                    self._check_in_call(kind.type)
                    await self._changed.wait()
        except TimeoutError as error:
            raise NotHeardError(kind.type, within_s) from error

    async def quiet(self, *, for_s: float, within_s: float) -> None:
        """Wait until the agent has been silent for `for_s`.

        Raises:
            NotHeardError: it wasn't, in time.
            CallEndedError: the call ended before.
        """
        awaited = f"{for_s:g} s of silence"
        try:
            async with asyncio.timeout(within_s):
                while True:
                    self._check_in_call(awaited)
                    missing_s = None if self.agent_sounding else self._silent_since() + for_s - time.monotonic()
                    if missing_s is not None and missing_s <= 0:
                        return
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(missing_s):
                            await self._changed.wait()
        except TimeoutError as error:
            raise NotHeardError(awaited, within_s) from error

    def _silent_since(self) -> float:
        return next((event.t for event in reversed(self.log) if isinstance(event, AgentSilent)), self._joined_at)

    def _check_in_call(self, awaited: str) -> None:
        if any(isinstance(event, Left) for event in reversed(self.log)):
            raise CallEndedError(awaited, self.ending)

    async def jitter_buffer(self) -> BufferTotals | None:
        """The totals of the jitter buffer of the newest agent's voice. None: nobody is heard."""
        return None if self._voice is None else await totals_of(self._voice)

    async def leave(self) -> None:
        """Leave the room. Leaving twice is harmless; the `async with` does it at its end."""
        self._left_at = time.monotonic() if self._room.isconnected() else self._left_at
        await self._room.disconnect()

    def tell(self, event: Event) -> None:
        """Add an event of the user's own to the log and to `on_event`."""
        self.log.append(event)
        if self._on_event is not None:
            self._on_event(event)
        self._changed.set()
        self._changed = asyncio.Event()

    def _read(self, stream: Coroutine[None, None, None], name: str) -> None:
        task = self._spawn(stream, name)
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _connect(self) -> None:
        self._listen_to_room()
        try:
            async with asyncio.timeout(_JOIN_TIMEOUT_S):
                await self._room.connect(self._url, self._token, rtc.RoomOptions(auto_subscribe=self._subscribe))
                track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
                options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
                await self._room.local_participant.publish_track(track, options)
        except TimeoutError as error:
            raise JoinError(self._url, f"no connection in {_JOIN_TIMEOUT_S:g} s") from error
        except (rtc.ConnectError, rtc.participant.PublishTrackError) as error:
            raise JoinError(self._url, str(error)) from error
        self._joined_at = time.monotonic()
        for _, ear in self._ears:
            ear.restart(self._joined_at)
        self.tell(Joined(self._joined_at, self._room.name, self.identity))
        self._spawn(self._microphone.run(), "microphone")

    async def _close(self) -> None:
        await self.leave()
        if self._leaving is not None:
            await self._leaving
        for task in self._tasks:
            task.cancel()
        await self._source.aclose()

    def _listen_to_room(self) -> None:
        self._room.on("track_subscribed", self._on_track)
        self._room.on("track_unsubscribed", self._on_track_gone)
        self._room.on("participant_attributes_changed", self._on_attributes)
        self._room.on("disconnected", self._on_disconnected)
        self._room.on("sip_dtmf_received", lambda key: self.tell(Key(time.monotonic(), key.digit)))
        self._room.register_text_stream_handler(TOPIC_CAPTIONS, self._on_caption)
        self._room.register_text_stream_handler(TOPIC_EVENTS, self._on_event_stream)

    def _on_caption(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if identity == self.identity or self._is_agent(identity):
            who: Literal["caller", "agent"] = "caller" if identity == self.identity else "agent"
            self._read(read_caption(reader, who, self.tell), "caption")

    def _on_event_stream(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if self._is_agent(identity):
            self._read(self._read_event(reader), "event")

    async def _read_event(self, reader: rtc.TextStreamReader) -> None:
        async with self._events_in_order:
            await read_event(reader, self.tell)

    def _is_agent(self, identity: str) -> bool:
        participant = self._room.remote_participants.get(identity)
        return participant is not None and participant.kind == _AGENT

    def _on_track(self, track: rtc.Track, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant) -> None:
        if participant.kind == _AGENT and track.kind == rtc.TrackKind.KIND_AUDIO and self._room.isconnected():
            is_background = publication.name == BACKGROUND
            if not is_background:
                self.tell(AgentTrack(time.monotonic(), participant.identity))
            # at once: once the room is left the native track is gone
            stream = rtc.AudioStream.from_track(track=track, sample_rate=SAMPLE_RATE_HZ, num_channels=1, frame_size_ms=FRAME_MS)
            if is_background:
                hearing = hear_background(stream, self.tell, SAMPLE_RATE_HZ)
            else:
                self._voice = track
                ear = Ear(sample_rate_hz=SAMPLE_RATE_HZ, start=self._joined_at)
                self._ears.append((participant.identity, ear))
                hearing = self._hear(stream, ear)
            self._hearing[publication.sid] = self._spawn(hearing, "background ear" if is_background else "ear")

    def _on_track_gone(self, _track: rtc.Track, publication: rtc.RemoteTrackPublication, _from: rtc.RemoteParticipant) -> None:
        hearing = self._hearing.pop(publication.sid, None)
        if hearing is not None:
            hearing.cancel()  # its stream doesn't end by itself, and would go on with the sound of the next agent's track

    def _on_attributes(self, _changed: dict[str, str], participant: rtc.Participant) -> None:
        if participant.kind == _AGENT:
            self.tell(AgentAttributes(time.monotonic(), dict(participant.attributes)))

    def _on_disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._left_at = time.monotonic()
        left = Left(self._left_at, rtc.DisconnectReason.Name(reason))
        self._leaving = asyncio.create_task(self._tell_left(left), name="leaving")

    async def _tell_left(self, left: Left) -> None:
        """Tell the end of the call, after the text streams that came before it."""
        if self._reading:
            await asyncio.wait(self._reading, timeout=_LAST_WORDS_S)
        self.tell(left)

    async def _hear(self, stream: rtc.AudioStream, ear: Ear) -> None:
        try:
            async for heard in stream:
                samples = np.frombuffer(heard.frame.data, dtype=np.int16).copy()
                self._tell_heard(ear.hear(samples, time.monotonic()))
        finally:
            self._tell_heard(ear.track_ended())
            await stream.aclose()

    def _tell_heard(self, changes: list[Onset | Silence]) -> None:
        for change in changes:
            self.tell(AgentSound(change.t) if isinstance(change, Onset) else AgentSilent(change.t))
