"""WEBHOOK_URL is told when a call starts and ends; LiveKit's own receiver takes what it is sent."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from livekit import api

from agent.call.call_figures import ended
from agent.call.endings import ELSEWHERE, Ending
from agent.call.record import CallLosses, CallRecord
from agent.call.recording_plan import RecordedCall, RecordingPlan
from agent.call.webhook_delivery import WebhookReceivers
from agent.call.webhook_events import CallIds, CallWebhooks, WebhookMessage, retry_delay_s
from agent.call.webhooks import MOST_WAITING, WebhookSender
from agent.call_metrics import CallMetric, Measurement
from agent.errors import SettingsError
from agent.settings import read_settings
from records import CallSummary
from records.summary import latency
from tests.ports import free_port
from tests.serving import serving

KEY, SECRET = "testkey", "a-secret-for-tests-that-is-long-enough-for-hs256"
FACTS = RecordedCall("room-1", "AJ_1", "earshot", "assistant", "gemini-3.8-live", "RM_1")
NOW = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
MESSAGE = WebhookMessage("call.started", b'{"event": "call.started", "id": "EV_1"}')


def webhooks() -> tuple[CallWebhooks, list[dict[str, Any]]]:
    """The webhooks of a call, and the bodies of what they send."""
    sent: list[dict[str, Any]] = []
    ids = iter(range(1, 10))
    made = CallWebhooks(
        CallIds("RM_1", FACTS), lambda message: sent.append(json.loads(message.body)), lambda: NOW, lambda: f"EV_{next(ids)}"
    )
    return made, sent


def figures(begun: CallSummary) -> CallSummary:
    record = CallRecord(room="room-1", persona="assistant", turns=3, responses_s=[0.5, 0.7])
    return ended(begun, Ending.HUNG_UP, record, CallLosses(), 30.0)


def test_a_call_starts_with_its_first_caller_and_ends_with_its_figures() -> None:
    of_call, sent = webhooks()
    of_call.on_event(0.1, "link", {"kind": "connected"})
    assert sent == []
    of_call.on_event(2.0, "caller", {"identity": "ann"})
    of_call.on_event(9.0, "caller", {"identity": "bob"})
    of_call.ended(Ending.HUNG_UP, figures, None)
    started, over = sent
    assert (started["event"], started["id"], started["room"]) == ("call.started", "EV_1", {"sid": "RM_1", "name": "room-1"})
    assert datetime.fromisoformat(started["call"]["started_at"]) == NOW - timedelta(seconds=2)
    assert "summary" not in started
    assert (over["event"], over["id"], over["call"]["id"]) == ("call.ended", "EV_2", "RM_1")
    assert "call_id" not in over["call"]
    summary = CallSummary.model_validate(over["summary"])
    assert (summary.ending, summary.turns, summary.recorded, summary.job) == ("hung_up", 3, (), "AJ_1")
    assert summary.response_latency == latency([0.5, 0.7]), "without a recording, too"
    assert summary.started_at == NOW - timedelta(seconds=30) == datetime.fromisoformat(over["call"]["started_at"])
    assert "ann" not in json.dumps(sent)


def test_a_call_that_goes_on_elsewhere_ends_there_and_has_started_before() -> None:
    for ending in ELSEWHERE:
        of_call, sent = webhooks()
        of_call.ended(ending, figures, None)
        assert sent == []
    of_call, sent = webhooks()
    of_call.go_on("RM_0")
    of_call.on_event(2.0, "caller", {"identity": "ann"})
    assert sent == []
    of_call.ended(Ending.HUNG_UP, figures, None)
    assert (sent[0]["call"]["id"], sent[0]["summary"]["call_id"]) == ("RM_0", "RM_0"), "the room in which the call began"
    assert sent[0]["room"]["sid"] == "RM_1"


def test_the_summary_of_a_recorded_call_is_its_recordings() -> None:
    of_call, sent = webhooks()
    recorded = figures(RecordingPlan(FACTS, frozenset({"audio"})).summary("20261129T092930Z-0a1b2c3d", NOW))
    of_call.ended(Ending.HUNG_UP, figures, recorded)
    assert CallSummary.model_validate(sent[0]["summary"]) == recorded


def test_the_delays_grow_up_to_a_limit() -> None:
    assert [retry_delay_s(failures) for failures in (1, 2, 3, 4, 5, 6, 7)] == [0.5, 1, 2, 4, 8, 15, 15]


class Receiver:
    """A server that is told, as one of LiveKit's users writes it. It answers with these statuses first, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.received: list[api.WebhookEvent] = []
        self.bodies: list[bytes] = []
        self.changed = asyncio.Event()
        self._statuses = list(statuses)
        self._receiver = api.WebhookReceiver(api.TokenVerifier(KEY, SECRET))

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert request.content_type == "application/webhook+json"
        self.received.append(self._receiver.receive(body.decode(), request.headers["Authorization"]))
        self.bodies.append(body)
        self.changed.set()
        return web.Response(status=self._statuses.pop(0) if self._statuses else 200)


@asynccontextmanager
async def told(
    receiver: Receiver, measured: Callable[[Iterable[Measurement]], object] = lambda _: None
) -> AsyncIterator[WebhookSender]:
    app = web.Application()
    app.router.add_post("/hook", receiver.answer)
    async with serving(app) as url:
        yield WebhookSender(WebhookReceivers({f"{url}/hook": None}, KEY, SECRET), measured=measured)


async def test_livekits_receiver_takes_each_message_and_no_changed_one() -> None:
    receiver = Receiver()
    of_call, sent = webhooks()
    of_call.on_event(0.0, "caller", {})
    body = json.dumps(sent[0]).encode()
    async with told(receiver) as sender:
        sender.send(WebhookMessage("call.started", body))
        await sender.finish()
    [event] = receiver.received
    assert (event.event, event.id, event.room.sid, event.room.name) == ("call.started", "EV_1", "RM_1", "room-1")
    assert event.created_at == int(NOW.timestamp())


async def test_a_receiver_that_cannot_take_it_gets_the_same_again() -> None:
    receiver, kept = Receiver(503, 429), list[Measurement]()
    async with told(receiver, kept.extend) as sender:
        sender.send(MESSAGE)
        await receiver.changed.wait()
        await sender.finish()
    assert receiver.bodies == [MESSAGE.body] * 3
    assert kept == [Measurement(CallMetric.WEBHOOK, labels=("delivered",))]


async def test_a_receiver_that_refuses_it_is_not_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    receiver = Receiver(400)
    async with told(receiver) as sender:
        sender.send(MESSAGE)
        await sender.finish()
    assert receiver.bodies == [MESSAGE.body]
    [line] = caplog.records
    assert (line.getMessage(), vars(line)["reason"]) == ("a webhook was not delivered", "status 400")


async def test_a_call_does_not_wait_for_a_receiver_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    secret_path, kept = "a-secret-path", list[Measurement]()
    receivers = WebhookReceivers({f"http://127.0.0.1:{free_port()}/{secret_path}": None}, KEY, SECRET)
    sender = WebhookSender(receivers, measured=kept.extend, last_s=0.2)
    for _ in range(MOST_WAITING + 1):
        sender.send(MESSAGE)
    began_at = asyncio.get_running_loop().time()
    await sender.finish()
    assert asyncio.get_running_loop().time() - began_at < 2
    sender.send(MESSAGE)
    assert [line.getMessage() for line in caplog.records] == ["a webhook was not delivered"] * (MOST_WAITING + 1)
    assert vars(caplog.records[0])["reason"] == "too many wait"
    assert not any(secret_path in str(vars(line)) for line in caplog.records)
    assert kept == [Measurement(CallMetric.WEBHOOK, labels=("lost",))] * (MOST_WAITING + 1)


async def test_nothing_runs_without_a_url() -> None:
    sender = WebhookSender(WebhookReceivers({}, KEY, SECRET))
    before = asyncio.all_tasks()
    sender.send(MESSAGE)
    assert asyncio.all_tasks() == before
    await sender.finish()


@pytest.mark.parametrize(
    ("urls", "fix"),
    [
        ("https://one.example.com/a, two.example.com", "URL 2 must be one such as"),
        ("ftp://one.example.com/secret", "URL 1 must be one such as"),
        ("https://ann:secret@one.example.com", "URL 1 has a user's name"),
    ],
)
def test_a_url_that_cannot_be_posted_to_is_refused_and_not_shown(urls: str, fix: str) -> None:
    with pytest.raises(SettingsError, match=r"WEBHOOK_URL is .*\*\*\*") as refused:
        read_settings(env_file=None, google_api_key="key", webhook_url=urls)
    assert fix in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_proxy_that_webhooks_cannot_pass_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://proxy.example.com:1080")
    monkeypatch.setenv("NO_PROXY", "googleapis.com")
    with pytest.raises(SettingsError, match="the proxy must be an http:// one"):
        read_settings(env_file=None, google_api_key="key", webhook_url="https://one.example.com")
