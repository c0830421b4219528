"""Tools of the caller's client: the agent calls an RPC method of it, and waits for the answer."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from livekit import rtc

from agent.errors import ClientToolProblem
from agent.room.client_tool_rules import ATTRIBUTE, answer_of, client_tool_error, failure, offered, request_payload

_ROUND_TRIP_S = 7.0
"""LiveKit's own limit for an RPC to be acknowledged, in seconds. It takes so much off the time that it tells the client
(docs/facts.md L161)."""
_MOST_CHANGES = 50
"""Changes of what clients offer that one call tells its model; a client could change it for ever."""


class ClientTools:
    """The tools of one room's caller.

    Args:
        room: where the caller is.
        caller: gives the participant who is the caller now; others are never asked.
        on_methods: is told the RPC methods that the caller's client offers, when they are others than before.
    """

    def __init__(
        self,
        room: rtc.Room,
        caller: Callable[[], rtc.RemoteParticipant | None],
        on_methods: Callable[[frozenset[str]], object],
    ) -> None:
        self._room = room
        self._caller = caller
        self._on_methods = on_methods
        self._methods: frozenset[str] = frozenset()
        """The methods that `on_methods` was told last."""
        self._changes = 0
        room.on("participant_attributes_changed", self._on_attributes)
        self._open: dict[asyncio.Timeout, str] = {}
        """The questions that wait for an answer, with whom they are asked: as many as tools that run."""

    def look(self) -> None:
        """The caller may be another participant now, or gone: questions to the one before get no answer.

        LiveKit says nothing of it (docs/facts.md L162). A caller who is gone for a moment takes nothing with them: the model
        keeps the tools of their client until another caller is there.
        """
        for limit, identity in self._open.items():
            if not self._is_caller(identity) and not limit.expired():
                limit.reschedule(0)
        caller = self._caller()
        if caller is None or self._changes >= _MOST_CHANGES:
            return
        if (methods := offered(caller.attributes)) != self._methods:
            self._methods = methods
            self._changes += 1
            self._on_methods(methods)

    async def ask(self, method: str, arguments: Mapping[str, Any] | None, timeout_s: float) -> Any:
        """Have the caller's client do something, and return what it answers.

        Raises:
            ClientToolError: it doesn't offer that, doesn't answer in time, or refuses; or the caller leaves.
        """
        payload = request_payload(method, arguments, timeout_s)
        caller = self._caller()
        if caller is None:
            raise client_tool_error(method, ClientToolProblem.NO_CALLER)
        if method not in offered(caller.attributes):
            raise client_tool_error(method, ClientToolProblem.NOT_OFFERED)
        limit = asyncio.timeout(timeout_s)
        self._open[limit] = caller.identity
        try:
            async with limit:
                answer = await self._room.local_participant.perform_rpc(
                    destination_identity=caller.identity,
                    method=method,
                    payload=payload,
                    response_timeout=timeout_s + _ROUND_TRIP_S,
                    max_round_trip_latency=_ROUND_TRIP_S,
                )
        except TimeoutError:
            is_there = self._is_caller(caller.identity)
            raise client_tool_error(method, ClientToolProblem.TIMEOUT if is_there else ClientToolProblem.CALLER_LEFT) from None
        except rtc.RpcError as error:
            raise failure(method, error) from error
        finally:
            del self._open[limit]
        return answer_of(method, answer)

    def _on_attributes(self, changed: Mapping[str, str], _: rtc.Participant) -> None:
        if ATTRIBUTE in changed:
            self.look()

    def _is_caller(self, identity: str) -> bool:
        caller = self._caller()
        return caller is not None and caller.identity == identity
