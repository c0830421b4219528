"""uvicorn's HTTP protocol with deadlines and bounded connections: uvicorn itself waits for a request's head for ever.

None of its public options can do this (docs/facts.md L260). It subclasses a class that uvicorn doesn't document: its tests say
what of it is relied on.
"""

import asyncio
import ipaddress
import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from token_server.addresses import limit_key

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HEAD_S = 5.0
"""A request's head must have come within this, after the connection was made or after the previous answer."""
ANSWERED_S = 60.0
"""A request must have been answered, and its answer taken, within this."""
MOST_CONNECTIONS = 400
"""Most open connections. With one more, the one that has waited longest (for a request's head, or for its client to take an
answer) is dropped. Each may hold a socket and a file of the page (docs/facts.md L262); many systems give a process 1024
descriptors."""
MOST_PER_ADDRESS = 32
"""Most open connections of one address (IPv6: one /64)."""
_LOOPBACK: tuple[Network, ...] = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))


def protocol(proxies: Sequence[str]) -> "type[DeadlineProtocol]":
    """The protocol of a token server behind these trusted proxies, given as addresses or networks."""
    networks = tuple(ipaddress.ip_network(proxy) for proxy in proxies)
    return type("DeadlineProtocolBehindProxies", (DeadlineProtocol,), {"shared": (*_LOOPBACK, *networks)})


class DeadlineProtocol(H11Protocol):
    """One HTTP connection, with a deadline for each request's head and for its answer."""

    since: float
    """Time at which the present wait began, in seconds on the loop's clock."""
    dropped = False
    """Whether the connection was aborted; uvicorn lists it until the loop's next turn."""
    address = ""
    """The address that the connection is counted for; empty if it isn't counted for one."""
    shared: ClassVar[tuple[Network, ...]] = _LOOPBACK
    """Networks whose addresses many clients share, and that aren't counted: this machine's own and those of trusted proxies."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Make room, if need be, and wait for a request."""
        super().connection_made(transport)
        self._deadline: asyncio.TimerHandle | None = None
        self._heard = False
        self._wait_for_head()
        self.address = self.counted_address()
        if self.address:
            self._make_room(MOST_PER_ADDRESS, self.address)
        self._make_room(MOST_CONNECTIONS)

    def data_received(self, data: bytes) -> None:
        """Take what came; a complete head starts the time for its answer."""
        self._heard = True
        cycle: Any = self.cycle
        super().data_received(data)
        if self.cycle is not cycle and not self.cycle.response_complete:
            self._wait_for_answer()

    def on_response_complete(self) -> None:
        """Wait for the next request. The rest of this request's body doesn't count as one."""
        self._heard = False
        self._wait_for_head()
        cycle: Any = self.cycle
        super().on_response_complete()
        if self.cycle is not cycle:  # the next one was there already
            self._wait_for_answer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._set_deadline(None)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP request."""
        self._say_and_close(400, "Bad Request", "bad_request", msg)

    def give_up(self) -> None:
        """End the wait for a request's head; or, on a closing connection, for a client that doesn't take the last answer."""
        if self.transport.is_closing():
            self.drop()
        elif self._heard:
            self._say_and_close(408, "Request Timeout", "too_slow", "The request's head took too long.")
        else:
            self.transport.close()
            self._wait_for_head()

    def drop(self) -> None:
        """Close the connection, whatever is still to be sent."""
        self.dropped = True
        self.transport.abort()

    def _wait_for_head(self) -> None:
        self._wait(HEAD_S, self.give_up)

    def _wait_for_answer(self) -> None:
        self._wait(ANSWERED_S, self.drop)

    def _wait(self, at_most_s: float, then: Callable[[], None]) -> None:
        self._set_deadline(self.loop.call_later(at_most_s, then))
        self.since = self.loop.time()

    def _set_deadline(self, deadline: asyncio.TimerHandle | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = deadline

    def counted_address(self) -> str:
        """The address that the connection is counted for; empty if many clients share that address."""
        host = self.client[0] if self.client else ""
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return ""
        address = getattr(address, "ipv4_mapped", None) or address
        return "" if any(address in network for network in self.shared) else limit_key(host)

    def _make_room(self, most: int, of_address: str = "") -> None:
        if len(self.connections) <= most:
            return
        # a dropped one stays among uvicorn's connections until the loop's next turn, and many may come in one turn
        open_ones = [one for one in self.connections if isinstance(one, DeadlineProtocol) and not one.dropped]
        counted = [one for one in open_ones if not of_address or one.address == of_address]
        if len(counted) > most:
            min(counted, key=lambda one: one.since).drop()

    def _say_and_close(self, status: int, reason: str, code: str, sentence: str) -> None:
        body = json.dumps({"code": code, "message": sentence}).encode()
        head = (
            f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
        self._wait_for_head()
