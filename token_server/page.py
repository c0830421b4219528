"""The page's files, as `web/` has them, with the headers that keep a browser to this page and its LiveKit.

Starlette's StaticFiles serves them, with ETag, 304 and HEAD. Only files that were there at the start have a route: no part of
a request ever becomes a path. A file that has changed is read again, so the page's author needs no restart.
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

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
_GZIP_LEVEL = 4
"""A file is compressed at each request. livekit-client takes 21 ms of CPU; at level 9, the default, it takes 54 ms and becomes
6 % smaller (docs/facts.md L262)."""
_SHRUNK_ALREADY = ("image/png", "image/x-icon", "font/woff2")
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


class Page:
    """Serves the page's files."""

    def __init__(self, folder: Path, livekit_url: str, sources: Callable[[], tuple[str, ...]]) -> None:
        self._folder = folder
        self._livekit_url = livekit_url
        self._sources = sources
        self._static = StaticFiles(directory=folder, check_dir=False, follow_symlink=True)
        self._files = {
            f"/{path.relative_to(folder).as_posix()}"
            for inner in FOLDERS
            for path in (folder / inner).glob("*")
            if path.suffix in MEDIA_TYPES and path.is_file() and not path.name.startswith(".")
        }

    @property
    def routes(self) -> list[Route]:
        """A route for each of the page's files, and `/` for index.html."""
        gzip = Middleware(GZipMiddleware, compresslevel=_GZIP_LEVEL, exclude_content_types=_SHRUNK_ALREADY)
        return [Route(path, self.answer, middleware=[gzip]) for path in ["/", *sorted(self._files)]]

    async def answer(self, request: Request) -> Response:
        """The file of the request's path, which is that of a route.

        Raises:
            RefusedError: there is no such file, or no more.
        """
        path = "/index.html" if request.scope["path"] == "/" else request.scope["path"]
        if path not in self._files:
            sentence = f"The page is not here ({self._folder.name}/index.html is missing); tokens are given at POST /token."
            raise RefusedError(404, "not_found", sentence)
        try:
            response = await self._static.get_response(path.removeprefix("/"), request.scope)
        except HTTPException:
            raise RefusedError(404, "not_found", "This file has been removed.") from None
        sources = await asyncio.to_thread(self._sources)  # it reads the personas' files
        response.headers.update(headers(self._livekit_url, sources) | {"Cache-Control": "no-cache"})
        if response.status_code == 304:
            response.headers["Vary"] = "Accept-Encoding"  # of other answers GZipMiddleware says it
        else:
            response.headers["Content-Type"] = MEDIA_TYPES[Path(path).suffix]  # not the machine's guess (docs/facts.md L261)
        return response


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
