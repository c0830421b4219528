"""Who is in a room, by a real livekit-server: whether the caller's microphone is open, and whether they speak."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
from livekit import api, rtc

from agent.room.presence import Presence
from agent.room.room_events import RoomEvents
from tests.agent.listeners import PresenceKept
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, until

RATE_HZ = 48000
LOUD = (np.random.default_rng(7).normal(0, 6000, RATE_HZ // 50)).clip(-30000, 30000).astype(np.int16).tobytes()


@asynccontextmanager
async def joined(server: Sfu, name: str, identity: str, **grants: Any) -> AsyncIterator[rtc.Room]:
    room = rtc.Room()
    granted = api.VideoGrants(room_join=True, room=name, **grants)
    token = api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_grants(granted)
    await room.connect(server.url, token.to_jwt())
    try:
        yield room
    finally:
        await room.disconnect()


@asynccontextmanager
async def watched(server: Sfu, name: str) -> AsyncIterator[tuple[Presence, PresenceKept]]:
    """As a call does it: listening before the agent joins, and meeting who is there when it has."""
    told = PresenceKept()
    async with joined(server, name, "agent") as room:
        presence = Presence(room, RoomEvents(room), told, told)
        presence.watch()
        presence.add_present()
        yield presence, told


async def microphone(
    room: rtc.Room, named: rtc.TrackSource.ValueType = rtc.TrackSource.SOURCE_MICROPHONE
) -> tuple[rtc.LocalTrackPublication, rtc.AudioSource]:
    source = rtc.AudioSource(RATE_HZ, 1)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    options = rtc.TrackPublishOptions(source=named)
    return await room.local_participant.publish_track(track, options), source


async def test_a_microphone_that_closes_and_opens_is_told(server: Sfu, room: str) -> None:
    """Muted, unmuted, withdrawn, and gone with its owner; one that has yet to open is no news."""
    async with watched(server, room) as (presence, told):
        async with joined(server, room, "caller") as caller:
            await presence.caller_here.wait()
            published, _ = await microphone(caller)
            await until(lambda: presence.caller is not None and published.sid in presence.caller.track_publications)
            assert published.track is not None
            published.track.mute()
            await until(lambda: told.microphone == [False])
            published.track.unmute()
            await until(lambda: told.microphone == [False, True])
            await caller.local_participant.unpublish_track(published.sid)
            await until(lambda: told.microphone == [False, True, False])
            await microphone(caller)
            await until(lambda: told.microphone == [False, True, False, True])
        await until(lambda: told.microphone == [False, True, False, True, False])
        await until(lambda: presence.humans() == [])


async def test_who_speaks_is_known_without_any_model(server: Sfu, room: str) -> None:
    """And only the caller's voice counts. (The server tells of speakers whose sound is subscribed to.)"""
    async with watched(server, room) as (presence, told), joined(server, room, "caller") as caller:
        _, source = await microphone(caller)
        await presence.caller_here.wait()
        told.speaks.clear()
        async with joined(server, room, "somebody") as other:
            await speak(await microphone(other))
            assert not told.speaks.is_set()
        talking = asyncio.create_task(speak((None, source), for_s=10))
        await asyncio.wait_for(told.speaks.wait(), 5)
        assert presence.caller_speaks
        talking.cancel()
        await until(lambda: not presence.caller_speaks)


async def speak(at: tuple[object, rtc.AudioSource], for_s: float = 2.0) -> None:
    for _ in range(round(for_s * 50)):
        await at[1].capture_frame(rtc.AudioFrame(LOUD, RATE_HZ, 1, len(LOUD) // 2))


async def test_an_observer_is_audience_and_a_bare_track_is_a_microphone(server: Sfu, room: str) -> None:
    """What a token allows is read from the room; a track without a source counts, and one of a screen doesn't."""
    async with joined(server, room, "observer", can_publish=False), watched(server, room) as (presence, told):
        assert presence.caller is None

        def listened_to() -> list[str]:
            """Each track in its turn: one is told a second time if its sound comes."""
            return list(dict.fromkeys(source.sid for source in told.sources if source))

        async with joined(server, room, "caller") as caller:
            await microphone(caller, rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO)
            bare, _ = await microphone(caller, rtc.TrackSource.SOURCE_UNKNOWN)
            await until(lambda: listened_to() == [bare.sid])
            named, _ = await microphone(caller)
            await until(lambda: listened_to() == [bare.sid, named.sid])
            assert presence.is_caller("caller")
        await until(lambda: told.sources[-1] is None)


async def test_whoever_remains_becomes_the_caller_at_once(server: Sfu, room: str) -> None:
    async with watched(server, room) as (presence, told), AsyncExitStack() as later:
        async with joined(server, room, "page"):
            await presence.caller_here.wait()
            await later.enter_async_context(joined(server, room, "reloaded"))
            await until(lambda: len(presence.humans()) == 2)
            assert not presence.typed("reloaded")
        await until(lambda: presence.typed("reloaded"))
        assert told.callers == ["page", "reloaded"]
