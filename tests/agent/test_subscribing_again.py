"""The caller's tracks are subscribed to again after a full reconnect: docs/facts.md L309."""

import pytest
from livekit import rtc
from livekit.rtc._proto import track_pb2

from agent.room.caller_sound import CallerSound
from agent.room.caller_video import CallerVideo
from tests.agent.people import PeopledRoom


class _Publication(rtc.RemoteTrackPublication):
    """Keeps the requests that reach the server: those of a room that is connected."""

    def __init__(self, room: PeopledRoom, kind: rtc.TrackKind.ValueType, source: rtc.TrackSource.ValueType) -> None:
        owned = track_pb2.OwnedTrackPublication()
        owned.info.sid, owned.info.kind, owned.info.source = "TR_1", kind, source
        super().__init__(owned)
        self.reached: list[bool] = []
        self._room = room

    def set_subscribed(self, subscribed: bool) -> None:
        if self._room.connection_state == rtc.ConnectionState.CONN_CONNECTED:
            self.reached.append(subscribed)


class _Looks:
    def on_frame(self, source: str, frame: rtc.VideoFrame, rotation_deg: int) -> None:
        pass

    def on_video_ended(self, source: str) -> None:
        pass


def joined_again(room: PeopledRoom) -> None:
    room.state = rtc.ConnectionState.CONN_CONNECTED
    room.emit("reconnected")


@pytest.fixture
async def room() -> PeopledRoom:
    """A room that is being joined again; its participants are known already."""
    room = PeopledRoom()
    room.state = rtc.ConnectionState.CONN_RECONNECTING
    return room


async def test_a_microphone_that_was_found_while_joining_again_is_subscribed_to(room: PeopledRoom) -> None:
    microphone = _Publication(room, rtc.TrackKind.KIND_AUDIO, rtc.TrackSource.SOURCE_MICROPHONE)
    sound = CallerSound(room, lambda _: True, rate_hz=16000, frame_ms=20)
    sound.listen_to(microphone)
    assert not microphone.reached
    joined_again(room)
    assert microphone.reached == [True], "one request: two could overtake each other"


async def test_a_microphone_that_is_not_listened_to_is_left_alone(room: PeopledRoom) -> None:
    microphone = _Publication(room, rtc.TrackKind.KIND_AUDIO, rtc.TrackSource.SOURCE_MICROPHONE)
    sound = CallerSound(room, lambda _: True, rate_hz=16000, frame_ms=20)
    sound.listen_to(microphone)
    sound.listen_to(None)
    joined_again(room)
    assert not microphone.reached


async def test_a_camera_that_was_found_while_joining_again_is_subscribed_to(room: PeopledRoom) -> None:
    room.come("caller")
    caller = room.people["caller"]
    camera = _Publication(room, rtc.TrackKind.KIND_VIDEO, rtc.TrackSource.SOURCE_CAMERA)
    publications = caller.track_publications
    assert isinstance(publications, dict)
    publications[camera.sid] = camera
    video = CallerVideo(room, ["camera"], lambda: caller, _Looks())
    video.watch()
    video.look()
    assert not camera.reached
    joined_again(room)
    assert camera.reached == [True]
