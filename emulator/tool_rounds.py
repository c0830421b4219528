"""Function calls that wait for their responses."""

from dataclasses import dataclass

from emulator import messages
from emulator.answers import Rule


@dataclass
class ToolRound:
    """The calls of one toolCall message, until all are answered."""

    rule: Rule
    facts: dict[str, object]
    """Values for the blanks of the rule's sentence; results are added as they come."""
    waiting: dict[str, str]
    """Function names of unanswered calls, by call id."""
    blocking: bool
    silent: bool = False
    urgent: bool = False

    def take(self, call_id: str, response: messages.FunctionResponse) -> None:
        """Take the response to a call, or a part of it."""
        self.facts[self.waiting[call_id]] = response.response
        self.silent |= response.scheduling == "SILENT"
        self.urgent |= response.scheduling == "INTERRUPT"
        if not response.will_continue:
            del self.waiting[call_id]


_MOST_OPEN = 64


class ToolRounds:
    """The rounds of a session whose calls aren't all answered; beyond 64 the oldest is forgotten."""

    def __init__(self) -> None:
        self._open: list[ToolRound] = []

    def open(self, tools: ToolRound) -> None:
        self._open = [*self._open, tools][-_MOST_OPEN:]

    def take(self, response: messages.FunctionResponse) -> ToolRound | None:
        """Take a response; one without an id answers the call of its name, and one to no open call is ignored.

        Returns:
            The round, if this was its last response.
        """
        found = [
            (tools, call_id)
            for tools in self._open
            for call_id, name in tools.waiting.items()
            if call_id == response.id or (not response.id and name == response.name)
        ]
        if not found:
            return None
        tools, call_id = found[0]
        tools.take(call_id, response)
        if tools.waiting:
            return None
        self._open.remove(tools)
        return tools

    def ids(self) -> list[str]:
        """The ids of unanswered calls."""
        return [call_id for tools in self._open for call_id in tools.waiting]

    def drop_blocking(self) -> list[str]:
        """Forget the unanswered blocking calls; returns their ids."""
        dropped = [call_id for tools in self._open if tools.blocking for call_id in tools.waiting]
        self._open = [tools for tools in self._open if not tools.blocking]
        return dropped
