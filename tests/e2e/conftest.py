"""One livekit-server, one emulator and one worker for the calls that need nothing special."""

import secrets
from collections.abc import AsyncIterator

import pytest

from demo.parts import Part
from tests.e2e.stack import Gemini, Sfu, gemini, sfu, worker

STORY = (
    "Once upon a time there was a lighthouse keeper, who lived on a rock in the sea. Every night he lit his lamp, and he "
    "talked to the ships, and one night a ship talked back to him."
)
ANSWER = "I heard you. This is my answer to you, and here it ends."
GREETING = "Hello, this is Earshot."
AFTER_BARGE_IN = "You interrupted me, that is fine."

SCRIPT = f"""
think_ms = 200

[[typed]]
matches = "<instructions>\\\\s*greet"
says = "{GREETING}"

[[typed]]
matches = "still there"
says = "Are you still there?"

[[typed]]
matches = "pressed on the telephone: 4 2"
calls = [{{ name = "send_dtmf", args = {{ keys = "1#" }} }}]
says = "Done: {{send_dtmf}}"

[[typed]]
matches = "goodbye"
says = "Goodbye, and thank you for calling."

[[typed]]
matches = "lights"
calls = [{{ name = "turn_on_the_lights" }}]
says = "Done: {{turn_on_the_lights}}"

[[typed]]
matches = "time in (?P<place>.*)"
calls = [{{ name = "local_time", args = {{ place = "Atlantis" }} }}]
says = "The tool says: {{local_time}}"

[[typed]]
matches = "where am I"
calls = [{{ name = "caller_location" }}]
says = "Your browser says: {{caller_location}}"

[[typed]]
matches = "hang up"
calls = [{{ name = "hang_up" }}]
says = "Goodbye, it was nice to hear you."

[[typed]]
matches = "story"
says = "{STORY}"

[[typed]]
matches = "."
says = "You wrote: {{typed}}"

[[turn]]
hears = "Hello, can you hear me?"
says = "{ANSWER}"

[[turn]]
hears = "Stop."
says = "{AFTER_BARGE_IN}"
"""


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[Sfu]:
    async with sfu() as running_sfu:
        yield running_sfu


@pytest.fixture(scope="session")
async def model(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gemini]:
    async with gemini(tmp_path_factory.mktemp("gemini"), SCRIPT) as running_emulator:
        yield running_emulator


@pytest.fixture(scope="session")
async def shared_worker(server: Sfu, model: Gemini, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Part]:
    folder = str(tmp_path_factory.mktemp("worker"))
    async with worker(server, model, TMPDIR=folder, CALL_MAY_SET="realtime_input_config") as part:
        yield part


@pytest.fixture
def room() -> str:
    return f"room-{secrets.token_hex(4)}"
