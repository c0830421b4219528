"""The interface of a call to the tools that run in it."""

from collections.abc import Mapping
from typing import Any, Protocol

from agent.errors import ClientToolError, ClientToolProblem, NoTelephoneError


class CallControl(Protocol):
    """The running call, as its agent's tools see it."""

    async def show(self, **attributes: str) -> None:
        """Show something to everybody in the room, as attributes of the agent: `show(lights="on")`.

        It is shown even if the tool is cancelled meanwhile. In the console nobody sees it.
        """

    def hang_up_after_goodbye(self) -> None:
        """End the call once the model's next reply has been heard, or after GOODBYE_S. The caller may still go on."""

    async def press_keys(self, keys: str) -> None:
        """Press keys on the caller's telephone; a comma waits for half a second.

        Raises:
            NoTelephoneError: the caller isn't on one.
        """

    async def ask_client(self, method: str, arguments: Mapping[str, Any] | None = None, *, timeout_s: float = 10) -> Any:
        """Have the caller's client do something: call its RPC method, such as "earshot.location", and return its answer.

        The client must offer the method (docs/client_tools.md). Arguments and answer are JSON, up to 15 KiB each. A tool that
        waits for the caller to confirm something needs a `timeout_s` of its own (`tool_options`) that is longer than this one.

        Raises:
            ClientToolError: the client doesn't offer it, refuses, or doesn't answer in time; or the caller leaves.
        """


class NoCall:
    """The `CallControl` of an agent that is made without a call, so that its tools can be looked at. It does nothing."""

    async def show(self, **attributes: str) -> None:
        """Show nothing: there is no room."""

    def hang_up_after_goodbye(self) -> None:
        """There is nothing to end."""

    async def press_keys(self, keys: str) -> None:
        """There is no telephone."""
        del keys
        raise NoTelephoneError

    async def ask_client(self, method: str, arguments: Mapping[str, Any] | None = None, *, timeout_s: float = 10) -> Any:
        """There is no client."""
        del arguments, timeout_s
        raise ClientToolError(ClientToolProblem.NO_CALLER, f"There is no caller's client to ask for {method}.")
