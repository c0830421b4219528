"""Asks whether a participant that the room lists is there: livekit-server lists a dead connection for 15 s and more.

Every LiveKit SDK with RPC answers a call by itself, also one of an unknown method (docs/facts.md L31).
"""

import asyncio
import contextlib
from collections.abc import Iterator

from livekit import rtc

ANSWER_S = 2.0
"""A participant who hasn't answered within this time, in seconds, can't be reached."""
_METHOD = "earshot.ping"
_UNANSWERED = {
    rtc.RpcError.ErrorCode.CONNECTION_TIMEOUT,
    rtc.RpcError.ErrorCode.RESPONSE_TIMEOUT,
    rtc.RpcError.ErrorCode.RECIPIENT_DISCONNECTED,
    rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND,
}


async def is_alive(room: rtc.Room, identity: str, microphone: rtc.RemoteTrackPublication | None = None) -> bool | None:
    """Whether the participant answers, or sound of their microphone arrives, within ANSWER_S.

    None if it can't be told: the question could not be sent, or the room's own connection didn't hold meanwhile.
    """
    answers: bool | None = False
    with contextlib.suppress(TimeoutError), _states(room) as states:
        async with asyncio.timeout(2 * ANSWER_S):
            before = await _packets(microphone)
            answers = await _answers(room, identity)
            if answers or await _packets(microphone) > before:
                return True
    return answers if states == [rtc.ConnectionState.CONN_CONNECTED] else None


@contextlib.contextmanager
def _states(room: rtc.Room) -> Iterator[list[int]]:
    """The state of the room's own connection, and each one that follows."""
    states: list[int] = [room.connection_state]

    def on_change(state: int) -> None:
        states.append(state)

    room.on("connection_state_changed", on_change)
    try:
        yield states
    finally:
        room.off("connection_state_changed", on_change)


async def _answers(room: rtc.Room, identity: str) -> bool | None:
    try:
        await room.local_participant.perform_rpc(
            destination_identity=identity,
            method=_METHOD,
            payload="",
            response_timeout=ANSWER_S,
            max_round_trip_latency=ANSWER_S,
        )
    except rtc.RpcError as error:
        return None if error.code == rtc.RpcError.ErrorCode.SEND_FAILED else error.code not in _UNANSWERED
    return True


async def _packets(microphone: rtc.RemoteTrackPublication | None) -> int:
    if microphone is None or microphone.track is None:
        return 0
    try:
        stats = await microphone.track.get_stats()
    except Exception:  # noqa: BLE001  rtc has no narrower one: the track is gone, and no packets come
        return 0
    return sum(stat.inbound_rtp.received.packets_received for stat in stats if stat.HasField("inbound_rtp"))
