"""Carries out what the `EndingMachine` of a call decides: goodbyes, short sentences, the end of the job."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Protocol

from agent.call.ending_events import Event, GoodbyeSaid, HangUpRequested, LimitReached
from agent.call.ending_machine import (
    Action,
    AskStillThere,
    Done,
    EndingMachine,
    LeaveEmptyRoom,
    SayGoodbye,
    SayLocalGoodbye,
    SayOneMoment,
    ShutDown,
)
from agent.call.endings import Ending
from agent.call.transport import CallTransport
from agent.errors import SessionOverError, until_session_ends

MOST_ACTIONS = 16
"""Actions that wait to be carried out; then the oldest goes. A machine that works never has more than two."""


class CallSpeech(Protocol):
    """Says to the caller what concerns the call itself. Each method may raise SessionOverError."""

    def say_one_moment(self, *, again: bool) -> None:
        """Say in the worker's own voice that it takes a moment."""

    def ask_still_there(self) -> None:
        """Have the model ask whether the caller is still there."""

    async def say_goodbye(self) -> bool:
        """Have the model say goodbye, and wait until it has. Returns whether the caller interrupted it."""

    async def say_local_goodbye(self) -> None:
        """Say goodbye in the worker's own voice, and wait until it was heard; in bounded time."""


class CallEnding:
    """Feeds one call's machine with what happens and with the time. `shut_down` ends the job, for a reason in words."""

    def __init__(self, machine: EndingMachine, shut_down: Callable[[str], None]) -> None:
        self._machine = machine
        self._end_job = shut_down
        self._changed = asyncio.Event()
        self._actions: deque[Action] = deque(maxlen=MOST_ACTIONS)
        self._goodbye: asyncio.Task[None] | None = None

    @property
    def ending(self) -> Ending | None:
        """The ending of a call that is over; None before."""
        return self._machine.state.ending if isinstance(self._machine.state, Done) else None

    @property
    def accepts_turns(self) -> bool:
        """Whether the model may still be asked for something."""
        return self._machine.accepts_turns

    @property
    def hangs_up(self) -> bool:
        """Whether a tool has asked to hang up, and the last reply isn't over."""
        return self._machine.hangs_up

    @property
    def goodbye(self) -> Ending | None:
        """The ending for which the model was asked to say goodbye, while it hasn't; None: it wasn't."""
        return self._machine.goodbye

    def go_on(self, *, hangs_up: bool, goodbye: Ending | None) -> None:
        """What was pending when another process had this call is done again."""
        if hangs_up:
            self.tell(HangUpRequested())
        if goodbye is not None:
            self.tell(LimitReached(goodbye))

    def tell(self, event: Event) -> None:
        """Something has happened."""
        self._take(self._machine.on(event, time.monotonic()))
        self._changed.set()

    def timer_changed(self) -> None:
        """The call's timer was told something: what is due, and when, may be something else now."""
        self._changed.set()

    async def run(self, speech: CallSpeech, transport: CallTransport) -> None:
        """Carry out the actions until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                self._take(self._machine.due(time.monotonic()))
                while self._actions:
                    with contextlib.suppress(SessionOverError):
                        await self._carry_out(self._actions.popleft(), speech, transport, tasks)
                await self._wait()

    def _take(self, actions: list[Action]) -> None:
        """Keep actions for `run`. The job's end doesn't wait for it: a call may end before it has begun."""
        for action in actions:
            if isinstance(action, ShutDown):
                self._shut_down(action.ending)
            else:
                self._actions.append(action)

    async def _wait(self) -> None:
        next_at = self._machine.next_at
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if next_at is None else max(next_at - time.monotonic(), 0)):
                await self._changed.wait()

    async def _carry_out(self, action: Action, speech: CallSpeech, transport: CallTransport, tasks: asyncio.TaskGroup) -> None:
        match action:
            case SayOneMoment(again):
                if not transport.caller_speaks:
                    speech.say_one_moment(again=again)
            case AskStillThere():
                speech.ask_still_there()
            case SayGoodbye():
                self._begin(self._say_goodbye(speech), tasks)
            case SayLocalGoodbye():
                self._begin(self._say_local_goodbye(speech), tasks)
            case LeaveEmptyRoom(ending):
                await transport.delete_if_empty()
                self._shut_down(ending)

    def _begin(self, goodbye: Coroutine[None, None, None], tasks: asyncio.TaskGroup) -> None:
        if self._goodbye is not None:
            self._goodbye.cancel()
        self._goodbye = tasks.create_task(until_session_ends(goodbye), name="goodbye")

    async def _say_goodbye(self, speech: CallSpeech) -> None:
        interrupted = await speech.say_goodbye()
        self._goodbye = None
        self.tell(GoodbyeSaid(interrupted))

    async def _say_local_goodbye(self, speech: CallSpeech) -> None:
        await speech.say_local_goodbye()
        self._goodbye = None
        self.tell(GoodbyeSaid())

    def _shut_down(self, ending: Ending) -> None:
        if self._goodbye is not None:
            self._goodbye.cancel()
        self._end_job(ending.value)
