"""Sends messages about calls that their receivers didn't take in time, as long as the worker runs."""

import asyncio
import logging
import time
from collections.abc import AsyncIterable, Callable

import aiohttp

from agent.call.kept_webhooks import KEPT_FOR_S, KeptWebhook, KeptWebhooks, kept_webhooks
from agent.call.webhook_delivery import WebhookReceivers, client, log_fields, receivers_of
from agent.call_metrics import CallMetric, Measurement
from agent.errors import SettingsError
from agent.settings import Settings

_OTHERS_RECEIVER = "it is for a URL that WEBHOOK_URL doesn't have"

logger = logging.getLogger("earshot.worker")


def check_webhook_dir(settings: Settings) -> None:
    """Make WEBHOOK_DIR, if it is set, and lock it once.

    Raises:
        SettingsError: it can't be used.
    """
    if settings.webhook_dir is None:
        return
    try:
        with KeptWebhooks(settings.webhook_dir).alone():
            pass
    except OSError as error:
        fix = f"messages can't be kept there ({error.strerror or error}); name a folder of this user's"
        raise SettingsError("WEBHOOK_DIR", str(settings.webhook_dir), fix) from error


async def send_late_webhooks(
    settings: Settings, moments: AsyncIterable[object], measured: Callable[[Measurement], object]
) -> None:
    """Send what is kept, at each of these moments. The log says once why it can't be read."""
    kept, receivers, failure = kept_webhooks(settings), receivers_of(settings), ""
    if kept is None:
        return
    sending = LateWebhooks(kept, receivers, measured)
    async for _ in moments:
        before, failure = failure, ""
        try:
            await sending.send(time.time())
        except OSError as error:
            failure = error.strerror or str(error)
            if failure != before:
                logger.warning("webhooks that wait can't be sent", extra={"reason": failure})


class LateWebhooks:
    """Sends the messages of one folder.

    Args:
        kept: The folder.
        receivers: Whom they are for.
        measured: Takes what the metrics say of them.
    """

    def __init__(self, kept: KeptWebhooks, receivers: WebhookReceivers, measured: Callable[[Measurement], object]) -> None:
        self._kept = kept
        self._receivers = receivers
        self._measured = measured

    async def send(self, now: float) -> None:
        """Send each message once, the oldest first; no more to a receiver that is away. None if another process sends them.

        Args:
            now: The time (`time.time()`).

        Raises:
            OSError: the folder can't be used.
        """
        with self._kept.alone() as is_alone:
            waiting = await asyncio.to_thread(self._kept.waiting) if is_alone else []
            urls, away = self._receivers.by_name(), set[str]()
            async with client() as http:
                for each in waiting:
                    url = urls.get(each.receiver)
                    if url in away or not await self._send(http, each, url, now):
                        away |= {url} if url else set()

    async def _send(self, http: aiohttp.ClientSession, each: KeptWebhook, url: str | None, now: float) -> bool:
        """Send one. Returns whether its receiver may be sent more."""
        message = await asyncio.to_thread(self._kept.read, each)
        reason, is_over = _OTHERS_RECEIVER, now - each.kept_at > KEPT_FOR_S
        if message is None:
            await asyncio.to_thread(self._kept.delete, each)
            return True
        if url is not None:
            reason, may_try_again = await self._receivers.attempt(http, url, message)
            is_over = is_over or not may_try_again
        if not is_over:
            return False
        await asyncio.to_thread(self._kept.delete, each)
        if reason:
            logger.warning("a webhook was not delivered", extra=log_fields(url or "", message, reason))
        self._measured(Measurement(CallMetric.WEBHOOK, labels=("lost" if reason else "delivered",)))
        return True
