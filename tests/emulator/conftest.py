"""An emulator on a free port, in the test's own process, and Google's stock SDK aimed at it."""

import dataclasses
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from google import genai
from google.genai import types

from emulator.answers import Call, Rule
from emulator.journal import Journal
from emulator.profile import ConnectionProfile, SpeakingProfile
from emulator.profiles import GEMINI_3_8_LIVE
from emulator.pytest_plugin import gemini_live  # noqa: F401  a fixture
from emulator.script import Script
from emulator.server import serving
from emulator.shared import Emulator
from emulator.tls import server_context

LONG = "This is a long answer, so that there is enough time to interrupt it."
SHORT = "Here is my answer."
SCRIPT = Script(
    turns=(Rule(hears="What time is it?", calls=(Call("clock", {"place": "Tokyo"}),), says="It is {clock}."),),
    typed=(Rule(LONG, matches=re.compile("long answer")),),
    otherwise=Rule(SHORT),
    think_ms=50,
)
QUICK = dataclasses.replace(
    GEMINI_3_8_LIVE,
    model="quick",
    connection=ConnectionProfile(setup_s=0.0, resume_s=0.0, locked_s=0.0),
    speaking=SpeakingProfile(think_s=0.0),
)
"""A model that answers at once, for tests that are not about times."""
Running = tuple[Emulator, str, ssl.SSLContext]

Connect = Callable[..., AbstractAsyncContextManager[genai.live.AsyncSession]]


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Running]:
    """The emulator's state, its URL, and a context that trusts it."""
    with Journal(tmp_path / "journal.jsonl") as journal:
        state = Emulator(SCRIPT, journal)
        tls = server_context(tmp_path / "ca.pem")
        async with serving(state, host="127.0.0.1", port=0, tls=tls) as port:
            yield state, f"https://127.0.0.1:{port}", ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))


@pytest.fixture
def quick(emulator: Running) -> Running:
    """The emulator, which serves the model `quick` too."""
    emulator[0].fallback = QUICK
    return emulator


@pytest.fixture
def connect(emulator: Running) -> Connect:
    """Google's own client, unmodified, with the options of a Live session as arguments."""
    _, url, tls = emulator

    @asynccontextmanager
    async def connected(
        model: str = "gemini-3.8-live", api_key: str = "any", **config: Any
    ) -> AsyncIterator[genai.live.AsyncSession]:
        options = types.HttpOptions(
            base_url=url, api_version="v1beta", async_client_args={"ssl": tls, "verify": tls}, client_args={"verify": tls}
        )
        client = genai.Client(api_key=api_key, http_options=options)
        wanted: dict[str, Any] = {
            "response_modalities": ["AUDIO"],
            "input_audio_transcription": {},
            "output_audio_transcription": {},
        }
        try:
            async with client.aio.live.connect(model=model, config=types.LiveConnectConfig(**(wanted | config))) as session:
                yield session
        finally:
            await client.aio.aclose()
            client.close()

    return connected
