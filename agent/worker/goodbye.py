"""Tells a room that no worker could go on with its call: in sound, for whoever listens, and as the event `call_ended`.

No call's process is left to say it, so the worker's main process joins the room for some seconds.
"""

import asyncio
import contextlib
import datetime
import json
import logging
import secrets

from livekit import api, rtc

from agent.call.endings import Ending
from agent.room.other_agents import ENDING_ATTRIBUTE, MARK
from agent.room.room_events import TOPIC
from agent.settings import Settings
from agent.voice.announcement import announce
from agent.voice.local_voice import Sentence, language_of, sound
from failover.errors import LiveKitUnavailableError
from failover.rooms import Rooms
from failover.watch import WatchedRoom

_TOKEN_LIFE = datetime.timedelta(seconds=60)
_LONGEST_S = 15.0
_EVENT_TRAVELS_S = 0.3

logger = logging.getLogger("earshot.failover")


class RoomGoodbye:
    """Says goodbye in rooms whose calls are given up."""

    def __init__(self, settings: Settings, rooms: Rooms, language: str | None) -> None:
        """Say nothing yet.

        Args:
            settings: The worker's settings.
            rooms: The rooms of its livekit-server.
            language: The language to say it in, a BCP-47 tag; None: English.
        """
        self._settings = settings
        self._rooms = rooms
        self._samples = sound(language_of(language), Sentence.GOODBYE)

    async def tell(self, room: WatchedRoom) -> None:
        """Say it in that room, and have its telephones hang up. Never fails, and takes `_LONGEST_S` at most."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                await self._join_and_say(room.name)
        except Exception:  # rtc raises plain ones, too
            logger.exception("the room of a call that is given up can't be told", extra={"room": room.name})
        for identity in room.telephones:
            with contextlib.suppress(LiveKitUnavailableError):
                await self._rooms.remove(room.name, identity)

    async def _join_and_say(self, name: str) -> None:
        room = rtc.Room()
        try:
            await room.connect(self._settings.livekit_url, self._token(name), rtc.RoomOptions(auto_subscribe=False))
            await announce(room, self._samples)
            await room.local_participant.send_text(_call_ended(), topic=TOPIC)
            await asyncio.sleep(_EVENT_TRAVELS_S)
        finally:
            await room.disconnect()

    def _token(self, name: str) -> str:
        """A token for an agent that is about to leave: clients take its words for the agent's, and it turns no agent away."""
        grants = api.VideoGrants(room_join=True, room=name, can_subscribe=False, agent=True)
        attributes = {MARK: self._settings.agent_name, ENDING_ATTRIBUTE: Ending.NO_WORKER.name.lower()}
        token = api.AccessToken(self._settings.key, self._settings.secret).with_identity(
            f"agent-goodbye-{secrets.token_hex(4)}"
        )
        return token.with_kind("agent").with_attributes(attributes).with_grants(grants).with_ttl(_TOKEN_LIFE).to_jwt()


def _call_ended() -> str:
    ending = Ending.NO_WORKER
    return json.dumps({"t": 0.0, "type": "call_ended", "reason": ending.name.lower(), "text": ending.value, "failure": None})
