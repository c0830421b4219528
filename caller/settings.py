"""The environment: proxies, and LiveKit's key and secret. The only reader of it here."""

import os

from configuration import LiveKitPair, ValueMistakeError, livekit_proxy, proxy_for, read_model, set_native_proxy, values


def token_proxy(url: str) -> str | None:
    """The proxy that leads to a token server, as a URL.

    Raises:
        ValueMistakeError: the proxy's URL can't be used.
    """
    return proxy_for(url, values(os.environ, None))


def livekit_pair(url: str) -> tuple[str, str]:
    """LIVEKIT_API_KEY and LIVEKIT_API_SECRET of the environment.

    Raises:
        ValueMistakeError: one of the two is not set.
    """
    pair = read_model(LiveKitPair, values(os.environ, None), {})
    for name in ("livekit_api_key", "livekit_api_secret"):
        if getattr(pair, name) is None:
            raise ValueMistakeError(name.upper(), None, f"set it to the one that {url} knows, or pass a --token")
    return pair.key, pair.secret


def prepare_environment(url: str) -> None:
    """Have LiveKit's native library take the way to LiveKit that the environment says. Before it dials.

    Raises:
        ValueMistakeError: the proxy's URL can't be used.
    """
    set_native_proxy(os.environ, url, livekit_proxy(url, values(os.environ, None)))
