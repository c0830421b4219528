"""Pictures of the caller's camera: counted, kept, billed, and limited to two minutes without compression."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from google.genai import types

from emulator import closes, messages
from emulator.control import controlling
from emulator.faults.asked import Faults
from emulator.journal import Journal
from emulator.lifetime import Age, Lifetime, Limits
from emulator.live_session import LiveSession
from emulator.messages import Compression, Setup
from emulator.profiles import GEMINI_2_5_NATIVE, GEMINI_3_8_LIVE
from emulator.sessions import Sessions
from emulator.shared import Emulator
from tests.emulator.conftest import SCRIPT, Connect, Running
from tests.emulator.talk import Talk

PICTURE = b"\xff\xd8 a picture"


def prompt_tokens(talk: Talk) -> dict[str, int]:
    """The tokens in the prompt of the newest turn, by modality."""
    details = [message["usageMetadata"]["promptTokensDetails"] for _, message in talk.sent if "usageMetadata" in message][-1]
    return {detail["modality"]: detail.get("tokenCount", 0) for detail in details}


@pytest.mark.parametrize(
    ("resolution", "tokens"),
    [("", 258), ("MEDIA_RESOLUTION_LOW", 64), ("MEDIA_RESOLUTION_MEDIUM", 256), ("MEDIA_RESOLUTION_HIGH", 280)],
)
def test_pictures_are_billed_by_the_resolution_and_again_on_every_turn(resolution: str, tokens: int) -> None:
    talk = Talk(media_resolution=resolution)
    for count in (2, 3):
        while talk.memory.pictures.count < count:
            talk.send(messages.Video(PICTURE))
        talk.type("What do you see?")
        talk.pass_time(20)
        assert prompt_tokens(talk)["IMAGE"] == count * tokens


def test_compression_drops_pictures_as_it_drops_words() -> None:
    talk = Talk(compression=Compression(trigger_tokens=2000, target_tokens=1000))
    for _ in range(20):
        talk.send(messages.Video(PICTURE))
    for _ in range(2):
        talk.type("What do you see?")
        talk.pass_time(20)
    assert sum(prompt_tokens(talk).values()) < 2000


def test_the_newest_picture_of_a_session_is_kept_while_a_socket_holds_it() -> None:
    sessions = Sessions()
    memory = sessions.open(None, 0.0)
    assert sessions.newest_picture() is None
    for data in (b"an old one", PICTURE):
        memory.pictures.add(data, "image/jpeg")
    assert sessions.newest_picture() == sessions.newest_picture(memory.handle) == (PICTURE, "image/jpeg")
    assert sessions.newest_picture("another") is None
    sessions.leave(memory, 1.0, GEMINI_3_8_LIVE, clean=True, speaking=False)
    assert sessions.newest_picture() is None
    [told] = sessions.report()
    assert told["pictures"] == {
        "count": 2,
        "newest_bytes": len(PICTURE),
        "newest_sha256": hashlib.sha256(PICTURE).hexdigest(),
    }


@pytest.fixture
async def sessions_and_client() -> AsyncIterator[tuple[Sessions, aiohttp.ClientSession]]:
    sessions = Sessions()
    async with controlling(Faults(), sessions, list) as url, aiohttp.ClientSession(url) as client:
        yield sessions, client


async def test_the_control_endpoint_shows_the_newest_picture(
    sessions_and_client: tuple[Sessions, aiohttp.ClientSession],
) -> None:
    """What is no JPEG is no picture to a browser, whatever a client calls it."""
    sessions, client = sessions_and_client
    async with client.get("/picture") as response:
        assert response.status == 404
        assert "has got a picture" in (await response.json())["error"]
    memory = sessions.open(None, 0.0)
    for mime_type, shown in (("text/html", "application/octet-stream"), ("image/jpeg", "image/jpeg")):
        memory.pictures.add(PICTURE, mime_type)
        async with client.get("/picture", params={"session": memory.handle}) as response:
            assert (response.status, response.content_type, await response.read()) == (200, shown, PICTURE)


@pytest.mark.parametrize("form", ["video", "mediaChunks"])
@pytest.mark.parametrize("compressed", [False, True])
def test_video_ends_a_session_after_two_minutes_unless_the_context_is_compressed(
    tmp_path: Path, form: str, *, compressed: bool
) -> None:
    """In both forms of the message; 2.5 takes both."""
    emulator = Emulator(SCRIPT, Journal(tmp_path / "journal.jsonl"))
    memory, in_force = emulator.sessions.open(None, 0.0), emulator.faults.for_connection("m", None)
    lifetime = Lifetime(Limits(idle_s=1000), 0.0, Age(0.0), compressed=compressed)
    session = LiveSession(emulator, GEMINI_2_5_NATIVE, Setup("m"), memory, in_force, lifetime)
    session.begin(0.0)
    session.advance(5.0)
    video = messages.Video(PICTURE)
    session.receive(video if form == "video" else messages.MediaChunks(video), 10.0)
    assert memory.pictures.newest == PICTURE
    assert session.close(129.0) is None
    assert session.close(130.0) == (None if compressed else closes.GO_AWAY_IGNORED)


async def test_googles_client_sends_a_picture(emulator: Running, connect: Connect) -> None:
    state, _, _ = emulator
    async with connect() as session:
        await session.send_realtime_input(video=types.Blob(data=PICTURE, mime_type="image/jpeg"))
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="What do you see?")]))
        async for message in session.receive():
            if message.server_content and message.server_content.turn_complete:
                assert message.usage_metadata is not None
        assert state.sessions.newest_picture() == (PICTURE, "image/jpeg")
