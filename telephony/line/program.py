"""`python -m telephony line`: the line until SIGTERM (calls may go on for a while) or SIGINT (they may not).

A second SIGTERM hurries. Exit code 0 then, 2 for a setting that can't be used.
"""

import argparse
import asyncio
import functools
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from pydantic import ValidationError

from configuration import FileError, TextLines, argument_parser, set_log_format
from configuration.log_filter import described, keep_words_out, log_what_goes_to_stderr
from configuration.private_text import PrivateText
from telephony.errors import TelephonyError
from telephony.line.admission import admission
from telephony.line.digest import Challenges
from telephony.line.errors import LineSettingsError
from telephony.line.gate import Gate
from telephony.line.leg import Ports
from telephony.line.limits import one_line
from telephony.line.participant_token import TokenSigner
from telephony.line.server import SipServer
from telephony.line.wire import host_in_uri
from telephony.reading import load_spec
from telephony.settings import prepare_environment, read_passwords, read_settings
from telephony.spec import LineSpec, Spec

_FILE = Path("telephony.toml")
_DEMO = Path(__file__).parent / "demo.toml"
_DRAIN_S = 25.0
_DEMO_NUMBER = "100"

logger = logging.getLogger("telephony.line")


class _OneLine(TextLines):
    """A record as one line of printable ASCII, and so each line of a traceback: nothing that a phone sends forges a line."""

    def format(self, record: logging.LogRecord) -> str:
        return "\n".join(map(one_line, super().format(record).split("\n")))


_EXAMPLES = (
    "python -m telephony line --port 5070           # every softphone on this machine may call",
    "python -m telephony line --file telephony.toml --host 192.168.1.10",
    "python -m telephony line --rtp-ports 20000-20099 --drain-s 60",
)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    what = "An embedded SIP endpoint: for development, CI and about ten calls on a trusted network."
    parser = argument_parser("python -m telephony line", what, _EXAMPLES)
    parser.add_argument("--file", type=Path, help="telephony.toml; without one here, every softphone on this machine may call")
    parser.add_argument("--host", help="[line] host: the IP address to listen on")
    parser.add_argument("--port", type=int, help="[line] port, UDP; 0 picks a free one")
    parser.add_argument("--rtp-ports", metavar="A-B", help="[line] rtp_ports: first and last port for sound")
    parser.add_argument(
        "--drain-s",
        type=float,
        default=_DRAIN_S,
        help="after SIGTERM, calls may go on for so many seconds (default: %(default)g)",
    )
    return parser.parse_args(argv)


def _spec(arguments: argparse.Namespace) -> Spec:
    """The file, with what the command line says over [line].

    Raises:
        TelephonyError: one of them can't be used.
    """
    path = arguments.file or (_FILE if _FILE.exists() else _DEMO)
    spec = load_spec(path)
    given = {name: getattr(arguments, name) for name in ("host", "port", "rtp_ports") if getattr(arguments, name) is not None}
    try:
        line = LineSpec.model_validate(spec.line.model_dump() | given)
    except ValidationError as invalid:
        error = invalid.errors(include_url=False)[0]
        name = str(error["loc"][0])
        message = str(error["msg"]).removeprefix("Value error, ")
        raise LineSettingsError(f"--{name.replace('_', '-')}", error.get("input"), message) from None
    spec = spec.model_copy(update={"line": line})
    _check(spec, path)
    return spec


def _check(spec: Spec, path: Path) -> None:
    """Check that a call is possible: some rule needs no PIN. The file's own checks make sure that each trunk is guarded."""
    with_pin = [rule.name for rule in spec.rule if rule.pin is not None]
    if len(with_pin) == len(spec.rule):
        fix = "it has no [[rule]] without a PIN, so nobody could call: this line can't ask for one"
        raise LineSettingsError("--file", str(path), fix)
    for name in with_pin:
        logger.warning("rule %r is never taken: it has a PIN, and this line can't ask for one; livekit-sip can", name)


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        bound.setblocking(False)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        fix = f"the port can't be opened on {host} ({os.strerror(error.errno or 0)}); 0 picks a free one"
        raise LineSettingsError("--port", port, fix) from error
    return bound


@asynccontextmanager
async def _listening(gate: Gate, signer: TokenSigner, ports: Ports, bound: socket.socket) -> AsyncIterator[SipServer]:
    """A SIP server on a bound socket. Its calls and its retransmissions are tasks of one group."""
    async with asyncio.TaskGroup() as group:
        server = SipServer(gate, signer, ports, group)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: server, sock=bound)
        retransmitting = group.create_task(server.run(), name="retransmissions")
        try:
            yield server
        finally:
            retransmitting.cancel()
            transport.close()


async def _serve(spec: Spec, signer: TokenSigner, passwords: dict[str, str], drain_s: float) -> None:
    host = spec.line.host
    gate = Gate(admission(spec, passwords), Challenges(secrets.token_bytes(32), "earshot"))
    bound = _bind(host, spec.line.port)
    loop = asyncio.get_running_loop()
    asked, hurry = asyncio.Event(), asyncio.Event()

    def end(number: int) -> None:
        if number == signal.SIGINT or asked.is_set():
            hurry.set()
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    async with _listening(gate, signer, Ports(host, spec.line.rtp_range), bound) as server:
        shown = next((number for trunk in spec.inbound for number in trunk.numbers), _DEMO_NUMBER)
        print(f"ready sip:{shown}@{host_in_uri(host)}:{server.local[1]}", flush=True)
        await asked.wait()
        await server.drain(drain_s, hurry)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve; returns the exit code."""
    arguments = _arguments(sys.argv[1:] if argv is None else argv)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("livekit").setLevel(logging.WARNING)
    logging.getLogger("aiosipua").setLevel(logging.ERROR)  # it warns about each datagram whose length is wrong
    try:
        spec = _spec(arguments)
        settings = read_settings()
        if settings.log_format == "json":
            set_log_format("json")
        prepare_environment(settings)
        signer = TokenSigner(settings.livekit_url, settings.key, settings.secret)
        passwords = read_passwords(spec)
        keep_words_out(PrivateText(), functools.partial(described, for_operators=(TelephonyError,)))
        log_what_goes_to_stderr(logger)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(spec, signer, passwords, max(arguments.drain_s, 0)))
    except (TelephonyError, FileError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0
