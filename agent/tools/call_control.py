"""The interface of a call to the tools that run in it."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

from agent.errors import ClientToolError, ClientToolProblem, NoTelephoneError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_LONGEST_VALUE = 1000


class CallControl(Protocol):
    """The running call, as its agent's tools see it."""

    async def show(self, name: str, value: str) -> None:
        """Show a state to everybody in the room: `show("lights", "on")`. An empty value takes it away.

        The state is an attribute of the agent's participant (docs/events.md), and the page draws it as a name and a value. It
        is shown even if the tool is cancelled meanwhile. In the console nobody sees it.

        Raises:
            ValueError: the name isn't letters, digits, `_` and `-`, or the value is no text of at most 1,000 characters.
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

    async def show(self, name: str, value: str) -> None:
        """Show nothing: there is no room."""
        state_attribute(name, value)

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


def state_attribute(name: str, value: str) -> dict[str, str]:
    """The attribute of the agent's participant that shows a state. Names with a dot are LiveKit's, SIP's and Earshot's own.

    Raises:
        ValueError: the name or the value can't be shown.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"show: the name is {name!r}; it must be up to 64 letters, digits, _ and -, and begin with a letter")
    if not isinstance(value, str):
        raise ValueError(f"show: the value of {name!r} is {value!r}; it must be a text, such as {str(value)!r}")  # noqa: TRY004
    if len(value) > _LONGEST_VALUE:
        raise ValueError(f"show: the value of {name!r} has {len(value)} characters; {_LONGEST_VALUE} are the most")
    return {name: value}
