"""The worker: answers calls in LiveKit rooms with Gemini Live.

LiveKit's CLI (`lk agent start`, `dev`, `console`) imports the module `agent` and looks for an `AgentServer` in it. Python finds
this package under that name, not the program agent.py, so the package has the attribute `server`. The server is made when
somebody asks for it: everything else in the package is imported without settings.
"""

import functools
import importlib
from typing import Any

__all__ = ["server"]


def __getattr__(name: str) -> Any:
    if name == "server":
        return _server()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "server"})


@functools.cache
def _server() -> Any:
    return importlib.import_module("agent.worker.command_line").make_server()
