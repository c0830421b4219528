"""The pytest fixture `gemini_live`. Installed with the package `earshot-emulator`, pytest finds it by itself."""

from collections.abc import Iterator

import pytest

from emulator import GeminiLive


@pytest.fixture
def gemini_live() -> Iterator[GeminiLive]:
    """The Gemini Live API on this machine, new for each test: `url`, `ca_file`, `http_options`, script, faults, journal."""
    with GeminiLive() as running:
        yield running
