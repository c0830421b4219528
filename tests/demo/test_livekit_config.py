"""The demo's livekit-server: livekit.yaml with the demo's ports and pair, and media where Firefox can reach it."""

import os
import subprocess
import sys

import pytest
import yaml

from demo.livekit_config import configuration, is_public
from demo.settings import Pair, Ports
from tests.e2e.stack import ROOT

BASE = yaml.safe_load((ROOT / "livekit.yaml").read_text())
PORTS = Ports(9000)
PAIR = Pair("key", "secret")


def test_without_an_address_it_is_livekit_yaml_on_other_ports_with_another_pair() -> None:
    config = configuration(BASE, PORTS, PAIR, None)
    assert config["keys"] == {"key": "secret"}
    assert (config["port"], config["rtc"]["udp_port"]) == (9000, 9001)
    config["port"], config["keys"], config["rtc"]["udp_port"] = BASE["port"], BASE["keys"], BASE["rtc"]["udp_port"]
    assert config == BASE


def test_media_is_on_loopback_and_on_that_address_and_all_else_on_loopback() -> None:
    config = configuration(BASE, PORTS, PAIR, "192.168.1.7")
    assert config["rtc"]["ips"]["includes"] == ["127.0.0.1/32", "192.168.1.7/32"]
    assert "node_ip" not in config["rtc"]
    assert config["bind_addresses"] == ["127.0.0.1"]
    assert config["rtc"]["tcp_port"] == 0


@pytest.mark.parametrize("address", [None, "192.168.1.7"])
def test_nobody_is_sent_to_a_public_stun_server(address: str | None) -> None:
    """The server asks none if it has a node_ip or STUN servers of its own; clients are told of public ones if it has none."""
    [server] = configuration(BASE, PORTS, PAIR, address)["rtc"]["stun_servers"]
    assert server.startswith("127.0.0.1:")


def test_the_pairs_that_everybody_knows() -> None:
    [(key, secret)] = BASE["keys"].items()
    assert is_public(Pair(key, secret), BASE)
    assert is_public(Pair("devkey", "secret"), BASE)
    assert not is_public(Pair(key, "drawn"), BASE)
    assert not is_public(PAIR, BASE)


@pytest.mark.parametrize(
    ("address", "default_route", "expected"),
    [
        ("192.168.7.2/24", True, "192.168.7.2"),
        ("10.0.0.2/8", True, "10.0.0.2"),
        ("100.64.0.2/10", True, "100.64.0.2"),
        ("9.9.9.8/24", True, None),
        ("169.254.7.2/16", True, None),
        ("192.168.7.2/24", False, None),
        (None, False, None),
    ],
)
def test_its_own_address_is_the_private_one_of_the_default_route(
    address: str | None, default_route: bool, expected: str | None
) -> None:
    """Run in a network namespace, which has nothing but this address."""
    setup = "ip link set lo up"
    if address is not None:
        setup += f"; ip link add v0 type veth peer name v1; ip addr add {address} dev v0; ip link set v0 up; ip link set v1 up"
    if default_route:
        setup += "; ip route add default dev v0"
    shown = f"{sys.executable} -c 'from demo.livekit_config import own_address; print(own_address())'"
    argv = ["unshare", "--map-root-user", "--net", "sh", "-ec", f"{setup}; {shown}"]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(expected)
