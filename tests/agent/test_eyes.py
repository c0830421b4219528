"""What a persona looks at: its file, the tracks that are read, and what the room is told."""

from pathlib import Path

import pytest
from livekit import rtc
from livekit.rtc._proto import track_pb2

from agent.call.sight import Sight
from agent.errors import PersonaError
from agent.persona import load
from agent.room.caller_video import shown_track
from tests.agent.people import human

CAMERA, SCREEN = rtc.TrackSource.SOURCE_CAMERA, rtc.TrackSource.SOURCE_SCREENSHARE
VIDEO, AUDIO = rtc.TrackKind.KIND_VIDEO, rtc.TrackKind.KIND_AUDIO


@pytest.mark.parametrize(
    ("table", "sources"),
    [
        ("", ()),
        ("[eyes]", ()),
        ("[eyes]\nsources = []", ()),
        ('[eyes]\nsources = ["screen_share"]', ("screen_share",)),
        ('[eyes]\nsources = ["camera", "screen_share", "camera"]', ("camera", "screen_share")),
    ],
)
def test_a_persona_sees_what_its_file_says(tmp_path: Path, table: str, sources: tuple[str, ...]) -> None:
    (tmp_path / "looker.toml").write_text(f'instructions = "x"\n{table}')
    assert load("looker", tmp_path).eyes.sources == sources


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("eyes = true", "eyes must be a table: write [eyes], and below it sources ="),
        ('[eyes]\nsource = ["camera"]', "the key 'source' in [eyes] is unknown; known is sources"),
        ('[eyes]\nsources = "camera"', "sources in [eyes] is 'camera'; it must be a list such as"),
        ('[eyes]\nsources = ["screenshare"]', "sources in [eyes] has 'screenshare'; did you mean 'screen_share'?"),
        ('[eyes]\nsources = ["tv"]', "sources in [eyes] has 'tv'; known are camera, screen_share"),
        ("[eyes]\nsources = [3]", "sources in [eyes] has 3; known are camera, screen_share"),
    ],
)
def test_mistakes_in_eyes_are_named(tmp_path: Path, table: str, sentence: str) -> None:
    (tmp_path / "looker.toml").write_text(f'instructions = "x"\n{table}')
    with pytest.raises(PersonaError) as caught:
        load("looker", tmp_path)
    assert f"persona 'looker': {sentence}" in str(caught.value)


def shows(
    participant: rtc.RemoteParticipant,
    sid: str,
    source: rtc.TrackSource.ValueType,
    *,
    kind: rtc.TrackKind.ValueType = VIDEO,
    muted: bool = False,
) -> None:
    """The participant publishes a track."""
    owned = track_pb2.OwnedTrackPublication()
    owned.info.sid, owned.info.kind, owned.info.source, owned.info.muted = sid, kind, source, muted
    publications = participant.track_publications
    assert isinstance(publications, dict)
    publications[sid] = rtc.RemoteTrackPublication(owned)


def shown(participant: rtc.RemoteParticipant | None, source: rtc.TrackSource.ValueType) -> str | None:
    track = shown_track(participant, source)
    return None if track is None else track.sid


def test_the_newest_track_of_a_source_is_read_unless_it_is_muted() -> None:
    caller = human("caller")
    assert shown(None, CAMERA) is shown(caller, CAMERA) is None
    shows(caller, "sound", CAMERA, kind=AUDIO)
    shows(caller, "unnamed", rtc.TrackSource.SOURCE_UNKNOWN)
    assert shown(caller, CAMERA) is None
    shows(caller, "first", CAMERA)
    shows(caller, "second", CAMERA)
    shows(caller, "third", CAMERA, muted=True)
    shows(caller, "screen", SCREEN)
    assert (shown(caller, CAMERA), shown(caller, SCREEN)) == ("second", "screen")


class KeptEvents:
    """Keeps what the room is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, object]] = []

    def tell(self, kind: str, /, **facts: object) -> None:
        assert kind == "sees"
        self.told.append((facts["source"], facts["active"]))


def test_the_room_is_told_once_that_the_model_sees_and_that_it_doesnt_any_more() -> None:
    """Each picture is counted; a source that ends before its first picture was never seen."""
    events = KeptEvents()
    sight = Sight(events)
    sight.ended("camera")
    assert events.told == []
    for source in ("camera", "camera", "screen_share"):
        sight.picture_sent(source)
    assert events.told == [("camera", True), ("screen_share", True)]
    sight.ended("camera")
    sight.ended("camera")
    sight.picture_sent("camera")
    assert events.told[2:] == [("camera", False), ("camera", True)]
    assert sight.pictures == {"camera": 3, "screen_share": 1}
