"""An identity provider's public keys (a JWK set), fetched rarely however many tokens name keys that aren't there."""

import asyncio
import logging
import math
from collections.abc import Callable

import jwt

from token_server.errors import RefusedError

FRESH_S = 300
"""Known keys are asked for again after this."""
AGAIN_S = 10
"""For a key that isn't known, and after a failure, the provider is asked at most this often."""
STALE_S = 3600
"""Keys are used for so long while the provider can't be reached."""
_ANSWERS_WITHIN_S = 3

logger = logging.getLogger("token_server")


class PublishedKeys:
    """The keys behind one URL."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=_ANSWERS_WITHIN_S)
        self._clock = clock
        self._asking = asyncio.Lock()
        self._keys: list[jwt.PyJWK] = []
        self._asked_at = -math.inf
        self._came_at = -math.inf

    async def find(self, key_id: str | None) -> object:
        """The public key of that id; the only one there is, for a token that names none.

        Raises:
            RefusedError: there is no such key, or the provider can't be reached.
        """
        if self._is_due(key_id):
            async with self._asking:
                if self._is_due(key_id):
                    await self._fetch()
        if self._clock() - self._came_at > STALE_S or (self._failed and self._chosen(key_id) is None):
            sentence = "Who you are can't be checked at the moment. Please try again."
            raise RefusedError(503, "auth_unavailable", sentence, retry_after_s=AGAIN_S)
        key = self._chosen(key_id)
        if key is None:
            raise RefusedError(401, "unauthorized", "Your token is signed with a key that its issuer doesn't show.")
        return key

    @property
    def _failed(self) -> bool:
        return self._came_at < self._asked_at

    def _chosen(self, key_id: str | None) -> object | None:
        """A lone key is meant by whoever names none, and, if it has no id itself, by everybody."""
        is_lone = len(self._keys) == 1 and None in {key_id, self._keys[0].key_id}
        named = [key for key in self._keys if is_lone or (key_id is not None and key.key_id == key_id)]
        chosen: object | None = named[0].key if named else None
        return chosen

    def _is_due(self, key_id: str | None) -> bool:
        wanting = self._failed or self._chosen(key_id) is None
        return self._clock() - self._asked_at >= (AGAIN_S if wanting else FRESH_S)

    async def _fetch(self) -> None:
        self._asked_at = self._clock()
        try:
            shown = await asyncio.to_thread(self._client.get_jwk_set)
        except (jwt.PyJWTError, OSError, ValueError) as error:
            logger.warning("the identity provider's keys can't be fetched: %s", error)
            return
        self._keys = [key for key in shown if key.public_key_use in {"sig", None}]
        self._came_at = self._asked_at
