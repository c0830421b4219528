"""One WebSocket to Gemini: opened, written, read, closed in bounded time. Knows frames, not what they mean."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from picows import WSCloseCode, WSFrame, WSInvalidStatusError, WSListener, WSMsgType, WSTransport, ws_connect
from python_socks import ProxyError

_logger = logging.getLogger("earshot.socket")
_logger.setLevel(logging.WARNING)  # a line for each connection is the link's to write

_LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024
_LARGEST_FRAME_BYTES = 4 * _LARGEST_MESSAGE_BYTES
"""picows closes the connection over a larger one; up to here, a message that is too large is skipped."""
_CLOSE_S = 1.0
"""The service may take so long to answer a close; then the connection is torn down."""
_DATA = {WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION}


@dataclass(frozen=True)
class Address:
    """The service's address, and the headers that let us in."""

    url: str
    headers: Callable[[], Awaitable[Mapping[str, str]]] = field(repr=False)
    """Asked for before each connection: an access token has to be a fresh one."""
    tls: ssl.SSLContext
    proxy: str | None = field(default=None, repr=False)


class Listener(Protocol):
    """Is told about a socket; only about the one that it holds."""

    def on_upgraded(self) -> None: ...

    def on_frame(self, frame: bytes) -> None: ...

    def on_pong(self) -> None: ...

    def on_stalled(self, *, stalled: bool) -> None: ...

    def on_closed(self, code: int | None, reason: str) -> None: ...


class Socket(WSListener):
    """Tells its listener until `forget`."""

    def __init__(self, listener: Listener) -> None:
        self._listener: Listener | None = listener
        self._transport: WSTransport | None = None
        self._parts: list[bytes] = []
        self._size = 0
        """Size of the fragments of one message received so far, in bytes."""

    async def open(self, address: Address, *, within_s: float) -> None:
        """Dial. The listener is told how it went on; what raises here has not been told.

        Raises:
            CredentialsError: there are no headers that would let us in.
            OSError: nothing answers, or TLS fails, or a proxy refuses.
            TimeoutError
            WSError: the answer was no upgrade; `refused_with` says the HTTP status.
        """
        try:
            async with asyncio.timeout(within_s):
                await ws_connect(
                    lambda: self,
                    address.url,
                    ssl_context=address.tls,
                    websocket_handshake_timeout=within_s,
                    extra_headers=dict(await address.headers()),
                    max_frame_size=_LARGEST_FRAME_BYTES,
                    max_redirects=0,
                    proxy=address.proxy,
                    logger_name=_logger,
                )
        except ProxyError as error:
            raise ConnectionError(f"the proxy refuses: {error}") from error

    def send(self, frame: bytes) -> None:
        """Queue a text frame; `on_stalled` tells when the socket has more of it than it can take."""
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, frame)

    def ping(self) -> None:
        if self._transport is not None:
            self._transport.send_ping()

    def forget(self) -> None:
        """Tell nobody anything any more."""
        self._listener = None

    async def close(self) -> None:
        """Say goodbye, and be gone after a second, whatever the other side does."""
        self.forget()
        if self._transport is None:
            return
        transport = self._transport
        try:
            async with asyncio.timeout(_CLOSE_S):
                transport.send_close(WSCloseCode.OK)
                await asyncio.shield(transport.wait_disconnected())
        except TimeoutError:
            transport.underlying_transport.abort()
        except asyncio.CancelledError:
            transport.underlying_transport.abort()
            raise

    def abort(self) -> None:
        """Be gone at once."""
        self.forget()
        if self._transport is not None:
            self._transport.underlying_transport.abort()

    # What picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        if self._listener is None:  # nobody waits for it any more, and nobody would close it
            transport.underlying_transport.abort()
            return
        self._transport = transport
        self._tell(lambda listener: listener.on_upgraded())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type in _DATA:
            payload = self._whole(frame.get_payload_as_bytes(), is_last=frame.fin)
            if payload is not None and self._listener is not None:
                self._listener.on_frame(payload)
        elif frame.msg_type is WSMsgType.PONG:
            self._tell(lambda listener: listener.on_pong())
        elif frame.msg_type is WSMsgType.CLOSE:
            code, reason = frame.get_close_code(), frame.get_close_reason() or ""
            if not transport.is_close_frame_sent:
                transport.send_close(WSCloseCode.OK)
            transport.disconnect()
            self._closed(int(code), reason)  # type: ignore[call-overload]

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        del transport
        self._closed(None, "")

    def pause_writing(self) -> None:
        self._tell(lambda listener: listener.on_stalled(stalled=True))

    def resume_writing(self) -> None:
        self._tell(lambda listener: listener.on_stalled(stalled=False))

    def _whole(self, part: bytes, *, is_last: bool) -> bytes | None:
        """The message that this part completes. Of one that is too large nothing is kept: it ends as an empty one."""
        self._size += len(part)
        if self._size > _LARGEST_MESSAGE_BYTES:
            self._parts.clear()
        else:
            self._parts.append(part)
        if not is_last:
            return None
        whole, self._parts, self._size = b"".join(self._parts), [], 0
        return whole

    def _closed(self, code: int | None, reason: str) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.on_closed(code, reason)

    def _tell(self, news: Callable[[Listener], None]) -> None:
        if self._listener is not None:
            news(self._listener)


def refused_with(error: Exception) -> int | None:
    """The HTTP status that a refused upgrade was answered with."""
    response = getattr(error, "response", None) if isinstance(error, WSInvalidStatusError) else None
    return int(response.status) if response is not None else None
