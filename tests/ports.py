"""Ports that nobody takes between the question and the server's start.

A port that the system picks (`bind` to 0) may be picked again a moment later, for a connection going out or by the test
next door. So servers' ports come from below the system's own range (Linux: 32768 to 60999), and each process of pytest-xdist
has a band of its own there, which it walks through without turning back.
"""

import itertools
import os
import random
import socket
from collections.abc import Iterator

_LOWEST = 10_000
_BAND = 1_200
_BANDS = 8
"""Up to 19,600: from 20,000 on the telephone tests have their media."""


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that is free and that this process was not given lately."""
    return next(port for port in _walk if _is_free(port, kind))


def free_ports(count: int = 10) -> int:
    """The first of some ports in a row, as many as the demo has, each free for TCP and UDP."""
    while True:
        ports = [free_port() for _ in range(count)]
        in_a_row = ports[-1] - ports[0] == count - 1
        if in_a_row and all(_is_free(port, socket.SOCK_DGRAM) for port in ports):
            return ports[0]


def _band() -> Iterator[int]:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _LOWEST + (worker % _BANDS) * _BAND
    start = random.randrange(_BAND)
    return itertools.cycle([*range(first + start, first + _BAND), *range(first, first + start)])


def _is_free(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_walk = _band()
