"""OAuth access tokens of Google's application default credentials, renewed before they expire.

google-auth blocks, so it runs in a thread. It counts a token as expired 3:45 minutes early (docs/facts.md G42).
The thread is a daemon of its own: the event loop's executor has the tools' work, and the loop's end waits for it.
"""

import asyncio
import logging
import threading
import warnings
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import google.auth
from google.auth.credentials import Credentials, TokenState
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_ANSWER_S = 2.5
"""Google's server for access tokens may take so long for one answer, and a connection waits so long for a token."""

logger = logging.getLogger("earshot.link")


class CredentialsError(Exception):
    """No access token: there are no credentials, or Google refuses them. The text is one clause, without secrets."""


class GoogleAccessTokens:
    """The access tokens of one set of credentials. Any number of connections may ask at once."""

    def __init__(self, file: Path | None = None, proxy: str | None = None) -> None:
        """Nothing is read or asked yet.

        Args:
            file: the credentials; None looks where google-auth looks: gcloud's login, then the metadata server.
            proxy: the way out to Google, as a URL.
        """
        self._file = file
        self._proxy = proxy
        self._lock = threading.Lock()
        self._renewal: Future[Credentials] | None = None
        self._credentials: Credentials | None = None

    @property
    def quota_project(self) -> str | None:
        """The project whose quota counts, if the credentials name one. Known after the first token."""
        project: str | None = getattr(self._credentials, "quota_project_id", None)
        return project

    async def token(self) -> str:
        """A token that is valid for some minutes more; in an outage one that hasn't expired yet.

        Raises:
            OSError: Google's server for access tokens isn't reachable, or gives no token within 2.5 s.
            CredentialsError: there are no credentials, or Google refuses them.
        """
        credentials = self._credentials
        if credentials is None or not credentials.valid:
            try:
                credentials = await self._renewed()
            except ConnectionError as error:
                if credentials is None or credentials.token_state is TokenState.INVALID:
                    raise
                logger.warning("the access token isn't renewed and is used until it expires", extra={"error": str(error)})
        return str(credentials.token)

    async def _renewed(self) -> Credentials:
        """The result of the one renewal that all connections wait for. It goes on when they have given up."""
        with self._lock:  # connections may be in several event loops
            if self._renewal is None or self._renewal.done():
                renewal: Future[Credentials] = Future()
                renewal.set_running_or_notify_cancel()  # whoever gives up cancels it for nobody else
                threading.Thread(target=self._renew, args=(renewal,), name="google-auth", daemon=True).start()
                self._renewal = renewal
            renewal = self._renewal
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await asyncio.wrap_future(renewal)
        except TimeoutError as error:
            raise ConnectionError(f"no access token: no answer within {_ANSWER_S:g} s") from error

    def _renew(self, renewal: Future[Credentials]) -> None:
        try:
            credentials = self._ask_google()
        except Exception as error:  # noqa: BLE001 - whoever waits for the renewal raises it
            renewal.set_exception(error)
        else:
            renewal.set_result(credentials)

    def _ask_google(self) -> Credentials:
        credentials = self._credentials
        try:
            request = self._request()
            if credentials is None:
                credentials = _load(self._file, request)
            if not credentials.valid:
                credentials.refresh(request)  # type: ignore[no-untyped-call]
        except GoogleAuthError as error:
            outage = _outage(error)
            if outage is not None:
                raise ConnectionError(f"no access token: {_first_line(outage)}") from error
            raise CredentialsError(_first_line(error)) from error
        self._credentials = credentials
        return credentials

    def _request(self) -> Any:
        request = Request()
        if self._proxy is not None:
            # The metadata server speaks HTTP and is asked without the proxy, which would not reach it.
            request.session.proxies.update(https=self._proxy)

        def limited(*args: Any, timeout: float | None = None, **named: Any) -> Any:
            named["timeout"] = min(timeout or _ANSWER_S, _ANSWER_S)
            return request(*args, **named)

        return limited


def _outage(error: GoogleAuthError) -> GoogleAuthError | None:
    """The reason why there is no access token yet; None if Google refuses the credentials."""
    if error.retryable or isinstance(error, TransportError):
        return error
    # the metadata server's failures come as the cause of a refusal (docs/facts.md G42)
    return error.__cause__ if isinstance(error.__cause__, TransportError) else None


def _first_line(error: GoogleAuthError) -> str:
    return str(error.args[0] if error.args else error).partition("\n")[0]


def _load(file: Path | None, request: Any) -> Credentials:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file is the operator's own, and the quota project theirs to choose
        if file is None:
            credentials, _ = google.auth.default(scopes=_SCOPES, request=request)
        else:
            credentials, _ = google.auth.load_credentials_from_file(str(file), scopes=_SCOPES, request=request)  # type: ignore[no-untyped-call]
    return credentials
