"""The Gemini Live API on this machine: true on the wire and in time, without a key. README.md has all of it.

`python -m emulator` starts it as a program. `with GeminiLive() as gemini_live:` runs it inside of a Python program, and the
pytest fixture `gemini_live` inside of a test.

- `GeminiLive`: a server that runs; its address, its script, its faults, and what went over the wire.
- `EmulatorError`, and under it `ScriptError`, `FaultError`, `FaultNotHappenedError`, `NotConnectedError`.
"""

from typing import TYPE_CHECKING, Any

from emulator.errors import EmulatorError, FaultError, FaultNotHappenedError, NotConnectedError, ScriptError

if TYPE_CHECKING:
    from emulator.gemini_live import GeminiLive

__all__ = [
    "EmulatorError",
    "FaultError",
    "FaultNotHappenedError",
    "GeminiLive",
    "NotConnectedError",
    "ScriptError",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Import the server when it is asked for: each start of pytest imports this package for the fixture."""
        if name == "GeminiLive":
            from emulator.gemini_live import GeminiLive  # noqa: PLC0415

            return GeminiLive
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
