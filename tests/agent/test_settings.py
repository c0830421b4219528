"""Settings: the environment wins over .env, mistakes are one sentence without secrets, .env.example is complete."""

import re
from pathlib import Path

import pytest
import yaml

from agent.errors import SettingsError
from agent.settings import Settings, read_settings
from configuration import DEVELOPMENT_SECRET
from token_server.settings import TokenServerSettings

ROOT = Path(__file__).parents[2]
NEEDED = {"GOOGLE_API_KEY": "a-secret-key"}
VERTEX = {"GOOGLE_GENAI_USE_VERTEXAI": "true", "GOOGLE_CLOUD_PROJECT": "project"}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, "gemini_api_key"):
        monkeypatch.delenv(name.upper(), raising=False)


def read(monkeypatch: pytest.MonkeyPatch, env_file: Path | None = None, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return read_settings(env_file)


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("GEMINI_API_KEY=from-file\nPERSONA=boxing_coach\nGEMINI_MODEL=\nSOMETHING_ELSE=1\n")
    settings = read(monkeypatch, file, PERSONA="assistant")
    assert settings.persona == "assistant"
    assert settings.google_api_key is not None
    assert settings.google_api_key.get_secret_value() == "from-file"
    assert settings.gemini_model == "gemini-3.8-live", "an empty value is no value"


def test_a_livekit_on_this_machine_needs_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, None, **NEEDED, LIVEKIT_URL="ws://localhost:9000")
    development = yaml.safe_load((ROOT / "livekit.yaml").read_text())["keys"]
    assert settings.livekit_api_key is not None
    assert settings.livekit_api_secret is not None
    assert {settings.livekit_api_key: settings.livekit_api_secret.get_secret_value()} == development


def test_what_is_given_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:1")
    assert read_settings(None, livekit_url="ws://127.0.0.1:2").livekit_url == "ws://127.0.0.1:2"


@pytest.mark.parametrize(
    ("value", "kinds"),
    [("Audio, transcript", ("audio", "transcript")), ("timeline,timeline", ("timeline",)), ("off", ()), ("none", ())],
)
def test_what_is_recorded_is_a_list_of_words(monkeypatch: pytest.MonkeyPatch, value: str, kinds: tuple[str, ...]) -> None:
    assert read(monkeypatch, None, **NEEDED, RECORD=value, RECORD_DIR="/records").record == kinds


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"RECORD": "audio"}, "RECORD_DIR is not set: RECORD keeps calls there"),
        ({"RECORD_S3": "s3://calls"}, "RECORD_DIR is not set: RECORD_S3 copies the calls"),
        ({"RECORD_REDACT_SOUND": "on", "RECORD_REDACT": "off"}, "RECORD_REDACT_SOUND is 'on': only the lines"),
        ({"RECORD_FORMAT": "mp3"}, "RECORD_FORMAT is 'mp3'"),
        ({"RECORD": "video", "RECORD_DIR": "/records"}, "RECORD is 'video'"),
        ({"RECORD_KEEP_DAYS": "0"}, "RECORD_KEEP_DAYS is '0'"),
    ],
)
def test_a_recording_that_can_not_be_kept_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read(monkeypatch, None, **NEEDED, **given)
    assert str(refused.value).startswith(sentence)


def test_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read(monkeypatch, GOOGLE_API_KEY="the-key", LIVEKIT_API_KEY="k", LIVEKIT_API_SECRET="the-secret")
    assert "the-key" not in repr(settings) + str(settings)
    assert "the-secret" not in repr(settings) + str(settings)


@pytest.mark.parametrize(("word", "check"), [("false", "off"), ("0", "off"), ("OFF", "off"), ("yes", "on"), ("True", "on")])
def test_the_check_of_gemini_takes_the_usual_words_of_a_switch(monkeypatch: pytest.MonkeyPatch, word: str, check: str) -> None:
    monkeypatch.setenv("GEMINI_CHECK", word)
    monkeypatch.setenv("GOOGLE_API_KEY", "key")
    assert read_settings(None).gemini_check == check


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"GOOGLE_API_KEY": ""}, "GOOGLE_API_KEY is not set: set GOOGLE_API_KEY (or GEMINI_API_KEY), or GEMINI_BASE_URL"),
        ({"LIVEKIT_URL": "localhost:7880"}, "LIVEKIT_URL is 'localhost:7880': it must be a URL such as ws://127.0.0.1:7880"),
        ({"LIVEKIT_URL": "ws://:99999"}, "LIVEKIT_URL is 'ws://:99999': it must be a URL"),
        ({"GEMINI_BASE_URL": "http://x"}, "GEMINI_BASE_URL is 'http://x': it must be a URL such as https://127.0.0.1:7883"),
        ({"GEMINI_CA_FILE": "/nowhere.pem"}, "GEMINI_CA_FILE is '/nowhere.pem': there is no such file"),
        ({"CALLS_PER_WORKER": "many"}, "CALLS_PER_WORKER is 'many': input should be a valid integer"),
        ({"CALLS_PER_WORKER": "0"}, "CALLS_PER_WORKER is '0': input should be greater than or equal to 1"),
        ({"HEALTH_PORT": "70000"}, "HEALTH_PORT is '70000'"),
        (
            {"GEMINI_API_VERSION": "v1"},
            "GEMINI_API_VERSION is 'v1': the Gemini API has Live models on v1beta and v1alpha",
        ),
        ({"GEMINI_API_VERSION": "v1beta1"}, "GEMINI_API_VERSION is 'v1beta1': the Gemini API has"),
        (
            VERTEX | {"GEMINI_API_VERSION": "v1alpha"},
            "GEMINI_API_VERSION is 'v1alpha': Vertex has Live models on v1beta1 and",
        ),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "true"}, "GOOGLE_CLOUD_PROJECT is not set: Vertex needs a project of Google Cloud"),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "perhaps"}, "GOOGLE_GENAI_USE_VERTEXAI is 'perhaps': input should be a valid boolean"),
        (
            VERTEX | {"GOOGLE_CLOUD_PROJECT": "my project/1"},
            "GOOGLE_CLOUD_PROJECT is 'my project/1': it must be the",
        ),
        (
            VERTEX | {"GOOGLE_CLOUD_LOCATION": "x.example/"},
            "GOOGLE_CLOUD_LOCATION is 'x.example/': it must be a region",
        ),
        (
            VERTEX | {"GOOGLE_APPLICATION_CREDENTIALS": "/nowhere.json"},
            "GOOGLE_APPLICATION_CREDENTIALS is '/nowhere.json': there is no such file",
        ),
        ({"GEMINI_CHECK": "sometimes"}, "GEMINI_CHECK is 'sometimes': input should be 'on' or 'off'"),
        ({"LONGEST_CALL_S": "-3"}, "LONGEST_CALL_S is '-3': input should be greater than 0"),
        ({"LIVEKIT_API_KEY": "k"}, "LIVEKIT_API_SECRET is not set: set the pair that the server at ws://127.0.0.1:7880 knows"),
        ({"LIVEKIT_API_SECRET": "s"}, "LIVEKIT_API_KEY is not set: set the pair"),
        ({"LIVEKIT_URL": "wss://x.example"}, "LIVEKIT_API_KEY is not set: set the pair that the server at wss://x.example"),
        (
            {"LIVEKIT_URL": "wss://x.example", "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": "secret"},
            "LIVEKIT_API_SECRET is 'the development secret': everybody knows it",
        ),
        (
            {"LIVEKIT_URL": "wss://x.example", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "x" * 31},
            "LIVEKIT_API_SECRET is '***': it has fewer than 32 bytes, and wss://x.example is not on this machine",
        ),
        (
            {"LIVEKIT_URL": "wss://x.example", "LIVEKIT_API_KEY": "devkey", "LIVEKIT_API_SECRET": DEVELOPMENT_SECRET},
            "LIVEKIT_API_SECRET is 'the development secret': everybody knows it, and wss://x.example is not on this machine",
        ),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud'"),
        ({"DRAIN": "later"}, "DRAIN is 'later': input should be 'wait' or 'handover'"),
        ({"DRAIN": "handover", "FAILOVER": "off"}, "DRAIN is 'handover': calls are handed over with FAILOVER=on alone"),
    ],
)
def test_mistakes_are_one_sentence(monkeypatch: pytest.MonkeyPatch, values: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(monkeypatch, None, **(NEEDED | values))
    assert str(caught.value).startswith(sentence)
    assert "a-secret-key" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("way", ["HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_that_leads_nowhere_needed_may_be_anything(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """With GEMINI_BASE_URL and a LiveKit on this machine nobody asks it."""
    broken = {way: "gopher://proxy:1"}
    settings = read(monkeypatch, None, **(NEEDED | broken | {"GEMINI_BASE_URL": "https://127.0.0.1:7883"}))
    assert (settings.gemini_proxy, settings.livekit_proxy) == (None, None)
    with pytest.raises(SettingsError, match=way):
        read(monkeypatch, None, **(NEEDED | broken | {"GEMINI_BASE_URL": ""}))


def documented() -> dict[str, str]:
    """Of .env.example: every name, with the value that the commented line shows."""
    found = re.findall(r"^(?:# ?)?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict(found)


def test_env_example_has_every_setting_with_its_default() -> None:
    expected: dict[str, str] = {"GEMINI_API_KEY": ""}
    for settings in (Settings, TokenServerSettings):
        for name, field in settings.model_fields.items():
            default = "" if field.is_required() or field.default is None else field.default
            if isinstance(default, tuple):
                default = ",".join(default)
            expected[name.upper()] = str(default.relative_to(ROOT)) if isinstance(default, Path) else str(default)
    shown = documented()
    assert shown == expected


def test_env_example_sets_nothing_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="GOOGLE_API_KEY is not set"):
        read(monkeypatch, ROOT / ".env.example")
