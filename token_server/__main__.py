"""`python -m token_server`: serve tokens until SIGINT or SIGTERM. Exit code 2 for a setting that can't be used."""

import argparse
import asyncio
import contextlib
import functools
import logging
import signal
import socket
import sys
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from configuration import FileError, argument_parser, log_to_stderr, set_log_format
from configuration.log_filter import described, keep_words_out, log_what_goes_to_stderr
from configuration.private_text import PrivateText
from token_server.app import build
from token_server.connections import protocol
from token_server.errors import SettingsError, TokenServerError
from token_server.settings import TokenServerSettings, read_settings

_CLOSE_S = 3


_EXAMPLES = (
    "python -m token_server",
    "python -m token_server --port 8080",
    "TOKEN_MODE=key TOKEN_KEYS=$(openssl rand -hex 24) python -m token_server --host 0.0.0.0",
)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    what = "LiveKit's token endpoint for Earshot, and the page. All other settings are in .env.example."
    parser = argument_parser("python -m token_server", what, _EXAMPLES)
    parser.add_argument("--host", help="the address to listen on; wins over TOKEN_HOST")
    parser.add_argument("--port", type=int, help="the port to listen on; wins over TOKEN_PORT; 0 picks a free one")
    return parser.parse_args(argv)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: `_serve` has taken them. Uvicorn would raise them again at the end."""
        yield


async def _serve(app: Starlette, settings: TokenServerSettings, bound: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        http=protocol(settings.token_trusted_proxies),
        ws="none",
        lifespan="on",
        log_config=None,
        server_header=False,
        access_log=False,
        proxy_headers=bool(settings.token_trusted_proxies),  # uvicorn's default would believe every local process
        forwarded_allow_ips=list(settings.token_trusted_proxies),
        timeout_graceful_shutdown=_CLOSE_S,
    )
    server = _Server(config)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, server.handle_exit, number, None)
    host, port = bound.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"ready http://{shown}:{port}/token", flush=True)  # bound and listening: a client that comes now is served
    await server.serve(sockets=[bound])


def main(argv: list[str] | None = None) -> int:
    """Serve; returns the exit code."""
    arguments = _arguments(argv)
    given = {"token_host": arguments.host, "token_port": arguments.port}
    log_to_stderr()
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # its warnings are one per bad request
    try:
        settings = read_settings(**{name: value for name, value in given.items() if value is not None})
        set_log_format(settings.log_format)
        app = build(settings)
        bound = _bind(settings)
    except (TokenServerError, FileError) as error:
        print(error, file=sys.stderr)
        return 2
    keep_words_out(PrivateText(), functools.partial(described, for_operators=(SettingsError,)))
    log_what_goes_to_stderr(logging.getLogger("token_server"))
    asyncio.run(_serve(app, settings, bound))
    return 0


def _bind(settings: TokenServerSettings) -> socket.socket:
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            settings.token_host, settings.token_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        return socket.create_server(address, family=family)
    except UnicodeError as error:
        raise SettingsError("TOKEN_HOST", settings.token_host, "it is no name or address of a host") from error
    except OSError as error:
        fix = f"the port can't be opened on {settings.token_host} ({error.strerror}); 0 picks a free one"
        raise SettingsError("TOKEN_PORT", settings.token_port, fix) from error


if __name__ == "__main__":
    sys.exit(main())
