"""Authentication of token requests, by TOKEN_MODE: open (this machine only), key (shared access keys), jwt (users' tokens)."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import Headers

from token_server.errors import RefusedError
from token_server.settings import TokenServerSettings
from token_server.user_tokens import UserTokens, published_keys, shared_secret, single_key


@dataclass(frozen=True)
class Identity:
    """The sender of a request, as its authentication has established it."""

    name: str
    """The name for the log and the rate limit; empty in mode open, where nobody authenticates."""
    subject: str | None = None
    """The user's identity in the room, in mode jwt."""


class Authenticator(Protocol):
    """Authenticates requests by their headers."""

    async def authenticate(self, headers: Headers) -> Identity:
        """The identity of the sender of these headers.

        Raises:
            RefusedError: the credentials are missing or wrong, or can't be checked at the moment.
        """


class OpenAuthenticator:
    """Mode open: every request is accepted. The settings make sure that only this machine reaches the token server."""

    async def authenticate(self, headers: Headers) -> Identity:  # noqa: ARG002  no credentials are asked for
        return Identity("")


class KeyAuthenticator:
    """Mode key: accepts one of several shared access keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    async def authenticate(self, headers: Headers) -> Identity:
        """The identity of the key in these headers; keys are named by their position in TOKEN_KEYS, from 1."""
        given = bearer(headers) or headers.get("X-Api-Key", "")
        if not given:
            raise RefusedError(401, "unauthorized", "An access key is needed.")
        found = 0
        for number, key in enumerate(self._keys, start=1):  # all of them: how long it takes tells nothing
            if hmac.compare_digest(given.encode(), key):
                found = number
        if not found:
            raise RefusedError(401, "unauthorized", "This access key is not known here.")
        return Identity(f"key {found}")


class JwtAuthenticator:
    """Mode jwt: accepts a token of the identity provider's users."""

    def __init__(self, tokens: UserTokens) -> None:
        self._tokens = tokens

    async def authenticate(self, headers: Headers) -> Identity:
        """The identity of the user whose token is in these headers: the token's subject."""
        token = bearer(headers)
        if not token:
            raise RefusedError(401, "unauthorized", "You need to be signed in: no token came with the request.")
        subject = await self._tokens.subject(token)
        return Identity(f"user {subject!r}", subject)


def authenticator(settings: TokenServerSettings) -> Authenticator:
    """The authenticator of TOKEN_MODE.

    Raises:
        SettingsError: the key that it would check with can't be used.
    """
    if settings.is_open:
        return OpenAuthenticator()
    if settings.asks_for_key:
        return KeyAuthenticator([key.get_secret_value() for key in settings.token_keys])
    if settings.token_jwt_jwks_url is not None:
        url = settings.token_jwt_jwks_url
        keys = published_keys(url, settings.proxy_for(url))
    elif settings.token_jwt_key is not None:
        keys = single_key(settings.token_jwt_key)
    else:
        assert settings.token_jwt_secret is not None
        keys = shared_secret(settings.token_jwt_secret.get_secret_value())
    assert settings.token_jwt_issuer is not None
    assert settings.token_jwt_audience is not None
    return JwtAuthenticator(UserTokens(keys, settings.token_jwt_issuer, settings.token_jwt_audience))


def bearer(headers: Headers) -> str:
    """The bearer token in these headers; empty if there is none."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.casefold() == "bearer" else ""
