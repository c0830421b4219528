"""A call as tools see it, which keeps what they do to it."""

from collections.abc import Callable, Mapping
from typing import Any

from agent.errors import ClientToolProblem, NoTelephoneError
from agent.room.client_tool_rules import client_tool_error
from agent.tools import state_attribute

ClientTool = Callable[[Mapping[str, Any]], Any]
"""What a caller's client does for an RPC method: takes the arguments, returns the answer, or raises `ClientToolError`."""


class RecordingCall:
    """The `CallControl` of a test."""

    def __init__(self, *, on_a_telephone: bool = False, client_tools: Mapping[str, ClientTool] | None = None) -> None:
        self.on_a_telephone = on_a_telephone
        self.client_tools = dict(client_tools or {})
        """The tools of the caller's client, by RPC method."""
        self.shown: list[dict[str, str]] = []
        """The states that were shown to the room, in their order, each as the agent's attribute."""
        self.pressed = ""
        """The keys that were pressed on the caller's telephone."""
        self.hangs_up = False

    @property
    def attributes(self) -> dict[str, str]:
        """The agent's attributes as the room sees them now: an empty value has taken one away."""
        newest = {name: value for shown in self.shown for name, value in shown.items()}
        return {name: value for name, value in newest.items() if value}

    async def show(self, name: str, value: str) -> None:
        self.shown.append(state_attribute(name, value))

    def hang_up_after_goodbye(self) -> None:
        self.hangs_up = True

    async def press_keys(self, keys: str) -> None:
        if not self.on_a_telephone:
            raise NoTelephoneError
        self.pressed += keys

    async def ask_client(self, method: str, arguments: Mapping[str, Any] | None = None, *, timeout_s: float = 10) -> Any:
        del timeout_s
        if method not in self.client_tools:
            raise client_tool_error(method, ClientToolProblem.NOT_OFFERED)
        return self.client_tools[method](arguments or {})
