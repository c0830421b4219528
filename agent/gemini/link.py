"""The edge of agent/gemini/core.py: with socket.py the only code that awaits Google.

It owns the one socket of a conversation, the tasks that open and close it, and the timer. The core decides what to do when.
"""

import asyncio
import contextlib
import logging
import math
import traceback
from collections.abc import Iterator
from typing import Any

from google.genai import types
from picows import WSError

from agent.gemini import messages, wire
from agent.gemini.actions import Action, Close, Deliver, Dial, Knows, Ping, Send, SetUp, Tell
from agent.gemini.core import LinkCore
from agent.gemini.events import Cause
from agent.gemini.google_credentials import CredentialsError
from agent.gemini.limits import LinkLimits
from agent.gemini.link_listener import LinkListener
from agent.gemini.picture_pace import Viewing
from agent.gemini.socket import Address, Socket, refused_with
from agent.gemini.whole_samples import WholeSamples

_MOST_NAMED = 5
_SHORTEST_WAIT_S = 0.001
"""A timer's own precision: what is due sooner is done after the next turn of the loop."""
_MOST_PLACES = 20
_AFTER_ERROR_S = 0.1
"""An action that failed with an error is tried again so much later."""

logger = logging.getLogger("earshot.link")


class Link:
    """One conversation with one model, over as many sockets as it takes. `run` it in a task; `aclose` ends that."""

    def __init__(self, address: Address, model: str, core: LinkCore, limits: LinkLimits, listener: LinkListener) -> None:
        self._listener = listener
        self._address = address
        self._model = model
        self._limits = limits
        self._core = core
        self._asks_for: messages.Json | None = None
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
        self._samples = WholeSamples()
        self._skips_logged: set[tuple[str, ...]] = set()
        """The places of errors that were logged, at most `_MOST_PLACES`; the empty one: a message that can't be read was."""

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
            self._finished.set()

    async def aclose(self) -> None:
        """End it: goodbye to the service, and nothing left behind. Takes little more than a second on a dead socket."""
        self._act(self._core.close(self._loop.time()))
        self._ended.set()
        await self._finished.wait()

    def configure(self, config: types.LiveConnectConfig, *, answer_s: float) -> None:
        """Set what a connection is to ask for. If there is one already, it is replaced, and the conversation kept.

        After `answer_s` without the beginning of an answer that it owes, the model is reminded.
        """
        is_first, self._asks_for = self._asks_for is None, wire.setup(self._model, config)
        marks = not wire.detects_activity(self._asks_for)
        self._act(self._core.configured(self._loop.time(), answer_s=answer_s, marks_activity=marks))
        if self._setup is not None:
            self._send_setup(self._setup)
        elif not is_first:
            self._act(self._core.replace(self._loop.time()))

    def give_up(self) -> None:
        """End the conversation: something in the worker is broken, and the log says what."""
        self._act(self._core.give_up(Cause.WORKER, self._loop.time()))

    # To the model

    def send_sound(self, pcm: bytes) -> None:
        """The caller's voice, 16 kHz mono 16 bit; as short as it comes."""
        if not self._is_muted:
            self._act(self._core.sound_in(pcm, self._loop.time()))

    def send(self, payload: bytes, *, text: str = "", wants_answer: bool) -> None:
        """A message, in its place between the sound. `text`: what it says."""
        self._act(self._core.message(payload, self._loop.time(), text=text, wants_answer=wants_answer))

    def send_now(self, payload: bytes) -> bool:
        """A message that is of no use later: without a connection that takes it, it is dropped. Returns whether it was sent."""
        self._act(actions := self._core.passing_message(payload))
        return bool(actions)

    @property
    def viewing(self) -> Viewing:
        """The facts that a picture for the model depends on now."""
        takes, speaks = self._core.takes_passing_messages, self._core.somebody_speaks(self._loop.time())
        return Viewing(takes=takes, speaks=speaks, media_resolution=wire.media_resolution(self._asks_for))

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

    # What the socket tells

    def on_upgraded(self) -> None:
        self._act(self._core.upgraded(self._loop.time()))

    def on_frame(self, frame: bytes) -> None:
        if frame == wire.KEEP_ALIVE:
            self._act(self._core.alive(self._loop.time()))
            return
        with self._keeps_going():
            received = messages.read(frame)
            self._samples.align(received)
            self._listener.on_received(received)
            self._act(self._core.received(received, self._loop.time()))
            if received.unreadable:
                self._skipped("a field that can't be read: " + ", ".join(received.unreadable[:_MOST_NAMED]))

    def on_pong(self) -> None:
        self._act(self._core.alive(self._loop.time()))

    def on_stalled(self, *, stalled: bool) -> None:
        self._act(self._core.stalled(self._loop.time(), is_stalled=stalled))

    def on_closed(self, code: int | None, reason: str) -> None:
        self._socket = None
        self._act(self._core.failed(self._loop.time(), code=None if code == 1006 else code, reason=reason))

    @contextlib.contextmanager
    def _keeps_going(self) -> Iterator[None]:
        """An error in one message is no reason to lose the connection, or the rest of what is to be done."""
        try:
            yield
        except messages.MalformedError as error:
            self._skipped(str(error))
        except Exception as error:  # noqa: BLE001 - of the plugin, a listener or ours: counted, and logged once with its place
            self._skipped("an error here", error)

    def _skipped(self, why: str, error: Exception | None = None) -> None:
        self._listener.on_skipped(is_unreadable=error is None)
        place = () if error is None else _place(error)
        if place not in self._skips_logged and len(self._skips_logged) < _MOST_PLACES:
            self._skips_logged.add(place)
            level = logging.WARNING if error is None else logging.ERROR
            logger.log(level, "a message of the service's is skipped, others like it too: %s", why, exc_info=error)

    # What the core wants

    def _act(self, actions: list[Action]) -> None:
        """Do them in order. If one of them leads back here, its actions are appended, and the outer call does them."""
        is_acting = bool(self._waiting)
        self._waiting += actions
        if not is_acting:
            try:
                for action in self._waiting:  # it may grow meanwhile
                    with self._keeps_going():
                        self._do(action)
            finally:
                self._waiting.clear()
        if self._core.next_at < self._timer_at:
            self._set_timer()

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
            with self._keeps_going():
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
            case Ping() if self._socket is not None:
                self._socket.ping()
            case Dial():
                self._start_opening()
            case Close():
                self._start_closing()

    def _send_setup(self, setup: SetUp) -> None:
        self._setup = setup if self._asks_for is None else None
        if self._asks_for is not None and self._socket is not None:
            self._socket.send(wire.first_message(self._asks_for, setup.handle))

    def _start_opening(self) -> None:
        assert self._tasks is not None
        self._socket, self._samples = Socket(self), WholeSamples()
        self._opening = self._tasks.create_task(self._open(self._socket), name="gemini-dial")

    async def _open(self, socket: Socket) -> None:
        try:
            await socket.open(self._address, within_s=self._limits.handshake_s)
        except TimeoutError:
            self._not_opened(socket, Cause.HANDSHAKE)
        except ConnectionRefusedError:
            self._not_opened(socket, Cause.REFUSED)
        except CredentialsError as error:
            self._not_opened(socket, None, 401, str(error))  # the status that Google would answer with
        except (OSError, WSError) as error:
            logger.debug("no connection", extra={"error": str(error)})
            self._not_opened(socket, None, refused_with(error))
        except Exception as error:  # noqa: BLE001 - of libraries that read an answer which is no HTTP
            logger.warning("no connection, for a reason of an unknown kind", extra={"error": repr(error)})
            self._not_opened(socket, None)

    def _not_opened(self, socket: Socket, cause: Cause | None, status: int | None = None, reason: str = "") -> None:
        if socket is self._socket:
            self._socket = None
            socket.abort()
            self._act(self._core.failed(self._loop.time(), code=status, reason=reason, cause=cause))

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


def _place(error: Exception) -> tuple[str, ...]:
    """The type of an error, and the line where it was raised."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return type(error).__name__, f"{frame.f_code.co_filename}:{line}"
