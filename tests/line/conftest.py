"""One livekit-server, emulator, worker and line for the calls that need nothing special."""

import shutil
from collections.abc import AsyncIterator

import pytest

from demo.parts import Part
from tests.e2e.stack import Gemini, Sfu, gemini, sfu, worker
from tests.line.stack import SipLine, line

GREETING = "Hello, this is Earshot."
ANSWER = "I heard you. This is my answer to you, and here it ends."
STORY = (
    "Once upon a time there was a lighthouse keeper, who lived on a rock in the sea. Every night he lit his lamp, and he "
    "talked to the ships, and one night a ship talked back to him."
)
GOODBYE = "Goodbye, it was nice to hear you."
SCRIPT = f"""
think_ms = 200

[[typed]]
matches = "<instructions>\\\\s*greet"
says = "{GREETING}"

[[typed]]
matches = "."
says = "You typed."

[[turn]]
hears = "Hello, can you hear me?"
says = "{ANSWER}"

[[turn]]
hears = "Tell me a story."
says = "{STORY}"

[[turn]]
hears = "Stop."
says = "You interrupted me, that is fine."

[[turn]]
hears = "Goodbye."
calls = [{{ name = "hang_up" }}]
says = "{GOODBYE}"
"""


@pytest.fixture(scope="package", autouse=True)
def _tools() -> None:
    """The phones: `sh scripts/packages` installs them, and a test without them fails."""
    missing = [name for name in ("baresip", "sipp") if shutil.which(name) is None]
    assert not missing, f"{' and '.join(missing)} are missing: run `sh scripts/packages`"


@pytest.fixture(scope="package")
async def server() -> AsyncIterator[Sfu]:
    async with sfu() as running_sfu:
        yield running_sfu


@pytest.fixture(scope="package")
async def model(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gemini]:
    async with gemini(tmp_path_factory.mktemp("gemini"), SCRIPT) as running_emulator:
        yield running_emulator


@pytest.fixture(scope="package")
async def shared_worker(server: Sfu, model: Gemini, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Part]:
    async with worker(server, model, TMPDIR=str(tmp_path_factory.mktemp("worker"))) as part:
        yield part


@pytest.fixture(scope="package")
async def shared_line(server: Sfu, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SipLine]:
    async with line(server, tmp_path_factory.mktemp("line")) as running_line:
        yield running_line
