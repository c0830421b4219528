"""The pytest fixture `gemini_live`. Installed with the package `earshot-emulator`, pytest finds it by itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from emulator import GeminiLive


@pytest.fixture
def gemini_live() -> "Iterator[GeminiLive]":
    """The Gemini Live API on this machine, new for each test: `url`, `ca_file`, `http_options`, script, faults, journal."""
    # pytest imports this module at each start (docs/facts.md L251), also where no test asks for the fixture
    from emulator import GeminiLive  # noqa: PLC0415

    with GeminiLive() as running:
        yield running
