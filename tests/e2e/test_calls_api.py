"""A call that the operator starts, looks at and ends over HTTP; its worker's webhooks tell of it."""

import json
from pathlib import Path
from typing import Any

from aiohttp import web
from livekit import api

from caller import AgentSilent, AgentSound, Caller
from records import CallSummary
from tests.e2e.stack import API_KEY, API_SECRET, Gemini, Sfu, until, worker
from tests.serving import serving
from tests.token_server.program import UNLIMITED, TokenServerProcess, running_token_server

AGENT = "calls-over-http"
KEY = "the-key-of-the-operator"
PAIR = {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET, "OPERATOR_KEY": KEY}
IDENTITY = "ann-the-caller"


class Receiver:
    """Takes webhooks as LiveKit's documents say."""

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self._receiver = api.WebhookReceiver(api.TokenVerifier(API_KEY, API_SECRET))

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.text()
        event = self._receiver.receive(body, request.headers["Authorization"])
        self.events[event.event] = json.loads(body)
        return web.Response()


async def ask(server: TokenServerProcess, method: str, path: str = "", body: str = "") -> dict[str, Any]:
    answer = await server.ask(method, f"/api/calls{path}", [f"Authorization: Bearer {KEY}"], body.encode())
    return answer.content if answer.body else {}


async def test_a_call_is_started_looked_at_and_ended_over_http_and_webhooks_tell_of_it(
    server: Sfu, model: Gemini, tmp_path: Path
) -> None:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/hook", receiver.answer)
    async with (
        serving(app) as url,
        running_token_server(LIVEKIT_URL=server.url, AGENT_NAME=AGENT, **PAIR, **UNLIMITED) as token_server,
        worker(server, model, AGENT_NAME=AGENT, WEBHOOK_URL=f"{url}/hook", TMPDIR=str(tmp_path)) as part,
    ):
        wanted = {"persona": "assistant", "caller": {"identity": IDENTITY}}
        started = await ask(token_server, "POST", body=json.dumps(wanted))
        async with Caller(started["caller"]["server_url"], started["caller"]["participant_token"]) as caller:
            await caller.first(AgentSound, within_s=20)
            await caller.first(AgentSilent, within_s=15)
            call = await ask(token_server, "GET", f"/{started['id']}")
            [listed] = (await ask(token_server, "GET"))["calls"]
            await ask(token_server, "DELETE", f"/{started['id']}")
        await until(lambda: "call.ended" in receiver.events, within_s=15)

    assert (call["id"], call["state"], call["persona"]) == (started["id"], "running", "assistant")
    assert call["agent"]["model"] == "gemini-3.8-live"
    assert f'"id": "{call["agent"]["worker"]}"' in "\n".join(part.lines)
    assert [one["identity"] for one in call["participants"]] == [IDENTITY]
    assert listed["id"] == started["id"]

    begun, over = receiver.events["call.started"], receiver.events["call.ended"]
    for told in (begun, over):
        assert told["room"] == {"sid": started["id"], "name": started["room"]}
        assert (told["call"]["id"], told["call"]["agent_name"]) == (started["id"], AGENT)
        assert IDENTITY not in json.dumps(told)
    summary = CallSummary.model_validate(over["summary"])
    assert (summary.room, summary.ending, summary.is_fault) == (started["room"], "room_gone", False)
    assert summary.turns >= 1
