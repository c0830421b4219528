"""Misspelt settings are found, and other programs' variables are left alone."""

from pathlib import Path

import pytest

from agent.settings import Settings
from agent.settings import read_settings as read_worker_settings
from configuration import Values, misspelt, values
from telephony.settings import TelephonySettings
from token_server.settings import TokenServerSettings

WORKER, TOKEN_SERVER, TELEPHONY = (
    {name.upper() for name in model.model_fields} for model in (Settings, TokenServerSettings, TelephonySettings)
)
FOREIGN = """
    HOME PATH USER SHELL TERM LANG LC_ALL TMPDIR EDITOR PAGER HOSTNAME PWD OLDPWD SHLVL LOGNAME MAIL DISPLAY XDG_CACHE_HOME
    XDG_RUNTIME_DIR SSH_AUTH_SOCK PYTHONPATH PYTHONUNBUFFERED VIRTUAL_ENV NO_COLOR FORCE_COLOR CI GITHUB_TOKEN GITHUB_ACTIONS
    FTP_PROXY RSYNC_PROXY SOCKS_PROXY HTTP_PROXY_USER NPM_CONFIG_HTTPS_PROXY GIT_HTTP_PROXY DOCKER_HOST KUBERNETES_SERVICE_HOST
    TOKEN TOKENS API_KEY API_TOKEN PERSON PERSONAL START STARTS ANSWER TOOL TOOLS GOODBYE LOGLEVEL RUST_LOG LOG_FORMAT
    OPENAI_API_KEY ANTHROPIC_API_KEY GOOGLE_MAPS_API_KEY GOOGLE_CLOUD_REGION GOOGLE_CLOUD_QUOTA_PROJECT GOOGLE_CLOUD_PROJECT_ID
    GOOGLE_GEMINI_BASE_URL GOOGLE_GENAI_API_VERSION GEMINI_CLI GEMINI_SANDBOX CLOUDSDK_CORE_PROJECT LIVEKIT_KEYS LIVEKIT_CONFIG
    LIVEKIT_AGENT_NAME LIVEKIT_AGENT_ID LIVEKIT_INFERENCE_API_KEY LIVEKIT_INFERENCE_API_SECRET LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS
    LIVEKIT_SERVICE_HOST LIVEKIT_SERVICE_PORT LIVEKIT_PORT TOKEN_SERVER_PORT TOKEN_SERVICE_HOST HEALTHCHECK_PORT
    NEXT_PUBLIC_CONN_DETAILS_ENDPOINT PORT HOST CALLER IDLE_TIMEOUT
"""


def found(name: str, known: set[str], *, place: str = "") -> list[str]:
    return misspelt(Values({name: "1"}, {name: place} if place else {}), known)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CALLER_SILENCE", "CALLER_SILENCE_S"),
        ("CALLER_SILENSE_S", "CALLER_SILENCE_S"),
        ("CALLER_SILENCE_MS", "CALLER_SILENCE_S"),
        ("GEMINI_MODLE", "GEMINI_MODEL"),
        ("GOOGLE_APIKEY", "GOOGLE_API_KEY"),
        ("PERSONA_DIR", "PERSONAS_DIR"),
        ("COST_CAP", "COST_CAP_USD"),
        ("JOB_MEMORY", "JOB_MEMORY_MB"),
    ],
)
def test_a_misspelt_setting_is_named_with_the_right_one(name: str, meant: str) -> None:
    assert found(name, WORKER) == [f"{name} is no setting: did you mean {meant}?"]
    assert found(name, WORKER, place=".env:3") == [f"{name} is no setting (.env:3): did you mean {meant}?"]


@pytest.mark.parametrize(("name", "meant"), [("TOOL", "TOOL_S"), ("LOGLEVEL", "LOG_LEVEL"), ("PERSONAS", "PERSONA")])
def test_a_name_of_one_word_is_looked_at_in_the_file_only(name: str, meant: str) -> None:
    """The environment has many such names of other programs."""
    assert found(name, WORKER) == []
    assert found(name, WORKER, place=".env:1") == [f"{name} is no setting (.env:1): did you mean {meant}?"]


@pytest.mark.parametrize("name", FOREIGN.split())
def test_other_programs_variables_are_left_alone(name: str) -> None:
    for known in (WORKER, TOKEN_SERVER, TELEPHONY):
        assert found(name, known) == []


def test_no_setting_of_one_program_is_taken_for_a_misspelt_one_of_another() -> None:
    """One `.env` has the settings of all programs."""
    for known in (WORKER, TOKEN_SERVER, TELEPHONY):
        for name in (WORKER | TOKEN_SERVER | TELEPHONY) - known:
            assert found(name, known, place=".env:1") == []


def test_a_name_beside_the_setting_that_it_is_like_is_another_programs() -> None:
    both = Values({"TOKEN_KEY": "1", "TOKEN_KEYS": "2"}, {})
    assert misspelt(both, TOKEN_SERVER) == []
    assert misspelt(Values(both.known, {"TOKEN_KEY": ".env:1"}), TOKEN_SERVER) != []


def test_names_that_no_setting_can_have_are_not_repeated() -> None:
    assert found("TOKEN_\x1b[2JKEYS", TOKEN_SERVER, place=".env:1") == []


def test_a_program_warns_when_it_reads_its_settings(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """It starts all the same."""
    monkeypatch.setenv("CALLER_SILENSE_S", "20")
    (tmp_path / ".env").write_text("GOOGLE_API_KEY=k\n\nGEMINI_MODEL_=gemini-3.8-live\n")
    assert read_worker_settings(tmp_path / ".env").caller_silence_s == 90
    assert caplog.messages == [
        "CALLER_SILENSE_S is no setting: did you mean CALLER_SILENCE_S?",
        f"GEMINI_MODEL_ is no setting ({tmp_path / '.env'}:3): did you mean GEMINI_MODEL?",
    ]
    assert values({}, tmp_path / ".env").where("GEMINI_MODEL_") == f" ({tmp_path / '.env'}:3)"
