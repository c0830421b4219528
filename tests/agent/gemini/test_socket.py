"""A socket that is given up before its upgrade is answered is closed, however late the answer comes."""

import asyncio
import base64
import hashlib
import ssl

import pytest

from agent.gemini.socket import Address, Socket

_WEBSOCKET_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Untold:
    """A listener that must hear of nothing."""

    def on_upgraded(self) -> None:
        raise AssertionError

    def on_frame(self, frame: bytes) -> None:
        raise AssertionError(frame)

    def on_pong(self) -> None:
        raise AssertionError

    def on_stalled(self, *, stalled: bool) -> None:
        raise AssertionError(stalled)

    def on_closed(self, code: int | None, reason: str) -> None:
        raise AssertionError(code, reason)


async def no_headers() -> dict[str, str]:
    return {}


def accepted(request: bytes) -> bytes:
    """The answer that upgrades the connection."""
    [key] = [line.split(b": ")[1] for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")]
    accept = base64.b64encode(hashlib.sha1(key + _WEBSOCKET_GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


@pytest.mark.parametrize("ends", ["close", "abort"])
async def test_a_connection_that_is_upgraded_after_it_was_given_up_is_closed(ends: str) -> None:
    asked: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]] = asyncio.Future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set_result((reader, writer, await reader.readuntil(b"\r\n\r\n")))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        socket = Socket(Untold())
        address = Address(f"ws://127.0.0.1:{port}/", no_headers, ssl.create_default_context())
        opening = asyncio.create_task(socket.open(address, within_s=30))
        reader, writer, request = await asked
        opening.cancel()
        if ends == "close":
            await socket.close()
        else:
            socket.abort()
        writer.write(accepted(request))
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
        with pytest.raises(asyncio.CancelledError):
            await opening
