"""`make real` without a key, and with one that can't be used: one sentence and exit code 2, and no test runs."""

from pathlib import Path

import pytest

from agent.settings import Settings
from tests.e2e.real.__main__ import main


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "GOOGLE_API_KEY is not set: set GOOGLE_API_KEY (or GEMINI_API_KEY), or GEMINI_BASE_URL for the emulator; "),
        ({"GOOGLE_API_KEY": "a key"}, "GOOGLE_API_KEY is '***': a key has letters, digits and signs of ASCII alone; copy it "),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "1"}, "GOOGLE_CLOUD_PROJECT is not set: Vertex needs a project of Google Cloud; "),
        ({"GEMINI_BASE_URL": "https://x", "GEMINI_CA_FILE": "ca.pem"}, "GEMINI_CA_FILE is 'ca.pem': there is no such file; "),
    ],
)
def test_without_a_key_it_says_so_and_exits_with_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    values: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (*Settings.model_fields, "gemini_api_key", "google_genai_use_enterprise"):
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    assert main([]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith(sentence)
    assert "\n" not in said
