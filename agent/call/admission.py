"""Whether this process answers in a room, and what of another process's call it goes on with."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from agent.call.call_lease import CallLease, LeaseAnswer
from agent.call.checkpoint import CallersState, Checkpoint, UnusableCheckpointError, from_json, taken_over
from agent.call.remembered_call import Terms

logger = logging.getLogger("earshot.call")


@dataclass(frozen=True)
class Admitted:
    """The terms on which the agent stays in its room."""

    generation: int = 0
    """The generation of the lease that this process holds; 0: it holds none."""
    caller: CallersState = field(default_factory=CallersState)
    """The caller with whom it goes on; without an identity: whoever comes."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """The states that tools have shown to the room."""


class Admission:
    """Asks the lease, and reads the checkpoint. `on_takeover` has the parts of the call take it over; it is told `away_s`."""

    def __init__(self, lease: CallLease, terms: Terms, on_takeover: Callable[[Checkpoint, float], None]) -> None:
        self._lease = lease
        self._terms = terms
        self._on_takeover = on_takeover
        self._takeover: asyncio.Future[Checkpoint | None] = asyncio.get_running_loop().create_future()

    async def joined(self, humans: Collection[str]) -> Admitted | None:
        """The room is joined, with these humans in it. None: another process answers this call."""
        answer = await self._lease.answer()
        if not answer.is_held:
            logger.warning("this agent leaves: another process answers this call")
            return None
        checkpoint = self._read(answer, humans)
        if checkpoint is not None:
            self._on_takeover(checkpoint, answer.away_s)
        if not self._takeover.done():
            self._takeover.set_result(checkpoint)
        if checkpoint is None:
            return Admitted(answer.generation)
        return Admitted(answer.generation, checkpoint.caller, checkpoint.shown)

    def second_agent(self) -> None:
        """Another Earshot has joined the room: if that is because this process was taken for dead, it has lost the lease."""
        self._lease.look()

    async def takeover(self) -> Checkpoint | None:
        """What the call goes on with; None: it is a new one. Only a successor waits until the room is joined."""
        answer = await self._lease.answer()
        if not answer.is_held or answer.checkpoint is None:
            return None
        return await asyncio.shield(self._takeover)

    def _read(self, answer: LeaseAnswer, humans: Collection[str]) -> Checkpoint | None:
        if answer.checkpoint is None:
            return None
        try:
            return taken_over(from_json(answer.checkpoint), self._terms, humans, answer.at)
        except UnusableCheckpointError as error:
            logger.warning("the call of another process doesn't go on: it begins anew", extra={"reason": str(error)})
            return None
