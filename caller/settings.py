"""The proxies of the environment, for the token server and for LiveKit: the only reader of the environment here."""

import os

from configuration import livekit_proxy, proxy_for, set_native_proxy, values


def token_proxy(url: str) -> str | None:
    """The proxy that leads to a token server, as a URL.

    Raises:
        ValueMistakeError: the proxy's URL can't be used.
    """
    return proxy_for(url, values(os.environ, None))


def prepare_environment(url: str) -> None:
    """Have LiveKit's native library take the way to LiveKit that the environment says. Before it dials.

    Raises:
        ValueMistakeError: the proxy's URL can't be used.
    """
    set_native_proxy(os.environ, url, livekit_proxy(url, values(os.environ, None)))
