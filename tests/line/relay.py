"""A bad network between a phone and the line: a UDP relay for SIP and for sound that loses, delays and repeats.

It stands in the phone's and in the line's session descriptions, so each takes it for the other.
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import cast

Address = tuple[str, int]
HOST = "127.0.0.1"


@dataclass(frozen=True)
class NetworkConditions:
    """The network's conditions for datagrams in one direction."""

    loss: float = 0.0
    jitter_s: float = 0.0
    copies: int = 1


class _RelaySocket(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = int(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr)

    def error_received(self, exc: Exception) -> None:
        """A port behind is closed: that's how networks are."""

    def send(self, data: bytes, port: int) -> None:
        if not self._transport.is_closing():
            self._transport.sendto(data, (HOST, port))


class Relay:
    """`port` is what the phone rings. `relayed` and `lost` count datagrams."""

    def __init__(self, line_port: int, sip: NetworkConditions, sound: NetworkConditions, seed: int) -> None:
        self._line_port, self._sip, self._sound = line_port, sip, sound
        self._chance = random.Random(seed)
        self._phone_port = 0
        self._rtp_of = {"phone": 0, "line": 0}
        self._sound_at = {"phone": 0.0, "line": 0.0}
        self._sounds = {"phone": 0, "line": 0}
        self.relayed = self.lost = 0

    @property
    def port(self) -> int:
        return self._sip_phone.port

    async def open(self, stack: AsyncExitStack) -> None:
        self._sip_phone = await self._socket(stack, self._from_phone)
        self._sip_line = await self._socket(stack, self._from_line)
        self._rtp_phone = await self._socket(stack, lambda data, _: self._sound_to(self._rtp_line, "line", data))
        self._rtp_line = await self._socket(stack, lambda data, _: self._sound_to(self._rtp_phone, "phone", data))

    async def silence(self, to: str, *, for_s: float, within_s: float = 15) -> float:
        """Wait until no sound has gone to the phone, or to the line, for so long; returns when the last one went."""
        async with asyncio.timeout(within_s):
            while time.monotonic() - self._sound_at[to] < for_s:
                await asyncio.sleep(0.05)
        return self._sound_at[to]

    async def sound(self, to: str, *, packets: int, within_s: float = 15) -> None:
        """Wait until so many more packets of sound have gone there."""
        wanted = self._sounds[to] + packets
        async with asyncio.timeout(within_s):
            while self._sounds[to] < wanted:
                await asyncio.sleep(0.05)

    async def _socket(self, stack: AsyncExitStack, receive: Callable[[bytes, Address], None]) -> _RelaySocket:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_datagram_endpoint(lambda: _RelaySocket(receive), local_addr=(HOST, 0))
        stack.callback(transport.close)
        return protocol

    def _from_phone(self, data: bytes, source: Address) -> None:
        self._phone_port = source[1]
        data = self._redescribed(data, "phone", self._rtp_line.port)
        self._through(self._sip, lambda: self._sip_line.send(data, self._line_port))

    def _from_line(self, data: bytes, _source: Address) -> None:
        data = self._redescribed(data, "line", self._rtp_phone.port)
        data = data.replace(b"127.0.0.1:%d" % self._line_port, b"127.0.0.1:%d" % self.port)
        self._through(self._sip, lambda: self._sip_phone.send(data, self._phone_port))

    def _redescribed(self, data: bytes, of: str, port: int) -> bytes:
        """Note the port for sound in a session description, and write ours instead, which is as long."""
        found = re.search(rb"m=audio (\d{5}) ", data)
        if found is None:
            return data
        self._rtp_of[of] = int(found[1])
        return data[: found.start(1)] + b"%05d" % port + data[found.end(1) :]

    def _sound_to(self, out: _RelaySocket, of: str, data: bytes) -> None:
        self._sound_at[of] = time.monotonic()
        self._sounds[of] += 1
        self._through(self._sound, lambda: out.send(data, self._rtp_of[of]))

    def _through(self, weather: NetworkConditions, send: Callable[[], None]) -> None:
        self.relayed += 1
        if self._chance.random() < weather.loss:
            self.lost += 1
            return
        for _ in range(weather.copies):
            asyncio.get_running_loop().call_later(self._chance.uniform(0, weather.jitter_s), send)


@asynccontextmanager
async def relay(
    line_port: int, *, sip: NetworkConditions | None = None, sound: NetworkConditions | None = None, seed: int = 1
) -> AsyncIterator[Relay]:
    """Open a relay in front of a line."""
    async with AsyncExitStack() as stack:
        opened = Relay(line_port, sip or NetworkConditions(), sound or NetworkConditions(), seed)
        await opened.open(stack)
        yield opened
