"""The track of a participant that is their microphone."""

from livekit import rtc
from livekit.protocol.models import AudioTrackFeature

_MICROPHONES = {rtc.TrackSource.SOURCE_MICROPHONE, rtc.TrackSource.SOURCE_UNKNOWN}


def microphone_of(participant: rtc.Participant | None) -> rtc.RemoteTrackPublication | None:
    """The track to listen to: a microphone, the newest if there are several, and an open one before a muted one.

    Many clients publish their microphone without naming its source. Such a track counts if there is none that is named.
    """
    if participant is None:
        return None
    published = list(participant.track_publications.values())
    sounds = [track for track in published if track.kind == rtc.TrackKind.KIND_AUDIO and track.source in _MICROPHONES]
    named = [track for track in sounds if track.source == rtc.TrackSource.SOURCE_MICROPHONE]
    best = max(enumerate(named or sounds), key=lambda one: (not one[1].muted, one[0]), default=None)
    return None if best is None else best[1]  # type: ignore[return-value]  # those of remote participants are remote


def may_speak(participant: rtc.RemoteParticipant) -> bool:
    """Whether the participant's token allows a microphone."""
    allowed = participant.permissions
    sources = allowed.can_publish_sources
    return allowed.can_publish and (not sources or any(source in _MICROPHONES for source in sources))


def announces_sound(publication: rtc.TrackPublication) -> bool:
    """Whether the track's owner has recorded sound before the connection, and will send it."""
    return int(AudioTrackFeature.TF_PRECONNECT_BUFFER) in map(int, publication.audio_features)
