"""Tools that block: a database driver, a heavy computation."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def in_thread(work: Callable[_P, _R]) -> Callable[_P, Coroutine[Any, Any, _R]]:
    """Decorate a tool that blocks, under `@function_tool`: it runs in a thread, and the call goes on meanwhile."""

    @functools.wraps(work)
    async def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        return await asyncio.to_thread(work, *args, **kwargs)

    return run
