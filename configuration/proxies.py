"""The proxy for a URL, by HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, as curl reads them. Pure.

LiveKit's native library dials by itself. It reads HTTPS_PROXY (for wss://) or HTTP_PROXY (for ws://), in capitals first. It
knows no NO_PROXY and takes a proxy for loopback, too (livekit/rust-sdks, livekit-net/src/native/proxy.rs). `set_native_proxy`
tells it what `livekit_proxy` found.
"""

import ipaddress
from collections.abc import MutableMapping
from urllib.parse import SplitResult, urlsplit

from configuration.env import Values
from configuration.errors import ValueMistakeError

_SECURE = {"https", "wss"}
_DEFAULT_PORTS = {"https": 443, "wss": 443, "http": 80, "ws": 80}
_SAME = {"socks5h": "socks5", "socks": "socks5", "socks4a": "socks4"}
"""The name is resolved by the proxy either way."""
_KNOWN = {"http", "https", "socks5", "socks4"}


def proxy_for(url: str, values: Values) -> str | None:
    """The proxy that leads to a URL, as a URL with a scheme; None if it is dialled directly, as loopback always is.

    Raises:
        ValueMistakeError: the proxy's URL can't be used.
    """
    try:
        target = urlsplit(url)
    except ValueError:  # whoever dials it says so
        return None
    if target.hostname is None or is_this_machine(target.hostname) or _is_excepted(target, values.known.get("NO_PROXY", "")):
        return None
    own = "HTTPS_PROXY" if target.scheme in _SECURE else "HTTP_PROXY"
    name = own if own in values.known else "ALL_PROXY"
    proxy = values.known.get(name)
    return None if proxy is None else _checked(name, proxy, values)


def livekit_proxy(url: str, values: Values) -> str | None:
    """The proxy that leads to LiveKit. Its libraries speak to http:// ones only; others are left to whoever can use them.

    Raises:
        ValueMistakeError: the proxy's URL can't be used.
    """
    proxy = proxy_for(url, values)
    return proxy if proxy is not None and urlsplit(proxy).scheme == "http" else None


def set_native_proxy(environment: MutableMapping[str, str], url: str, proxy: str | None) -> None:
    """Have LiveKit's native library reach `url` through `proxy`, or directly. Other libraries still find theirs.

    An empty name in capitals is "directly" to its socket; the name in small letters, which all others prefer, keeps the value.
    What it asks over HTTP, after a failure, takes the proxy in small letters, and heeds NO_PROXY: the host is added to it.
    `*` there means no proxy for anything. To the native library it is about names and not about addresses, and to other
    libraries it is nothing beside another entry: it is kept alone, and the proxies, which nobody needs, are taken away.
    """
    try:
        target = urlsplit(url)
    except ValueError:  # whoever dials it says so
        return
    excepted = (environment.get("no_proxy") or environment.get("NO_PROXY", "")).replace(",", " ").split()
    if "*" in excepted:
        environment["NO_PROXY"] = environment["no_proxy"] = "*"
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
            environment[name] = environment[name.lower()] = ""
        return
    name = "HTTPS_PROXY" if target.scheme in _SECURE else "HTTP_PROXY"
    if environment.get(name):
        environment.setdefault(name.lower(), environment[name])
    environment[name] = proxy or ""
    if proxy is None and target.hostname is not None:
        if target.hostname not in excepted:
            excepted.append(target.hostname)
        environment["NO_PROXY"] = environment["no_proxy"] = ",".join(excepted)


def masked(proxy: str) -> str:
    """A proxy's URL without its user and password."""
    parts = urlsplit(proxy)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def is_loopback(host: str) -> bool:
    """Whether a host is a loopback address or a name of one (RFC 6761, 6.3): what is bound to it, only this machine reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return f".{host.lower().rstrip('.')}".endswith(".localhost")


def is_this_machine(host: str) -> bool:
    """Whether dialling a host leads to this machine: loopback, or the unspecified address, which other machines reach if a
    server is bound to it.
    """
    try:
        is_unspecified = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        is_unspecified = False
    return is_unspecified or is_loopback(host)


def _checked(name: str, proxy: str, values: Values) -> str:
    whole = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(whole)
        scheme = _SAME.get(parts.scheme, parts.scheme)
        usable = scheme in _KNOWN and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or not whole.isprintable() or " " in whole:
        fix = f"it must be a URL such as http://proxy.example.com:3128{values.where(name)}"
        raise ValueMistakeError(name, "***" if "@" in proxy else proxy, fix)
    return f"{scheme}://{parts.netloc}"


def _is_excepted(target: SplitResult, no_proxy: str) -> bool:
    host = (target.hostname or "").rstrip(".")
    try:
        port = target.port or _DEFAULT_PORTS.get(target.scheme)
    except ValueError:
        port = None
    return any(_covers(entry, host, port) for entry in no_proxy.replace(",", " ").lower().split())


def _covers(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of NO_PROXY is about a host: `*`, a name or its end, an address, a network; each with a port or not."""
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, _, own_port = entry.rpartition(":") if entry.count(":") == 1 or entry.startswith("[") else (entry, "", "")
    if own_port and own_port != str(port):
        return False
    name = name.strip("[]").removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
