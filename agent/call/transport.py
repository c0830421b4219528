"""The way to the caller of a call: through a LiveKit room (agent/call/call_room.py), or the console of the worker."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from livekit.agents.voice.io import AudioInput

from agent.call.checkpoint import CallersState
from agent.call.endings import Ending
from agent.errors import ClientToolProblem, NoTelephoneError
from agent.room.client_tool_rules import client_tool_error
from agent.room.telephone import PhoneCall

INTERRUPTIONS_ATTRIBUTE = "earshot.interruptions"
"""The agent's attribute that is `off` if the caller's voice doesn't interrupt it."""
MODEL_ATTRIBUTE = "earshot.model"
"""The agent's attribute with the name of the model that answers."""
SERVICE_ATTRIBUTE = "earshot.service"
"""The agent's attribute with the service that the model belongs to: a `Service` of agent/endpoint.py."""


class CallTransport(Protocol):
    """The way to the caller and back. Everything that waits is cancelled when the call is over."""

    @property
    def sound(self) -> AudioInput | None:
        """The caller's sound; None where LiveKit's session has it already."""

    @property
    def caller_speaks(self) -> bool:
        """Whether the caller's voice is heard, without any model."""

    @property
    def presses_keys(self) -> bool:
        """Whether the caller presses keys of a telephone that the model wasn't told of."""

    @property
    def phone_call(self) -> PhoneCall | None:
        """The caller's telephone call, if they are on a telephone."""

    @property
    def caller_state(self) -> CallersState:
        """The caller's identity, and whether they have spoken or typed."""

    @property
    def shown(self) -> dict[str, str]:
        """The states that tools show to the room."""

    @property
    def dropped_lines(self) -> int:
        """Typed lines that weren't the caller's, or came too fast."""

    def identities(self) -> set[str]:
        """Identities of the humans who are there."""

    async def listen(self) -> None:
        """Join, and listen to what happens there, from the call's beginning."""

    async def take_turns(self, on_turn: Callable[[str], Awaitable[None]]) -> None:
        """Give each typed turn to `on_turn`, once the session has started."""

    async def until_caller_listens(self, subscribed: Callable[[], Awaitable[None]]) -> None:
        """Wait for the first caller, and with `subscribed` until the agent's voice reaches them."""

    async def show(self, attributes: dict[str, str]) -> None:
        """Show the agent's attributes to everybody who is there, or joins."""

    async def press_keys(self, keys: str) -> None:
        """Press keys on the caller's telephone. NoTelephoneError: they aren't on one."""

    async def ask_client(self, method: str, arguments: Mapping[str, Any] | None, timeout_s: float) -> Any:
        """Call an RPC method of the caller's client. ClientToolError: there is no answer."""

    def fall_silent(self) -> None:
        """Nothing more of this agent is heard, from now on."""

    async def announce(self, samples: bytes) -> None:
        """Play this sound of the worker's own voice, once the session is closed; in bounded time."""

    def has_agent(self, identity: str) -> bool:
        """Whether that agent is there."""

    async def leave_to(self, identity: str) -> None:
        """Fall silent, and wait until the agent that was given the call has a voice; in bounded time."""

    async def delete_if_empty(self) -> None:
        """Delete the room if no human is in it."""

    async def leave(self, ending: Ending, failure: str) -> None:
        """Tell how the call has ended, and why the model failed if it did; in bounded time.

        A room is deleted, unless others go on in it.
        """


class Console:
    """A call without a room: LiveKit's console has the microphone and the loudspeaker, and its user is the caller."""

    sound = None
    caller_speaks = presses_keys = False
    phone_call = None
    caller_state = CallersState()
    dropped_lines = 0

    def __init__(self, on_caller: Callable[[], None]) -> None:
        self._on_caller = on_caller

    @property
    def shown(self) -> dict[str, str]:
        return {}

    def identities(self) -> set[str]:
        return set()

    async def listen(self) -> None:
        """A console has no room to join: nothing to do."""

    async def take_turns(self, on_turn: Callable[[str], Awaitable[None]]) -> None:
        """The console types into LiveKit's session. Its user is there once that has started."""
        del on_turn
        self._on_caller()

    async def until_caller_listens(self, subscribed: Callable[[], Awaitable[None]]) -> None:
        """A console has its loudspeaker from the start: nothing to wait for."""

    async def show(self, attributes: dict[str, str]) -> None:
        """A console shows nothing to a room: nothing to do."""

    async def press_keys(self, keys: str) -> None:
        del keys
        raise NoTelephoneError

    async def ask_client(self, method: str, arguments: Mapping[str, Any] | None, timeout_s: float) -> Any:
        del arguments, timeout_s
        raise client_tool_error(method, ClientToolProblem.NOT_OFFERED)

    def fall_silent(self) -> None:
        """No other process has the console's call: nothing to do."""

    async def announce(self, samples: bytes) -> None:
        """Do nothing: the user of a console ends the call."""

    def has_agent(self, identity: str) -> bool:
        del identity
        return False

    async def leave_to(self, identity: str) -> None:
        """No other process has the console's call: nothing to do."""

    async def delete_if_empty(self) -> None:
        """A console has no room: nothing to do."""

    async def leave(self, ending: Ending, failure: str) -> None:
        """A console has no room: nothing to do."""
