"""The configuration of the demo's livekit-server, made from `livekit.yaml`, and the address that Firefox needs in it."""

import copy
import ipaddress
import socket
from typing import Any

from demo.settings import Pair, Ports

_ELSEWHERE = ("198.51.100.1", 9)
"""An address of no machine (RFC 5737): the way to it is looked up, and nothing is sent."""

_DEV_PAIR = ("devkey", "secret")
"""The key pair of `livekit-server --dev`."""


def is_public(pair: Pair, base: dict[str, Any]) -> bool:
    """Whether a key pair is publicly known, so that any web page may have it.

    Args:
        pair: what signs the tokens.
        base: `livekit.yaml`, which has a public one.
    """
    return (pair.key, pair.secret) in {*base["keys"].items(), _DEV_PAIR}


def own_address() -> str | None:
    """The IPv4 address by which this machine reaches other networks; None without a network.

    None as well for an address of the public internet: the demo opens no port there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ELSEWHERE)
        except OSError:
            return None
        found = str(probe.getsockname()[0])
    address = ipaddress.ip_address(found)
    return None if address.is_global or address.is_loopback or address.is_link_local or address.is_unspecified else found


def configuration(base: dict[str, Any], ports: Ports, pair: Pair, address: str | None) -> dict[str, Any]:
    """The configuration with the demo's ports and pair, and media on the address as well as on loopback.

    Firefox leaves loopback addresses out of its own ICE candidates, and pairs no other address with a loopback address
    (`nr_ice_component_can_candidate_addr_pair` in its nICEr): a server that offers 127.0.0.1 alone is never asked.

    Args:
        base: `livekit.yaml`.
        ports: the demo's.
        pair: what signs the tokens.
        address: this machine's own, or None.
    """
    config = copy.deepcopy(base)
    config["port"] = ports.sfu
    config["keys"] = {pair.key: pair.secret}
    rtc = config["rtc"]
    rtc["udp_port"] = ports.sfu_udp
    if address is not None:
        del rtc["node_ip"]  # every address would be announced as this one
        rtc["ips"] = {"includes": [*rtc["ips"]["includes"], f"{address}/32"]}
    return config
