"""The place of a model: its address, by the way in and by what is asked for."""

import functools
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from google.genai import types

from agent.gemini.access import Access
from agent.gemini.api_version import api_version
from agent.gemini.socket import Address


@dataclass(frozen=True)
class Endpoint:
    """A model, its place and the way in."""

    model: str
    access: Access
    api_version: str | None = None
    """None: what is asked for decides (`api_version`)."""
    base_url: str | None = None
    """An emulator or a proxy instead of Google."""
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)
    """`http://`, `https://` or `socks5://`, with a password if need be."""

    @property
    def model_name(self) -> str:
        """The model's name as a setup has it."""
        return self.access.model_name(self.model)

    def address(self, config: types.LiveConnectConfig | None = None) -> Address:
        """The address that a connection dials which asks for `config`."""
        base = urlsplit(self.base_url or self.access.url)
        version = api_version(self.access, self.model, config, self.api_version)
        url = f"wss://{base.netloc}{base.path.rstrip('/')}{self.access.path(version)}"
        return Address(url, self.access.headers, tls_context(self.ca_file), self.proxy)


@functools.cache
def tls_context(ca_file: Path | None = None) -> ssl.SSLContext:
    """The one TLS context of this process: building one takes longer than a frame of audio lasts.

    Raises:
        OSError: `ca_file` is missing or no certificate.
    """
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
