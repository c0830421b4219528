"""Client for an identity provider's public keys (JWKS): few fetches, however many tokens name keys that aren't there."""

import asyncio
import contextlib
import json
import logging
import math
from collections.abc import Callable

import aiohttp
import jwt

from token_server.errors import RefusedError

FRESH_S = 300
"""The key set is fetched again after so many seconds."""
AGAIN_S = 10
"""Seconds without a fetch after a failed one."""
UNKNOWN_S = 1.0
"""Seconds between two fetches for keys that aren't in the set. A token that names one waits for the next fetch."""
STALE_S = 3600
"""Seconds that keys are used while the provider can't be reached."""
LARGEST_SET_BYTES = 256 * 1024
ANSWERS_WITHIN_S = 3.0
"""The provider's whole answer must have come within this."""

logger = logging.getLogger("token_server")


class JwksClient:
    """The keys behind one URL. There is one fetch at a time; all requests that need it wait for it.

    Args:
        url: Where the provider shows its JWK set.
        clock: The time in seconds; it never goes back.
        proxy: The http:// proxy that leads there, as a URL; None if the provider is dialled directly.
    """

    def __init__(self, url: str, clock: Callable[[], float], proxy: str | None = None) -> None:
        self._url = url
        self._proxy = proxy
        self._clock = clock
        self._asking = asyncio.Lock()
        self._keys: list[jwt.PyJWK] = []
        self._began_at = -math.inf
        """Time at which the latest fetch that wasn't cancelled began."""
        self._tried_at = -math.inf
        """Time at which the latest fetch began, also one that was cancelled because its client went away."""
        self._came_at = -math.inf
        """Time at which the latest successful fetch began."""
        self._failed_at: float | None = None
        """Time at which the latest fetch failed; None if it succeeded."""

    async def find(self, key_id: str | None) -> object:
        """The public key of that id; the only one there is, for a token that names none.

        Raises:
            RefusedError: there is no such key, or the provider can't be reached.
        """
        asked_at = self._clock()
        if self._is_due(key_id, asked_at):
            async with self._asking:
                if self._is_due(key_id, asked_at):
                    await asyncio.sleep(max(0.0, self._tried_at + UNKNOWN_S - self._clock()))
                    await self._fetch()
        failed = self._failed_at is not None
        if self._clock() - self._came_at > STALE_S or (failed and self._chosen(key_id) is None):
            sentence = "Who you are can't be checked at the moment. Please try again."
            raise RefusedError(503, "auth_unavailable", sentence, retry_after_s=AGAIN_S)
        key = self._chosen(key_id)
        if key is None:
            raise RefusedError(401, "unauthorized", "Your token is signed with a key that its issuer doesn't show.")
        return key

    def _chosen(self, key_id: str | None) -> object | None:
        """The key for a token. A lone key is for tokens that name no key, and, if it has no id itself, for all tokens."""
        is_lone = len(self._keys) == 1 and None in {key_id, self._keys[0].key_id}
        named = [key for key in self._keys if is_lone or (key_id is not None and key.key_id == key_id)]
        chosen: object | None = named[0].key if named else None
        return chosen

    def _is_due(self, key_id: str | None, asked_at: float) -> bool:
        """Whether a request of that time needs a fetch. A fetch that began before it may miss a new key."""
        if self._failed_at is not None:
            return self._clock() - self._failed_at >= AGAIN_S
        if self._chosen(key_id) is None:
            return self._began_at < asked_at
        return self._clock() - self._came_at >= FRESH_S

    async def _fetch(self) -> None:
        self._tried_at = began_at = self._clock()
        try:
            self._keys = _usable(json.loads(await self._download()))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            logger.warning("the identity provider's keys can't be fetched: %s", str(error) or type(error).__name__)
            self._failed_at = self._clock()
        else:
            self._came_at, self._failed_at = began_at, None
        self._began_at = began_at

    async def _download(self) -> bytes:
        """The provider's answer.

        Raises:
            ValueError: it isn't a plain 200, or too large. A redirect isn't followed: it could lead away from TLS.
        """
        timeout = aiohttp.ClientTimeout(total=ANSWERS_WITHIN_S)
        async with (
            aiohttp.ClientSession(timeout=timeout, proxy=self._proxy) as http,
            http.get(self._url, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ValueError(f"the answer's status is {answer.status}")
            received = bytearray()
            async for part in answer.content.iter_chunked(64 * 1024):
                received += part
                if len(received) > LARGEST_SET_BYTES:
                    raise ValueError(f"the answer is larger than {LARGEST_SET_BYTES} bytes")
        return bytes(received)


def _usable(shown: object) -> list[jwt.PyJWK]:
    """The keys of a JWK set that signatures can be checked with. Those of other kinds are none of ours.

    Raises:
        ValueError: it is no JWK set, or holds no such key.
    """
    listed = shown.get("keys") if isinstance(shown, dict) else None
    keys = []
    for entry in listed if isinstance(listed, list) else ():
        with contextlib.suppress(jwt.PyJWTError, ValueError, TypeError, AttributeError):  # PyJWT's, for fields of wrong types
            keys.append(jwt.PyJWK(entry))
    keys = [key for key in keys if key.public_key_use in {"sig", None}]
    if not keys:
        raise ValueError("the answer is no JWK set with a key for signatures")
    return keys
