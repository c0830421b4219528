"""`GeminiLive` and the pytest fixture `gemini_live`: what tests of other people's agents have of the emulator."""

import contextlib
import os
import shutil
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from google import genai
from google.genai import types

from emulator import FaultError, FaultNotHappenedError, GeminiLive, NotConnectedError, ScriptError

ROOT = Path(__file__).parents[2]
SAYS = '[otherwise]\nthink_ms = 0\nsays = "{}"'


@contextlib.asynccontextmanager
async def session(live: GeminiLive) -> AsyncIterator[genai.live.AsyncSession]:
    """A session of Google's SDK with the server."""
    client = genai.Client(api_key="any", http_options=types.HttpOptions(**live.http_options))
    config = types.LiveConnectConfig(
        response_modalities=[types.Modality.AUDIO], output_audio_transcription=types.AudioTranscriptionConfig()
    )
    try:
        async with client.aio.live.connect(model="gemini-3.8-live", config=config) as opened:
            yield opened
    finally:
        await client.aio.aclose()
        client.close()


async def answer(opened: genai.live.AsyncSession, typed: str) -> str:
    """The words of the answer to a typed turn."""
    await opened.send_client_content(turns=types.Content(role="user", parts=[types.Part(text=typed)]))
    said = [message.server_content.output_transcription async for message in opened.receive() if message.server_content]
    return "".join(words.text or "" for words in said if words)


async def test_a_script_is_for_the_sessions_that_open_after_it(gemini_live: GeminiLive, tmp_path: Path) -> None:
    gemini_live.use_script(SAYS.format("One."))
    async with session(gemini_live) as first:
        file = tmp_path / "two.toml"
        file.write_text(SAYS.format("Two."))
        gemini_live.use_script(file)
        async with session(gemini_live) as second:
            assert await answer(first, "Hello!") == "One."
            assert await answer(second, "Hello!") == "Two."


async def test_the_journal_has_what_went_over_the_wire(gemini_live: GeminiLive) -> None:
    gemini_live.use_script(SAYS.format("Hello."))
    async with session(gemini_live) as opened:
        assert await answer(opened, "Hello!") == "Hello."
        [held] = gemini_live.sessions()
        assert held["held"]
    [setup] = gemini_live.received("setup")
    assert setup["model"] == "models/gemini-3.8-live"
    [content] = gemini_live.received("clientContent")
    assert content == gemini_live.received("client_content")[0]
    assert any("outputTranscription" in content for content in gemini_live.sent("serverContent"))
    assert {line["direction"] for line in gemini_live.journal()} == {"event", "received", "sent"}


async def test_a_fault_that_a_test_expects_must_happen(gemini_live: GeminiLive) -> None:
    gemini_live.use_script(SAYS.format("Hello."))
    with pytest.raises(FaultNotHappenedError, match="goaway"), gemini_live.expecting("goaway:after_s=0"):
        pass
    assert gemini_live.faults() == []
    async with session(gemini_live) as opened:
        with gemini_live.expecting("goaway:after_s=0"):
            async for message in opened.receive():
                if message.go_away:
                    break
    gemini_live.add_fault("upgrade_refused")
    assert [fault["name"] for fault in gemini_live.faults()] == ["upgrade_refused"]
    gemini_live.clear_faults()
    async with session(gemini_live) as opened:
        assert await answer(opened, "Hello!") == "Hello."


async def test_words_are_announced_to_a_client_that_is_there(gemini_live: GeminiLive) -> None:
    with pytest.raises(NotConnectedError, match="no client has a session that could hear 'Good morning'"):
        gemini_live.announce("Good morning")
    async with session(gemini_live):
        gemini_live.announce("Good morning")


def test_mistakes_are_sentences(gemini_live: GeminiLive) -> None:
    with pytest.raises(ScriptError, match=r"for a file pass Path\('talk.toml'\)"):
        gemini_live.use_script("talk.toml")
    with pytest.raises(ScriptError, match="unknown key 'sais'"):
        gemini_live.use_script('[otherwise]\nsais = "x"')
    with pytest.raises(ScriptError, match="there is no fault 'gowaway'"):
        gemini_live.use_script('[[fault]]\nname = "gowaway"')
    with pytest.raises(FaultError, match="did you mean goaway"):
        gemini_live.add_fault("goawy")
    with pytest.raises(FaultError), GeminiLive(faults=("goawy",)):
        pytest.fail("it started")


def test_a_client_needs_no_event_loop_of_ours_and_may_not_have_any_key(tmp_path: Path) -> None:
    with GeminiLive(SAYS.format("Hello."), api_key="only-this") as live:
        tls = ssl.create_default_context(cafile=str(live.ca_file))
        asked = urllib.request.Request(
            f"{live.url}/v1alpha/auth_tokens", data=b"{}", headers={"x-goog-api-key": live.api_key}, method="POST"
        )
        with urllib.request.urlopen(asked, context=tls) as made:
            assert b"auth_tokens/" in made.read()
        asked.add_header("x-goog-api-key", "another")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(asked, context=tls)
        refused.value.close()
        assert live.environment["GEMINI_API_KEY"] == "only-this"
    assert not live.ca_file.exists(), "its files are gone"


def test_anybodys_pytest_has_the_fixture(tmp_path: Path) -> None:
    """The README's test with Google's SDK, in a folder of its own. Installed, pytest finds the plugin without `-p`."""
    shutil.copy(ROOT / "tests" / "contract" / "snippets" / "pytest_google_sdk.py", tmp_path / "test_weather.py")
    argv = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "emulator.pytest_plugin", "-p", "no:cacheprovider"]
    argv += ["-o", "asyncio_default_fixture_loop_scope=function"]  # pytest-asyncio warns where it isn't set
    ran = subprocess.run(
        argv, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "1 passed" in ran.stdout


def test_pytests_start_does_not_import_the_server() -> None:
    """An installed plugin is imported at each start of pytest, also where nobody uses the fixture."""
    code = "import sys, emulator.pytest_plugin; print(sorted({'aiohttp', 'numpy', 'trustme'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
