"""A telephone of a few lines on UDP, for what baresip and sipp don't do: no ACK, no sound, another address in the offer."""

import asyncio
import re
import secrets
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import numpy as np

from telephony.line import wire
from telephony.line.codecs import codec
from telephony.line.wire import Address, SipRequest, SipResponse
from tests.line.messages import OFFER, request_bytes
from tests.line.sounds import sine

HOST = "127.0.0.1"


class _HandsetSocket(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)
        self.port = int(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.received.append(data)
        self.news.set()


class Handset:
    """One call. `sound` has the packets that came from the line."""

    def __init__(self, sip: _HandsetSocket, rtp: _HandsetSocket, line: Address, caller: str) -> None:
        self._sip, self._rtp, self._line, self.caller = sip, rtp, line, caller
        self._call_id, self._to, self._number = secrets.token_hex(8), f"<sip:+15550002222@{HOST}>", 1
        self._line_sound: Address = (HOST, 0)

    @property
    def sound(self) -> list[bytes]:
        return self._rtp.received

    def offer(self, host: str = HOST) -> str:
        """A session description with PCMU alone that names an address and our port."""
        lines = OFFER.replace("RTP/AVP 0 9 101", "RTP/AVP 0 101").replace("a=rtpmap:9 G722/8000\r\n", "")
        return lines.replace("30000", str(self._rtp.port)).replace("c=IN IP4 127.0.0.1", f"c=IN IP4 {host}")

    def send(self, method: str, body: str = "", **headers: str) -> None:
        fixed = {
            "Via": f"SIP/2.0/UDP {HOST}:{self._sip.port};branch=z9hG4bK{secrets.token_hex(8)};rport",
            "From": f"<sip:{self.caller}@{HOST}>;tag=handset",
            "To": self._to,
            "Call-ID": self._call_id,
            "CSeq": f"{self._number} {method}",
            "Contact": f"<sip:{self.caller}@{HOST}:{self._sip.port}>",
            "Record-Route": "",
        }
        self._sip.transport.sendto(request_bytes(method, body, **(fixed | headers)), self._line)

    async def answered(self, method: str = "INVITE", *, within_s: float = 15) -> SipResponse:
        """Wait for the final answer to the newest request of that method."""
        wanted = f"{self._number} {method}"

        def final(message: SipRequest | SipResponse) -> bool:
            is_answer = isinstance(message, SipResponse) and message.status_code >= 200
            return is_answer and message.get_header("CSeq") == wanted

        answer = cast(SipResponse, await self._message(final, within_s))
        self._to = answer.get_header("To") or self._to
        told = re.search(r"m=audio (\d+)", answer.text)
        if told is not None:
            self._line_sound = (HOST, int(told[1]))
        return answer

    async def asked(self, method: str, *, within_s: float) -> None:
        """Wait for a request of the line's."""
        await self._message(lambda message: isinstance(message, SipRequest) and message.method == method, within_s)

    def acknowledge(self, body: str = "") -> None:
        self.send("ACK", body)

    async def ask(self, method: str, body: str = "", **headers: str) -> SipResponse:
        """Send a request within the call."""
        self._number += 1
        self.send(method, body, **headers)
        return await self.answered(method)

    async def speak(self) -> None:
        """Send a tone, until cancelled."""
        payloads = np.frombuffer(codec("PCMU").encode(sine(8000, 440, 1)), dtype=np.uint8).reshape(-1, 160)
        sequence = 0
        while True:
            head = struct.pack("!BBHII", 0x80, 0, sequence % 65536, 160 * sequence, 77)
            self._rtp.transport.sendto(head + payloads[sequence % len(payloads)].tobytes(), self._line_sound)
            sequence += 1
            await asyncio.sleep(0.02)

    async def until_heard(self, packets: int, *, within_s: float = 10) -> None:
        async with asyncio.timeout(within_s):
            while len(self.sound) < packets:
                self._rtp.news.clear()
                await self._rtp.news.wait()

    async def _message(self, wanted: Callable[[SipRequest | SipResponse], bool], within_s: float) -> SipRequest | SipResponse:
        async with asyncio.timeout(within_s):
            while True:
                for data in self._sip.received:
                    message = wire.read(data)
                    if wanted(message):
                        return message
                self._sip.news.clear()
                await self._sip.news.wait()


@asynccontextmanager
async def handset(line_port: int, caller: str = "+15550001111") -> AsyncIterator[Handset]:
    """Pick up a telephone."""
    loop = asyncio.get_running_loop()
    sip_transport, sip = await loop.create_datagram_endpoint(_HandsetSocket, local_addr=(HOST, 0))
    rtp_transport, rtp = await loop.create_datagram_endpoint(_HandsetSocket, local_addr=(HOST, 0))
    try:
        yield Handset(sip, rtp, (HOST, line_port), caller)
    finally:
        sip_transport.close()
        rtp_transport.close()
