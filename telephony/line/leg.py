"""The call's RTP socket."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from telephony.line.errors import NoPortError
from telephony.line.wire import Address

_TRIES = 64


class Ports:
    """The RTP ports that are free. Even ones: the odd one above belongs to the call's RTCP, which this line doesn't do."""

    def __init__(self, host: str, ports: range) -> None:
        self.host = host
        self._free = [port for port in ports if port % 2 == 0]
        random.shuffle(self._free)

    def take(self) -> int:
        """Take a port.

        Raises:
            NoPortError: all are taken.
        """
        if not self._free:
            raise NoPortError("all RTP ports are taken")
        return self._free.pop(0)

    def give_back(self, port: int) -> None:
        """Put it behind all the others: late packets of the old call have the longest time to die down."""
        self._free.append(port)


class Leg(asyncio.DatagramProtocol):
    """A socket for one call's sound. Sending never waits: what doesn't fit into the socket is lost, as on any network."""

    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None
        self.local: Address = ("", 0)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # by its methods; uvloop's is no subclass
        self.local = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._receive(data, addr[:2])

    def error_received(self, exc: Exception) -> None:
        """The phone's port is closed (ICMP): the sound's absence is noticed by itself."""

    def send(self, data: bytes, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, to)


@asynccontextmanager
async def open_leg(ports: Ports, receive: Callable[[bytes, Address], None]) -> AsyncIterator[Leg]:
    """Open a socket on a free port.

    Raises:
        NoPortError: there is none.
    """
    loop = asyncio.get_running_loop()
    for _ in range(_TRIES):
        port = ports.take()
        try:
            transport, leg = await loop.create_datagram_endpoint(lambda: Leg(receive), local_addr=(ports.host, port))
        except OSError:  # another program's
            ports.give_back(port)
            continue
        try:
            yield leg
        finally:
            transport.close()
            ports.give_back(port)
        return
    raise NoPortError(f"{_TRIES} RTP ports were tried, and other programs have them")
