"""A participant that is an agent to the page, and does and says what the test wants."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from livekit import api, rtc

from tests.e2e.page.browser import Visit
from tests.e2e.stack import API_KEY, API_SECRET, Sfu


class StandIn:
    """An agent in a room, without a model."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._reading: list[asyncio.Task[None]] = []
        self.presses: list[tuple[str, bool]] = []
        """The requests of callers' talk buttons so far: whose, and whether it was pressed."""
        self.refuses_presses = False
        self.typed: list[str] = []
        """The lines that callers have typed so far."""
        room.register_text_stream_handler(
            "lk.chat", lambda reader, _: self._reading.append(asyncio.create_task(self._read(reader)))
        )

        room.local_participant.register_rpc_method("earshot.activity", self._on_activity)

    def _on_activity(self, call: rtc.RpcInvocationData) -> str:
        if self.refuses_presses:
            raise rtc.RpcError(2002, "by the test")
        self.presses.append((call.caller_identity, json.loads(call.payload)["active"]))
        return call.payload

    async def _read(self, reader: rtc.TextStreamReader) -> None:
        self.typed.append(await reader.read_all())

    async def is_(self, doing: str, **attributes: str) -> None:
        """Say what it is doing, one of LiveKit's agent states; and what its tools changed."""
        await self._room.local_participant.set_attributes({"lk.agent.state": doing, **attributes})

    async def says(self, text: str) -> None:
        """Send a caption, without a sound."""
        attributes = {"lk.segment_id": secrets.token_hex(4), "lk.transcription_final": "true"}
        await self._room.local_participant.send_text(text, topic="lk.transcription", attributes=attributes)

    async def writes_for(self, caller: str, text: str) -> None:
        """Send a caption of what the caller said, under the caller's name, as LiveKit's agents do."""
        attributes = {"lk.segment_id": secrets.token_hex(4), "lk.transcription_final": "true"}
        writer = await self._room.local_participant.stream_text(
            topic="lk.transcription", attributes=attributes, sender_identity=caller
        )
        await writer.write(text)
        await writer.aclose()

    @asynccontextmanager
    async def saying(self, text: str) -> AsyncIterator[rtc.TextStreamWriter]:
        """Send a caption that goes on until the end of the block."""
        attributes = {"lk.segment_id": secrets.token_hex(4), "lk.transcription_final": "true"}
        writer = await self._room.local_participant.stream_text(topic="lk.transcription", attributes=attributes)
        await writer.write(text)
        yield writer
        await writer.aclose()

    async def tells(self, kind: str, /, **fields: Any) -> None:
        """Send one of docs/events.md."""
        event = {"type": kind, "t": 1.0, **fields}
        await self._room.local_participant.send_text(json.dumps(event), topic="earshot.events")

    async def ends_the_call(self, visit: Visit, reason: str, text: str, failure: str | None = None) -> None:
        """Say why, and leave once the page has heard it: a caption on the same ordered channel comes after it."""
        await self.tells("call_ended", reason=reason, text=text, failure=failure)
        await self.says("Goodbye.")
        await visit.says("#captions", "Goodbye.")
        await self.leaves()

    async def asks(self, caller: str, method: str, **arguments: Any) -> Any:
        """Call an RPC method of the caller's page, and return its answer.

        Raises:
            RpcError: the page's own.
        """
        answer = await self._room.local_participant.perform_rpc(
            destination_identity=caller, method=method, payload=json.dumps(arguments)
        )
        return json.loads(answer)

    def attributes_of(self, identity: str) -> dict[str, str]:
        """The attributes of another participant, as far as they are known here."""
        return self._room.remote_participants[identity].attributes

    async def leaves(self) -> None:
        await self._room.disconnect()


@asynccontextmanager
async def stand_in(server: Sfu, room: str, identity: str = "agent-stand-in", **attributes: str) -> AsyncIterator[StandIn]:
    """A stand-in agent in the room, which listens. The attributes are in its token."""
    token = api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_kind("agent")
    token = token.with_attributes({"lk.agent.state": "listening", **attributes})
    grants = api.VideoGrants(room_join=True, room=room, agent=True, can_update_own_metadata=True)
    joined = rtc.Room()
    await joined.connect(server.url, token.with_grants(grants).to_jwt())
    try:
        yield StandIn(joined)
    finally:
        await joined.disconnect()
