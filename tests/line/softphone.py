"""A person at a real telephone: Debian's baresip, headless, driven over its control socket."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from caller.ear import Samples
from demo.parts import Part, Program, running
from speech import synthesize, write_wav
from tests.ports import free_port, free_ports

RATE_HZ = {"PCMU": 8000, "PCMA": 8000, "G722": 16000}
_LONGEST_CALL_S = 60
_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
audio_source aufile,{folder}/says.wav
audio_player aubridge,sink
audio_alert aubridge,alert
ausrc_srate {rate}
auplay_srate {rate}
ausrc_format s16
auplay_format s16
auenc_format s16
audec_format s16
rtp_ports 24000-26000
jitter_buffer_delay 1-5
rtp_stats yes
module_path /usr/lib/baresip/modules
module g722.so
module g711.so
module sndfile.so
module aubridge.so
module aufile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
"""
_ACCOUNT = "<sip:{user}@127.0.0.1;transport=udp>;regint=0;auth_user={auth_user};auth_pass={auth_pass};audio_codecs={codec}\n"
_CODECS = {"PCMU": "PCMU/8000/1", "PCMA": "PCMA/8000/1", "G722": "G722/16000/1"}


@dataclass(frozen=True)
class Heard:
    """Something that baresip told."""

    at: float
    """Monotonic seconds."""
    type: str
    """`CALL_ESTABLISHED`, ..."""
    param: str


class Softphone:
    """A running baresip. `events` has everything that it told so far."""

    def __init__(self, part: Part, folder: Path, control: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.part = part
        self.events: list[Heard] = []
        self._folder = folder
        self._reader, self._writer = control
        self._news = asyncio.Event()

    async def dial(self, uri: str) -> None:
        await self._command("dial", uri)

    async def press(self, digits: str) -> None:
        """Each digit takes baresip as long as a key is held: the next one is pressed when this one is released."""
        for digit in digits:
            await self._command("sndcode", digit)
            await self._command("sndcode", "\x04")

    async def hold(self) -> None:
        await self._command("hold", "")

    async def resume(self) -> None:
        await self._command("resume", "")

    @property
    def digits(self) -> str:
        """The digits that arrived by RFC 4733."""
        return "".join(event.param for event in self.events if event.type == "CALL_DTMF_START")

    async def until_digits(self, digits: str, *, since: int = 0, within_s: float = 15) -> None:
        """Wait for these digits, and no others, after the first `since`."""
        async with asyncio.timeout(within_s):
            while len(self.digits) < since + len(digits):
                self._news.clear()
                await self._news.wait()
        assert self.digits[since:] == digits

    async def hang_up(self) -> None:
        await self._command("hangup", "")

    async def first(self, kind: str, *, within_s: float = 20, since: int = 0) -> Heard:
        """The first event of that type, waited for if it isn't there yet."""
        async with asyncio.timeout(within_s):
            while True:
                for event in self.events[since:]:
                    if event.type == kind:
                        return event
                self._news.clear()
                await self._news.wait()

    def recorded(self) -> Samples:
        """The sound at the earpiece since sound flows, at the codec's rate."""
        [path] = sorted(self._folder.glob("dump-*-dec.wav"))[-1:]
        # baresip writes the header's sizes at the end of the call
        raw = path.read_bytes()
        start = raw.index(b"data") + 8
        return np.frombuffer(raw[start : len(raw) - (len(raw) - start) % 2], dtype="<i2").astype(np.int16)

    async def read(self) -> None:
        """Take what baresip tells, until it goes."""
        while True:
            size = (await self._reader.readuntil(b":"))[:-1]
            message: dict[str, Any] = json.loads(await self._reader.readexactly(int(size)))
            await self._reader.readexactly(1)
            if message.get("event"):
                self.events.append(Heard(time.monotonic(), str(message["type"]), str(message.get("param", ""))))
            self._news.set()

    async def _command(self, command: str, parameter: str) -> None:
        text = json.dumps({"command": command, "params": parameter}).encode()
        self._writer.write(b"%d:%b," % (len(text), text))
        await self._writer.drain()


@dataclass(frozen=True)
class Person:
    """A person at the phone: their user name, codec and speech."""

    codec: str = "PCMU"
    user: str = "+15550001111"
    password: str = "none"
    says: Sequence[tuple[float, str]] = ()
    """Seconds after the answer, and what is said then."""


@asynccontextmanager
async def softphone(folder: Path, person: Person | None = None) -> AsyncIterator[Softphone]:
    """A phone that is switched on."""
    person = person or Person()
    rate_hz, control_port = RATE_HZ[person.codec], free_port()
    folder.mkdir()
    write_wav(folder / "says.wav", _timeline(person.says, rate_hz), sample_rate_hz=rate_hz)
    sip_port = free_ports(1)  # baresip opens it for UDP and TCP
    (folder / "config").write_text(_CONFIG.format(sip=sip_port, folder=folder, rate=rate_hz, control=control_port))
    (folder / "accounts").write_text(
        _ACCOUNT.format(user=person.user, auth_user="phone", auth_pass=person.password, codec=_CODECS[person.codec])
    )
    (folder / "contacts").write_text("")
    program = Program("baresip", ["baresip", "-4", "-f", str(folder)], None, re.compile("baresip is ready"))
    async with running(program) as part:
        await part.ready()
        reader, writer = await asyncio.open_connection("127.0.0.1", control_port)
        phone = Softphone(part, folder, (reader, writer))
        listening = asyncio.create_task(phone.read())
        try:
            yield phone
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            writer.close()


def _timeline(says: Sequence[tuple[float, str]], rate_hz: int) -> Samples:
    """The sound file for the whole call; baresip hangs up where it ends."""
    timeline = np.zeros(_LONGEST_CALL_S * rate_hz, dtype=np.int16)
    for at_s, text in says:
        spoken = synthesize(text, sample_rate_hz=rate_hz)
        start = round(at_s * rate_hz)
        timeline[start : start + len(spoken)] = spoken
    return timeline
