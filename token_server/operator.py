"""The operator's key, OPERATOR_KEY: whoever has it may see recorded calls. Programs send it as a bearer token.

A browser sends it once, at POST /operator/session, and gets a cookie in its place that no script can read.

The cookie holds the time at which it expires, and a signature that only the key can make. So a new key ends all sessions.
"""

import hashlib
import hmac
import time
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from token_server.auth import bearer
from token_server.error_responses import NO_STORE, client_address
from token_server.errors import RefusedError
from token_server.rate_limits import AddressLimit, parse_rate

SESSION_PATH = "/operator/session"
COOKIE = "earshot_operator"
SESSION_S = 12 * 3600
"""Life of a browser's session, in seconds."""
WRONG_KEYS = "10/minute"
"""Most wrong keys from one address. Then no key from there is looked at for a while."""
_OWN_SITE = {"same-origin", "none"}
"""Values of Sec-Fetch-Site of requests that this server's own pages send, or that somebody types as an address."""


class OperatorAccess:
    """Tells the operator's requests from others'."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key.get_secret_value().encode()
        self._wrong_keys = AddressLimit(parse_rate(WRONG_KEYS))

    def check(self, request: Request) -> None:
        """Check that a request is the operator's: by its bearer token, or by the cookie of a browser's session.

        Raises:
            RefusedError: it is not.
        """
        key = bearer(request.headers)
        if key:
            self._check_key(key, client_address(request))
        elif not self._is_session(request, time.time()):
            raise RefusedError(401, "unauthorized", "The operator's key is needed.")

    async def sign_in(self, request: Request) -> Response:
        """The response to POST /operator/session, which has the key as a bearer token: a cookie.

        Raises:
            RefusedError: the key is missing or wrong.
        """
        key = bearer(request.headers)
        if not key:
            raise RefusedError(401, "unauthorized", "The operator's key is needed.")
        self._check_key(key, client_address(request))
        response = Response(status_code=204, headers=NO_STORE)
        session = self._signed(int(time.time()) + SESSION_S)
        is_https = request.url.scheme == "https"
        response.set_cookie(COOKIE, session, SESSION_S, secure=is_https, httponly=True, samesite="strict")
        return response

    async def sign_out(self, request: Request) -> Response:
        """The response to DELETE /operator/session: the browser forgets the cookie."""
        response = Response(status_code=204, headers=NO_STORE)
        response.delete_cookie(COOKIE, secure=request.url.scheme == "https", httponly=True, samesite="strict")
        return response

    @property
    def routes(self) -> list[Route]:
        """The routes of a browser's session."""
        return [
            Route(SESSION_PATH, self.sign_in, methods=["POST"]),
            Route(SESSION_PATH, self.sign_out, methods=["DELETE"]),
        ]

    def _check_key(self, given: str, address: str) -> None:
        self._wrong_keys.check(address)
        if not hmac.compare_digest(given.encode(), self._key):
            self._wrong_keys.count(address)
            raise RefusedError(401, "unauthorized", "This is not the operator's key.")

    def _is_session(self, request: Request, now: float) -> bool:
        given = request.cookies.get(COOKIE, "")
        expires_at = given.partition(".")[0]
        if not (expires_at.isascii() and expires_at.isdigit() and len(expires_at) <= len(str(int(now)))):
            return False
        is_signed = hmac.compare_digest(given.encode(), self._signed(int(expires_at)).encode())
        return is_signed and now < int(expires_at) and _is_from_own_page(request)

    def _signed(self, expires_at: int) -> str:
        text = f"operator's session until {expires_at}"
        return f"{expires_at}.{hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()}"


def _is_from_own_page(request: Request) -> bool:
    """Whether a page of this server sends it. Another page may be of the same site, whose requests have the cookie."""
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE:
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()
