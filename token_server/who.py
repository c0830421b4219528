"""Who asks for a token: whoever is on this machine, somebody with an access key, or a user of an identity provider."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import Headers

from token_server.errors import RefusedError
from token_server.settings import Settings
from token_server.user_tokens import UserTokens, published_keys, shared_secret, single_key


@dataclass(frozen=True)
class Asker:
    """Who asks, as far as the door knows."""

    name: str
    """For the log and the limits; empty if nobody had to say."""
    subject: str | None = None
    """Their identity in the room, if they have one of their own."""


class Doorkeeper(Protocol):
    """Lets in, or refuses."""

    async def recognise(self, headers: Headers) -> Asker:
        """Who sent these headers.

        Raises:
            RefusedError: nobody who may come in; or nobody can tell at the moment.
        """


class Anybody:
    """Mode open: the settings have made sure that only this machine reaches the door."""

    async def recognise(self, headers: Headers) -> Asker:  # noqa: ARG002  whatever they say
        return Asker("")


class KeyHolders:
    """Mode key: one of several shared keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [key.encode() for key in keys]

    async def recognise(self, headers: Headers) -> Asker:
        """Who sent these headers: keys are told apart by their place in TOKEN_KEYS."""
        given = _bearer(headers) or headers.get("X-Api-Key", "")
        if not given:
            raise RefusedError(401, "unauthorized", "An access key is needed.")
        found = 0
        for number, key in enumerate(self._keys, start=1):  # all of them: how long it takes tells nothing
            if hmac.compare_digest(given.encode(), key):
                found = number
        if not found:
            raise RefusedError(401, "unauthorized", "This access key is not known here.")
        return Asker(f"key {found}")


class Users:
    """Mode jwt: a token of the operator's own users."""

    def __init__(self, tokens: UserTokens) -> None:
        self._tokens = tokens

    async def recognise(self, headers: Headers) -> Asker:
        """Who sent these headers: the token's subject."""
        token = _bearer(headers)
        if not token:
            raise RefusedError(401, "unauthorized", "You need to be signed in: no token came with the request.")
        subject = await self._tokens.subject(token)
        return Asker(f"user {subject!r}", subject)


def doorkeeper(settings: Settings) -> Doorkeeper:
    """The one that TOKEN_MODE asks for.

    Raises:
        SettingsError: the key that it would check with can't be used.
    """
    if settings.is_open:
        return Anybody()
    if settings.asks_for_key:
        return KeyHolders([key.get_secret_value() for key in settings.token_keys])
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
    return Users(UserTokens(keys, settings.token_jwt_issuer, settings.token_jwt_audience))


def _bearer(headers: Headers) -> str:
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.casefold() == "bearer" else ""
