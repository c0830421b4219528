"""IP addresses and host names of requests: which are valid, and which share a rate limit. Pure."""

import ipaddress
import re

_DNS_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_IPV6_NETWORK = 64
"""Prefix length of one IPv6 network. A household or server has a /64, and every address in it."""
_IPV6_SITE = 48
"""Prefix length of one IPv6 site. A customer gets a /48 (RFC 6177), which has 65,536 networks of a /64."""
_WIDEST_PROXIES = {4: 8, 6: 20}
"""Shortest prefix length of a proxy's network, by IP version: no proxy's operator has a wider one."""
_LOCAL_IPV6 = ipaddress.IPv6Network("fc00::/7")


def printable(address: str) -> str:
    """The address as it is; a text that is no address (a proxy passes on what clients write) in printable ASCII."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return ascii(address)
    return address


def proxies(text: str) -> str:
    """Check the address or network of proxies; returns the text itself.

    Raises:
        ValueError: it is neither, or so wide that everybody is in it.
    """
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no address or network such as 10.0.0.0/8 ({error})") from error
    is_local = isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_LOCAL_IPV6)
    if network.prefixlen < _WIDEST_PROXIES[network.version] and not is_local:
        raise ValueError(f"with {text!r} anybody could write an address of their choice; name the proxies' own networks")
    return text


def host_name(text: str) -> str:
    """Check a name or an address as a Host header has it, without its port; returns the text itself.

    Raises:
        ValueError: no request could ever come under it.
    """
    try:
        canonical = str(ipaddress.ip_address(text))
    except ValueError:
        canonical = text if _DNS_NAME.fullmatch(text) else ""
    if text != canonical:
        raise ValueError(f"{text!r} is no name such as token.example.com (small letters, no scheme, no port)")
    return text


def limit_key(address: str) -> str:
    """The key under which an address is counted: an IPv6 address's /64, an IPv4 address in IPv6 as IPv4."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
    return str(parsed or "unknown")


def ipv6_site(address: str) -> str | None:
    """The /48 that an IPv6 address is part of; None for an IPv4 address."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_SITE), strict=False))
    return None


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed
