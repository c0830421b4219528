"""Several humans, and several agents, in one room: who is heard, who is answered, and who leaves."""

import asyncio
import contextlib
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import numpy as np
import psutil
import pytest
from livekit import api, rtc

from agent.room.preconnect import TOPIC
from agent.room.typed_lines import EVERY_S
from caller import AgentSilent, AgentTrack, Caller, Caption, Left, RoomEvent
from caller.caller import SAMPLE_RATE_HZ
from demo.parts import Part
from speech import synthesize
from tests.e2e.conftest import AFTER_BARGE_IN, ANSWER, GREETING
from tests.e2e.stack import API_KEY, API_SECRET, ROOT, Sfu, until

pytestmark = [pytest.mark.usefixtures("shared_worker"), pytest.mark.sound]

SILENCE = np.zeros(10 * SAMPLE_RATE_HZ, np.int16)
HELLO = synthesize("Hello, can you hear me?", sample_rate_hz=SAMPLE_RATE_HZ)


@asynccontextmanager
async def guest(server: Sfu, name: str, identity: str, **grants: Any) -> AsyncIterator[rtc.Room]:
    """A client with a token of its own, as others make it."""
    room = rtc.Room()
    granted = api.VideoGrants(room_join=True, room=name, **grants)
    await room.connect(server.url, api.AccessToken(API_KEY, API_SECRET).with_identity(identity).with_grants(granted).to_jwt())
    try:
        yield room
    finally:
        await room.disconnect()


async def answered(caller: Caller, text: str) -> None:
    """Type a line, and wait for the answer to it."""
    mark = len(caller.log)
    await caller.send_text(text)
    said = f"You wrote: {text}"
    await caller.first(Caption, since=mark, within_s=15, where=lambda caption: caption.final and caption.text == said)


async def told(caller: Caller, of_type: str, /, **facts: object) -> None:
    """Wait until the room was told that."""
    await caller.first(RoomEvent, within_s=10, where=lambda event: event.body.items() >= {"type": of_type, **facts}.items())


async def agents(server: Sfu, room: str) -> list[str]:
    return [identity for identity in await server.participants(room) if identity.startswith("agent-")]


async def dispatch(server: Sfu, room: str) -> None:
    async with server.api() as livekit:
        wanted = api.CreateAgentDispatchRequest(agent_name="earshot", room=room)
        await livekit.agent_dispatch.create_dispatch(wanted)


@pytest.mark.long
async def test_an_observer_who_was_first_is_audience(server: Sfu, room: str, shared_worker: Part) -> None:
    """The speaker is greeted, heard and read; log and room say who isn't."""
    await dispatch(server, room)
    async with guest(server, room, "observer", can_publish=False), server.caller(room, "speaker") as caller:
        await told(caller, "caller", identity="speaker")
        await told(caller, "audience", identity="observer", reason="may_not_speak")
        await caller.first(AgentSilent, within_s=15)
        mark = len(caller.log)
        await caller.say(HELLO, text="hello")
        await caller.first(Caption, since=mark, within_s=10, where=lambda caption: caption.text == ANSWER)
        await answered(caller, "good evening")
    await shared_worker.says(re.compile(rf'not listened to.*"observer".*"room": "{room}"'))


@asynccontextmanager
async def reader(server: Sfu, room: str, identity: str, *, greeted: bool = True) -> AsyncIterator[tuple[rtc.Room, list[str]]]:
    """A client with the token server's token that reads whole captions; by default it enters when it has been greeted."""
    client, texts = rtc.Room(), []

    async def read(stream: rtc.TextStreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            texts.append(await stream.read_all())

    async with asyncio.TaskGroup() as tasks:

        def on_stream(stream: rtc.TextStreamReader, _: str) -> None:
            tasks.create_task(read(stream))

        client.register_text_stream_handler("lk.transcription", on_stream)
        await client.connect(server.url, server.token(room, identity))
        try:
            await until(lambda: not greeted or GREETING in texts, within_s=20)
            yield client, texts
        finally:
            await client.disconnect()


async def test_a_bare_track_is_heard_with_the_token_servers_token(server: Sfu, room: str) -> None:
    """As many SDKs publish a microphone: without its source."""
    async with reader(server, room, "bare") as (client, texts):
        source = rtc.AudioSource(SAMPLE_RATE_HZ, 1)
        await client.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("bare", source))
        await speak(source, np.concatenate([HELLO, SILENCE[: 2 * SAMPLE_RATE_HZ]]))
        await until(lambda: ANSWER in texts, within_s=15)


@pytest.mark.parametrize("comes", [True, False])
async def test_sound_from_before_the_connection(server: Sfu, room: str, comes: bool) -> None:
    """It is heard if it comes, and holds nothing up if it doesn't. Somebody else's is not taken for it."""
    async with reader(server, room, "early", greeted=False) as (client, texts), guest(server, room, "stranger") as stranger:
        source = rtc.AudioSource(SAMPLE_RATE_HZ, 1)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE, preconnect_buffer=True)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        published = await client.local_participant.publish_track(track, options)
        live = asyncio.create_task(speak(source, np.concatenate([np.zeros_like(HELLO) if comes else HELLO, SILENCE])))
        await until(lambda: bool(client.remote_participants.keys() - {"stranger"}))
        attributes = {"trackId": published.sid, "sampleRate": str(SAMPLE_RATE_HZ), "channels": "1"}
        for sender in (stranger, client) if comes else (stranger,):
            writer = await sender.local_participant.stream_bytes("sound", topic=TOPIC, attributes=attributes)
            await writer.write(HELLO.tobytes())
            await writer.aclose()
        await until(lambda: ANSWER in texts, within_s=20)
        assert AFTER_BARGE_IN not in texts, "the sentence was heard twice"
        live.cancel()


async def speak(source: rtc.AudioSource, sound: np.ndarray) -> None:
    for start in range(0, len(sound) - 959, 960):
        await source.capture_frame(rtc.AudioFrame(sound[start : start + 960].tobytes(), SAMPLE_RATE_HZ, 1, 960))


@pytest.mark.long
@pytest.mark.parametrize("overlaps", [True, False])
async def test_who_comes_back_under_another_name_goes_on_with_the_same_agent(server: Sfu, room: str, overlaps: bool) -> None:
    """A reloaded page: before the old one has gone, or just after."""
    async with AsyncExitStack() as later:
        again = server.caller(room, "page-2")
        async with server.caller(room, "page-1") as first:
            agent = (await first.first(AgentTrack, within_s=15)).identity
            await first.first(AgentSilent, within_s=15)
            if overlaps:
                await later.enter_async_context(again)
                await told(again, "audience", identity="page-2", reason="another_caller")
        if not overlaps:
            await later.enter_async_context(again)
        await told(again, "caller", identity="page-2")
        assert (await again.first(AgentTrack, within_s=10)).identity == agent
        await answered(again, "I am back")
        assert not [event for event in again.log if isinstance(event, Left)]


@pytest.mark.long
async def test_a_page_that_was_killed_makes_way_for_the_next(server: Sfu, room: str) -> None:
    """livekit-server lists the dead one for 15 s and more. A line that was typed meanwhile is answered."""
    argv = [sys.executable, "-m", "caller", "--url", server.url, "--token", server.token(room, "dead"), "--json"]
    process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async for line in process.stdout:
        if json.loads(line).get("type") == "agent_sound":
            break
    process.send_signal(signal.SIGKILL)
    await process.wait()
    async with server.caller(room, "next") as caller:
        await answered(caller, "hello again")
        assert "dead" in await server.participants(room)


@pytest.mark.long
async def test_the_second_agent_leaves_at_once(server: Sfu, room: str, shared_worker: Part) -> None:
    """Without a word to the caller; somebody else's agent stays."""
    async with server.caller(room) as caller:
        first = (await caller.first(AgentTrack, within_s=15)).identity
        await caller.first(AgentSilent, within_s=15)
        mark = len(caller.log)
        await dispatch(server, room)
        await shared_worker.says(re.compile(rf'call ended: there is an older Earshot.*"room": "{room}"'), within_s=15)
        await until(lambda: only(server, room, first))
        await answered(caller, "good evening")
        texts = [event.text for event in caller.log[mark:] if isinstance(event, Caption) and event.final]
        assert texts == ["You wrote: good evening"]


async def only(server: Sfu, room: str, agent: str) -> bool:
    return await agents(server, room) == [agent]


async def test_of_agents_that_come_together_one_stays(server: Sfu, room: str) -> None:
    await asyncio.gather(*(dispatch(server, room) for _ in range(3)))
    async with server.caller(room) as caller:
        await caller.first(AgentSilent, within_s=20)
        await until(lambda: one_is_left(server, room))
        await answered(caller, "good evening")
        greetings = [event for event in caller.log if isinstance(event, Caption) and event.final and event.text == GREETING]
        assert len(greetings) == 1


async def one_is_left(server: Sfu, room: str) -> bool:
    return len(await agents(server, room)) == 1


@pytest.mark.long
async def test_an_agent_that_has_died_is_replaced(server: Sfu, room: str, shared_worker: Part) -> None:
    """What is left of it in the room turns nobody away."""
    async with server.caller(room) as caller:
        dead = (await caller.first(AgentTrack, within_s=20)).identity
        await caller.first(AgentSilent, within_s=20)
        for process in psutil.Process(shared_worker.pid).children(recursive=True):
            if process.net_connections(kind="udp"):  # idle processes have none
                process.kill()
        await dispatch(server, room)
        await caller.first(AgentTrack, within_s=20, where=lambda track: track.identity != dead)
        await told(caller, "link", kind="connected", cause="process")  # before that, the answer begins with an excuse
        await answered(caller, "good evening")


async def test_older_clients_type_in_data_packets(server: Sfu, room: str) -> None:
    """And a line that comes as a stream as well is answered once."""
    async with reader(server, room, "flutter") as (client, texts):
        both = {"id": "1", "message": "not this one", "timestamp": 1, "ignoreLegacy": True}
        for packet in (
            b"nonsense",
            b"[" * 5000,
            json.dumps(both).encode(),
            json.dumps({"id": "2", "message": "good evening"}).encode(),
        ):
            await client.local_participant.publish_data(packet, topic="lk-chat-topic")
        await until(lambda: "You wrote: good evening" in texts, within_s=15)
        assert [text for text in texts if "You wrote" in text] == ["You wrote: good evening"]


@pytest.mark.long
async def test_silent_streams_and_a_flood_hold_up_no_honest_line(server: Sfu, room: str, shared_worker: Part) -> None:
    """A sender's streams are read side by side; of sixty lines in a row few reach the model, and the log has one line of it."""
    async with reader(server, room, "caller") as (client, texts), guest(server, room, "stranger") as stranger:
        for who in (client, stranger):
            streams = [await who.local_participant.stream_text(topic="lk.chat") for _ in range(10)]
            await streams[-1].write("x" * 100_000)
        for number in range(60):
            await client.local_participant.send_text(f"line {number}", topic="lk.chat")
        await asyncio.sleep(2 * EVERY_S)  # the rate's own time
        began = asyncio.get_running_loop().time()
        await client.local_participant.send_text("honest", topic="lk.chat")
        await until(lambda: "You wrote: honest" in texts, within_s=15)
        assert asyncio.get_running_loop().time() - began < 8
        assert len([text for text in texts if text.startswith("You wrote: line")]) < 10
    await shared_worker.says(re.compile(rf'call ended.*"room": "{room}"'), within_s=20)
    assert len([line for line in shared_worker.lines if "a typed line was dropped" in line and room in line]) == 1
