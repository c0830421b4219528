"""Ports that nobody takes between the question and the server's start.

A port that the system picks (`bind` to 0) may be picked again a moment later, for a connection going out or by the test
next door. So servers' ports come from below the system's own range (Linux: 32768 to 60999), and each process has a band of its
own there, which it walks through without turning back. Whoever has a band's first port open has the band.
"""

import functools
import itertools
import random
import socket
from collections.abc import Iterator

_LOWEST = 10_000
_BAND = 600
_BANDS = 16
"""Up to 19,600: from 20,000 on the telephone tests have their media."""


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that is free and that this process was not given lately."""
    return next(port for port in _walk() if _is_free(port, kind))


def free_ports(count: int = 10) -> int:
    """The first of some ports in a row, as many as the demo has, each free for TCP and UDP."""
    while True:
        ports = [free_port() for _ in range(count)]
        in_a_row = ports[-1] - ports[0] == count - 1
        if in_a_row and all(_is_free(port, socket.SOCK_DGRAM) for port in ports):
            return ports[0]


def take_band() -> socket.socket | None:
    """Take the first band that nobody has, for as long as the socket is open, which has its first port; None: all are taken."""
    for first in range(_LOWEST, _LOWEST + _BANDS * _BAND, _BAND):
        taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            taken.bind(("127.0.0.1", first))
        except OSError:
            taken.close()
        else:
            return taken
    return None


def _own_band() -> int:
    """The first port of a band that is this process's until it ends; if all are taken, of anybody's."""
    taken = take_band()
    if taken is None:
        return _LOWEST + random.randrange(_BANDS) * _BAND
    first: int = taken.getsockname()[1]
    taken.detach()  # it stays open
    return first


@functools.cache
def _walk() -> Iterator[int]:
    first = _own_band()
    start = random.randrange(1, _BAND)
    return itertools.cycle([*range(first + start, first + _BAND), *range(first + 1, first + start)])


def _is_free(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
