"""The talk button of an agent that takes turns by push-to-talk (docs/push_to_talk.md), for a caller without hands."""

import contextlib
import json
from collections.abc import AsyncIterator

from livekit import rtc

from caller.errors import NotHeardError

METHOD = "earshot.activity"
TURNS = "earshot.turns"
PUSH_TO_TALK = "push_to_talk"

_ANSWER_S = 10.0


@contextlib.asynccontextmanager
async def held(room: rtc.Room) -> AsyncIterator[None]:
    """Hold the button for as long as the block takes. Without an agent that asks for it, nothing is pressed.

    Raises:
        NotHeardError: the agent didn't take the press.
    """
    agent = next((one for one in room.remote_participants.values() if one.attributes.get(TURNS) == PUSH_TO_TALK), None)
    if agent is None:
        yield
        return
    await _tell(room, agent.identity, active=True)
    try:
        yield
    finally:
        with contextlib.suppress(NotHeardError):  # an agent that is gone hears no release
            await _tell(room, agent.identity, active=False)


async def _tell(room: rtc.Room, agent: str, *, active: bool) -> None:
    payload = json.dumps({"active": active})
    try:
        await room.local_participant.perform_rpc(
            destination_identity=agent, method=METHOD, payload=payload, response_timeout=_ANSWER_S
        )
    except rtc.RpcError as error:
        raise NotHeardError(f"the agent to take the talk button ({error.message})", _ANSWER_S) from error
