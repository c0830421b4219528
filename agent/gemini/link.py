"""The edge of agent/gemini/core.py: with socket.py the only code that awaits Google.

It owns the one socket of a conversation, the tasks that open and close it, and the timer. The core decides what to do when.
"""

import asyncio
import logging
import math
from typing import Any

from google.genai import types

from agent.gemini import messages, wire
from agent.gemini.actions import Action, Close, Deliver, Dial, Knows, Ping, Send, SetUp, Tell, Update
from agent.gemini.connection.session_handle import SessionHandle
from agent.gemini.core import LinkCore
from agent.gemini.events import Cause
from agent.gemini.initial_history import InitialHistory
from agent.gemini.limits import LinkLimits
from agent.gemini.link_listener import LinkListener
from agent.gemini.message_errors import MessageErrors
from agent.gemini.newest_settings import LinkSettings
from agent.gemini.picture_pace import Viewing
from agent.gemini.setup_change import AskedFor
from agent.gemini.snapshot import SavedLink
from agent.gemini.socket import Address, Socket
from agent.gemini.socket_failures import why_not_opened
from agent.gemini.sound_ring import SoundRing
from agent.gemini.state_recorder import StateRecorder
from agent.gemini.whole_samples import WholeSamples

_MOST_NAMED = 5
_SHORTEST_WAIT_S = 0.001
"""A timer's own precision: what is due sooner is done after the next turn of the loop."""
_AFTER_ERROR_S = 0.1
"""An action that failed with an error is tried again so much later."""

logger = logging.getLogger("earshot.link")


class Link:
    """One conversation with one model, over as many sockets as it takes. `run` it in a task; `aclose` ends that."""

    def __init__(self, address: Address, model: str, core: LinkCore, limits: LinkLimits, listener: LinkListener) -> None:
        self._listener = listener
        self._address = address
        self._limits = limits
        self._core = core
        self._asked = AskedFor(model)
        self._setup: SetUp | None = None
        """Waits until it is known what to ask for."""
        self._socket: Socket | None = None
        self._opening: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._ended = asyncio.Event()
        self._finished = asyncio.Event()
        self._finished.set()
        self._waiting: list[Action] = []
        """The actions that are being carried out, done ones included; empty otherwise."""
        self._is_muted = False
        self._caller_is_loud = False
        """As the listener was told."""
        self._samples = WholeSamples()
        self._errors = MessageErrors(listener)
        self._recorder: StateRecorder | None = None
        """None: no other process is to go on with the conversation."""

    async def run(self) -> None:
        """Dial, and keep the conversation going until `aclose`."""
        self._finished.clear()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._act(self._core.start(self._loop.time()))
                await self._ended.wait()
        finally:
            self._tasks = None
            self._stop_timer()
            if self._socket is not None:
                self._socket.abort()
            self._tell_loudness()
            if self._recorder is not None:
                self._recorder.close()
            self._finished.set()

    async def aclose(self) -> None:
        """End it: goodbye to the service, and nothing left behind. Takes little more than a second on a dead socket."""
        self._act(self._core.close(self._loop.time()))
        self._ended.set()
        await self._finished.wait()

    def configure(self, config: types.LiveConnectConfig, *, answer_s: float) -> None:
        """Set what connections are to ask for. One that is there is told, or replaced at the end of a turn.

        After `answer_s` without the beginning of an answer that it owes, the model is reminded.
        """
        changed = self._asked.ask(config)
        self._act(self._core.configured(LinkSettings(answer_s, self._asked.marks_activity, changed), self._loop.time()))
        if self._setup is not None:
            self._send_setup(self._setup)

    def agent_changes(self, call_id: str | None = None) -> None:
        """The conversation goes on with another agent, or will by that call: tools that wait for it have no time limit."""
        self._core.agent_changes(call_id)

    def give_up(self) -> None:
        """End the conversation: something in the worker is broken, and the log says what."""
        self._act(self._core.give_up(Cause.WORKER, self._loop.time()))

    # To the model

    def send_sound(self, pcm: bytes) -> None:
        """The caller's voice, 16 kHz mono 16 bit; as short as it comes."""
        if not self._is_muted:
            self._act(self._core.sound_in(pcm, self._loop.time()))

    def send(self, payload: bytes, *, text: str = "", typed: str = "", wants_answer: bool) -> None:
        """A message, in its place between the sound. `text`: what it says; `typed`: what of it the caller has typed."""
        now = self._loop.time()
        self._act(self._core.message(payload, now, text=text, typed=typed, wants_answer=wants_answer))

    def keeps(self, payload: bytes) -> bool:
        """Whether this message may be sent again: the model isn't known to have understood it."""
        return self._core.keeps(payload)

    def send_now(self, payload: bytes) -> bool:
        """A message that is of no use later: without a connection that takes it, it is dropped. Returns whether it was sent."""
        self._act(actions := self._core.passing_message(payload))
        return bool(actions)

    @property
    def viewing(self) -> Viewing:
        """The facts that a picture for the model depends on now."""
        takes, speaks = self._core.takes_passing_messages, self._core.somebody_speaks(self._loop.time())
        return Viewing(takes=takes, speaks=speaks, media_resolution=self._asked.media_resolution)

    def stop_answer(self) -> None:
        """Stop the answer that the model is giving. Without one it has no effect."""
        self._act(self._core.stop_answer(self._loop.time()))

    def send_results(self, responses: list[dict[str, Any]]) -> None:
        """Send the results of tools."""
        self._act(self._core.tools_returned(responses, self._loop.time()))

    def mark_activity(self, *, begins: bool) -> bool:
        """With activity detection off: sound is sent from now on, or no more of it.

        Returns whether an activity with speech has ended: the model will answer it.
        """
        ends = self._core.is_in_speech and not begins
        self._act(self._core.mark_activity(self._loop.time(), begins=begins))
        return ends

    def discard_sound(self) -> None:
        """With activity detection off: forget the activity's sound that isn't sent yet."""
        self._act(self._core.discard_sound(self._loop.time()))

    def microphone(self, *, is_open: bool) -> None:
        """The caller opens or closes it; what comes from a closed one isn't sent on."""
        self._is_muted = not is_open
        if self._is_muted:
            self._act(self._core.microphone_closed(self._loop.time()))

    @property
    def dropped_s(self) -> float:
        """The caller's sound that was thrown away because nothing took it for too long, in seconds."""
        return self._core.lost_s

    @property
    def initial_history(self) -> InitialHistory:
        """What was said before the first connection; it can be added to before `configure`."""
        return self._core.initial_history

    @property
    def session_handle(self) -> SessionHandle:
        """The session's handle; before `configure` it can be given that of an earlier conversation."""
        return self._core.session_handle

    # For another process that goes on with the conversation

    def record_state(self, ring: SoundRing | None) -> None:
        """Tell the listener when a snapshot is due, and write the caller's sound into the ring."""
        self._recorder = StateRecorder(self._core.continuation, self._listener.on_snapshot_due, ring)

    def saved(self) -> SavedLink:
        """The link's state now."""
        return self._core.continuation.saved(self._loop.time())

    @property
    def is_quiet(self) -> bool:
        """Whether nobody speaks, waits or owes anything, and no tool runs."""
        return self._core.continuation.is_quiet(self._loop.time())

    @property
    def is_silent(self) -> bool:
        """Whether neither side is heard, and no tool runs."""
        return self._core.continuation.is_silent(self._loop.time())

    def begin_from(self, saved: SavedLink, sound: bytes) -> None:
        """Go on from the state of another process. `sound`: the caller's, which the model may not have heard."""
        self._core.continuation.begin_from(saved, sound, self._core.initial_history, self._loop.time())

    # What the socket tells

    def on_upgraded(self) -> None:
        self._act(self._core.upgraded(self._loop.time()))

    def on_frame(self, frame: bytes) -> None:
        if frame == wire.KEEP_ALIVE:
            self._act(self._core.alive(self._loop.time()))
            return
        with self._errors.skipped():
            received = messages.read(frame)
            self._samples.align(received)
            self._listener.on_received(received)
            self._act(self._core.received(received, self._loop.time()))
            if received.unreadable:
                self._errors.unreadable("a field that can't be read: " + ", ".join(received.unreadable[:_MOST_NAMED]))

    def on_pong(self) -> None:
        self._act(self._core.alive(self._loop.time()))

    def on_stalled(self, *, stalled: bool) -> None:
        self._act(self._core.stalled(self._loop.time(), is_stalled=stalled))

    def on_closed(self, code: int | None, reason: str) -> None:
        self._socket = None
        self._act(self._core.failed(self._loop.time(), code=None if code == 1006 else code, reason=reason))

    # What the core wants

    def _act(self, actions: list[Action]) -> None:
        """Do them in order. If one of them leads back here, its actions are appended, and the outer call does them."""
        is_acting = bool(self._waiting)
        self._waiting += actions
        if not is_acting:
            try:
                for action in self._waiting:  # it may grow meanwhile
                    with self._errors.skipped():
                        self._do(action)
            finally:
                self._waiting.clear()
        self._tell_loudness()
        if self._recorder is not None:
            with self._errors.skipped():
                self._recorder.look()
        if self._core.next_at < self._timer_at:
            self._set_timer()

    def _tell_loudness(self) -> None:
        voice = self._core.caller_voice
        is_loud = voice.speaking and not self._ended.is_set()
        if is_loud is not self._caller_is_loud:
            self._caller_is_loud = is_loud
            ago_s = self._loop.time() - (voice.began_at if is_loud else voice.last_at)
            with self._errors.skipped():
                self._listener.on_caller_loud(is_loud=is_loud, ago_s=ago_s)

    def _set_timer(self, soonest_s: float = _SHORTEST_WAIT_S) -> None:
        """One timer, for the next that is due. Where that moves away, the timer is early, finds nothing and is set anew."""
        self._stop_timer()
        if self._core.next_at < math.inf and not self._ended.is_set():
            self._timer_at = self._core.next_at
            self._timer = self._loop.call_at(max(self._timer_at, self._loop.time() + soonest_s), self._time_passes)

    def _time_passes(self) -> None:
        self._timer, self._timer_at = None, math.inf
        soonest_s = _AFTER_ERROR_S
        try:
            with self._errors.skipped():
                self._act(self._core.due(self._loop.time()))
                soonest_s = _SHORTEST_WAIT_S
        finally:
            if self._timer is None:
                self._set_timer(soonest_s)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = None, math.inf

    def _do(self, action: Action) -> None:
        match action:
            case Send(frame) if self._socket is not None:
                self._socket.send(frame)
            case Deliver(received):
                self._listener.on_message(received)
            case Tell(event):
                self._loop.call_soon(self._listener.on_event, event)  # what goes wrong there is not the socket's fault
            case Knows(until):
                self._listener.on_opened(until)
            case SetUp():
                self._send_setup(action)
            case Update() if self._socket is not None:
                if (update := self._asked.in_update()) is not None:
                    self._socket.send(update)
            case Ping() if self._socket is not None:
                self._socket.ping()
            case Dial():
                self._start_opening()
            case Close():
                self._start_closing()

    def _send_setup(self, setup: SetUp) -> None:
        self._setup = None if self._asked.is_known else setup
        if self._asked.is_known and self._socket is not None:
            handle = self.session_handle.value  # an earlier conversation may have given it since `setup`
            asks_for = self.initial_history.asked_for(self._asked.in_setup(), handle)
            self._socket.send(wire.first_message(asks_for, handle))

    def _start_opening(self) -> None:
        assert self._tasks is not None
        self._socket, self._samples = Socket(self), WholeSamples()
        self._asked.new_socket()
        self._opening = self._tasks.create_task(self._open(self._socket), name="gemini-dial")

    async def _open(self, socket: Socket) -> None:
        try:
            await socket.open(self._address, within_s=self._limits.handshake_s)
        except Exception as error:  # noqa: BLE001 - also of libraries that read an answer which is no HTTP
            failure = why_not_opened(error)
            if socket is self._socket:
                self._socket = None
                socket.abort()
                self._act(self._core.failed(self._loop.time(), code=failure.status, reason=failure.reason, cause=failure.cause))

    def _start_closing(self) -> None:
        socket, self._socket, self._setup = self._socket, None, None
        if self._opening is not None and not self._opening.done():
            self._opening.cancel()
        if self._tasks is not None:
            self._tasks.create_task(self._close(socket), name="gemini-close")

    async def _close(self, socket: Socket | None) -> None:
        if socket is not None:
            await socket.close()
        self._act(self._core.gone(self._loop.time()))
