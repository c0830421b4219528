"""The page's files, as `web/` has them, with the headers that keep a browser to this page and its LiveKit.

Only files that were there at the start are served: no part of a request ever becomes a path. A file that has changed is read
again, so the page's author needs no restart.
"""

import asyncio
import gzip
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from token_server.errors import RefusedError

FOLDERS = ("", "vendor")
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_PIECE_BYTES = 64 * 1024
_SHRINKS = ("text/", "image/svg", "application/")
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
"""The hosts that CSP's grammar has (CSP level 3, host-part): no IPv6 address, no underscore, no letters beyond ASCII."""
_FEATURES = {
    "microphone": {"microphone"},
    "camera": {"camera"},
    "display-capture": {"screen_share", "screen_share_audio"},
}
"""Browser features of Permissions-Policy, and the sources that a page captures with them."""
_CLOUD_DOMAINS = ("livekit.cloud", "livekit.run")
"""Domains whose hosts livekit-client takes for LiveKit Cloud (`isCloud` in its src/room/utils.ts, 2.23.0)."""


@dataclass(frozen=True)
class _Version:
    """A file as it was when it was read."""

    changed: tuple[int, int]
    """The file's time of change in ns and its size in bytes."""
    etag: str
    content: bytes
    gzipped: bytes | None


class _File:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: _Version | None = None
        self.media_type = MEDIA_TYPES[path.suffix]

    def read(self) -> _Version:
        """The file as it is now; read only if it has changed.

        Raises:
            OSError: it is gone.
        """
        status = self._path.stat()
        changed = (status.st_mtime_ns, status.st_size)
        if self._version is None or self._version.changed != changed:
            content = self._path.read_bytes()
            gzipped = gzip.compress(content, mtime=0) if self.media_type.startswith(_SHRINKS) else None
            self._version = _Version(changed, hashlib.sha256(content).hexdigest()[:32], content, gzipped)
        return self._version


class Page:
    """Serves the page's files."""

    def __init__(self, folder: Path, livekit_url: str, sources: Callable[[], tuple[str, ...]]) -> None:
        self._folder = folder
        self._livekit_url = livekit_url
        self._sources = sources
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": _File(path)
            for inner in FOLDERS
            for path in sorted((folder / inner).glob("*"))
            if path.suffix in MEDIA_TYPES and path.is_file() and not path.name.startswith(".")
        }

    @property
    def paths(self) -> list[str]:
        """The URL paths of the page's files."""
        return ["/", *self._files]

    async def answer(self, request: Request) -> Response:
        """The file of the request's path, which is one of `paths`; `/` is index.html.

        Raises:
            RefusedError: there is no such file, or no more.
        """
        path = request.scope["path"]
        file = self._files.get("/index.html" if path == "/" else path)
        if file is None:
            sentence = f"The page is not here ({self._folder.name}/index.html is missing); tokens are given at POST /token."
            raise RefusedError(404, "not_found", sentence)
        try:
            version, sources = await asyncio.to_thread(lambda: (file.read(), self._sources()))
        except OSError:
            raise RefusedError(404, "not_found", "This file has been removed.") from None
        return self._response(request, file.media_type, version, headers(self._livekit_url, sources))

    def _response(self, request: Request, media_type: str, version: _Version, rules: dict[str, str]) -> Response:
        etag, content = f'"{version.etag}"', version.content
        kept = rules | {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if version.gzipped is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            etag, content = f'"{version.etag}-gzip"', version.gzipped
            kept["Content-Encoding"] = "gzip"
        kept["ETag"] = etag
        known = request.headers.get("If-None-Match", "").replace("W/", "")
        if etag in {tag.strip() for tag in known.split(",")}:
            return Response(status_code=304, headers=kept)
        kept["Content-Length"] = str(len(content))
        return StreamingResponse(_pieces(content), media_type=media_type, headers=kept)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    """The content in pieces, as fast as the browser takes them: a browser that doesn't read costs one piece of memory."""
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]


def headers(livekit_url: str, sources: tuple[str, ...]) -> dict[str, str]:
    """Rules for a browser that shows the page: run the page's own files, talk to this token server and this LiveKit, and open
    what callers may publish (`sources`, as TOKEN_SOURCES has them).
    """
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
        f"connect-src 'self' {' '.join(reachable(livekit_url))}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    features = ", ".join(
        f"{feature}={'(self)' if needed_for.intersection(sources) else '()'}" for feature, needed_for in _FEATURES.items()
    )
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": features,
        "Referrer-Policy": "no-referrer",
    }


def reachable(livekit_url: str) -> tuple[str, str]:
    """CSP sources for signalling and for its http twin, which livekit-client asks first (HEAD /, /rtc/v1/validate).

    LiveKit Cloud sends a client on to a host of a region when the first one fails: `/settings/regions` names hosts such as
    `x.REGION.production.livekit.cloud`, and every name of LiveKit Cloud's domain is a possible one
    (https://docs.livekit.io/deploy/admin/firewall). A self-hosted LiveKit names no other host.
    """
    parts = urlsplit(livekit_url)
    twin = "https" if parts.scheme == "wss" else "http"
    host = parts.hostname or ""
    for domain in _CLOUD_DOMAINS:
        if host.endswith(f".{domain}"):
            return f"{parts.scheme}://*.{domain}:*", f"{twin}://*.{domain}:*"
    if not _HOST.fullmatch(host):
        return f"{parts.scheme}:", f"{twin}:"
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}", f"{twin}://{host}{port}"
