"""Origin checks: tokens are for the token server's own page and for pages of TOKEN_ORIGINS. Only browsers send an origin.

Starlette's own middleware would serve foreign pages, or refuse them without a reason (docs/facts.md L263).

A foreign page must not use what its visitor can reach (a token server in mode open on this machine, a private network). Its
origin is foreign also when its own DNS name resolves to the token server; the Host header shows that.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from configuration import is_loopback
from token_server.error_responses import error_response
from token_server.errors import RefusedError

PROBES = frozenset({"/healthz", "/metrics", "/readyz"})
"""Paths that orchestrators and Prometheus ask for, at an IP address instead of a host name. /metrics asks for a key."""
_PREFLIGHT_S = 600
_OF_PROXIES = frozenset({"forwarded", "via", "true-client-ip", "x-client-ip", "x-cluster-client-ip", "x-real-ip", "cdn-loop"})
_OF_PROXIES_BEGIN = (
    *("x-forwarded", "x-original-", "x-proxy", "x-amz", "x-appengine-", "x-azure-", "x-envoy-", "x-vercel-", "x-arr-"),
    *("cf-", "cloudfront-", "do-connecting-", "fastly-", "fly-", "ngrok-", "tailscale-"),
)
"""Headers that proxies, tunnels and content delivery networks add to what they pass on. Browsers and LiveKit's SDKs send none
of them."""


@dataclass(frozen=True)
class Origins:
    """The host names of the token server, and the origins that may ask it."""

    bound_to: str
    """The address that the token server listens at."""
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    is_open: bool = False
    """Mode open: only this machine may ask, and no proxy on behalf of others."""

    def check(self, headers: Headers, method: str, path: str, http_version: str = "1.1") -> None:
        """Check the origin of a request.

        Args:
            headers: Of the request.
            method: GET, POST, ...
            path: Without the query.
            http_version: Browsers and LiveKit's SDKs speak 1.1; nginx speaks 1.0 to what is behind it, and adds no header.

        Raises:
            RefusedError: it is from a foreign page or for a foreign host name, or came through a proxy in mode open.
        """
        if path in PROBES:
            return
        sign = _added_by_proxy(headers)
        if not sign and http_version == "1.0" and method == "POST":
            sign = "HTTP/1.0"
        if self.is_open and sign:
            sentence = (
                f"This request came through a proxy (the sign is {sign!r}). With TOKEN_MODE=open only this machine may ask; "
                "set TOKEN_MODE to key or jwt behind a proxy."
            )
            raise RefusedError(403, "behind_proxy", sentence)
        if not self._is_own(_name(headers.get("Host", ""))):
            sentence = "This server isn't reached under this name; TOKEN_HOSTS has its names."
            raise RefusedError(403, "forbidden_host", sentence)
        origins = headers.getlist("Origin")
        if any(not self._may_ask(origin, headers) for origin in origins) or len(origins) > 1:
            raise RefusedError(
                403, "forbidden_origin", "This web page may not ask for tokens; TOKEN_ORIGINS has those that may."
            )
        # should a browser leave the Origin away, as some did with forms; links from elsewhere to the page are welcome
        elsewhere = headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
        if not origins and elsewhere and method not in {"GET", "HEAD"}:
            raise RefusedError(403, "forbidden_origin", "Another web page may not ask for this.")

    def allowed(self, headers: Headers) -> str | None:
        """The request's origin, if it is one of TOKEN_ORIGINS and so may read the answer."""
        origin = headers.get("Origin")
        return origin if origin in self.origins else None

    def _is_own(self, name: str) -> bool:
        if name in self.hosts:
            return True
        if is_loopback(self.bound_to):
            return is_loopback(name)
        return not self.hosts

    def _may_ask(self, origin: str, headers: Headers) -> bool:
        if origin in self.origins:
            return True
        if headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            return False
        # behind a proxy that speaks TLS the token server doesn't know its own scheme
        return origin.lower() in {f"{scheme}://{headers.get('Host', '').lower()}" for scheme in ("http", "https")}


class OriginMiddleware:
    """ASGI middleware: refuses foreign pages, answers preflights of those that may ask, and lets them read the answer."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            self._origins.check(request.headers, scope["method"], scope["path"], scope["http_version"])
        except RefusedError as refused:
            await (await error_response(request, refused))(scope, receive, send)
            return
        origin = self._origins.allowed(request.headers)
        if origin is not None and scope["method"] == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            await _preflight(request, origin)(scope, receive, send)
            return

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start" and self._origins.origins:
                headers = MutableHeaders(scope=message)
                headers.add_vary_header("Origin")
                if origin is not None:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = "Retry-After"
            await send(message)

        await self._app(scope, receive, send_readable)


def _added_by_proxy(headers: Headers) -> str:
    """The first header that a proxy has added; empty if there is none."""
    return next((name for name in headers if name in _OF_PROXIES or name.startswith(_OF_PROXIES_BEGIN)), "")


def _preflight(request: Request, origin: str) -> Response:
    return Response(
        status_code=204,
        headers={
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", ""),
            "Access-Control-Max-Age": str(_PREFLIGHT_S),
            "Vary": "Origin, Access-Control-Request-Headers",
        },
    )


def _name(host: str) -> str:
    """The name in a Host header, without port and brackets; empty if it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".") if "@" not in host else ""
    except ValueError:
        return ""
