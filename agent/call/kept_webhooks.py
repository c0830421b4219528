"""The folder of messages that no receiver has taken yet: a call's process leaves them there, and a worker sends them on.

Each message for each URL is a file. When the folder is full, a new message takes the place of the oldest one.
"""

import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.call.webhook_events import WebhookMessage
from agent.settings import Settings
from failover.private_folder import make_private
from failover.settings import local_folder

MOST_KEPT = 1000
"""Messages in the folder."""
KEPT_FOR_S = 86_400.0
"""A message that is older is deleted."""
_SUFFIX = ".webhook"
_HALF = ".part"
_LOCK = ".sending"


@dataclass(frozen=True)
class KeptWebhook:
    """A message in the folder."""

    path: Path
    receiver: str
    """The name of its receiver (`WebhookReceivers.name`)."""
    kept_at: float
    """The time at which it was put there (`time.time()`)."""


class KeptWebhooks:
    """The messages in one folder, which is nobody else's. Its processes may be many."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, receiver: str, message: WebhookMessage, now: float) -> int:
        """Keep a message for a receiver. Returns how many older ones went for want of a place.

        Raises:
            OSError: it can't be kept.
        """
        make_private(self._folder)
        waiting = self.waiting()
        too_many = waiting[: max(len(waiting) - MOST_KEPT + 1, 0)]
        for kept in too_many:
            self.delete(kept)
        path = self._folder / f"{round(now * 1000):015d}-{receiver}-{secrets.token_hex(4)}{_SUFFIX}"
        half = path.with_suffix(_HALF)
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(message.body)
        half.replace(path)
        return len(too_many)

    def waiting(self) -> list[KeptWebhook]:
        """The messages, the oldest first.

        Raises:
            OSError: the folder can't be read.
        """
        return [_of_name(path) for path in sorted(self._folder.glob(f"*-*-*{_SUFFIX}"))]

    def read(self, kept: KeptWebhook) -> WebhookMessage | None:
        """A message; None if it is gone, or no message.

        Raises:
            OSError: it can't be read.
        """
        try:
            body = kept.path.read_bytes()
            return WebhookMessage(json.loads(body)["event"], body)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def delete(self, kept: KeptWebhook) -> None:
        """Keep it no more.

        Raises:
            OSError: it can't be deleted.
        """
        kept.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Whether no other process sends these messages; while the block runs, none does.

        Raises:
            OSError: the folder can't be used.
        """
        make_private(self._folder)
        with os.fdopen(os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _of_name(path: Path) -> KeptWebhook:
    kept_ms, receiver, _ = path.name.split("-", 2)
    return KeptWebhook(path, receiver, int(kept_ms) / 1000 if kept_ms.isdigit() else 0.0)


def kept_webhooks(settings: Settings) -> KeptWebhooks | None:
    """The folder that the settings ask for. None: there is no URL, or the machine has no place in memory."""
    if not settings.webhook_url:
        return None
    if settings.webhook_dir is not None:
        return KeptWebhooks(settings.webhook_dir)
    parent = local_folder(settings)
    return None if parent is None else KeptWebhooks(parent / f"earshot-webhooks-{os.geteuid()}")
