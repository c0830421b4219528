"""deploy/compose.yaml and deploy/livekit.yaml fit each other and the images, hold no secret, and livekit-server takes them."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.settings import Settings
from demo.livekit_server import VERSION, locate
from demo.settings import read_settings
from tests.deploy.container_file import is_ignored, read_stages
from tests.deploy.unit_file import WORKER_UNIT, read_unit, seconds
from tests.test_architecture import ROOT
from token_server.settings import TokenServerSettings
from token_server.settings import read_settings as token_server_settings

FOLDER = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
LIVEKIT: dict[str, Any] = yaml.safe_load((FOLDER / "livekit.yaml").read_text())
DOCUMENT = (ROOT / "docs" / "deploy.md").read_text()


def example(name: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", (FOLDER / "env" / f"{name}.env.example").read_text(), re.MULTILINE))


def test_images_are_built_from_files_that_are_there() -> None:
    for name in ("worker", "token_server"):
        build = SERVICES[name]["build"]
        assert (FOLDER / build["context"]).resolve() == ROOT
        assert read_stages(ROOT / build["dockerfile"])


def test_other_images_have_a_version_and_livekit_the_one_that_is_tested() -> None:
    assert SERVICES["livekit"]["image"].endswith(f":v{VERSION}")
    assert re.fullmatch(r"caddy:\d+\.\d+-alpine", SERVICES["proxy"]["image"])


def test_what_it_mounts_is_there() -> None:
    for service in SERVICES.values():
        for mounted in service.get("volumes", []):
            source = mounted.split(":")[0]
            assert (FOLDER / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]
    assert is_ignored("deploy/.env")


def test_calls_have_as_much_time_at_a_stop_as_with_systemd() -> None:
    unit = read_unit(WORKER_UNIT)
    assert seconds(SERVICES["worker"]["stop_grace_period"]) == seconds(unit["TimeoutStopSec"][0])
    named = re.search(r"terminationGracePeriodSeconds: (\d+)", DOCUMENT)
    assert named is not None
    assert int(named[1]) == seconds(unit["TimeoutStopSec"][0])


def test_secrets_come_from_files_that_git_does_not_have() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?\}", (FOLDER / "compose.yaml").read_text()))
    assert asked == set(example("livekit"))
    for name in ("worker", "token_server"):
        assert SERVICES[name]["env_file"] == [f"{name}.env"]
        assert set(example(name)).isdisjoint(SERVICES[name]["environment"]), "`environment` would win"
    assert "keys" not in LIVEKIT


def test_its_settings_exist() -> None:
    for name, settings in (("worker", Settings), ("token_server", TokenServerSettings)):
        known = {field.upper() for field in settings.model_fields}
        assert set(SERVICES[name]["environment"]) | set(example(name)) <= known


def test_only_the_proxy_and_livekits_media_are_reached_from_outside() -> None:
    assert LIVEKIT["bind_addresses"] == ["127.0.0.1"]
    assert SERVICES["worker"]["environment"]["HEALTH_HOST"] == "127.0.0.1"
    assert SERVICES["token_server"]["environment"]["TOKEN_HOST"] == "127.0.0.1"
    proxied = set(re.findall(r"reverse_proxy (\S+)", (FOLDER / "Caddyfile").read_text()))
    port = read_stages(FOLDER / "token_server.Dockerfile")[-1].environment["TOKEN_PORT"]
    assert proxied == {f"127.0.0.1:{LIVEKIT['port']}", f"127.0.0.1:{port}"}


def test_the_names_are_those_of_the_proxy() -> None:
    names = re.findall(r"^(\S+) \{$", (FOLDER / "Caddyfile").read_text(), re.MULTILINE)
    settings = example("token_server")
    assert names == [settings["TOKEN_HOSTS"], settings["LIVEKIT_URL"].removeprefix("wss://")]


@pytest.mark.parametrize("name", ["worker", "token_server"])
def test_it_asks_for_the_health_of_the_port_that_the_image_has(name: str) -> None:
    image = read_stages(ROOT / SERVICES[name]["build"]["dockerfile"])[-1]
    assert f"127.0.0.1:{image.all('EXPOSE')[0].text}/" in SERVICES[name]["healthcheck"]["test"][-1]


def test_the_example_is_a_token_server_that_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    filled = {**example("token_server"), "TOKEN_KEYS": "k" * 16, "LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": "s" * 32}
    for variable, value in filled.items():
        monkeypatch.setenv(variable, value)
    settings = token_server_settings(None)
    assert settings.api_url == f"http://127.0.0.1:{LIVEKIT['port']}"
    assert settings.token_mode == "key"


async def test_livekit_server_takes_its_configuration(tmp_path: Path) -> None:
    """`livekit-server ports` reads the whole configuration, strictly. It would ask for the public address: not here."""
    path = await locate(read_settings(), print)
    (tmp_path / "livekit.yaml").write_text(yaml.safe_dump({**LIVEKIT, "rtc": {**LIVEKIT["rtc"], "use_external_ip": False}}))
    environment = {**os.environ, "LIVEKIT_KEYS": "key: a-secret-for-tests-that-is-long-enough-for-hs256"}
    process = await asyncio.create_subprocess_exec(
        *(str(path), "--config", str(tmp_path / "livekit.yaml"), "ports"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    for port in (LIVEKIT["port"], LIVEKIT["rtc"]["tcp_port"], f"{LIVEKIT['rtc']['port_range_start']}"):
        assert str(port) in said


def test_the_document_names_the_ports_and_settings_that_are_there() -> None:
    table = DOCUMENT.split("## Ports")[1].split("## How long")[0]
    media = f"{LIVEKIT['rtc']['port_range_start']}-{LIVEKIT['rtc']['port_range_end']}"
    for port in (LIVEKIT["port"], LIVEKIT["rtc"]["tcp_port"], media, 7882, 8081):
        assert re.search(rf"\b{port}\b", table), port
    known = {field.upper() for settings in (Settings, TokenServerSettings) for field in settings.model_fields}
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", DOCUMENT):
        assert name in known, name
