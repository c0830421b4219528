"""Sends messages about a call to WEBHOOK_URL, signed as LiveKit signs its own webhooks (docs/facts.md L440)."""

import asyncio
import base64
import hashlib
import itertools
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
from livekit import api
from livekit.agents import JobContext

from agent.call.recording_plan import recording_plan
from agent.call.webhook_events import CallIds, CallWebhooks, WebhookMessage, is_temporary, retry_delay_s
from agent.call_metrics import CallMetric, Measurement
from agent.call_reports import ReportSender
from agent.persona import Persona
from agent.room.room_events import RoomEvents
from agent.settings import Settings

MOST_WAITING = 8
"""Messages of one call that wait for their receivers. One more isn't sent."""
TRIED_FOR_S = 60.0
"""A message is sent again and again for so long, while the call goes on."""
LAST_S = 5.0
"""The longest time that the process of a call stays after its end, for messages that weren't taken yet."""
_ANSWERS_WITHIN_S = 4.0
_SIGNED_FOR = timedelta(minutes=5)
_HEADERS = {"Content-Type": "application/webhook+json", "User-Agent": "Earshot"}

logger = logging.getLogger("earshot.call")


class WebhookSender:
    """Sends the messages of one call to each URL, and again after a failure. Nobody waits for it but `finish`.

    Args:
        proxies: the URLs, each with the URL of the proxy that leads to it.
        key: the API key of LiveKit.
        secret: its secret, which signs the messages.
        measured: takes what the metrics say of the messages.
        last_s: how long `finish` waits at most, in seconds.
    """

    def __init__(
        self,
        proxies: Mapping[str, str | None],
        key: str,
        secret: str,
        measured: Callable[[Iterable[Measurement]], object] = lambda _: None,
        last_s: float = LAST_S,
    ) -> None:
        self._proxies = proxies
        self._measured = measured
        self._last_s = last_s
        self._key = key
        self._secret = secret
        self._messages: asyncio.Queue[WebhookMessage | None] = asyncio.Queue(maxsize=MOST_WAITING + 1)
        self._is_over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    def send(self, message: WebhookMessage) -> None:
        """Send a message, soon. Without URLs there is nobody to send it to."""
        if not self._proxies or self._is_over.is_set():
            return
        if self._life is None:
            self._life = asyncio.create_task(self._run(), name="webhooks")
        if self._messages.qsize() >= MOST_WAITING:
            logger.warning("a webhook is not sent: too many wait", extra={"event": message.event})
            for _ in self._proxies:
                self._count("lost")
            return
        self._messages.put_nowait(message)

    async def finish(self) -> None:
        """The call is over: send what waits, in bounded time."""
        self._is_over.set()
        if self._life is None:
            return
        self._messages.put_nowait(None)
        await asyncio.wait({self._life}, timeout=self._last_s)
        self._life.cancel()
        with suppress(asyncio.CancelledError):
            await self._life

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_ANSWERS_WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout, headers=_HEADERS) as http, asyncio.TaskGroup() as tasks:
            while (message := await self._messages.get()) is not None:
                for url in self._proxies:
                    tasks.create_task(self._deliver(http, url, message), name=message.event)

    async def _deliver(self, http: aiohttp.ClientSession, url: str, message: WebhookMessage) -> None:
        """Send a message until it is taken, or as long as it is tried."""
        gives_up_at = asyncio.get_running_loop().time() + TRIED_FOR_S
        reason = "the call is over"
        try:
            for failures in itertools.count(1):
                reason, may_try_again = await self._attempt(http, url, message)
                if not reason:
                    self._count("delivered")
                    return
                delay_s = retry_delay_s(failures)
                if not may_try_again or asyncio.get_running_loop().time() + delay_s > gives_up_at:
                    break
                await self._pause(delay_s)
        except asyncio.CancelledError:
            self._lost(url, message, reason)
            raise
        self._lost(url, message, reason)

    async def _attempt(self, http: aiohttp.ClientSession, url: str, message: WebhookMessage) -> tuple[str, bool]:
        """Send a message once. Returns why it wasn't taken, empty if it was, and whether it may be taken later."""
        headers = {"Authorization": signature(message.body, self._key, self._secret)}
        proxy = self._proxies[url]
        try:
            async with http.post(url, data=message.body, headers=headers, proxy=proxy, allow_redirects=False) as answer:
                if 200 <= answer.status < 300:
                    return "", False
                return f"status {answer.status}", is_temporary(answer.status)
        except TimeoutError:
            return f"no answer within {_ANSWERS_WITHIN_S:g} s", True
        except (aiohttp.ClientError, OSError) as error:
            return type(error).__name__, True  # the text may have the URL

    async def _pause(self, delay_s: float) -> None:
        """Wait so long, but not for the next try once the call is over: then each message is sent at once."""
        if self._is_over.is_set():
            await asyncio.sleep(delay_s)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._is_over.wait()

    def _lost(self, url: str, message: WebhookMessage, reason: str) -> None:
        told = {"event": message.event, "host": urlsplit(url).hostname, "reason": reason}  # the path may be a secret
        logger.warning("a webhook was not delivered", extra=told)
        self._count("lost")

    def _count(self, result: str) -> None:
        self._measured([Measurement(CallMetric.WEBHOOK, labels=(result,))])


def signature(body: bytes, key: str, secret: str) -> str:
    """The token that says who has sent a message, as LiveKit's receivers check it."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return api.AccessToken(key, secret).with_ttl(_SIGNED_FOR).with_sha256(digest).to_jwt()


def call_webhooks(ctx: JobContext, settings: Settings, persona: Persona, room_events: RoomEvents) -> CallWebhooks:
    """The webhooks of a job's call, which are given the call's events. The console's calls have none."""
    urls = () if ctx.is_fake_job() else settings.webhook_url
    reports: ReportSender = ctx.proc.userdata["reports"]
    proxies = {url: settings.proxy_for(url) for url in urls}
    sender = WebhookSender(proxies, settings.key, settings.secret, reports.measured)
    if urls:
        ctx.add_shutdown_callback(sender.finish)
    facts = recording_plan(ctx.job, settings, persona, is_console=ctx.is_fake_job()).call
    ids = CallIds(ctx.job.room.sid, facts)
    webhooks = CallWebhooks(ids, sender.send, lambda: datetime.now(UTC), lambda: f"EV_{secrets.token_hex(8)}")
    room_events.add_listener(webhooks.on_event)
    return webhooks
