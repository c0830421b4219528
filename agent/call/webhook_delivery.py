"""Sends one message to one URL of WEBHOOK_URL, signed as LiveKit signs its own webhooks (docs/facts.md L440)."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
from livekit import api

from agent.call.webhook_events import WebhookMessage, is_temporary
from agent.settings import Settings

ANSWERS_WITHIN_S = 4.0
"""A receiver that takes longer has not answered."""
_SIGNED_FOR = timedelta(minutes=5)
_HEADERS = {"Content-Type": "application/webhook+json", "User-Agent": "Earshot"}


@dataclass(frozen=True)
class WebhookReceivers:
    """The URLs that are told about calls."""

    proxies: Mapping[str, str | None] = field(repr=False)
    """The URLs, each with the URL of the proxy that leads to it."""
    key: str
    """The API key of LiveKit."""
    secret: str = field(repr=False)
    """Its secret, which signs the messages."""

    def by_name(self) -> dict[str, str]:
        """The URLs by a name that shows neither the URL nor the key, which may both be secrets."""
        return {self.name(url): url for url in self.proxies}

    def name(self, url: str) -> str:
        """The name of one of them: another one if messages are signed with another key."""
        return hashlib.sha256(f"{self.key} {url}".encode()).hexdigest()[:32]

    async def attempt(self, http: aiohttp.ClientSession, url: str, message: WebhookMessage) -> tuple[str, bool]:
        """Send a message once. Returns why it wasn't taken, empty if it was, and whether it may be taken later."""
        headers = {"Authorization": signature(message.body, self.key, self.secret)}
        try:
            async with http.post(
                url, data=message.body, headers=headers, proxy=self.proxies[url], allow_redirects=False
            ) as answer:
                if 200 <= answer.status < 300:
                    return "", False
                return f"status {answer.status}", is_temporary(answer.status)
        except TimeoutError:
            return f"no answer within {ANSWERS_WITHIN_S:g} s", True
        except (aiohttp.ClientError, OSError) as error:
            return type(error).__name__, True  # the text may have the URL


def client() -> aiohttp.ClientSession:
    """An HTTP client with which messages are sent."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWERS_WITHIN_S), headers=_HEADERS)


def log_fields(url: str, message: WebhookMessage, reason: str) -> dict[str, object]:
    """What the log says of a message that wasn't taken. Of the URL it has the host: the path may be a secret."""
    return {"event": message.event, "host": urlsplit(url).hostname, "reason": reason}


def signature(body: bytes, key: str, secret: str) -> str:
    """The token that says who has sent a message, as LiveKit's receivers check it."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return api.AccessToken(key, secret).with_ttl(_SIGNED_FOR).with_sha256(digest).to_jwt()


def receivers_of(settings: Settings) -> WebhookReceivers:
    """The receivers that the settings name."""
    proxies = {url: settings.proxy_for(url) for url in settings.webhook_url}
    return WebhookReceivers(proxies, settings.key, settings.secret)
