"""Options of a function tool: whether the model waits for it, when it speaks about the result, how the worker runs it. Pure.

What each model takes of them: `Capabilities`, by docs/facts.md G140 to G142.
"""

import inspect
import math
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeVar, cast

from google.genai.types import Behavior
from google.genai.types import FunctionResponseScheduling as Scheduling
from livekit.agents import llm

from agent.gemini.capabilities import Capabilities

_ATTRIBUTE = "earshot_tool_options"
_BEHAVIORS = ("blocking", "non_blocking")
_SCHEDULINGS = ("interrupt", "when_idle", "silent")

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Function = llm.FunctionTool[..., Any] | llm.RawFunctionTool[..., Any]


class ToolOptionsError(ValueError):
    """Options that no tool can have. Its text is one sentence with the tool, the option, its value and the fix."""

    def __init__(self, tool: str, option: str, value: object, fix: str) -> None:
        super().__init__(f"tool_options of {tool!r}: {option} = {value!r}: {fix}")
        self.tool, self.option = tool, option


@dataclass(frozen=True)
class ToolOptions:
    """The options of one tool. `tool_options` says what each of them means."""

    behavior: Behavior | None = None
    scheduling: Scheduling | None = None
    timeout_s: float | None = None
    shielded: bool = False
    thread: bool = False
    repeatable: bool = False


DEFAULT_OPTIONS = ToolOptions()
"""The options of a tool that says none."""


def tool_options(
    *,
    behavior: Literal["blocking", "non_blocking"] | None = None,
    scheduling: Literal["interrupt", "when_idle", "silent"] | None = None,
    timeout_s: float | None = None,
    shielded: bool = False,
    thread: bool = False,
    repeatable: bool = False,
) -> Callable[[Callable[_P, _R]], Callable[_P, Coroutine[Any, Any, Any]]]:
    """Decorate a tool of a `VoiceAgent`, under LiveKit's `@function_tool` or above it.

    Args:
        behavior: `blocking`: the model is silent until the tool has returned. `non_blocking`: it goes on with the conversation.
            By default as the model has it.
        scheduling: When the model speaks about the result of a non-blocking tool: `interrupt` what it is saying, `when_idle`
            (the service's default), or not at all (`silent`).
        timeout_s: Seconds after which the model is told that the tool has failed; by default TOOL_S.
        shielded: The tool goes on when its call is cancelled, or its time is up. Its result is dropped then.
        thread: The tool is a plain `def` that blocks: it runs in a thread.
        repeatable: The same call with the same arguments, made while the first one runs, is meant: it runs as well.

    Raises:
        ToolOptionsError: an option that can't be.
    """

    def decorate(tool: Callable[_P, _R]) -> Callable[_P, Coroutine[Any, Any, Any]]:
        name = str(getattr(tool, "__name__", tool))
        options = ToolOptions(
            None if behavior is None else Behavior(_known(name, "behavior", behavior, _BEHAVIORS)),
            None if scheduling is None else Scheduling(_known(name, "scheduling", scheduling, _SCHEDULINGS)),
            None if timeout_s is None else _checked_s(name, "timeout_s", timeout_s),
            *(shielded, thread, repeatable),
        )
        _check(name, inspect.unwrap(tool), options)
        for each in layers(tool):  # LiveKit makes a new tool of the function for each agent
            setattr(each, _ATTRIBUTE, options)
        return cast(Callable[_P, Coroutine[Any, Any, Any]], tool)

    return decorate


def _known(tool: str, option: str, word: str, words: Sequence[str]) -> str:
    if word not in words:
        raise ToolOptionsError(tool, option, word, f"write {', '.join(words[:-1])} or {words[-1]}")
    return word.upper()


def _checked_s(tool: str, option: str, seconds: object) -> float:
    if not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise ToolOptionsError(tool, option, seconds, "write a number of seconds above 0")
    return seconds


def _check(tool: str, function: Callable[..., Any], options: ToolOptions) -> None:
    if options.behavior is Behavior.BLOCKING and options.scheduling is not None:
        fix = "the model waits for a blocking tool; leave one of the two out"
        raise ToolOptionsError(tool, "scheduling", options.scheduling.value.lower(), fix)
    if options.thread and (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)):
        fix = "only a plain `def` runs in a thread; leave the thread out, or the `async`"
        raise ToolOptionsError(tool, "thread", options.thread, fix)


def layers(tool: object) -> Iterator[object]:
    """A decorated function, and the functions that its decorators were given."""
    layer: object | None = tool
    while layer is not None:
        yield layer
        layer = getattr(layer, "__wrapped__", None)


def options_of(tool: object) -> ToolOptions:
    """The options that a tool was decorated with."""
    options: ToolOptions = getattr(tool, _ATTRIBUTE, DEFAULT_OPTIONS)
    return options


def declared_behavior(options: ToolOptions, capabilities: Capabilities) -> Behavior | None:
    """The behavior that a declaration asks for: the tool's own if the model takes it. None: the model's default."""
    default = Behavior.NON_BLOCKING if capabilities.non_blocking_tools else None
    if options.behavior is None or options.behavior not in capabilities.tool_behaviors:
        return default
    return options.behavior if options.behavior is Behavior.NON_BLOCKING or default is not None else None


def is_non_blocking(options: ToolOptions, capabilities: Capabilities) -> bool:
    """Whether the model goes on with the conversation while the tool runs."""
    return declared_behavior(options, capabilities) is Behavior.NON_BLOCKING


def tool_warnings(tools: Sequence[llm.Tool | llm.Toolset], model: str, capabilities: Capabilities) -> list[str]:
    """One sentence for each option that this model doesn't heed. The tools work all the same."""
    functions = llm.ToolContext(tools).function_tools.items()
    return [
        f"tool {name!r}: {sentence}"
        for name, tool in functions
        for sentence in _unheeded(tool, options_of(tool), model, capabilities)
    ]


def _unheeded(tool: _Function, options: ToolOptions, model: str, capabilities: Capabilities) -> Iterator[str]:
    waits = not is_non_blocking(options, capabilities)
    if options.behavior is not None and options.behavior not in capabilities.tool_behaviors:
        does = "waits for every tool" if waits else "waits for no tool"
        yield f'behavior = "{options.behavior.value.lower()}" has no effect, since {model} {does}'
    elif options.scheduling is not None and waits:
        yield f'scheduling has no effect, since {model} waits for the tool; write behavior = "non_blocking" as well'
    if options.scheduling is not None and not waits and not capabilities.tool_scheduling:
        yield f"scheduling has no effect, since {model} speaks about every result as soon as it can"
    if inspect.isasyncgenfunction(inspect.unwrap(tool)) and (waits or not capabilities.tool_progress):
        yield f"of its values the last one alone is told, since {model} takes one result for a call"
