"""The workers' capacity for one more call: each worker's health server says how busy it is, and whether it is ready."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from token_server.cached import Cached
from token_server.errors import RefusedError

FULL = 0.99
"""The load that a full worker reports (agent/worker/capacity.py): at 1.0 LiveKit would never offer it a job again."""
REFUSED = 1.0
"""The load of a worker that takes no calls, whatever its places: GET /readyz says why."""
_REFUSAL_HEADER = "X-Earshot-Refusal"
_DAY_COST_CAP = "day_cost_cap"
"""The reason of a worker whose calls have cost DAY_COST_CAP_USD today (agent/worker/day_budget.py)."""
_READY = {200, 404}
"""The HTTP status of GET /readyz of a worker that is ready. A worker of LiveKit's own has no /readyz."""
ANSWERS_WITHIN_S = 3.0
"""A worker that takes longer to answer, in seconds, doesn't count."""
_REMEMBERED_S = 1.0
_FULL_RETRY_S = 10
_NONE_RETRY_S = 5
_DAY_RETRY_S = 3600


@dataclass(frozen=True)
class _Worker:
    """One worker's answer."""

    load: float
    """From 0 to 1."""
    refusal: str = ""
    """The reason why it takes no calls, if it says one."""


class Workers:
    """The workers behind these URLs.

    A worker counts if it says its load and is ready, both within three seconds. So one that is frozen, cut off from LiveKit or
    drains doesn't.
    """

    def __init__(self, urls: Sequence[str], http: aiohttp.ClientSession) -> None:
        self._urls = urls
        self._http = http
        self._workers = Cached(self._ask_until_place, _REMEMBERED_S)

    async def check_capacity(self) -> None:
        """Check that one of the workers takes one more call.

        Raises:
            RefusedError: all that count are full or take no calls today, or none counts: a caller would sit in a silent room.
        """
        workers = await self._workers.get()
        if not workers:
            sentence = "Nobody is there to take the call. Please try again in a moment."
            raise RefusedError(503, "no_worker", sentence, retry_after_s=_NONE_RETRY_S)
        if min(worker.load for worker in workers) < FULL:
            return
        if any(worker.refusal == _DAY_COST_CAP for worker in workers) and all(worker.load >= REFUSED for worker in workers):
            sentence = "No more calls are taken today. Please try again tomorrow."
            raise RefusedError(503, "day_cost_cap", sentence, retry_after_s=_DAY_RETRY_S)
        sentence = "Everybody is in a call. Please try again in a moment."
        raise RefusedError(503, "workers_full", sentence, retry_after_s=_FULL_RETRY_S)

    async def _ask_until_place(self) -> list[_Worker]:
        """Ask all workers at once, until one has a place: a frozen one holds up no caller whom another can take."""
        addresses = await asyncio.gather(*(_addresses(url) for url in self._urls))
        asked = [asyncio.ensure_future(self._ask(url)) for url in {url for found in addresses for url in found}]
        workers: list[_Worker] = []
        try:
            for answer in asyncio.as_completed(asked):
                worker = await answer
                workers += [] if worker is None else [worker]
                if worker is not None and worker.load < FULL:
                    break
        finally:
            for task in asked:
                task.cancel()
        return workers

    async def _ask(self, url: str) -> _Worker | None:
        """The worker at the base URL of its health server; None if it doesn't count."""
        try:
            load, (status, refusal) = await asyncio.gather(self._load(url), self._readiness(url))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TypeError):
            return None
        if load is None or not (status in _READY or refusal == _DAY_COST_CAP):
            return None
        return _Worker(load, refusal)

    async def _load(self, url: str) -> float | None:
        """The load that a worker says; None if it says none. Proto JSON leaves out a zero."""
        async with self._http.get(f"{url}/worker", allow_redirects=False) as answer:
            body = await answer.json() if answer.status == 200 else None
        return float(body.get("worker_load", 0.0)) if isinstance(body, dict) else None

    async def _readiness(self, url: str) -> tuple[int, str]:
        """The HTTP status of a worker's /readyz, and the reason why it takes no calls; empty if it says none."""
        async with self._http.get(f"{url}/readyz", allow_redirects=False) as answer:
            return answer.status, answer.headers.get(_REFUSAL_HEADER, "")


async def _addresses(url: str) -> list[str]:
    """The URLs of the health servers at every address that the URL's host resolves to."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        return []
    hosts = {str(address[0]) for *_, address in found}
    return [f"http://{f'[{host}]' if ':' in host else host}:{parts.port}{parts.path.rstrip('/')}" for host in hosts]


@asynccontextmanager
async def workers(urls: Sequence[str]) -> AsyncIterator[Workers | None]:
    """The workers, for as long as the block lasts; None if no URL is set."""
    if not urls:
        yield None
        return
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWERS_WITHIN_S)) as http:
        yield Workers(urls, http)
