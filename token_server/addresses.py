"""Where a request comes from. Pure."""

import ipaddress
import re

_DNS_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_IPV6_NETWORK = 64
"""One household or server has a /64, and every address in it."""
_IPV6_SITE = 48
"""Whoever asks gets a /48 (RFC 6177), and with it 65,536 networks of that size."""
_WIDEST_PROXIES = {4: 8, 6: 20}
"""Prefix lengths: no proxy's operator has a wider network than that."""
_LOCAL_IPV6 = ipaddress.IPv6Network("fc00::/7")


def plain(address: str) -> str:
    """The address as it is; anything that isn't one (a proxy passes on what clients write) without its special characters."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return ascii(address)
    return address


def proxies(text: str) -> str:
    """The text itself: the address or network of proxies.

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
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
    return str(parsed or "unknown")


def site(address: str) -> str | None:
    """The larger network that an IPv6 address's /64 is part of; None for an IPv4 address."""
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
