"""The snippets that the emulator's README shows, as they stand there: only the port is the test's, not 7883."""

import shutil
from pathlib import Path

import pytest

from tests.contract.stack import HERE, PYTHON, auto, python_of, run
from tests.contract.test_javascript import node
from tests.e2e.stack import ROOT, Gemini

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]  # a conversation takes its time, on a busy machine much of it

ADDRESS = "https://127.0.0.1:7883"
SNIPPETS = HERE / "snippets"
NOT_SHOWN = {"__init__", "__pycache__", "environment"}


async def printed(folder: Path, argv: str, snippet: str, **environment: str) -> str:
    """Run a copy of a snippet beside the emulator's `ca.pem`, as a reader would; returns what it printed."""
    (folder / "node_modules").symlink_to(ROOT / "tests" / "node_modules")
    async with auto(folder) as model:
        (folder / snippet).write_text(_aimed(SNIPPETS / snippet, model))
        aimed = {name: value.replace(ADDRESS, model.url) for name, value in environment.items()}
        return await run([argv, snippet], environment=aimed, folder=folder)


def _aimed(snippet: Path, model: Gemini) -> str:
    text = snippet.read_text()
    assert ADDRESS in text
    return text.replace(ADDRESS, model.url)


@pytest.mark.parametrize("snippet", sorted(path.name for path in SNIPPETS.iterdir() if path.stem not in NOT_SHOWN))
def test_the_readme_shows_the_snippets_as_they_are(snippet: str) -> None:
    assert (SNIPPETS / snippet).read_text().strip() in (ROOT / "emulator" / "README.md").read_text()


@pytest.mark.parametrize("snippet", ["google_sdk.py", "livekit_agent.py"])
async def test_snippets_for_this_environment_get_an_answer(tmp_path: Path, snippet: str) -> None:
    assert len((await printed(tmp_path, PYTHON, snippet)).split()) > 3


async def test_two_variables_aim_any_client_of_the_python_sdk(tmp_path: Path) -> None:
    words = await printed(
        tmp_path,
        PYTHON,
        "environment.py",
        SSL_CERT_FILE="ca.pem",
        GOOGLE_GEMINI_BASE_URL=ADDRESS,
        GOOGLE_GENAI_API_VERSION="v1beta",
        GEMINI_API_KEY="any",
        GOOGLE_API_KEY="",
    )
    assert len(words.split()) > 3


async def test_the_javascript_snippet_gets_an_answer(tmp_path: Path) -> None:
    assert len((await printed(tmp_path, node(), "javascript.mjs", NODE_EXTRA_CA_CERTS="ca.pem")).split()) > 3


@pytest.mark.parametrize(("client", "snippet"), [("pipecat", "pipecat_bot.py"), ("adk", "adk_agent.py")])
async def test_snippets_for_environments_of_their_own_get_an_answer(tmp_path: Path, client: str, snippet: str) -> None:
    assert len((await printed(tmp_path, str(python_of(client)), snippet)).split()) > 3


async def run_test(folder: Path, python: str, snippet: str) -> str:
    """Run a snippet that is a test, in a folder of its own. With the wheel installed, pytest needs no `-p` for the fixture."""
    shutil.copy(SNIPPETS / snippet, folder / f"test_{snippet}")
    argv = [python, "-m", "pytest", "-q", "-p", "emulator.pytest_plugin", "-p", "no:cacheprovider", f"test_{snippet}"]
    return await run(argv, environment={"PYTHONPATH": str(ROOT)}, folder=folder)


@pytest.mark.parametrize("snippet", ["pytest_google_sdk.py", "pytest_livekit.py"])
async def test_tests_for_this_environment_pass(tmp_path: Path, snippet: str) -> None:
    assert "1 passed" in await run_test(tmp_path, PYTHON, snippet)


@pytest.mark.parametrize(("client", "snippet"), [("pipecat", "pytest_pipecat.py"), ("adk", "pytest_adk.py")])
async def test_tests_for_environments_of_their_own_pass(tmp_path: Path, client: str, snippet: str) -> None:
    assert "1 passed" in await run_test(tmp_path, str(python_of(client)), snippet)
