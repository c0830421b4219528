"""One call of a tool: it runs as its options say, and its result goes to the model as soon as it is there.

LiveKit gets the result as well, for its history. It tells the model of the results of one generation together, after the
slowest and when the voice has ended (docs/facts.md L32). Of a call that its tool has answered, it tells nothing more.
"""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterable, Callable
from typing import Any

from livekit.agents import Agent, RunContext, llm

from agent.gemini import EarshotSession, ToolAnswer, ToolOptions
from agent.livekit_private import has_reported_progress
from agent.tools.tool_progress import ToolProgress
from agent.tools.tool_results import error_words, is_handoff, tellable

logger = logging.getLogger("earshot.tools")

_shielded: set[asyncio.Task[Any]] = set()
"""Work that goes on though its call was cancelled; asyncio itself keeps no task alive. As many as tools that were called."""


class ToolRun:
    """One call of an agent's tool. `work` calls the tool.

    `context` is LiveKit's, of the call; without one, as in a test, nothing but the tool's result comes of it.
    `reports_itself`: the tool has asked for the context, and may tell of its progress by `RunContext.update`.
    """

    def __init__(
        self,
        work: Callable[[], Any],
        options: ToolOptions,
        agent: Agent,
        context: RunContext[Any] | None,
        *,
        reports_itself: bool,
    ) -> None:
        self._work = work
        self._options = options
        self._context = context
        self._reports_itself = reports_itself
        self._answer = None if context is None else _answer(agent, context)
        self._progress = ToolProgress(self._answer)

    async def result(self) -> Any:
        """Run the tool. Returns what LiveKit is to have of its result.

        Raises:
            Exception: the tool's own; the model is told of it.
        """
        answer = self._answer
        if answer is not None and not self._reports_itself:
            answer.take_over()
        try:
            returned = await self._returned()
        except asyncio.CancelledError:
            if answer is not None:
                answer.leave_to_livekit()
            raise
        except llm.StopResponse:
            self._tell(None)
            raise
        except Exception as error:
            if answer is not None and not self._is_livekits:
                answer.error(error_words(error))
            raise
        return self._tell(returned)

    @property
    def _is_released(self) -> bool:
        """LiveKit has told a text in the result's place, and will tell the result as another call's."""
        return self._context is not None and has_reported_progress(self._context)

    @property
    def _is_livekits(self) -> bool:
        return self._reports_itself and self._is_released

    async def _returned(self) -> Any:
        if not self._options.shielded:
            return await self._run()
        task = asyncio.create_task(self._run(), name="shielded-tool")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                _shielded.add(task)
                task.add_done_callback(_ended)
            raise

    async def _run(self) -> Any:
        if self._options.thread:
            return await asyncio.to_thread(self._work)
        returned = self._work()
        if inspect.isawaitable(returned):
            return await returned
        if isinstance(returned, AsyncIterable):
            return await self._progress.last_of(returned)
        return returned

    def _tell(self, returned: Any) -> Any:
        """Answer the call. Returns the result for LiveKit, which is not to ask for words about it once more."""
        told = tellable(returned)
        if self._answer is None or self._is_livekits:
            return told
        if is_handoff(returned):
            self._answer.hand_over()
            return told
        result = told if isinstance(told, llm.ToolResult) else llm.ToolResult(told, reply_required=told is not None)
        if self._progress.is_told:
            self._answer.end()
            return None  # nobody is to wait for words about it
        is_spoken_about = self._answer.result(
            "" if result.output is None else result.output, is_silent=not result.reply_required
        )
        if self._is_released:
            return llm.ToolResult(result.output, reply_required=False)
        return told if is_spoken_about else None


def _answer(agent: Agent, context: RunContext[Any]) -> ToolAnswer | None:
    """The way past LiveKit. None: the agent has another model than ours, or none at the moment."""
    try:
        session = agent.realtime_llm_session
    except RuntimeError:
        return None
    return session.tool_answer(context.function_call) if isinstance(session, EarshotSession) else None


def _ended(task: asyncio.Task[Any]) -> None:
    """A shielded tool has ended after its call was cancelled: its error is logged, and its result dropped."""
    _shielded.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a shielded tool has failed after its call was cancelled", exc_info=error)
