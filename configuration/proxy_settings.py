"""The proxies of the environment as settings of a program."""

from pydantic import BaseModel, Field

from configuration.env import Values
from configuration.proxies import livekit_proxy, proxy_for


class ProxySettings(BaseModel):
    """The proxy settings of a program, and the proxy for a URL by them."""

    https_proxy: str | None = Field(default=None, repr=False)
    """The proxy for addresses with https:// and wss://: Google, and a LiveKit with TLS."""
    http_proxy: str | None = Field(default=None, repr=False)
    """The proxy for addresses with http:// and ws://."""
    all_proxy: str | None = Field(default=None, repr=False)
    """The proxy where HTTPS_PROXY or HTTP_PROXY isn't set."""
    no_proxy: str | None = None
    """Hosts that are dialled directly: names and their ends, addresses, networks. Loopback always is."""

    def proxy_for(self, url: str) -> str | None:
        """The proxy that leads to a URL, as a URL; None if it is dialled directly.

        Raises:
            ValueMistakeError: the proxy's URL can't be used.
        """
        return proxy_for(url, self._set())

    def livekit_proxy_for(self, url: str) -> str | None:
        """The proxy that leads to a LiveKit.

        Raises:
            ValueMistakeError: the proxy's URL can't be used.
        """
        return livekit_proxy(url, self._set())

    def _set(self) -> Values:
        names = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")
        return Values({name.upper(): value for name in names if (value := getattr(self, name))}, {})
