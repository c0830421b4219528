"""Sends messages about a call to WEBHOOK_URL while the call runs. What isn't taken by its end is kept for a worker."""

import asyncio
import itertools
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime

import aiohttp
from livekit.agents import JobContext

from agent.call.kept_webhooks import KeptWebhooks, kept_webhooks
from agent.call.recording_plan import recording_plan
from agent.call.webhook_delivery import WebhookReceivers, client, log_fields, receivers_of
from agent.call.webhook_events import CallIds, CallWebhooks, WebhookMessage, retry_delay_s
from agent.call_metrics import CallMetric, Measurement
from agent.call_reports import ReportSender
from agent.persona import Persona
from agent.room.room_events import RoomEvents
from agent.settings import Settings

MOST_WAITING = 8
"""Messages of one call that wait for their receivers. One more is kept for a worker at once."""
TRIED_FOR_S = 60.0
"""A message is sent again and again for so long, while the call goes on."""
LAST_S = 5.0
"""The longest time that the process of a call stays after its end, for messages that weren't taken yet."""

logger = logging.getLogger("earshot.call")


class WebhookSender:
    """Sends the messages of one call to each URL, and again after a failure. Nobody waits for it but `finish`.

    Args:
        receivers: who gets them.
        kept: where messages are left that weren't taken; None: they are lost.
        measured: takes what the metrics say of the messages.
        last_s: how long `finish` waits at most, in seconds.
    """

    def __init__(
        self,
        receivers: WebhookReceivers,
        kept: KeptWebhooks | None = None,
        measured: Callable[[Iterable[Measurement]], object] = lambda _: None,
        last_s: float = LAST_S,
    ) -> None:
        self._receivers = receivers
        self._kept = kept
        self._measured = measured
        self._last_s = last_s
        self._messages: asyncio.Queue[WebhookMessage | None] = asyncio.Queue(maxsize=MOST_WAITING + 1)
        self._is_over = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    def send(self, message: WebhookMessage) -> None:
        """Send a message, soon. Without URLs there is nobody to send it to."""
        if not self._receivers.proxies or self._is_over.is_set():
            return
        if self._life is None:
            self._life = asyncio.create_task(self._run(), name="webhooks")
        if self._messages.qsize() >= MOST_WAITING:
            for url in self._receivers.proxies:
                self._keep(url, message, "too many wait")
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
        async with client() as http, asyncio.TaskGroup() as tasks:
            while (message := await self._messages.get()) is not None:
                for url in self._receivers.proxies:
                    tasks.create_task(self._deliver(http, url, message), name=message.event)

    async def _deliver(self, http: aiohttp.ClientSession, url: str, message: WebhookMessage) -> None:
        """Send a message until it is taken, or as long as it is tried."""
        gives_up_at = asyncio.get_running_loop().time() + TRIED_FOR_S
        reason = "the call is over"
        try:
            for failures in itertools.count(1):
                reason, may_try_again = await self._receivers.attempt(http, url, message)
                if not reason:
                    self._count("delivered")
                    return
                if not may_try_again:
                    self._lost(url, message, reason)
                    return
                delay_s = retry_delay_s(failures)
                if asyncio.get_running_loop().time() + delay_s > gives_up_at:
                    break
                await self._pause(delay_s)
        except asyncio.CancelledError:
            self._keep(url, message, reason)
            raise
        self._keep(url, message, reason)

    async def _pause(self, delay_s: float) -> None:
        """Wait so long, but not for the next try once the call is over: then each message is sent at once."""
        if self._is_over.is_set():
            await asyncio.sleep(delay_s)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._is_over.wait()

    def _keep(self, url: str, message: WebhookMessage, reason: str) -> None:
        """Leave a message to a worker; at once, as the process may be about to end."""
        if self._kept is None:
            self._lost(url, message, reason)
            return
        try:
            lost = self._kept.keep(self._receivers.name(url), message, time.time())
        except OSError as error:
            self._lost(url, message, f"{reason}; it can't be kept: {error.strerror or error}")
            return
        logger.info("a webhook is kept, to be sent later", extra=log_fields(url, message, reason))
        self._count("kept")
        if lost:
            logger.warning("webhooks were not delivered: too many were kept", extra={"lost": lost})
            self._measured([Measurement(CallMetric.WEBHOOK, lost, ("lost",))])

    def _lost(self, url: str, message: WebhookMessage, reason: str) -> None:
        logger.warning("a webhook was not delivered", extra=log_fields(url, message, reason))
        self._count("lost")

    def _count(self, result: str) -> None:
        self._measured([Measurement(CallMetric.WEBHOOK, labels=(result,))])


def call_webhooks(ctx: JobContext, settings: Settings, persona: Persona, room_events: RoomEvents) -> CallWebhooks:
    """The webhooks of a job's call, which are given the call's events. The console's calls have none."""
    reports: ReportSender = ctx.proc.userdata["reports"]
    receivers = WebhookReceivers({}, "", "") if ctx.is_fake_job() else receivers_of(settings)
    sender = WebhookSender(receivers, kept_webhooks(settings), reports.measured)
    if receivers.proxies:
        ctx.add_shutdown_callback(sender.finish)
    facts = recording_plan(ctx.job, settings, persona, is_console=ctx.is_fake_job()).call
    ids = CallIds(ctx.job.room.sid, facts)
    webhooks = CallWebhooks(ids, sender.send, lambda: datetime.now(UTC), lambda: f"EV_{secrets.token_hex(8)}")
    room_events.add_listener(webhooks.on_event)
    return webhooks
