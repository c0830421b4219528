"""Whether a participant that the room still lists is there: livekit-server lists a dead connection for 15 s and more.

Every LiveKit SDK with RPC answers a call by itself, also one of an unknown method (code 1400).
"""

from livekit import rtc

ANSWER_S = 2.0
"""Who hasn't answered within this, in seconds, can't be reached."""
_METHOD = "earshot.ping"
_UNANSWERED = {
    rtc.RpcError.ErrorCode.CONNECTION_TIMEOUT,
    rtc.RpcError.ErrorCode.RESPONSE_TIMEOUT,
    rtc.RpcError.ErrorCode.RECIPIENT_DISCONNECTED,
    rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND,
    rtc.RpcError.ErrorCode.SEND_FAILED,
}


async def is_alive(room: rtc.Room, identity: str, microphone: rtc.RemoteTrackPublication | None = None) -> bool:
    """Whether the participant answers, or sound of their microphone arrives, within ANSWER_S."""
    before = await _packets(microphone)
    try:
        await room.local_participant.perform_rpc(
            destination_identity=identity,
            method=_METHOD,
            payload="",
            response_timeout=ANSWER_S,
            max_round_trip_latency=ANSWER_S,
        )
    except rtc.RpcError as error:
        if error.code not in _UNANSWERED:
            return True
        return await _packets(microphone) > before
    return True


async def _packets(microphone: rtc.RemoteTrackPublication | None) -> int:
    if microphone is None or microphone.track is None:
        return 0
    stats = await microphone.track.get_stats()
    return sum(stat.inbound_rtp.received.packets_received for stat in stats if stat.HasField("inbound_rtp"))
