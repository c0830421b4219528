"""The link to Gemini that survives: the edge of agent/gemini/handover.py, and the only code that awaits Google.

It owns the one socket of a conversation, the tasks that open and close it, and the timer. What to do when is decided in the
pure core; here it is done.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from google.genai import types
from picows import WSError

from agent.gemini import messages, wire
from agent.gemini.handover import TICK_S, Handover
from agent.gemini.messages import Received
from agent.gemini.news import Cause, Listener
from agent.gemini.orders import Close, Deliver, Dial, LinkLimits, Phase, Ping, SetUp, Tell
from agent.gemini.socket import Address, Socket, refused_with
from agent.gemini.whole_samples import WholeSamples

_MOST_NAMED = 5
_KEEP_ALIVE = b"{}"
"""3.8 sends one before each chunk of sound."""

logger = logging.getLogger("earshot.link")


class Link:
    """One conversation with one model, over as many sockets as it takes. `run` it in a task; `aclose` ends that."""

    def __init__(self, address: Address, model: str, handover: Handover, limits: LinkLimits) -> None:
        self.on_message: Callable[[Received], None] = _nobody_listens
        self.on_received: Callable[[Received], None] = _nobody_listens
        """Told each message as it came, before it is decided what of it is true to the conversation."""
        self.on_event: Listener = _nobody_listens
        self.on_skipped: Callable[[], None] = _nobody_listens
        """Told of each message that was skipped, or of which a part was: it couldn't be read, or worked on."""
        self._address = address
        self._model = model
        self._limits = limits
        self._core = handover
        self._asks_for: messages.Json | None = None
        self._setup: SetUp | None = None
        """Waits until it is known what to ask for."""
        self._socket: Socket | None = None
        self._opening: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()
        self._finished = asyncio.Event()
        self._finished.set()
        self._is_acting = False
        self._is_muted = False
        self._samples = WholeSamples()
        self._told_skip = self._told_error = False

    async def run(self) -> None:
        """Dial, and keep the conversation going until `aclose`."""
        self._finished.clear()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                self._core.start(self._loop.time())
                self._tick()
                await self._ended.wait()
        finally:
            self._tasks = None
            self._stop_timers()
            if self._socket is not None:
                self._socket.abort()
            self._finished.set()

    async def aclose(self) -> None:
        """End it: goodbye to the service, and nothing left behind. Takes little more than a second on a dead socket."""
        self._core.close()
        self._act()
        self._ended.set()
        await self._finished.wait()

    def configure(self, config: types.LiveConnectConfig) -> None:
        """What a connection is to ask for. If there is one already, it is replaced, and the conversation kept."""
        is_first, self._asks_for = self._asks_for is None, wire.setup(self._model, config)
        if self._setup is not None:
            self._send_setup(self._setup)
        elif not is_first:
            self._core.replace(self._loop.time())
            self._act()

    def give_up(self) -> None:
        """There will be no conversation: something in the worker is broken, and the log says what."""
        self._core.fail(Cause.WORKER)
        self._act()

    # To the model

    def send_sound(self, pcm: bytes) -> None:
        """The caller's voice, 16 kHz mono 16 bit; as short as it comes."""
        if self._is_muted:
            return
        if self._core.sound(pcm, len(pcm) / (2 * wire.INPUT_RATE_HZ), self._loop.time()):
            assert self._socket is not None
            self._socket.send(wire.audio(pcm))
        self._act()

    def send(self, payload: bytes, *, text: str = "", wants_answer: bool) -> None:
        """A message, in its place between the sound. `text`: what it says."""
        self._core.message(payload, self._loop.time(), text=text, wants_answer=wants_answer)
        self._act()

    def send_results(self, responses: list[dict[str, Any]]) -> None:
        """What tools have returned."""
        self._core.tool_responses(responses, self._loop.time())
        self._act()

    def microphone(self, *, is_open: bool) -> None:
        """The caller opens or closes it; what comes from a closed one isn't sent on."""
        self._is_muted = not is_open
        if self._is_muted:
            self._core.microphone_closed()
            self._act()

    @property
    def dropped_s(self) -> float:
        """Of the caller's sound, because nothing took it for too long."""
        return self._core.dialogue.outbox.lost_s

    # What the socket tells

    def on_upgraded(self) -> None:
        self._core.upgraded(self._loop.time())
        self._act()

    def on_frame(self, frame: bytes) -> None:
        if frame == _KEEP_ALIVE:
            self._core.dialogue.watchdog.received(self._loop.time())
            return
        with self._keeps_going():
            received = messages.read(frame)
            self._samples.align(received)
            self.on_received(received)
            self._core.received(received, self._loop.time())
            self._act()
            if received.unreadable:
                self._skipped("a field that can't be read: " + ", ".join(received.unreadable[:_MOST_NAMED]))

    def on_pong(self) -> None:
        self._core.dialogue.watchdog.received(self._loop.time())

    def on_stalled(self, *, stalled: bool) -> None:
        self._core.is_stalled = stalled
        self._act()

    def on_closed(self, code: int | None, reason: str) -> None:
        self._socket = None
        self._core.failed(self._loop.time(), code=None if code == 1006 else code, reason=reason)
        self._act()

    @contextlib.contextmanager
    def _keeps_going(self) -> Iterator[None]:
        """What goes wrong with one message is no reason to lose the connection, or the rest of what is to be done."""
        try:
            yield
        except messages.MalformedError as error:
            self._skipped(str(error))
        except Exception as error:  # noqa: BLE001 - of the plugin, a listener or ours: counted, and logged once with its place
            self._skipped("an error here", error)

    def _skipped(self, why: str, error: Exception | None = None) -> None:
        self.on_skipped()
        if not self._told_skip or (error is not None and not self._told_error):
            level = logging.WARNING if error is None else logging.ERROR
            logger.log(level, "a message of the service's is skipped, others like it too: %s", why, exc_info=error)
        self._told_skip, self._told_error = True, self._told_error or error is not None

    # What the core wants

    def _act(self) -> None:
        if self._is_acting:
            return  # whoever acts already takes what was added
        if self._core.actions:
            self._do_all()
        if not self._core.dialogue.outbox.is_empty:
            self._flush()

    def _do_all(self) -> None:
        self._is_acting = True
        try:
            while actions := self._core.take():
                for action in actions:
                    self._do(action)
        finally:
            self._is_acting = False

    def _do(self, action: object) -> None:
        match action:
            case Deliver(received):
                with self._keeps_going():
                    self.on_message(received)
            case Tell(event):
                self._loop.call_soon(self.on_event, event)  # what goes wrong there is not the socket's fault
            case SetUp():
                self._send_setup(action)
            case Ping() if self._socket is not None:
                self._socket.ping()
            case Dial():
                self._start_opening()
            case Close():
                self._start_closing()

    def _flush(self) -> None:
        now, outbox = self._loop.time(), self._core.dialogue.outbox
        while self._core.may_send and self._socket is not None and (item := outbox.take(now)) is not None:
            self._socket.send(wire.audio(item.payload) if item.duration_s else item.payload)
        if self._flush_timer is None and self._core.may_send and outbox.next_at is not None:
            self._flush_timer = self._loop.call_at(max(outbox.next_at, now + 0.001), self._flush_later)

    def _flush_later(self) -> None:
        self._flush_timer = None
        self._flush()

    def _tick(self) -> None:
        if not self._ended.is_set():
            self._timer = self._loop.call_later(TICK_S, self._tick)  # first: an error in what follows must not stop the clock
        with self._keeps_going():
            self._core.tick(self._loop.time())
            self._act()

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
        except (OSError, WSError) as error:
            logger.debug("no connection", extra={"error": str(error)})
            self._not_opened(socket, None, refused_with(error))
        except Exception:
            logger.exception("no connection can be opened")
            self.give_up()

    def _not_opened(self, socket: Socket, cause: Cause | None, status: int | None = None) -> None:
        if socket is self._socket:
            self._socket = None
            socket.abort()
            self._core.failed(self._loop.time(), code=status, cause=cause)
            self._act()

    def _start_closing(self) -> None:
        socket, self._socket, self._setup = self._socket, None, None
        if self._opening is not None and not self._opening.done() and self._core.phase is not Phase.OPEN:
            self._opening.cancel()
        if self._tasks is not None:
            self._tasks.create_task(self._close(socket), name="gemini-close")

    async def _close(self, socket: Socket | None) -> None:
        if socket is not None:
            await socket.close()
        self._core.gone(self._loop.time())
        self._act()

    def _stop_timers(self) -> None:
        for timer in (self._timer, self._flush_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._flush_timer = None


def _nobody_listens(*_: object) -> None:
    """Until somebody does."""
