"""Whether some worker has a place for one more caller: each one's health server says how busy it is."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from token_server.errors import RefusedError
from token_server.remembered import Remembered

FULL = 0.99
"""What a full worker calls its load (agent/worker/capacity.py): at 1.0 LiveKit would not offer it anything ever again."""
_ANSWERS_WITHIN_S = 3.0
_REMEMBERED_S = 1.0
_FULL_RETRY_S = 10
_NONE_RETRY_S = 5


class Workers:
    """All workers behind these URLs. A worker that drains still answers; orchestrators take its address out of the name."""

    def __init__(self, urls: Sequence[str], http: aiohttp.ClientSession) -> None:
        self._urls = urls
        self._http = http
        self._loads = Remembered(self._ask_all, _REMEMBERED_S)

    async def check_has_place(self) -> None:
        """Look whether one of them has a place.

        Raises:
            RefusedError: all that answer are full, or none answers: a caller would sit in a silent room.
        """
        loads = await self._loads.get()
        if not loads:
            sentence = "Nobody is there to take the call. Please try again in a moment."
            raise RefusedError(503, "no_worker", sentence, retry_after_s=_NONE_RETRY_S)
        if min(loads) >= FULL:
            sentence = "Everybody is in a call. Please try again in a moment."
            raise RefusedError(503, "workers_full", sentence, retry_after_s=_FULL_RETRY_S)

    async def _ask_all(self) -> list[float]:
        addresses = await asyncio.gather(*(_addresses(url) for url in self._urls))
        loads = await asyncio.gather(*(self._ask(url) for url in {url for found in addresses for url in found}))
        return [load for load in loads if load is not None]

    async def _ask(self, url: str) -> float | None:
        """The worker's load; None if it doesn't say. Proto JSON leaves out a zero."""
        try:
            async with self._http.get(url, allow_redirects=False) as answer:
                body = await answer.json() if answer.status == 200 else None
            return float(body.get("worker_load", 0.0)) if isinstance(body, dict) else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError):
            return None


async def _addresses(url: str) -> list[str]:
    """GET /worker of every address that the URL's host stands for."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return []
    hosts = {str(address[0]) for *_, address in found}
    return [f"http://{f'[{host}]' if ':' in host else host}:{parts.port}{parts.path.rstrip('/')}/worker" for host in hosts]


@asynccontextmanager
async def workers(urls: Sequence[str]) -> AsyncIterator[Workers | None]:
    """The workers, for as long as the block lasts; None if no URL is set, and nobody is asked."""
    if not urls:
        yield None
        return
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWERS_WITHIN_S)) as http:
        yield Workers(urls, http)
