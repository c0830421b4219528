"""Calls from telephones: the files of deploy/ agree with each other, hold no secret, and what can be run here runs."""

import asyncio
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from pydantic import SecretStr

from demo.livekit_server import VERSION, locate
from demo.parts import Program, running
from demo.settings import read_settings
from telephony.declared import declared
from telephony.plan import plan
from telephony.reading import load_spec
from telephony.settings import TelephonySettings
from telephony.sip_api import sip_api_client
from telephony.spec import Inbound, LineSpec, Rule, Spec
from tests.e2e.stack import API_KEY, API_SECRET, ROOT
from tests.ports import free_port

DEPLOY = ROOT / "deploy"
FOLDER = DEPLOY / "sip"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, Any] = {name: COMPOSE["services"][name] for name in ("redis", "livekit", "sip")}
LIVEKIT: dict[str, Any] = yaml.safe_load((DEPLOY / "livekit.yaml").read_text())
SIP: dict[str, Any] = yaml.safe_load(SERVICES["sip"]["environment"]["SIP_CONFIG_BODY"])
REDIS = dict(line.split(maxsplit=1) for line in (DEPLOY / "redis.conf").read_text().splitlines() if re.match("[a-z]", line))
README = (FOLDER / "README.md").read_text()


def ports(text: object) -> range:
    first, _, last = str(text).partition("-")
    return range(int(first), int(last or first) + 1)


def opened() -> Iterator[tuple[str, range]]:
    yield "livekit API", ports(LIVEKIT["port"])
    yield "livekit TCP", ports(LIVEKIT["rtc"]["tcp_port"])
    yield "livekit media", ports(f"{LIVEKIT['rtc']['port_range_start']}-{LIVEKIT['rtc']['port_range_end']}")
    yield "redis", ports(REDIS["port"])
    yield "sip", ports(SIP["sip_port"])
    yield "sip media", ports(SIP["rtp_port"])


def test_all_three_share_one_redis_that_only_this_machine_reaches() -> None:
    address = f"{REDIS['bind']}:{REDIS['port']}"
    assert REDIS["bind"] == "127.0.0.1"
    assert SERVICES["livekit"]["environment"]["REDIS_HOST"] == address
    assert SIP["redis"] == {"address": address, "password": "${REDIS_PASSWORD:?}"}
    assert (REDIS["appendonly"], REDIS["protected-mode"]) == ("yes", "yes")
    assert 'requirepass %s\\n\' "$$REDIS_PASSWORD"' in SERVICES["redis"]["command"][-1]
    assert SERVICES["redis"]["user"] == "redis"


def test_livekit_sip_finds_livekit_with_the_same_pair() -> None:
    sip, livekit = SERVICES["sip"]["environment"], SERVICES["livekit"]["environment"]
    assert sip["LIVEKIT_WS_URL"] == f"ws://{LIVEKIT['bind_addresses'][0]}:{LIVEKIT['port']}"
    assert livekit["LIVEKIT_KEYS"] == f"{sip['LIVEKIT_API_KEY']}: {sip['LIVEKIT_API_SECRET']}"
    assert livekit["REDIS_PASSWORD"] == SERVICES["redis"]["environment"]["REDIS_PASSWORD"] == "${REDIS_PASSWORD:?}"


def test_secrets_come_from_the_environment_and_must_be_set() -> None:
    assert "keys" not in LIVEKIT
    assert not set(SIP) & {"api_key", "api_secret"}
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            assert not re.search("KEY|SECRET|PASSWORD", name) or re.fullmatch(r"(\$\{\w+:\?\}(: )?)+", value)


def test_callers_addresses_are_seen_as_they_are() -> None:
    assert all(service["network_mode"] == "host" and "ports" not in service for service in SERVICES.values())


def test_versions_are_pinned_and_the_one_that_is_tested() -> None:
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-alpine)?", service["image"])
    assert SERVICES["livekit"]["image"].endswith(f":v{VERSION}")


def test_files_that_are_mounted_are_there() -> None:
    for service in SERVICES.values():
        for mounted in service.get("volumes", []):
            source = mounted.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).is_file()


def test_no_port_is_taken_twice_and_the_readme_names_them_all() -> None:
    every = [*opened(), ("the embedded line's media", load_spec(FOLDER / "telephony.toml").line.rtp_range)]
    for index, (one, taken) in enumerate(every):
        for other, also in every[:index]:
            assert not set(taken) & set(also), f"{one} and {other}"
    table = README.split("## Ports")[1].split("## NAT")[0]
    for name, used in opened():
        said = f"{used.start}-{used.stop - 1}" if len(used) > 1 else str(used.start)
        assert re.search(rf"\b{said}\b", table), name


def test_the_documents_name_only_what_is_there() -> None:
    fields = {field for table in (Spec, Inbound, Rule, LineSpec) for field in table.model_fields}
    for table in re.findall(r"\| field of `telephony.toml` \| value \|\n\|---\|---\|\n((?:\|.*\n)+)", README):
        named = {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}
        assert {"numbers", "allowed_addresses"} <= named <= fields
    assert len(re.findall(r"field of `telephony.toml`", README)) == 3
    known = fields | set(SIP) | {"CALLS_PER_WORKER", "LIVEKIT_API_SECRET", "SIP_CONFIG_BODY", "nat_1_to_1_ip"}
    for document in (README, (FOLDER / "SECURITY.md").read_text()):
        for name in re.findall(r"`([a-z]+(?:_[a-z0-9]+)+)(?:: [^`]*)?`", document):
            assert name in known | {"qualify_frequency", "outbound_auth", "dtmf_mode", "direct_media", "media_encryption"}, name


@pytest.fixture
def password() -> str:
    return "a-password-of-redis-for-a-test"


async def test_redis_and_livekit_start_from_these_files_and_keep_the_example(tmp_path: Path, password: str) -> None:
    """Redis and LiveKit start as compose.yaml starts them, but for ports, folders and this machine's missing public address."""
    redis_port, environment = free_port(), {**os.environ, "REDIS_PASSWORD": password}
    text = (DEPLOY / "redis.conf").read_text().replace(f"port {REDIS['port']}", f"port {redis_port}")
    (tmp_path / "redis.conf").write_text(text.replace("dir /data", f"dir {tmp_path}"))
    script = SERVICES["redis"]["command"][-1].replace("$$", "$").replace("/etc/redis.conf", str(tmp_path / "redis.conf"))
    script = script.replace("/run/redis", str(tmp_path))
    config = {**LIVEKIT, "port": free_port()}
    config["rtc"] = {"udp_port": free_port(socket.SOCK_DGRAM), "tcp_port": 0, "node_ip": "127.0.0.1", "use_external_ip": False}
    (tmp_path / "livekit.yaml").write_text(yaml.safe_dump(config))
    keys = {**environment, "LIVEKIT_KEYS": f"{API_KEY}: {API_SECRET}", "REDIS_HOST": f"127.0.0.1:{redis_port}"}
    redis = Program("redis", ["sh", "-c", script], environment, re.compile("Ready to accept connections"))
    async with running(redis) as store:
        await store.ready()
        assert psutil.Process(store.pid).name() == "redis-server", "SIGTERM must reach Redis, and not a shell around it"
        argv = [str(await locate(read_settings(), print)), "--config", str(tmp_path / "livekit.yaml")]
        async with running(Program("livekit", argv, keys, re.compile("starting LiveKit server"), hurry_after_s=1)) as livekit:
            await livekit.ready()
            url = f"ws://127.0.0.1:{config['port']}"
            settings = TelephonySettings(livekit_url=url, livekit_api_key=API_KEY, livekit_api_secret=SecretStr(API_SECRET))
            wanted = declared(load_spec(FOLDER / "telephony.toml"))
            async with sip_api_client(settings) as client:
                await client.make(plan(wanted, await client.existing()), print)
                assert plan(wanted, await client.existing()).changes == ()
            assert (await answer_to_a_stranger(redis_port)).startswith(b"-NOAUTH")
    assert any(tmp_path.rglob("*.aof")), "trunks survive a restart of Redis"


async def answer_to_a_stranger(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"HGETALL sip_inbound_trunk\r\n")
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return answer
