"""Hands the call of this process over to another one, as failover/handover.py decides."""

import asyncio
import contextlib
import enum
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from agent.call.call_ending import CallEnding
from agent.call.call_lease import OfferedLease
from agent.call.conversation import Conversation
from agent.call.ending_events import CallEnded
from agent.call.endings import Ending
from agent.call.transport import CallTransport
from agent.call_metrics import CallMetric, Measurement
from failover.errors import FailoverError, LeaseLostError, StoreUnavailableError
from failover.handover import Event, HandOver, Pause, Stage
from failover.lease import Lease, State

_LOOKS_EVERY_S = 0.05
"""How often it is looked whether the moment is good."""
_RENEWS_EVERY_S = 0.25
"""How often it is looked whether another process stands by."""
_DISPATCH_S = 5.0

logger = logging.getLogger("earshot.call")


class HandoverReason(enum.StrEnum):
    """The reason of a hand-over, as the log shows it."""

    MEMORY = "memory"
    """The call's process uses more memory than JOB_MEMORY_MB."""
    ASKED = "asked"
    """The worker ends, or `python -m failover drain` asks for it."""


class HandoverResult(enum.StrEnum):
    """What became of a hand-over, as the metrics show it."""

    GIVEN = "given"
    """Another process has the call."""
    KEPT = "kept"
    """No other process has come: the call stays in this one."""
    FAILED = "failed"
    """The store or livekit-server was away: the call stays in this one."""


class HandedOver(Protocol):
    """The call that is handed over."""

    @property
    def pause(self) -> Pause:
        """How good this moment is."""

    def has_agent(self, identity: str) -> bool:
        """Whether that agent is in the room."""

    async def leave_to(self, identity: str) -> None:
        """That agent has the call: say nothing more, and leave once it is heard."""


class CallScene:
    """A call that is handed over, by its parts."""

    def __init__(self, ending: CallEnding, transport: CallTransport, conversation: Conversation) -> None:
        self._ending = ending
        self._transport = transport
        self._conversation = conversation

    @property
    def pause(self) -> Pause:
        ending, model, session = self._ending, self._conversation.model, self._conversation.session
        is_ending = ending.hangs_up or ending.goodbye is not None or not ending.accepts_turns
        caller_acts = self._transport.caller_speaks or self._transport.presses_keys
        if is_ending or caller_acts or session.agent_state == "speaking" or not model.is_silent:
            return Pause.NONE
        is_idle = session.agent_state == "listening" and session.current_speech is None
        return Pause.QUIET if is_idle and model.is_quiet and not self._conversation.thinking_state.waits else Pause.SILENT

    def has_agent(self, identity: str) -> bool:
        return self._transport.has_agent(identity)

    async def leave_to(self, identity: str) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._conversation.close(), name="hangs up")
            tasks.create_task(self._transport.leave_to(identity), name="until the other agent is heard")
        self._ending.tell(CallEnded(Ending.TAKEN_OVER))


class CallHandover:
    """The hand-over of one call.

    Args:
        lease: the call's lease. None: no other process can have it.
        call: the call.
        dispatch: has livekit-server dispatch another agent into the room.
        measured: takes the measurement of each hand-over.
    """

    def __init__(
        self,
        lease: OfferedLease | None,
        call: HandedOver,
        dispatch: Callable[[], Awaitable[None]],
        measured: Callable[[Iterable[Measurement]], object] = lambda _: None,
    ) -> None:
        self._lease = lease
        self._measured = measured
        self._call = call
        self._dispatch = dispatch
        self._machine = HandOver()
        self._reason: HandoverReason | None = None
        self._asked = asyncio.Event()

    @property
    def is_given(self) -> bool:
        """Whether another process has the call."""
        return self._machine.stage is Stage.LEAVES

    def request(self, reason: HandoverReason) -> None:
        """Hand the call over soon. Without effect while that is under way."""
        if self._lease is None:
            logger.warning("the call can't be handed over to another process: FAILOVER is off", extra={"reason": reason.value})
        elif self._machine.stage is Stage.KEEPS:
            self._reason = reason
            self._asked.set()

    async def run(self) -> None:
        """Hand the call over each time that it is asked for, until cancelled."""
        while self._lease is not None and await self._asked.wait():
            self._asked.clear()
            reason = self._reason or HandoverReason.ASKED
            logger.info("the call is to be handed over to another process", extra={"reason": reason.value})
            try:
                successor = await self._hand_over(self._lease)
                self._measure(reason, HandoverResult.KEPT if successor is None else HandoverResult.GIVEN)
            except LeaseLostError:
                return  # the lease itself tells the call
            except (FailoverError, TimeoutError) as error:
                successor = None
                self._measure(reason, HandoverResult.FAILED)
                logger.warning("the call can't be handed over", extra={"reason": str(error) or type(error).__name__})
            if successor is not None:
                logger.info("the call is handed over", extra={"to": successor})
                await self._call.leave_to(successor)
                return
            await self._keep(self._lease)

    async def _hand_over(self, lease: OfferedLease) -> str | None:
        """Returns the identity of the agent that has the call now; None: no process has taken it."""
        loop, machine = asyncio.get_running_loop(), self._machine
        machine.on(Event.ASKED, loop.time())
        await lease.offer()
        async with asyncio.timeout(_DISPATCH_S):
            await self._dispatch()
        known, renews_at = await lease.renewed(), loop.time() + _RENEWS_EVERY_S
        while True:
            now = loop.time()
            if now >= renews_at:
                known, renews_at = await lease.renewed(), now + _RENEWS_EVERY_S
            if known.state is State.READY and machine.on(Event.READY, now):
                logger.info("another process stands by for the call", extra={"agent": known.successor})
            if machine.is_missed(known, is_there=self._is_there(known), now=now):
                logger.warning("no other process has come for the call: it stays in this one")
                return None
            if machine.stage is Stage.AWAITS and machine.is_due(self._call.pause, now):
                machine.on(Event.PAUSE, now)
                await lease.give()
                machine.on(Event.GIVEN, loop.time())
                return known.successor
            await asyncio.sleep(_LOOKS_EVERY_S)

    def _measure(self, reason: HandoverReason, result: HandoverResult) -> None:
        self._measured([Measurement(CallMetric.HANDOVER, labels=(reason.value, result.value))])

    def _is_there(self, known: Lease) -> bool:
        return self._call.has_agent(known.successor)

    async def _keep(self, lease: OfferedLease) -> None:
        self._machine.on(Event.MISSED, asyncio.get_running_loop().time())
        with contextlib.suppress(StoreUnavailableError, LeaseLostError, TimeoutError):
            await lease.withdraw()
