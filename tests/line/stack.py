"""The line as a program, and a participant of ours in the call's room."""

import asyncio
import os
import random
import re
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from livekit import api, rtc

from caller.ear import Ear, Samples
from demo.parts import Part, Program, running
from tests.e2e.stack import API_KEY, API_SECRET, Sfu, until
from tests.line.softphone import Softphone
from tests.line.sounds import sine

NUMBER = "+15550002222"
EAR_HZ = 8000
RTP_PORTS = "20000-20400"
"""The default."""
OPEN = f"""
[[inbound]]
name = "phones"
numbers = ["{NUMBER}"]
allowed_addresses = ["127.0.0.0/8"]

[[rule]]
name = "everybody"
trunks = ["phones"]
"""


@dataclass(frozen=True)
class SipLine:
    """A running line."""

    part: Part
    uri: str
    """The SIP URI of its `ready` line."""

    @property
    def port(self) -> int:
        return int(self.uri.rpartition(":")[2])

    def through(self, port: int) -> str:
        """The SIP URI of the same number at another port, such as a relay's."""
        return f"sip:{NUMBER}@127.0.0.1:{port}"


@asynccontextmanager
async def line(
    server: Sfu, folder: Path, file: str = OPEN, *, options: tuple[str, ...] = (), **environment: str
) -> AsyncIterator[SipLine]:
    """`python -m telephony line` on a free port."""
    path = folder / "telephony.toml"
    path.write_text(file)
    argv = [sys.executable, "-m", "telephony", "line", "--file", str(path), "--port", "0", *options]
    settings = {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
    program = Program("line", argv, {**os.environ, **settings, **environment}, re.compile("^ready "), hurry_after_s=0.5)
    async with running(program) as part:
        yield SipLine(part, (await part.ready()).split()[1])


async def rooms_of_caller(server: Sfu, caller: str) -> list[str]:
    """The rooms that were made for a caller, and are not yet gone."""
    async with server.api() as livekit:
        rooms = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
    return [room.name for room in rooms if room.name.startswith(f"call_{caller}_")]


async def until_gone(server: Sfu, room: str, within_s: float = 20) -> None:
    """Wait until no caller is in a room any more."""

    async def is_gone() -> bool:
        return not any(identity.startswith("sip_") for identity in await server.participants(room))

    await until(is_gone, within_s=within_s)


async def remove_agent(server: Sfu, room: str) -> None:
    """Throw the agent out of a room."""
    async with server.api() as livekit:
        for identity in await server.participants(room):
            if identity.startswith("agent-"):
                await livekit.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))


def rtp_ports_of(running_line: SipLine) -> list[int]:
    """The ports for sound that a line has open."""
    found = psutil.Process(running_line.part.pid).net_connections(kind="udp4")
    first, _, last = RTP_PORTS.partition("-")
    return [one.laddr.port for one in found if int(first) <= one.laddr.port <= int(last)]


@asynccontextmanager
async def garbage(ports: list[int], per_second: int) -> AsyncIterator[None]:
    """Random bytes, and packets that are nearly right, at these ports while the block lasts."""
    chance = random.Random(1)
    invite = b"INVITE sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK"

    async def throw() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thrower:
            while True:
                for port in ports:
                    head = chance.choice([b"", invite, b"\x80\x00", b"\x80\xe5", b"SIP/2.0 200 OK\r\n", b"\r\n\r\n"])
                    thrower.sendto(head + chance.randbytes(chance.randint(0, 200)), ("127.0.0.1", port))
                await asyncio.sleep(1 / per_second)

    task = asyncio.create_task(throw())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def room_of_call(server: Sfu, caller: str = "+15550001111", *, within_s: float = 15) -> str:
    """The newest room of that caller, once the caller is in it: a room of a call before may still be open."""
    async with asyncio.timeout(within_s), server.api() as livekit:
        while True:
            listed = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
            rooms = [room for room in listed if room.name.startswith(f"call_{caller}_")]
            if rooms:
                newest = max(rooms, key=lambda room: room.creation_time_ms).name
                if any(identity.startswith("sip_") for identity in await server.participants(newest)):
                    return newest
            await asyncio.sleep(0.05)


class Onlooker:
    """A participant of ours in a call's room: what comes as digits, and who is there."""

    def __init__(self, room: rtc.Room) -> None:
        self.room, self.digits = room, ""
        self.statuses: dict[str, dict[str, str]] = {}
        """Each `sip.callStatus` that was seen, with all attributes at that time: the participant may have left since."""
        self.changed = asyncio.Event()
        self._ear = Ear(sample_rate_hz=EAR_HZ, start=time.monotonic())
        self._listening: list[asyncio.Task[None]] = []
        room.on("sip_dtmf_received", self._on_digit)
        room.on("track_subscribed", self._on_track)
        room.on("participant_attributes_changed", lambda _changed, participant: self.look_at(participant))
        room.on("participant_connected", self.look_at)

    def look_at(self, participant: rtc.Participant) -> None:
        """Note the status of a call, if the participant is a telephone."""
        if (status := participant.attributes.get("sip.callStatus")) is not None:
            self.statuses[status] = dict(participant.attributes)
            self.changed.set()

    def _on_digit(self, digit: rtc.SipDTMF) -> None:
        self.digits += digit.digit
        self.changed.set()

    def _on_track(self, track: rtc.Track, _publication: rtc.RemoteTrackPublication, of: rtc.RemoteParticipant) -> None:
        if of.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP:
            stream = rtc.AudioStream.from_track(track=track, sample_rate=EAR_HZ, num_channels=1, frame_size_ms=10)
            self._listening.append(asyncio.create_task(self._listen(stream)))

    async def _listen(self, stream: rtc.AudioStream) -> None:
        try:
            async for heard in stream:
                self._ear.hear(np.frombuffer(heard.frame.data, dtype=np.int16).copy(), time.monotonic())
        finally:
            await stream.aclose()

    async def stop(self) -> None:
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)

    @property
    def recording(self) -> Samples:
        """The phone's sound, at `EAR_HZ`."""
        return self._ear.recording

    @property
    def caller(self) -> rtc.RemoteParticipant | None:
        """The participant that the line made for the phone."""
        kind = rtc.ParticipantKind.PARTICIPANT_KIND_SIP
        return next((one for one in self.room.remote_participants.values() if one.kind == kind), None)

    async def press(self, digits: str) -> None:
        """Send digits to the phone, as an agent does."""
        for digit in digits:
            await self.room.local_participant.publish_dtmf(code="0123456789*#ABCD".index(digit), digit=digit)

    async def press_until_heard(self, digit: str, phone: Softphone) -> None:
        while not phone.digits:
            await self.press(digit)
            with suppress(TimeoutError):
                await phone.first("CALL_DTMF_START", within_s=0.5)

    async def until_digits(self, digits: str, within_s: float = 15) -> None:
        async with asyncio.timeout(within_s):
            while len(self.digits) < len(digits):
                self.changed.clear()
                await self.changed.wait()
        assert self.digits == digits

    async def until_status(self, status: str, within_s: float = 15) -> dict[str, str]:
        """Wait for `sip.callStatus`; returns all attributes."""
        async with asyncio.timeout(within_s):
            while status not in self.statuses:
                self.changed.clear()
                await self.changed.wait()
        return self.statuses[status]

    async def speak(self) -> None:
        """Publish a track with a tone, until cancelled: whoever rings is answered, as by an agent."""
        source = rtc.AudioSource(EAR_HZ, 1, queue_size_ms=100)
        await self.room.local_participant.publish_track(rtc.LocalAudioTrack.create_audio_track("tone", source))
        frame = sine(EAR_HZ, 440, 0.1)
        while True:
            await source.capture_frame(rtc.AudioFrame(frame.tobytes(), EAR_HZ, 1, len(frame)))


@asynccontextmanager
async def onlooker(server: Sfu, room: str, *, listens: bool = False) -> AsyncIterator[Onlooker]:
    """Look into a room; `listens`: to whom is on the phone, too."""
    joined = rtc.Room()
    looking = Onlooker(joined)
    token = api.AccessToken(API_KEY, API_SECRET).with_identity("onlooker")
    grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_publish_data=True, can_subscribe=True)
    await joined.connect(server.url, token.with_grants(grants).to_jwt(), rtc.RoomOptions(auto_subscribe=listens))
    for participant in joined.remote_participants.values():
        looking.look_at(participant)
    try:
        yield looking
    finally:
        await joined.disconnect()
        await looking.stop()
