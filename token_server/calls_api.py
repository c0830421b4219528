"""The HTTP API of calls, for the operator's key: /api/calls starts and lists calls, /api/calls/ID looks at one and ends it.

GET /api/openapi.json is its description (token_server/openapi.py).
"""

import asyncio
import datetime
import logging
import re
from dataclasses import replace

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tickets import LEEWAY_S
from token_server.call_forms import CallQuery, CallToken, NewCall, NewCaller, StartedCall
from token_server.call_view import started_at
from token_server.calls import Calls
from token_server.error_responses import NO_STORE
from token_server.errors import RefusedError
from token_server.grants import ROOM_PATTERN, IssuedToken, TokenPolicy, issue
from token_server.openapi import API_PATH, CALL_PATH, CALLS_PATH, description
from token_server.operator import OperatorAccess
from token_server.page_config import PersonaFolder
from token_server.request_body import bad_field, body, json_object
from token_server.settings import TokenServerSettings
from token_server.token_request import AgentEntry, RoomConfig, TokenRequest, check_texts
from token_server.upstream import Upstream

logger = logging.getLogger("token_server")


class CallsApi:
    """Answers the operator's requests about calls.

    Args:
        settings: those of the token server.
        personas: the folder of the personas that there are.
        upstream: LiveKit and the workers.
        policy: that of callers' tokens, as clients get them. The operator may choose room and identity, whatever it says.
        access: tells the operator's requests from others'.
    """

    def __init__(
        self,
        settings: TokenServerSettings,
        personas: PersonaFolder,
        upstream: Upstream,
        policy: TokenPolicy,
        access: OperatorAccess,
    ) -> None:
        self._settings = settings
        self._personas = personas
        self._upstream = upstream
        self._policy = replace(policy, is_open=True, rooms="named", room_pattern=re.compile(ROOM_PATTERN))
        self._access = access

    @property
    def _calls(self) -> Calls:
        return self._upstream.livekit.calls(self._settings.agent_name)

    @property
    def routes(self) -> list[Route]:
        return [
            Route(CALLS_PATH, self.calls, methods=["GET", "POST"]),
            Route(CALL_PATH, self.call, methods=["GET", "DELETE"]),
            Route(API_PATH, self.openapi),
        ]

    async def calls(self, request: Request) -> Response:
        """The response to GET and POST /api/calls.

        Raises:
            RefusedError: the request can't be answered as it is.
        """
        self._access.check(request)
        if request.method == "POST":
            return await self._start(request)
        try:
            query = CallQuery.model_validate(_parameters(request))
        except ValidationError as invalid:
            raise bad_field(invalid) from None
        return _json(await self._calls.listed(query))

    async def call(self, request: Request) -> Response:
        """The response to GET and DELETE /api/calls/ID.

        Raises:
            RefusedError: there is no such call, or LiveKit doesn't answer.
        """
        self._access.check(request)
        call_id = request.path_params["id"]
        if request.method == "DELETE":
            await self._calls.end(call_id)
            logger.info("call %r is ended by the operator", call_id)
            return Response(status_code=204, headers=NO_STORE)
        return _json(await self._calls.find(call_id))

    async def openapi(self, request: Request) -> Response:
        """The response to GET /api/openapi.json.

        Raises:
            RefusedError: the request isn't the operator's.
        """
        self._access.check(request)
        return JSONResponse(description(await asyncio.to_thread(self._personas.names)), headers=NO_STORE)

    async def _start(self, request: Request) -> Response:
        try:
            wanted = NewCall.model_validate(json_object(await body(request, self._settings.token_body_s)))
        except ValidationError as invalid:
            raise bad_field(invalid) from None
        await self._check_persona(wanted.persona)
        policy = replace(self._policy, sources=await asyncio.to_thread(self._personas.sources))
        issued = issue(_token_request(wanted), policy, datetime.datetime.now(datetime.UTC))
        if self._upstream.workers is not None:
            await self._upstream.workers.check_capacity()
        if self._settings.token_most_calls:
            await self._upstream.livekit.reserve_call(issued.room, "", self._settings.token_life_s + LEEWAY_S)
        room = await self._calls.start(issued)
        logger.info("a call is started in room %r by the operator", room.name)
        started = StartedCall(id=room.sid, room=room.name, started_at=started_at(room), caller=self._caller(wanted, issued))
        return _json(started, 201)

    async def _check_persona(self, name: str | None) -> None:
        """Refuse a persona that isn't in PERSONAS_DIR; a folder without any says nothing about the workers'."""
        known = await asyncio.to_thread(self._personas.names)
        if name is not None and known and name not in known:
            raise RefusedError(400, "bad_field", f"persona: there is no persona {name!r}; there are {', '.join(known)}.")

    def _caller(self, wanted: NewCall, issued: IssuedToken) -> CallToken | None:
        if wanted.caller is None:
            return None
        return CallToken(identity=issued.identity, server_url=self._settings.livekit_url, participant_token=issued.token)


def _token_request(wanted: NewCall) -> TokenRequest:
    """The request for a token that has what the call needs: its room, its agent's dispatch, its caller.

    Raises:
        RefusedError: its texts can't be used.
    """
    caller = wanted.caller or NewCaller()
    request = TokenRequest(
        room_name=wanted.room,
        participant_identity=caller.identity,
        participant_name=caller.name,
        participant_metadata=caller.metadata,
        participant_attributes=caller.attributes,
        room_config=RoomConfig(agents=(AgentEntry(metadata=wanted.dispatch_metadata),)),
    )
    check_texts(request)
    return request


def _parameters(request: Request) -> dict[str, str]:
    """The parameters in the request's URL.

    Raises:
        RefusedError: one is given twice.
    """
    for name in request.query_params:
        if len(request.query_params.getlist(name)) > 1:
            raise RefusedError(400, "bad_field", f"{ascii(name)[1:-1]}: give it once.")
    return dict(request.query_params)


def _json(content: BaseModel, status: int = 200) -> Response:
    return Response(content.model_dump_json(), status, NO_STORE, "application/json")
