"""A message that its receiver hasn't taken by the call's end waits in a folder, and a worker sends it."""

import itertools
import json
import logging
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from agent.call import kept_webhooks
from agent.call.kept_webhooks import KEPT_FOR_S, KeptWebhooks
from agent.call.webhook_delivery import WebhookReceivers
from agent.call.webhook_events import WebhookMessage
from agent.call.webhooks import WebhookSender
from agent.call_metrics import CallMetric, Measurement
from agent.errors import SettingsError
from agent.settings import read_settings
from agent.worker.late_webhooks import LateWebhooks, check_webhook_dir, send_late_webhooks
from tests.agent.test_webhooks import KEY, SECRET, Receiver
from tests.ports import free_port

MESSAGE = WebhookMessage("call.ended", b'{"event": "call.ended", "id": "EV_2"}')
NOW = 1_800_000_000.0


def receivers(port: int, key: str = KEY) -> WebhookReceivers:
    return WebhookReceivers({f"http://127.0.0.1:{port}/hook": None}, key, SECRET)


@asynccontextmanager
async def listening(receiver: Receiver, port: int) -> AsyncIterator[None]:
    """The receiver, at this port."""
    app = web.Application()
    app.router.add_post("/hook", receiver.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


def results(measured: list[Measurement]) -> list[str]:
    assert {measurement.metric for measurement in measured} == {CallMetric.WEBHOOK}
    return [measurement.labels[0] for measurement in measured]


async def test_a_receiver_that_was_away_at_the_calls_end_gets_the_message_from_a_worker(tmp_path: Path) -> None:
    """The folder is read anew, as by a worker that has started again."""
    port, kept, measured, receiver = free_port(), KeptWebhooks(tmp_path / "kept"), list[Measurement](), Receiver(503)
    sender = WebhookSender(receivers(port), kept, measured.extend, last_s=0.2)
    sender.send(MESSAGE)
    await sender.finish()
    assert results(measured) == ["kept"]
    late = LateWebhooks(KeptWebhooks(tmp_path / "kept"), receivers(port), measured.append)
    await late.send(time.time())
    async with listening(receiver, port):
        await late.send(time.time())
        assert len(kept.waiting()) == 1, "it has answered with 503"
        await late.send(time.time())
    assert receiver.bodies == [MESSAGE.body] * 2
    assert results(measured) == ["kept", "delivered"]
    assert kept.waiting() == []


async def test_messages_arrive_in_order_and_one_that_is_refused_is_not_sent_again(tmp_path: Path) -> None:
    port, kept, measured, receiver = free_port(), KeptWebhooks(tmp_path / "kept"), list[Measurement](), Receiver(400)
    [name] = receivers(port).by_name()
    bodies = [json.dumps({"event": "call.ended", "id": f"EV_{number}"}).encode() for number in range(3)]
    for number, body in enumerate(bodies):
        kept.keep(name, WebhookMessage("call.ended", body), NOW + number)
    async with listening(receiver, port):
        await LateWebhooks(kept, receivers(port), measured.append).send(NOW + 3)
    assert receiver.bodies == bodies
    assert results(measured) == ["lost", "delivered", "delivered"]


async def test_a_message_that_is_refused_in_the_call_is_lost_and_not_kept(tmp_path: Path) -> None:
    port, kept, measured = free_port(), KeptWebhooks(tmp_path / "kept"), list[Measurement]()
    async with listening(Receiver(400), port):
        sender = WebhookSender(receivers(port), kept, measured.extend)
        sender.send(MESSAGE)
        await sender.finish()
    assert results(measured) == ["lost"]
    assert kept.waiting() == []


async def test_two_workers_do_not_send_at_once(tmp_path: Path) -> None:
    port, kept, receiver = free_port(), KeptWebhooks(tmp_path / "kept"), Receiver()
    [name] = receivers(port).by_name()
    kept.keep(name, MESSAGE, NOW)
    async with listening(receiver, port):
        with kept.alone() as is_alone:
            assert is_alone
            await LateWebhooks(kept, receivers(port), print).send(NOW)
            assert receiver.bodies == []
        await LateWebhooks(kept, receivers(port), print).send(NOW)
    assert receiver.bodies == [MESSAGE.body]


async def test_a_message_for_others_waits_for_them_for_a_day(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Another fleet of this machine may sign with another key, or have another URL."""
    port, kept, measured = free_port(), KeptWebhooks(tmp_path / "kept"), list[Measurement]()
    kept.keep(next(iter(receivers(port, "another-key").by_name())), MESSAGE, NOW)
    late = LateWebhooks(kept, receivers(port), measured.append)
    await late.send(NOW + KEPT_FOR_S - 1)
    assert (len(kept.waiting()), measured, caplog.records) == (1, [], [])
    await late.send(NOW + KEPT_FOR_S + 1)
    assert (kept.waiting(), results(measured)) == ([], ["lost"])
    assert [line.getMessage() for line in caplog.records] == ["a webhook was not delivered"]


def test_a_full_folder_keeps_the_newest_messages_for_this_user_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_webhooks, "MOST_KEPT", 3)
    kept = KeptWebhooks(tmp_path / "kept")
    assert [kept.keep("a", MESSAGE, NOW + number) for number in range(5)] == [0, 0, 0, 1, 1]
    waiting = kept.waiting()
    assert [each.kept_at - NOW for each in waiting] == [2, 3, 4]
    modes = {path.stat().st_mode & 0o777 for path in itertools.chain([tmp_path / "kept"], (each.path for each in waiting))}
    assert modes == {0o700, 0o600}


async def test_a_file_that_is_no_message_is_deleted(tmp_path: Path) -> None:
    kept = KeptWebhooks(tmp_path / "kept")
    kept.keep("a", WebhookMessage("", b"[1"), NOW)
    await LateWebhooks(kept, receivers(free_port()), print).send(NOW)
    assert kept.waiting() == []


async def test_a_folder_that_others_may_read_is_refused_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.chmod(0o755)
    settings = read_settings(
        env_file=None, google_api_key="key", webhook_url="https://one.example.com", webhook_dir=str(tmp_path)
    )
    with pytest.raises(SettingsError, match=r"WEBHOOK_DIR.*others may read"):
        check_webhook_dir(settings)

    async def moments() -> AsyncIterator[None]:
        for _ in range(3):
            yield None

    with caplog.at_level(logging.INFO, logger="earshot.worker"):
        await send_late_webhooks(settings, moments(), print)
    assert [line.getMessage() for line in caplog.records] == ["webhooks that wait can't be sent"]


def test_the_folder_is_the_settings_own_or_beside_the_state_of_running_calls(tmp_path: Path) -> None:
    given = {"google_api_key": "key", "webhook_url": "https://one.example.com", "failover_dir": str(tmp_path / "calls")}
    assert kept_webhooks.kept_webhooks(read_settings(env_file=None, google_api_key="key")) is None
    for own, folder in (({"webhook_dir": str(tmp_path / "own")}, "own"), ({}, f"calls/earshot-webhooks-{os.geteuid()}")):
        kept = kept_webhooks.kept_webhooks(read_settings(env_file=None, **given, **own))
        assert kept is not None
        kept.keep("a", MESSAGE, NOW)
        assert [each.path.parent for each in kept.waiting()] == [tmp_path / folder]
