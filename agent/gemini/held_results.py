"""Results of tools that have handed the conversation to another agent: they wait until that one has its settings.

LiveKit tells the result first and changes agents after that, so the model would answer it by the instructions of the agent that
leaves, and LiveKit drops what is said between two agents (docs/facts.md L170).
"""

import asyncio
from collections.abc import Callable

from agent.gemini.messages import Json

_LONGEST_S = 10.0
"""The agent that leaves may still say something. If no other one comes within this time, the results are told all the same."""
_ENTERS_S = 0.05
"""An agent that has its tools may change more, and ask for a reply, in its `on_enter`: that runs next."""


class HeldResults:
    """The results that wait: as many as tools that return another agent at once. `send` sends them."""

    def __init__(self, send: Callable[[list[Json]], None]) -> None:
        self._send = send
        self._held: list[Json] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> tuple[Json, ...]:
        """The results that wait."""
        return tuple(self._held)

    def hold(self, responses: list[Json]) -> None:
        """Keep these until another agent has come."""
        if responses:
            self._held += responses
            self._release_in(_LONGEST_S)

    def agent_has_come(self) -> None:
        """Another agent has its instructions and tools."""
        if self._held:
            self._release_in(_ENTERS_S)

    def release(self) -> None:
        """Send what waits, before something is asked."""
        self.close()
        held, self._held = self._held, []
        if held:
            self._send(held)

    def close(self) -> None:
        """Send nothing more by time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _release_in(self, delay_s: float) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self.release)
