"""The container files, built and run in a chroot: no container engine runs where these tests were written."""

import asyncio
import os
import re
import shutil
import signal
from pathlib import Path

import aiohttp
import pytest

from caller import AgentSilent, AgentSound
from demo.parts import running
from tests.deploy.chroot_image import build
from tests.e2e.stack import API_KEY, API_SECRET, ROOT, Gemini, Sfu
from tests.ports import free_port

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.fixture(autouse=True)
def may_mount() -> None:
    """Without root the test is skipped, and fails where CI=true says that all must run."""
    if os.geteuid() == 0 and shutil.which("unshare") is not None:
        return
    sentence = "a chroot and its mounts need root and util-linux's unshare"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def livekit(server: Sfu) -> dict[str, str]:
    """The settings of LiveKit that both images need."""
    return {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}


async def test_the_workers_image_registers_and_holds_a_call(server: Sfu, model: Gemini, tmp_path: Path) -> None:
    """As a user without a name, with the packages of its own lock: it registers, answers, says that it is well, and drains."""
    image = await asyncio.to_thread(build, ROOT / "Dockerfile", ROOT, tmp_path)
    shutil.copy(model.ca_file, image.root / "tmp" / "ca.pem")
    (image.root / "tmp" / "ca.pem").chmod(0o644)
    port = free_port()
    settings = {**livekit(server), "AGENT_NAME": "imaged"}
    gemini = {"GEMINI_BASE_URL": model.url, "GEMINI_CA_FILE": "/tmp/ca.pem", "GEMINI_CHECK": "off", "IDLE_PROCESSES": "1"}
    program = image.program("worker image", re.compile('"registered worker"'), **settings, **gemini, HEALTH_PORT=str(port))
    async with running(program) as part, aiohttp.ClientSession() as http:
        await part.ready()
        async with http.get(f"http://127.0.0.1:{port}/") as answer:
            assert answer.status == 200
        async with server.caller("imaged", agent_name="imaged") as caller:
            await caller.first(AgentSound, within_s=20)
            await caller.first(AgentSilent, within_s=20)
            part.signal(signal.SIGTERM)
            await part.says("draining worker")
        async with asyncio.timeout(20):
            assert await part.ended() == 0
    assert (image.root / "var/lib/earshot").stat().st_uid == 10001


async def test_the_token_servers_image_gives_tokens_and_the_page(server: Sfu, tmp_path: Path) -> None:
    """On every interface it needs a mode with authentication; then it serves the page with its personas, and tokens."""
    image = await asyncio.to_thread(build, ROOT / "deploy" / "token_server.Dockerfile", ROOT, tmp_path)
    port = free_port()
    settings = {**livekit(server), "TOKEN_PORT": str(port)}
    async with running(image.program("token server image, open", re.compile("never"), **settings)) as part:
        async with asyncio.timeout(30):
            assert await part.ended() == 2
        await part.says("TOKEN_MODE is 'open': with TOKEN_HOST=0.0.0.0 anybody could ask")
    keyed = {"TOKEN_MODE": "key", "TOKEN_KEYS": "a-key-for-this-test"}
    program = image.program("token server image", re.compile("^ready "), **settings, **keyed)
    async with running(program) as part, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        await part.ready()
        for path, words in (("/readyz", ""), ("/", "Earshot"), ("/config", "boxing_coach")):
            async with http.get(path) as answer:
                assert (answer.status, words in await answer.text()) == (200, True), path
        async with http.post("/token", json={}) as answer:
            assert answer.status == 401
        async with http.post("/token", json={}, headers={"X-Api-Key": keyed["TOKEN_KEYS"]}) as answer:
            assert answer.status in {200, 201}
            assert (await answer.json())["server_url"] == server.url
        part.signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await part.ended() == 0
