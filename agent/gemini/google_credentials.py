"""OAuth access tokens of Google's application default credentials, renewed before they expire.

google-auth blocks, so it runs in a thread. It counts a token as expired 3:45 minutes early (docs/facts.md G42).
"""

import asyncio
import functools
import threading
import warnings
from pathlib import Path
from typing import Any

import google.auth
from google.auth.credentials import Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_ANSWER_S = 10.0
"""Google's server for access tokens may take so long for one answer."""


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
        self._credentials: Credentials | None = None

    @property
    def quota_project(self) -> str | None:
        """The project whose quota counts, if the credentials name one. Known after the first token."""
        project: str | None = getattr(self._credentials, "quota_project_id", None)
        return project

    async def token(self) -> str:
        """A token that is valid for some minutes more.

        Raises:
            OSError: Google's server for access tokens isn't reachable.
            CredentialsError: there are no credentials, or Google refuses them.
        """
        credentials = self._credentials
        if credentials is None or not credentials.valid:
            credentials = await asyncio.to_thread(self._renewed)
        return str(credentials.token)

    def _renewed(self) -> Credentials:
        with self._lock:  # who waits here finds the token that another connection has fetched
            try:
                request = self._request()
                if self._credentials is None:
                    self._credentials = _load(self._file, request)
                if not self._credentials.valid:
                    self._credentials.refresh(request)  # type: ignore[no-untyped-call]
            except GoogleAuthError as error:
                reason = str(error.args[0] if error.args else error).partition("\n")[0]
                if isinstance(error, TransportError) or error.retryable:
                    raise ConnectionError(f"no access token: {reason}") from error
                raise CredentialsError(reason) from error
            return self._credentials

    def _request(self) -> Any:
        request = Request()
        if self._proxy is not None:
            request.session.proxies.update(http=self._proxy, https=self._proxy)
        return functools.partial(request, timeout=_ANSWER_S)


def _load(file: Path | None, request: Any) -> Credentials:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the file is the operator's own, and the quota project theirs to choose
        if file is None:
            credentials, _ = google.auth.default(scopes=_SCOPES, request=request)
        else:
            credentials, _ = google.auth.load_credentials_from_file(str(file), scopes=_SCOPES, request=request)  # type: ignore[no-untyped-call]
    return credentials
