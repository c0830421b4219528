"""Where a request comes from. Pure."""

import ipaddress
import re

_DNS_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_IPV6_SITE = 64
"""One household or server has a /64, and every address in it."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def plain(address: str) -> str:
    """The address as it is; anything that isn't one (a proxy passes on what clients write) without its special characters."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return ascii(address)
    return address


def network(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: it is neither an address nor a network.
    """
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address or network such as 10.0.0.0/8 ({error})") from error
    return text


def host_name(text: str) -> str:
    """The text itself: a name or an address as a Host header has it, without its port.

    Raises:
        ValueError: no request could ever come under it.
    """
    try:
        canonical = str(ipaddress.ip_address(text))
    except ValueError:
        canonical = text if _DNS_NAME.fullmatch(text) else ""
    if text != canonical:
        raise ValueError(f"{text!r} is no name such as door.example.com (small letters, no scheme, no port)")
    return text


def whose(address: str) -> str:
    """The address that a limit counts for: an IPv6 address stands for its /64, an IPv4 address in IPv6 for itself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))
