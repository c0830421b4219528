"""deploy/compose.yaml and its files fit each other and the images and hold no secret; Redis and livekit-server take theirs."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio
import redis.exceptions
import yaml

from agent.settings import Settings
from demo.livekit_server import VERSION, locate
from demo.parts import Program, running
from demo.settings import read_settings
from tests.deploy.container_file import is_ignored, read_stages
from tests.deploy.manifests import pod
from tests.deploy.setting_names import TOKEN_SERVER, WORKER
from tests.deploy.unit_file import WORKER_UNIT, read_unit, seconds
from tests.ports import free_port
from tests.test_architecture import ROOT
from token_server.settings import read_settings as token_server_settings

FOLDER = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
WORKERS = ("worker_1", "worker_2")
BUILT = (*WORKERS, "token_server")
EXAMPLES = {"worker_1": "worker", "worker_2": "worker", "token_server": "token_server"}
"""The file of deploy/env that a service is filled from."""
LIVEKIT: dict[str, Any] = yaml.safe_load((FOLDER / "livekit.yaml").read_text())
DOCUMENT = (ROOT / "docs" / "deploy.md").read_text()


def example(name: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", (FOLDER / "env" / f"{name}.env.example").read_text(), re.MULTILINE))


def test_images_are_built_from_files_that_are_there() -> None:
    for name in BUILT:
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


def test_calls_have_as_much_time_at_a_stop_as_with_systemd_and_kubernetes() -> None:
    waits_s = seconds(read_unit(WORKER_UNIT)["TimeoutStopSec"][0])
    assert all(seconds(SERVICES[name]["stop_grace_period"]) == waits_s for name in WORKERS)
    assert pod("worker")["terminationGracePeriodSeconds"] == waits_s
    assert f"| {waits_s} s |" in DOCUMENT


def test_the_workers_are_alike_but_for_the_port_of_their_health_server() -> None:
    alike = [{**SERVICES[name], "environment": {**SERVICES[name]["environment"], "HEALTH_PORT": ""}} for name in WORKERS]
    assert alike[0] == alike[1]
    ports = [SERVICES[name]["environment"]["HEALTH_PORT"] for name in WORKERS]
    assert len(set(ports)) == len(WORKERS)
    assert example("token_server")["TOKEN_WORKERS_URL"] == ",".join(f"http://127.0.0.1:{port}" for port in ports)


def test_the_workers_share_a_redis_that_writes_nothing_to_a_disk() -> None:
    """Checkpoints have words of callers in them; LiveKit's Redis keeps trunks on the disk."""
    store = dict(
        line.split(maxsplit=1) for line in (FOLDER / "call_store.conf").read_text().splitlines() if re.match("[a-z]", line)
    )
    assert (store["appendonly"], store["save"], store["maxmemory-policy"]) == ("no", '""', "noeviction")
    assert not [mounted for mounted in SERVICES["call_store"]["volumes"] if not mounted.endswith(":ro")]
    address = f"{store['bind']}:{store['port']}"
    assert all(f"@{address}/" in SERVICES[name]["environment"]["REDIS_URL"] for name in WORKERS)
    assert address != SERVICES["livekit"]["environment"]["REDIS_HOST"]


async def test_the_call_store_starts_from_its_file_and_asks_for_its_password(tmp_path: Path) -> None:
    port, environment = free_port(), {**os.environ, "REDIS_PASSWORD": "a-password-of-redis-for-a-test"}
    (tmp_path / "redis.conf").write_text((FOLDER / "call_store.conf").read_text().replace("port 6380", f"port {port}"))
    script = SERVICES["call_store"]["command"][-1].replace("$$", "$").replace("/etc/redis.conf", str(tmp_path / "redis.conf"))
    argv = ["sh", "-c", f"cd {tmp_path} && {script.replace('/run/redis', str(tmp_path))}"]
    async with running(Program("redis", argv, environment, re.compile("Ready to accept connections"))) as store:
        await store.ready()
        async with redis.asyncio.Redis(port=port, password=environment["REDIS_PASSWORD"]) as client:
            await client.set("key", "words of a caller")
        async with redis.asyncio.Redis(port=port) as stranger:
            with pytest.raises(redis.exceptions.AuthenticationError):
                await stranger.get("key")
    assert {path.name for path in tmp_path.iterdir()} == {"redis.conf", "password.conf"}, "nothing of it on the disk"


def test_a_container_has_shared_memory_for_the_sound_of_its_calls() -> None:
    calls = Settings.model_fields["calls_per_worker"].default
    assert all(int(SERVICES[name]["shm_size"].removesuffix("m")) > calls for name in WORKERS), "1 MB for a call"


def test_secrets_come_from_files_that_git_does_not_have() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?\}", (FOLDER / "compose.yaml").read_text()))
    assert example("compose") == dict.fromkeys(asked, "")
    assert asked > set(example("livekit"))
    for service in BUILT:
        name = EXAMPLES[service]
        assert SERVICES[service]["env_file"] == [f"{name}.env"]
        assert set(example(name)).isdisjoint(SERVICES[service]["environment"]), "`environment` would win"
    assert "keys" not in LIVEKIT


def test_its_settings_exist() -> None:
    for service in BUILT:
        known = TOKEN_SERVER if service == "token_server" else WORKER
        assert set(SERVICES[service]["environment"]) | set(example(EXAMPLES[service])) <= known


def test_only_the_proxy_and_livekits_media_are_reached_from_outside() -> None:
    assert LIVEKIT["bind_addresses"] == ["127.0.0.1"]
    assert {SERVICES[name]["environment"]["HEALTH_HOST"] for name in WORKERS} == {"127.0.0.1"}
    assert SERVICES["token_server"]["environment"]["TOKEN_HOST"] == "127.0.0.1"
    proxied = set(re.findall(r"reverse_proxy (\S+)", (FOLDER / "Caddyfile").read_text()))
    port = read_stages(FOLDER / "token_server.Dockerfile")[-1].environment["TOKEN_PORT"]
    assert proxied == {f"127.0.0.1:{LIVEKIT['port']}", f"127.0.0.1:{port}"}


def test_the_names_are_those_of_the_proxy() -> None:
    names = re.findall(r"^(\S+) \{$", (FOLDER / "Caddyfile").read_text(), re.MULTILINE)
    settings = example("token_server")
    assert names == [settings["TOKEN_HOSTS"], settings["LIVEKIT_URL"].removeprefix("wss://")]


def test_it_asks_for_the_health_of_the_port_that_the_program_has() -> None:
    image = read_stages(ROOT / SERVICES["token_server"]["build"]["dockerfile"])[-1]
    assert f"127.0.0.1:{image.all('EXPOSE')[0].text}/" in SERVICES["token_server"]["healthcheck"]["test"][-1]
    assert all("os.environ['HEALTH_PORT']" in SERVICES[name]["healthcheck"]["test"][-1] for name in WORKERS)


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
    for port in (LIVEKIT["port"], LIVEKIT["rtc"]["tcp_port"], media, 7882, 8081, 6379, 6380):
        assert re.search(rf"\b{port}\b", table), port
    known = WORKER | TOKEN_SERVER
    for name in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`", DOCUMENT):
        assert name in known, name
