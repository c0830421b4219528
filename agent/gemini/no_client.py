"""The plugin's session builds a google-genai client for its own socket. Ours has none: it does without (docs/facts.md L8)."""

from collections.abc import Iterator
from contextlib import contextmanager

from livekit.plugins.google.realtime import realtime_api

_CLIENT = "GenAIClient"
"""The plugin's name for it."""


class _NoClient:
    def __init__(self, **_: object) -> None:
        self.aio = self

    async def aclose(self) -> None:
        """All that the plugin's session asks of a client that it never connects."""


@contextmanager
def without_client() -> Iterator[None]:
    """While a session is constructed."""
    client = vars(realtime_api)[_CLIENT]
    setattr(realtime_api, _CLIENT, _NoClient)
    try:
        yield
    finally:
        setattr(realtime_api, _CLIENT, client)
