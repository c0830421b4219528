"""Each part of the demo gets the settings that it needs; a `.env` for a public deployment stays out."""

from pathlib import Path

import pytest

from demo import environments

FOLDER = Path("/somewhere")
PUBLIC = {
    "LIVEKIT_URL": "wss://x.livekit.cloud",
    "LIVEKIT_API_KEY": "cloud",
    "LIVEKIT_API_SECRET": "cloud-secret",
    "TOKEN_MODE": "jwt",
    "TOKEN_JWT_JWKS_URL": "https://id.example.com/jwks",
    "TOKEN_HOST": "0.0.0.0",
    "TOKEN_HOSTS": "voice.example.com",
    "TOKEN_TRUSTED_PROXIES": "10.0.0.0/8",
    "HEALTH_HOST": "0.0.0.0",
    "LOG_LEVEL": "WARNING",
    "LOG_FORMAT": "text",
}
SECRETS = {"GOOGLE_API_KEY": "g", "GEMINI_API_KEY": "g", "SIP_PBX_PASSWORD": "p", "AWS_SECRET_ACCESS_KEY": "a"}
SYSTEM = {"PATH": "/bin", "LC_ALL": "C.UTF-8", "PYTHONPATH": "/lib"}


def test_programs_that_need_no_setting_get_none() -> None:
    got = environments.of_system(SYSTEM | SECRETS | PUBLIC)
    assert got == SYSTEM | {"PYTHONUNBUFFERED": "1"}


def test_the_token_server_gets_its_own_settings_and_no_secret_of_others() -> None:
    own = {"TOKEN_ORIGINS": "http://localhost:3000", "TOKEN_LIFE_S": "60", "AGENT_NAME": "other", "PERSONAS_DIR": "mine"}
    got = environments.of_token_server(SYSTEM | SECRETS, SYSTEM | SECRETS | PUBLIC | own, FOLDER)
    assert got == SYSTEM | own | {"PYTHONUNBUFFERED": "1", "PERSONAS_DIR": "/somewhere/mine"}


def test_an_absolute_path_stays() -> None:
    assert environments.of_token_server({}, {"WEB_DIR": "/srv/web"}, FOLDER)["WEB_DIR"] == "/srv/web"


def test_the_worker_gets_what_tools_may_need_and_not_what_is_for_a_public_deployment() -> None:
    others = PUBLIC | {"TOKEN_KEYS": "k", "livekit_url": "wss://y.livekit.cloud", "token_keys": "k"}
    got = environments.of_worker(SYSTEM | SECRETS | others, {})
    assert got == SYSTEM | SECRETS | {"PYTHONUNBUFFERED": "1", "LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}


@pytest.mark.parametrize("asked", ["DEBUG", " debug", "info", "INFO\n"])
def test_a_level_that_the_worker_gets_is_taken(asked: str) -> None:
    settings = {"LOG_LEVEL": asked}
    assert environments.not_taken(settings, {"LOG_LEVEL": environments.worker_log_level(settings)}) == []


@pytest.mark.parametrize("asked", ["WARNING", "10", "loud"])
def test_another_level_is_not_taken_and_named(asked: str) -> None:
    settings = {"LOG_LEVEL": asked}
    assert environments.not_taken(settings, {"LOG_LEVEL": environments.worker_log_level(settings)}) == ["LOG_LEVEL"]


@pytest.mark.parametrize(("asked", "level"), [("debug", "DEBUG"), (" DEBUG\n", "DEBUG"), ("WARNING", "INFO"), ("", "INFO")])
def test_the_worker_logs_the_lines_that_the_demo_waits_for(asked: str, level: str) -> None:
    assert environments.of_worker({}, {"LOG_LEVEL": asked})["LOG_LEVEL"] == level


def test_build_tools_get_the_way_out_and_no_secret() -> None:
    proxy = {"HTTPS_PROXY": "http://proxy:3128", "GOPROXY": "https://goproxy.example"}
    assert environments.of_build(proxy | {"GOOGLE_API_KEY": "g", "LIVEKIT_API_SECRET": "s"}) == proxy


def test_settings_that_are_not_taken_are_named() -> None:
    given = {"LIVEKIT_URL": "ws://127.0.0.1:7880", "TOKEN_MODE": "open", "LOG_LEVEL": "info"}
    assert environments.not_taken(PUBLIC | {"TOKEN_LIFE_S": "60"}, given) == sorted(PUBLIC)


def test_what_is_set_as_the_demo_sets_it_is_not_named() -> None:
    given = {"LIVEKIT_URL": "ws://127.0.0.1:7880", "TOKEN_MODE": "open", "LOG_LEVEL": "info"}
    assert environments.not_taken({name: value.upper() for name, value in given.items()}, given) == []
