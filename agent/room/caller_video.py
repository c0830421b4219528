"""The caller's camera and screen share: subscribed to only if the model looks at them, and read frame by frame.

LiveKit's own video input follows one participant's newest track, whatever its source. Here the persona chooses the sources, and
each is read for itself.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol, cast

from livekit import rtc

_SOURCES = {"camera": rtc.TrackSource.SOURCE_CAMERA, "screen_share": rtc.TrackSource.SOURCE_SCREENSHARE}
_QUARTER_DEG = 90
"""LiveKit's VideoRotation counts quarters of a turn."""


class VideoListener(Protocol):
    """Is given what the caller's camera and screen show. Sources are LiveKit's names: `camera`, `screen_share`."""

    def on_frame(self, source: str, frame: rtc.VideoFrame, rotation_deg: int) -> None:
        """A new frame of a source. `rotation_deg`: the clockwise turn that puts it upright."""

    def on_video_ended(self, source: str) -> None:
        """A source shows nothing any more: it was muted or unpublished, or somebody else is the caller."""


class CallerVideo:
    """Reads the video tracks of the caller that have one of the sources, as long as they aren't muted.

    Args:
        room: the call's room.
        sources: the names of the sources.
        caller: returns the caller; None while there is none.
        listener: is given the frames.
    """

    def __init__(
        self,
        room: rtc.Room,
        sources: Collection[str],
        caller: Callable[[], rtc.RemoteParticipant | None],
        listener: VideoListener,
    ) -> None:
        self._room = room
        self._sources = sources
        self._caller = caller
        self._listener = listener
        self._tracks: dict[str, rtc.RemoteTrackPublication] = {}
        """The track to read of each source that shows something."""
        self._reading: dict[str, tuple[rtc.Track, asyncio.Task[None]]] = {}
        self._changed = asyncio.Event()

    def watch(self) -> None:
        """Begin to listen to the room; `look` is to be called too whenever somebody else may be the caller."""
        if self._sources:
            self._room.on("track_published", self._on_change)
            self._room.on("track_unpublished", self._on_change)
            self._room.on("track_muted", self._on_change)
            self._room.on("track_unmuted", self._on_change)
            self._room.on("track_subscribed", self._on_change)
            self._room.on("track_unsubscribed", self._on_change)
            self._room.on("reconnected", self._on_change)  # subscriptions before it are lost (docs/facts.md L309)

    def _on_change(self, *_: object) -> None:
        self.look()

    def look(self) -> None:
        """Look for the caller's tracks, and subscribe to those that are to be read."""
        before, self._tracks = self._tracks, {}
        caller = self._caller()
        for source in self._sources if caller is not None else ():
            if (track := shown_track(caller, _SOURCES[source])) is not None:
                self._tracks[source] = track
                if not track.subscribed:
                    track.set_subscribed(True)  # the track comes later, with an event
        wanted = {track.sid for track in self._tracks.values()}
        for track in before.values():
            if track.sid not in wanted:
                track.set_subscribed(False)
        self._changed.set()

    async def read(self) -> None:
        """Give the frames to the listener until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._changed.clear()
                for source in self._sources:
                    publication = self._tracks.get(source)
                    track = publication.track if publication is not None else None
                    if source in self._reading and self._reading[source][0] is not track:
                        await self._stop(source)
                    if track is not None and source not in self._reading:
                        task = tasks.create_task(self._read(source, track), name=f"caller's {source}")
                        self._reading[source] = track, task
                await self._changed.wait()

    async def _stop(self, source: str) -> None:
        _, task = self._reading.pop(source)
        task.cancel()
        await asyncio.wait({task})
        self._listener.on_video_ended(source)

    async def _read(self, source: str, track: rtc.Track) -> None:
        stream = rtc.VideoStream.from_track(track=track, capacity=1)  # a frame that isn't read in time gives way to a newer one
        try:
            async for event in stream:
                self._listener.on_frame(source, event.frame, _QUARTER_DEG * cast("int", event.rotation))
        finally:
            await stream.aclose()


def shown_track(
    participant: rtc.RemoteParticipant | None, source: rtc.TrackSource.ValueType
) -> rtc.RemoteTrackPublication | None:
    """The newest video track of that source that isn't muted."""
    published = participant.track_publications.values() if participant is not None else ()
    shown = [
        track for track in published if track.kind == rtc.TrackKind.KIND_VIDEO and track.source == source and not track.muted
    ]
    return shown[-1] if shown else None
