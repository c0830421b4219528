"""The functions that the model may call at the moment. Pure, but for the log.

LiveKit can restrict tools for one reply, and the Live API can't. A call that isn't allowed is answered with an error, of which
the model speaks; it is never run.
"""

import logging

from livekit.agents import llm
from livekit.agents.types import NotGivenOr
from livekit.agents.utils import is_given

_MOST_REFUSALS = 3
"""Without a word between them: a model that goes on calling after that gets no answer, or it would never stop."""

_DROPPED = (
    "a reply is asked for while the model waits for the function %s, so the service drops that call: ask for the reply after "
    'it, or write @tool_options(behavior="non_blocking") at the function, which 2.5 and 3.8 take'
)
"""LiveKit asks for replies without functions where a function asks for one (docs/facts.md L173)."""

REFUSAL = "Tool calls are disabled for this turn, respond to the user directly."

logger = logging.getLogger("earshot.link")


class ToolPermissions:
    """The session's choice of tools, and that of the reply that was asked for last."""

    def __init__(self) -> None:
        self._session_choice: llm.ToolChoice | None = None
        self._reply_choice: llm.ToolChoice | None = None
        """Replaces the session's. None: the reply has no choice of its own."""
        self._reply_tools: frozenset[str] | None = None
        """Names of the functions that the reply may call. None: all."""
        self._refusals = 0
        self._warned = False

    def set_for_session(self, choice: llm.ToolChoice | None) -> None:
        """`choice` holds until another one comes."""
        self._session_choice = self._checked(choice)

    def set_for_reply(
        self, choice: NotGivenOr[llm.ToolChoice | None], tools: NotGivenOr[list[llm.Tool]], waits_for: str | None = None
    ) -> None:
        """`choice` and `tools` hold until the turn that answers is complete; until then, `choice` replaces the session's.

        `waits_for`: the function whose result the model waits for.
        """
        if choice == "none" and waits_for is not None:
            logger.warning(_DROPPED, waits_for)
        names = [tool.info.name for tool in tools if isinstance(tool, llm.FunctionTool | llm.RawFunctionTool)] if tools else []
        self._reply_choice = self._checked(choice if is_given(choice) else None)
        self._reply_tools = frozenset(names) if is_given(tools) else None

    def model_speaks(self) -> None:
        self._refusals = 0

    def turn_completes(self) -> None:
        """The reply was given, or nobody waits for it any more."""
        self._reply_choice = self._reply_tools = None

    def allows(self, name: str) -> bool:
        choice = self._session_choice if self._reply_choice is None else self._reply_choice
        return choice != "none" and (self._reply_tools is None or name in self._reply_tools)

    def refuses(self) -> bool:
        """A message has calls that aren't allowed. True: answer them; False: they are left alone."""
        self._refusals += 1
        return self._refusals <= _MOST_REFUSALS

    def _checked(self, choice: llm.ToolChoice | None) -> llm.ToolChoice | None:
        """The choice as it is. A call can be refused and can't be forced; the log says so once."""
        if choice not in (None, "none", "auto") and not self._warned:
            self._warned = True
            logger.warning('a tool call can\'t be forced: a tool choice that requires one counts as "auto"')
        return choice
