"""Deadlines and bounds of HTTP connections: uvicorn waits for a request's head for ever, and has no option against it.

No public option of uvicorn keeps slow clients from holding up the others (docs/facts.md L260). So a protocol of this module
stands between the socket and uvicorn's own. It passes on what comes, and learns from `RequestDeadlines`, which is around the
application, when a request begins and when it has been answered.
"""

import asyncio
import ipaddress
import json
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from token_server.addresses import limit_key

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HEAD_S = 5.0
"""A request's head must have come within this, after the connection was made or after the previous answer."""
ANSWERED_S = 60.0
"""A request must have been answered, and its answer taken, within this. A long answer (`allow_long_answer`) may take longer."""
MOST_CONNECTIONS = 400
"""Most open connections. With one more, the one that has waited longest (for a request's head, or for its client to take an
answer) is dropped. Each may hold a socket and a file of the page (docs/facts.md L262); many systems give a process 1024
descriptors."""
MOST_PER_ADDRESS = 32
"""Most open connections of one address (IPv6: one /64)."""
_LOOPBACK: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))
_CURRENT: ContextVar["DeadlineProtocol | None"] = ContextVar("_CURRENT", default=None)
"""The connection whose bytes are read. A request's task is started while they are, and so has this in its context."""


def protocol(proxies: Sequence[str]) -> "type[DeadlineProtocol]":
    """The protocol of a token server behind these trusted proxies, given as addresses or networks."""
    networks = tuple(ipaddress.ip_network(proxy) for proxy in proxies)
    own = {"shared": (*_LOOPBACK, *networks), "open_ones": set()}
    return type("DeadlineProtocolBehindProxies", (DeadlineProtocol,), own)


def allow_long_answer() -> None:
    """The request of this task has a long answer: each part of it that is sent has ANSWERED_S from the one before."""
    connection = _CURRENT.get()
    if connection is not None:
        connection.answer_is_long()


class RequestDeadlines:
    """ASGI middleware: tells a request's connection that it begins, and that it has been answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        connection = _CURRENT.get() if scope["type"] == "http" else None
        if connection is None:
            await self._app(scope, receive, send)
            return
        connection.request_begins()
        try:
            await self._app(scope, receive, send)
        finally:
            connection.request_ends()


class DeadlineProtocol(asyncio.Protocol):
    """One HTTP connection, with a deadline for each request's head and for its answer. uvicorn's protocol reads and answers."""

    shared: ClassVar[tuple[Network, ...]] = _LOOPBACK
    """Networks whose addresses many clients share, and that aren't counted: this machine's own and those of trusted proxies."""
    open_ones: ClassVar[set["DeadlineProtocol"]] = set()
    """The server's open connections."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._loop = _loop or asyncio.get_running_loop()
        self._http: asyncio.Protocol = H11Protocol(config, server_state, app_state, self._loop)
        self._transport: asyncio.Transport
        self._deadline: asyncio.TimerHandle | None = None
        self._heard = False
        self._requests = 0
        self.is_asked = False
        """Whether a request has come whose answer is what uvicorn writes."""
        self._is_long = False
        self.client: tuple[str, int] | None = None
        self.since = 0.0
        """Time at which the present wait began, in seconds on the loop's clock."""
        self.address = ""
        """The address that the connection is counted for; empty if it isn't counted for one."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # a socket's transport is one
        """Make room, if need be, and wait for a request."""
        self._transport = transport
        self.client = transport.get_extra_info("peername")
        self.open_ones.add(self)
        self._wait_for_head()
        self._http.connection_made(_Answers(self, transport))
        self.address = self.counted_address()
        if self.address:
            self._make_room(MOST_PER_ADDRESS, self.address)
        self._make_room(MOST_CONNECTIONS)

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        self._heard = True
        self.is_asked = self._requests > 0
        before = _CURRENT.set(self)
        try:
            self._http.data_received(data)
        finally:
            _CURRENT.reset(before)

    def eof_received(self) -> bool | None:
        """Hand on that the client sends no more."""
        return self._http.eof_received()

    def pause_writing(self) -> None:
        """Hand on that the client takes no more for now."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Hand on that the client takes more."""
        self._http.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self.open_ones.discard(self)
        self._set_deadline(None)
        self._http.connection_lost(exc)

    def request_begins(self) -> None:
        """A complete head starts the time for its answer."""
        self._requests += 1
        self.is_asked = True
        self._is_long = False
        self._wait(ANSWERED_S, self.drop)

    def answer_is_long(self) -> None:
        """The answer may take longer than ANSWERED_S, as long as the client goes on taking it."""
        self._is_long = True

    def part_is_sent(self) -> None:
        """A part of an answer goes out: uvicorn makes the next one when the client has taken most of those before."""
        if self._is_long:
            self._wait(ANSWERED_S, self.drop)

    def request_ends(self) -> None:
        """Wait for the next request, unless it was there already. The rest of this request's body doesn't count as one."""
        self._requests -= 1
        self._is_long = False
        if self._requests == 0:
            self._heard = False
            self._wait_for_head()

    def give_up(self) -> None:
        """End the wait for a request's head; or, on a closing connection, for a client that doesn't take the last answer."""
        if self._transport.is_closing():
            self.drop()
        elif self._heard:
            self.say_and_close(408, "Request Timeout", "too_slow", "The request's head took too long.")
        else:
            self._transport.close()
            self._wait_for_head()

    def drop(self) -> None:
        """Close the connection, whatever is still to be sent."""
        self.open_ones.discard(self)
        self._transport.abort()

    def say_and_close(self, status: int, reason: str, code: str, sentence: str) -> None:
        """Refuse what has no request yet."""
        body = json.dumps({"code": code, "message": sentence}).encode()
        head = (
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        self._transport.close()
        self._wait_for_head()

    def counted_address(self) -> str:
        """The address that the connection is counted for; empty if many clients share that address."""
        host = self.client[0] if self.client else ""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return ""
        address = getattr(address, "ipv4_mapped", None) or address
        return "" if any(address in network for network in self.shared) else limit_key(host)

    def _wait_for_head(self) -> None:
        self._wait(HEAD_S, self.give_up)

    def _wait(self, at_most_s: float, then: Callable[[], None]) -> None:
        if self in self.open_ones:
            self._set_deadline(self._loop.call_later(at_most_s, then))
            self.since = self._loop.time()

    def _set_deadline(self, deadline: asyncio.TimerHandle | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = deadline

    def _make_room(self, most: int, of_address: str = "") -> None:
        if len(self.open_ones) > most:
            counted = [one for one in self.open_ones if not of_address or one.address == of_address]
            if len(counted) > most:
                min(counted, key=lambda one: one.since).drop()


class _Answers(asyncio.Transport):
    """The transport that uvicorn writes to. What it writes before there is a request says that the bytes are no HTTP."""

    def __init__(self, connection: DeadlineProtocol, transport: asyncio.Transport) -> None:
        super().__init__()
        self._connection = connection
        self._transport = transport

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send an answer; or the refusal of bytes that are no HTTP, in this server's own form, once."""
        if self._connection.is_asked:
            self._connection.part_is_sent()
            self._transport.write(data)
        elif not self._transport.is_closing():
            self._connection.say_and_close(400, "Bad Request", "bad_request", "This is no HTTP request.")

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the socket's transport knows."""
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close when all has been sent."""
        self._transport.close()

    def pause_reading(self) -> None:
        """Read no more for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()
