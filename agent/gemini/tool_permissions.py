"""Which functions the model may call at the moment. Pure.

LiveKit can restrict tools for one reply, and the Live API can't. A call that isn't allowed is answered with an error, of which
the model speaks; it is never run.
"""

from collections.abc import Iterable

from livekit.agents import llm
from livekit.agents.types import NotGivenOr
from livekit.agents.utils import is_given

_MOST_REFUSALS = 3
"""Without a word between them: a model that goes on calling after that gets no answer, or it would never stop."""

REFUSAL = "Tool calls are disabled for this turn, respond to the user directly."


class ToolPermissions:
    """The session's permission, and that of the reply that was asked for last."""

    def __init__(self) -> None:
        self._in_session: frozenset[str] | None = None
        """Names of the functions that may be called. None: all."""
        self._in_reply: frozenset[str] | None = None
        self._refusals = 0

    def set_for_session(self, choice: llm.ToolChoice | None) -> None:
        """`choice` holds until another one comes."""
        self._in_session = _allowed(choice, None)

    def set_for_reply(self, choice: NotGivenOr[llm.ToolChoice | None], tools: NotGivenOr[list[llm.Tool]]) -> None:
        """`choice` and `tools` hold until the turn that answers is complete."""
        names = [tool.info.name for tool in tools if isinstance(tool, llm.FunctionTool | llm.RawFunctionTool)] if tools else []
        self._in_reply = _allowed(choice if is_given(choice) else None, names if is_given(tools) else None)

    def model_speaks(self) -> None:
        self._refusals = 0

    def turn_completes(self) -> None:
        """The reply was given."""
        self._in_reply = None

    def allows(self, name: str) -> bool:
        return all(names is None or name in names for names in (self._in_session, self._in_reply))

    def refuses(self) -> bool:
        """A message has calls that aren't allowed. True: answer them; False: they are left alone."""
        self._refusals += 1
        return self._refusals <= _MOST_REFUSALS


def _allowed(choice: llm.ToolChoice | None, names: Iterable[str] | None) -> frozenset[str] | None:
    """Names of the functions that may be called. None: all. A call can be refused and can't be forced."""
    if choice == "none":
        return frozenset()
    return None if names is None else frozenset(names)
