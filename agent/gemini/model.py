"""The realtime model as calls use it: its one connection, and who is told what happens to that."""

import asyncio
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from livekit.agents import llm

from agent.gemini.access import EphemeralToken, Vertex
from agent.gemini.audio import FRAME_MS
from agent.gemini.caller_input import CallerInput
from agent.gemini.capabilities import capabilities_of, realtime_capabilities
from agent.gemini.core import LinkCore
from agent.gemini.endpoint import Endpoint
from agent.gemini.events import Cause, Kind, Line, LinkEvent
from agent.gemini.limits import LinkLimits
from agent.gemini.link import Link
from agent.gemini.listener import ModelListener, SilentListener
from agent.gemini.live_config import Voicing, live_config
from agent.gemini.live_features import features_of
from agent.gemini.marked_turns import TurnsBy
from agent.gemini.messages import Received
from agent.gemini.model_events import TurnUsage
from agent.gemini.pictures import Pictures
from agent.gemini.session import EarshotSession
from agent.gemini.snapshot import Snapshot, lines_heard
from agent.gemini.sound_ring import SoundRing
from agent.gemini.tool_options import DEFAULT_OPTIONS, ToolOptions
from agent.gemini.turn_rules import turn_rules
from agent.gemini.usage import token_usage

_SURELY_S = 0.3
"""Added to the silence that ends a turn (`turn_silence_ms`): after both together it has surely ended."""


class EarshotModel(llm.RealtimeModel):
    """Gemini Live for one call; a model is not shared between calls. `async with` it: it connects at once.

    LiveKit opens and closes its sessions, one after the other. They are one conversation with the service as long as LiveKit
    uses a session again, which it does when agents take turns.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        voicing: Voicing,
        limits: LinkLimits | None = None,
        *,
        listener: ModelListener | None = None,
        chunk_ms: int = FRAME_MS,
    ) -> None:
        super().__init__(capabilities=realtime_capabilities())
        self.counts: Counter[tuple[Kind, str]] = Counter()
        """What happened to the link, by kind and cause."""
        self._endpoint = endpoint
        self._voicing = voicing
        self._limits = replace(limits or LinkLimits(), pause_s=voicing.turn_silence_ms / 1000 + _SURELY_S)
        self._listener = listener or SilentListener()
        self._chunk_ms = chunk_ms
        self.pictures = Pictures(lambda: self._link, self._listener.on_picture)
        """The frames of the caller's camera and screen, on their way to the model."""
        self._sending_pictures: asyncio.Task[None] | None = None
        vertex = isinstance(endpoint.access, Vertex)
        self._model_capabilities = capabilities_of(endpoint.model, vertex=vertex)
        if isinstance(endpoint.access, EphemeralToken):
            # what a token locks can leave out the announcement, and then the history would be answered
            self._model_capabilities = replace(self._model_capabilities, initial_history=False)
        self.turn_rules = turn_rules(voicing.live, features_of(endpoint.model, vertex=vertex))
        """The rules by which the caller and this model take turns."""
        self._tasks: asyncio.TaskGroup | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._connected = asyncio.Event()
        self._link: Link | None = None
        self._session: EarshotSession | None = None
        self._failure: LinkEvent | None = None
        """Of the current link."""
        self._client_methods: frozenset[str] | None = None
        self._ring: SoundRing | None = None
        self._is_recorded = False
        self._notes_before: tuple[str, ...] = ()
        """What another process has told the model by `add_context`."""

    async def __aenter__(self) -> Self:
        """Begin to connect."""
        self._tasks = await asyncio.TaskGroup().__aenter__()
        self._dial()
        self._sending_pictures = self._tasks.create_task(self.pictures.run(), name="pictures")
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """Hang up.

        Raises:
            ExceptionGroup: something went wrong in the link.
        """
        assert self._tasks is not None
        if self._sending_pictures is not None:
            self._sending_pictures.cancel()
        await self.aclose()
        tasks, self._tasks = self._tasks, None
        await tasks.__aexit__(None, None, None)

    async def aclose(self) -> None:
        """End the conversation, in little more than a second."""
        if self._link is not None:
            await self._link.aclose()

    @property
    def model(self) -> str:
        return self._endpoint.model

    @property
    def provider(self) -> str:
        return "Gemini"

    def session(self, *, turn_detection_disabled: bool = False) -> EarshotSession:
        """A conversation. `turn_detection_disabled`: LiveKit's application commits the caller's turns by hand."""
        link, voicing, turns_by = self._dial(), self._voicing, TurnsBy.DETECTION
        if voicing.push_to_talk:
            turns_by = TurnsBy.BUTTON
        elif turn_detection_disabled:
            voicing, turns_by = voicing.with_push_to_talk(), TurnsBy.COMMIT
        caller_input = CallerInput(self._chunk_ms, self.pictures, self.turn_rules, turns_by)
        session = EarshotSession(self, link, voicing, self._model_capabilities, self._listener, caller_input)
        self._session = session
        session.notes.begin_from(self._notes_before)
        self._notes_before = ()
        if self._client_methods is not None:
            session.client_offers(self._client_methods)
        if self._failure is not None:
            session.on_event(self._failure)  # the link has failed before there was a session to hear of it
        return session

    async def connected(self) -> bool:
        """Wait until the model can hear; False if it never will."""
        await self._connected.wait()
        return not any(kind is Kind.FAILED for kind, _ in self.counts)

    def microphone(self, *, is_open: bool) -> None:
        """The caller's microphone was opened or closed; while it is closed, its silence is not the model's business."""
        if self._link is not None:
            self._link.microphone(is_open=is_open)

    def start_activity(self) -> None:
        """With push-to-talk: the button is pressed, as `EarshotSession.start_activity` says. Without a session: no effect."""
        if self._session is not None:
            self._session.start_activity()

    def end_activity(self) -> None:
        """With push-to-talk: the button is let go, as `EarshotSession.end_activity` says. Without a session: no effect."""
        if self._session is not None:
            self._session.end_activity()

    def change_turns(self, *, push_to_talk: bool) -> None:
        """Have the caller's turns marked by a button from now on, or detected, as `EarshotSession.change_turns` says."""
        self._voicing = replace(self._voicing, push_to_talk=push_to_talk)
        if self._session is not None:
            self._session.change_turns(push_to_talk=push_to_talk)

    def client_offers(self, methods: frozenset[str]) -> None:
        """The caller's client offers these RPC methods, as `EarshotSession.client_offers` says. Not called: it isn't known."""
        self._client_methods = methods
        if self._session is not None:
            self._session.client_offers(methods)

    def resume(self, handle: str) -> None:
        """Go on with the session of an earlier conversation. It has no effect once there is an `EarshotSession`."""
        if self._link is not None and self._session is None:
            self._link.session_handle.given(handle, -math.inf)

    def begin_from(self, snapshot: Snapshot, sound: bytes = b"") -> None:
        """Go on with the conversation of a process that has died. It has no effect once there is an `EarshotSession`.

        What was said before is to be in the agent's `chat_ctx`, as that of an earlier call.

        Args:
            snapshot: its last one.
            sound: the caller's sound that the model may not have heard (`SoundRing.unheard`).
        """
        if self._link is not None and self._session is None:
            link = self._dial()  # which `aclose` may have closed
            saved = snapshot.link if snapshot.model == self.model else replace(snapshot.link, handle=None)
            self._notes_before = snapshot.notes
            link.begin_from(saved, sound)

    def snapshot(self) -> Snapshot:
        """The conversation's state now, for a process that goes on with it. It is worth keeping at each `on_snapshot_due`.

        Raises:
            RuntimeError: the model isn't connected.
        """
        if self._link is None:
            raise RuntimeError("a model has a state only within `async with`")
        saved, session = self._link.saved(), self._session
        if session is not None:
            held = (*saved.exchange.held, *map(json.dumps, session.held_results.waiting))
            saved = replace(saved, exchange=replace(saved.exchange, held=held))
        notes = self._notes_before if session is None else session.notes.texts
        return Snapshot(self.model, saved, lines_heard(self.history(), saved.exchange), notes)

    def record_state(self, ring: SoundRing | None = None) -> None:
        """Tell the listener from now on when a snapshot is due, and write the caller's sound into `ring`.

        It is called before `begin_from`, so that another process's sound is kept as well. Who opens the ring closes it.
        """
        self._ring, self._is_recorded = ring, True
        if self._link is not None:
            self._link.record_state(ring)

    @property
    def is_quiet(self) -> bool:
        """Whether nobody speaks, waits or owes anything, and no tool runs: another process can go on without being noticed."""
        return self._link is not None and self._link.is_quiet

    @property
    def is_silent(self) -> bool:
        """Whether neither side is heard, and no tool runs, though the model may owe an answer."""
        return self._link is not None and self._link.is_silent

    @property
    def session_handle(self) -> str | None:
        """The handle by which the session can be resumed; None: there is none."""
        return None if self._link is None else self._link.session_handle.value

    @property
    def dropped_chunks(self) -> int:
        """Of the caller's sound, 20 ms each, because nothing took it for half a minute."""
        return round(self._link.dropped_s * 1000 / FRAME_MS) if self._link is not None else 0

    def _dial(self) -> Link:
        """The link; a new one if the last session has closed its own."""
        if self._tasks is None:
            raise RuntimeError("a model is connected only within `async with`")
        if self._link is None or self._connecting is None or self._connecting.done():
            self._failure = None
            capabilities, rules = self._model_capabilities, self.turn_rules
            core = LinkCore(capabilities, self._limits, self.history, id(self), rules, self._tool_options)
            asks_for = live_config(self._voicing, self._model_capabilities, None, llm.ToolContext.empty())
            address = self._endpoint.address(asks_for)
            link = self._link = Link(address, self._endpoint.model_name, core, self._limits, self)
            if self._is_recorded:
                link.record_state(self._ring)
            self._connecting = self._tasks.create_task(link.run(), name="gemini-link")
        return self._link

    def history(self) -> Sequence[Line]:
        """The words of the conversation so far, with those from before its first connection."""
        told = self._listener.history()
        if told is None:
            return self._session.history() if self._session is not None else ()
        return told if self._link is None else [*self._link.initial_history.lines, *told]

    def _tool_options(self, name: str) -> ToolOptions:
        return DEFAULT_OPTIONS if self._session is None else self._session.functions.options(name)

    # What the link tells

    def on_message(self, received: Received) -> None:
        """A message of the service's, without what the conversation is not to hear."""
        if self._session is not None:
            self._session.on_message(received)
        if not received.only_sound and (usage := token_usage(Received(received.raw))) is not None:
            self._listener.on_model_event(TurnUsage(usage))

    def on_received(self, received: Received) -> None:
        """A message of the service's as it came."""
        if received.caller_begins:
            self._listener.on_caller_speaks()
        elif received.caller_ends:
            self._listener.on_caller_pauses()

    def on_caller_loud(self, *, is_loud: bool, ago_s: float) -> None:
        """The caller's speech, as far as loudness tells, has begun or ended so many seconds ago."""
        self._listener.on_caller_loud(is_loud=is_loud, ago_s=ago_s)

    def on_event(self, event: LinkEvent) -> None:
        """Something happened to the connection."""
        self.counts[event.kind, event.cause] += 1
        if event.kind in {Kind.CONNECTED, Kind.FAILED}:
            self._connected.set()
        if event.kind is Kind.FAILED:
            self._failure = event
        if self._session is not None:
            self._session.on_event(event)
        self._listener.on_link(event)

    def on_opened(self, known_until: float) -> None:
        """A connection is open. Its session may not know what was sent after `known_until`; minus infinity: it is a new one."""
        self.pictures.opened(known_until)
        if self._session is not None:
            self._session.on_opened(known_until)

    def on_snapshot_due(self) -> None:
        """The link has changed so that another process needs to know more of it."""
        self._listener.on_snapshot_due()

    def on_skipped(self, *, is_unreadable: bool) -> None:
        """A message of the service's, or a part of it, was skipped. False: it could be read, and an error here is why."""
        self.counts[Kind.IGNORED, Cause.UNREADABLE if is_unreadable else Cause.WORKER] += 1
