"""Errors of a worker.

AgentError
├── SettingsError       a setting that can't be used: names it, its value and the fix
├── PersonaError        a persona that is missing or broken: names the file and the key
├── WorkerError         the worker, or a call, can't start here: the plugin's version, a missing library, no room
├── McpServerError      an MCP server that can't be used: the reason, for the log
├── UnknownPlaceError   a tool was asked about a place that has no time zone
├── SessionOverError    the model's session is closing: nothing can be said in this call any more
├── NoTelephoneError    keys are to be pressed, but nobody in the call is on a telephone
├── ClientToolError     the caller's client didn't do what a tool asked it for
├── UnreadableLineError a chat packet from the room that can't be read
└── ActivityRequestError a client asks for something else than to press or release the talk button
"""

import contextlib
import enum
from collections.abc import Awaitable, Iterator

from livekit.agents import llm


class AgentError(Exception):
    """Base of this package's errors. Its text is one sentence for the operator, without secrets."""


class SettingsError(AgentError):
    def __init__(self, name: str, value: object, fix: str) -> None:
        shown = "not set" if value is None else repr(value)
        super().__init__(f"{name} is {shown}: {fix}")
        self.name = name


class PersonaError(AgentError):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"persona {name!r}: {reason}")
        self.name = name


class WorkerError(AgentError):
    pass


class McpServerError(AgentError):
    """Its text is the reason, without the server."""


class UnknownPlaceError(AgentError):
    """`similar` holds names that look like the unknown one."""

    def __init__(self, place: str, similar: list[str]) -> None:
        super().__init__(f"no time zone is named after {place!r}")
        self.place = place
        self.similar = similar


class SessionOverError(AgentError):
    def __init__(self) -> None:
        super().__init__("the model's session is closing")


class NoTelephoneError(AgentError):
    def __init__(self) -> None:
        super().__init__("nobody in this call is on a telephone")


class ClientToolProblem(enum.StrEnum):
    """The reason why the caller's client didn't do what a tool asked it for."""

    NO_CALLER = "no_caller"
    """The room has no caller at the moment."""
    NOT_OFFERED = "not_offered"
    """The client doesn't have that tool; a telephone and the console have none."""
    TOO_LARGE = "too_large"
    """The arguments or the answer are larger than LiveKit's RPC carries."""
    TIMEOUT = "timeout"
    CALLER_LEFT = "caller_left"
    """The caller left, or somebody else became the caller, before the answer."""
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    """The client answered with an error of its own, such as that the caller said no."""


class ClientToolError(AgentError, llm.ToolError):
    """Its text is for the model, which tells the caller; `problem` is for code."""

    def __init__(self, problem: ClientToolProblem, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = problem


class UnreadableLineError(AgentError):
    def __init__(self) -> None:
        super().__init__("a chat packet can't be read")


class ActivityRequestError(AgentError):
    """Its text is for the client that has sent the request."""


@contextlib.contextmanager
def while_session_lasts() -> Iterator[None]:
    """Around what LiveKit's session is asked to do.

    Raises:
        SessionOverError
    """
    try:
        yield
    except RuntimeError as error:  # LiveKit's word for a session that is closing, from before it tells so
        raise SessionOverError from error


async def until_session_ends(work: Awaitable[None]) -> None:
    """Await work that has nothing left to do once the session closes: the close itself tells how the call ends."""
    try:
        await work
    except* SessionOverError:  # a task group has it in an exception group, which `suppress` passes on before Python 3.12
        pass
