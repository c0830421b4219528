"""Whether this process answers in a room, and what of another process's call it goes on with."""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from agent.call.call_lease import CallLease
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
    given_at: float | None = None
    """The time of the event loop at which another process gave the call to this one; None: it was lost, or is a new call."""


class Admission:
    """Asks the lease, and reads the checkpoint. `on_takeover` has the parts of the call take it over.

    It is told `away_s`, which is None if the other process gave the call to this one, so that nobody notices.
    """

    def __init__(self, lease: CallLease, terms: Terms, on_takeover: Callable[[Checkpoint, float | None], None]) -> None:
        self._lease = lease
        self._terms = terms
        self._on_takeover = on_takeover
        self._takeover: asyncio.Future[Checkpoint | None] = asyncio.get_running_loop().create_future()

    async def standing_by(self, humans: Callable[[], Collection[str]]) -> str:
        """The identity of the caller whose call another process hands over to this one; empty: none does.

        From then on that process may give the call. It isn't told so if this one couldn't go on with it.

        Args:
            humans: returns who is in the room, which is joined.
        """
        if not await self._lease.stands_by():
            return ""
        checkpoint = self._read(await self._lease.read(), humans(), 0.0, "the other process keeps the call")
        if checkpoint is None:
            return ""
        self._lease.joined()
        return checkpoint.caller.identity

    async def joined(self, humans: Callable[[], Collection[str]]) -> Admitted | None:
        """The room is joined; `humans` returns who is in it. None: another process answers this call."""
        answer = await self._lease.answer()
        if not answer.is_held:
            logger.warning("this agent leaves: another process answers this call")
            return None
        checkpoint = self._read(answer.checkpoint, humans(), answer.at, "the call begins anew")
        given_at = answer.came_at - answer.away_s if answer.is_handed_over else None
        if checkpoint is not None and answer.is_handed_over:
            checkpoint = replace(checkpoint, sound="")  # this process has heard the caller meanwhile
        if checkpoint is not None:
            self._on_takeover(checkpoint, answer.away_s if given_at is None else None)
        if not self._takeover.done():
            self._takeover.set_result(checkpoint)
        if checkpoint is None:
            return Admitted(answer.generation)
        return Admitted(answer.generation, checkpoint.caller, checkpoint.shown, given_at)

    def second_agent(self) -> None:
        """Another Earshot has joined the room: if that is because this process was taken for dead, it has lost the lease."""
        self._lease.look()

    async def stands_by(self) -> bool:
        """Whether this process waits for a call that another one hands over; then `takeover` takes as long as that."""
        return await self._lease.stands_by()

    async def takeover(self) -> Checkpoint | None:
        """What the call goes on with; None: it is a new one. Only a successor waits until the room is joined."""
        answer = await self._lease.answer()
        if not answer.is_held or answer.checkpoint is None:
            return None
        return await asyncio.shield(self._takeover)

    def _read(self, checkpoint: bytes | None, humans: Collection[str], at: float, otherwise: str) -> Checkpoint | None:
        if checkpoint is None:
            return None
        try:
            return taken_over(from_json(checkpoint), self._terms, humans, at)
        except UnusableCheckpointError as error:
            told = {"reason": str(error), "so": otherwise}
            logger.warning("the call of another process can't be gone on with", extra=told)
            return None
