"""The demo: everything that a first call needs, from one command.

Exit code 0 after Ctrl-C (or SIGTERM), 1 when a part died or could not start, 2 for a setting that can't be used.
"""

import asyncio
import os
import re
import secrets
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import yaml

from configuration import FileError, argument_parser
from demo import environments, pair_file, playground
from demo.errors import DemoError, PartDiedError, SettingError
from demo.livekit_config import configuration, is_public, own_address
from demo.livekit_server import locate
from demo.log_lines import error_of_livekit_server, for_people, read_log_line
from demo.parts import Part, Program, Show, running, while_alive
from demo.settings import DEFAULT_PORT_BASE, DemoSettings, Pair, Ports, read_settings

_ROOT = Path(__file__).parent.parent
_SCRIPT = _ROOT / "demo" / "script.toml"
_PLAYGROUND = "https://agents-playground.livekit.io"
_EXAMPLES = (
    "python -m demo                                 # `make demo` does this",
    "PORT_BASE=9000 python -m demo --verbose",
    "GOOGLE_API_KEY=... python -m demo              # Gemini answers instead of the emulator",
    "PERSONA=boxing_coach python -m demo",
)
_EMULATED_KEY = {"GOOGLE_API_KEY": "", "GEMINI_API_KEY": ""}


def say(line: str) -> None:
    """Print a line for the person at the terminal."""
    print(line, flush=True)


class Demo:
    """The parts, in the order in which they start. They end in the opposite one."""

    def __init__(self, settings: DemoSettings, stack: AsyncExitStack, address: str | None, *, verbose: bool) -> None:
        self._settings = settings
        self._stack = stack
        self._verbose = verbose
        self.parts: list[Part] = []
        config = yaml.safe_load((_ROOT / "livekit.yaml").read_text())
        # livekit.yaml's secret is public, and livekit-server takes requests of any web page that has the secret
        [key] = config["keys"]
        pair = settings.pair or Pair(key, secrets.token_urlsafe(32))
        self._is_public = is_public(pair, config)
        self._config = configuration(config, settings.ports, pair, address)
        self._livekit = {
            "LIVEKIT_URL": f"ws://127.0.0.1:{settings.ports.sfu}",
            "LIVEKIT_API_KEY": pair.key,
            "LIVEKIT_API_SECRET": pair.secret,
        }
        self._system = environments.of_system(settings.environment)
        self._model: dict[str, str] = {}
        """The worker's settings for the emulator; empty with a Gemini key."""

    async def start(self) -> None:
        """Start everything; each part is ready before the next begins.

        Raises:
            DemoError: a part couldn't start.
        """
        self._tell_not_taken()
        await self._start_sfu(await locate(self._settings, say))
        if self._settings.has_model:
            say(f"gemini {self._settings.model}")
        else:
            await self._start_emulator()
        await self._start_token_server()
        await self._start_worker()

    def _tell_not_taken(self) -> None:
        log = {"LOG_LEVEL": environments.worker_log_level(self._settings.known), "LOG_FORMAT": environments.WORKER_LOG_FORMAT}
        given = self._livekit | log | {"TOKEN_MODE": "open"}
        names = environments.not_taken(self._settings.known, given)
        if names:
            say(f"[demo] is for this machine alone and doesn't take these settings: {', '.join(names)}")

    async def _run(self, program: Program) -> str:
        part = await self._stack.enter_async_context(running(program))
        line = await while_alive(self.parts, part.ready())
        self.parts.append(part)
        return line

    async def _start_sfu(self, path: Path) -> None:
        environment = self._system | {"LIVEKIT_CONFIG": yaml.safe_dump(self._config)}
        ready = re.compile("starting LiveKit server")
        # its first SIGTERM means "when the last caller has left"
        show = self._shown(error_of_livekit_server)
        await self._run(Program("livekit", [str(path)], environment, ready, hurry_after_s=1, show=show))
        await while_alive(self.parts, _answers(f"http://127.0.0.1:{self._settings.ports.sfu}/"))
        self._keep_pair()
        self._tell_pair()

    def _keep_pair(self) -> None:
        """Write a drawn pair to its file. The file is there before the `livekit` line is: programs wait for that line."""
        path = pair_file.path_of(self._settings.cache_dir, self._settings.ports.base)
        try:
            if self._settings.pair is None:
                self._stack.enter_context(pair_file.written(path, self._livekit))
            else:
                path.unlink(missing_ok=True)  # of a demo that was killed: its secret opens nothing here
        except OSError as error:
            say(f"[demo] can't write {path} ({error.strerror}): make phone needs the key and the secret in its environment")

    def _tell_pair(self) -> None:
        url, key, secret = self._livekit.values()
        shown = secret if self._settings.pair is None else "***"
        say(f"livekit {url} LIVEKIT_API_KEY={key} LIVEKIT_API_SECRET={shown}")
        if self._is_public:
            say(
                "[demo] everybody knows this pair: web pages can use it while the demo runs. Unset LIVEKIT_API_KEY and"
                " LIVEKIT_API_SECRET, and the demo draws a secret"
            )

    async def _start_emulator(self) -> None:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-"))
        ca_file = Path(folder) / "emulator-ca.pem"
        port = str(self._settings.ports.emulator)
        argv = [sys.executable, "-m", "emulator", "--port", port, "--ca-file", str(ca_file), "--script", str(_SCRIPT)]
        argv += ["--profile", "gemini-3.8-live", "--control-port", str(self._settings.ports.emulator_control)]
        line = await self._run(Program("emulator", argv, self._system, re.compile(r"^ready ")))
        url = line.split()[1]
        self._model = _EMULATED_KEY | {"GEMINI_BASE_URL": url, "GEMINI_CA_FILE": str(ca_file)}
        say(f"emulator {url} {ca_file}")

    async def _start_token_server(self) -> None:
        port = str(self._settings.ports.token_server)
        argv = [sys.executable, "-m", "token_server", "--host", "127.0.0.1", "--port", port]
        own = {
            "TOKEN_MODE": "open",
            "TOKEN_LIVEKIT_URL": f"http://127.0.0.1:{self._settings.ports.sfu}",
            # so that who calls a full worker is told, and doesn't sit in a silent room
            "TOKEN_WORKERS_URL": ",".join(f"http://127.0.0.1:{port}" for port in self._settings.ports.workers_health),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), self._system.get("PYTHONPATH")])),
        }
        environment = environments.of_token_server(self._settings.environment, self._settings.known, Path.cwd())
        # a folder without a `.env`, which may be meant for the internet and has the Gemini key
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-")))
        program = Program("token", argv, environment | self._livekit | own, re.compile(r"^ready "), folder=folder)
        line = await self._run(program)
        say(f"token {line.split()[1]}")
        say(f"page {_page(self._settings.ports)}")

    async def _start_worker(self) -> None:
        own = {"IDLE_PROCESSES": "1", "HEALTH_HOST": "127.0.0.1"}
        environment = (
            environments.of_worker(self._settings.environment, self._settings.known) | self._livekit | self._model | own
        )
        ports = ",".join(map(str, self._settings.ports.workers_health))
        argv = [sys.executable, "agent.py", "start", "--reload", "--health-ports", ports]
        ready = re.compile('"registered worker"')
        # a call that still runs at Ctrl-C is ended by a second SIGTERM, not waited for
        program = Program(
            *("worker", argv, environment, ready), hurry_after_s=1, show=self._shown(_only_calls), plain=for_people
        )
        await self._run(program)
        say(f"worker {self._settings.agent_name}")

    def playground(self) -> tuple[str, str]:
        """LiveKit's URL, and a token for a client that has no token endpoint."""
        url, key, secret = self._livekit.values()
        return url, playground.token(key, secret, self._settings.agent_name, time.time())

    def _shown(self, shorter: Show) -> Show:
        return (lambda line: line) if self._verbose else shorter


def _only_calls(line: str) -> str | None:
    """Shortens a line of the worker's JSON log: its own messages and all warnings are kept. Other lines stay as they are."""
    found = read_log_line(line)
    if found is None:
        return line
    if not found.name.startswith("earshot") and (found.level == "INFO" or found.name == "livekit"):
        return None  # `livekit` is the native WebRTC library, which warns about its own housekeeping
    return found.text


async def _answers(url: str, within_s: float = 10.0) -> None:
    try:
        async with asyncio.timeout(within_s), aiohttp.ClientSession() as http:
            while True:
                try:
                    async with http.get(url):
                        return
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.05)
    except TimeoutError:
        raise DemoError(f"nothing answers at {url}, {within_s:g} s after livekit-server said that it starts") from None


def _page(ports: Ports) -> str:
    return f"http://127.0.0.1:{ports.token_server}/"


def _say_how_to_join(ports: Ports, url: str, token: str, *, firefox: bool) -> None:
    moved = "" if ports.base == DEFAULT_PORT_BASE else f"PORT_BASE={ports.base} "
    say("")
    say(f"  Open {_page(ports)} in a browser, and talk.")
    if not firefox:
        say(
            "  (Firefox gets no sound: it uses no loopback address, and this machine has no private IPv4 address with a default"
        )
        say("  route. Connect it to a network and start again. Without any network no client gets sound)")
    say(f"  Or call the agent from another terminal:   {moved}make call")
    say(f"  From LiveKit's playground, {_PLAYGROUND}, or any other LiveKit client:")
    say(f"    URL    {url}")
    say(f"    token  {token}")
    say("  (good for an hour; a client with a token endpoint asks the token server itself)")
    say("  Saved changes of agent/, examples/ and personas count from the next call on.")
    say("  Ctrl-C ends everything.")


async def _demo(settings: DemoSettings, *, verbose: bool) -> None:
    stopped = asyncio.Event()
    this = asyncio.current_task()
    assert this is not None
    starting = True

    def stop() -> None:
        if starting and not stopped.is_set():
            this.cancel()  # once: a second Ctrl-C must not interrupt the ending
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    started_at = time.monotonic()
    try:
        async with AsyncExitStack() as stack:
            address = own_address()
            settings.ports.check_free(emulator=not settings.has_model, media_address=address)
            demo = Demo(settings, stack, address, verbose=verbose)
            await demo.start()
            starting = False
            say(f"ready after {time.monotonic() - started_at:.1f} s: a caller can join")
            _say_how_to_join(settings.ports, *demo.playground(), firefox=address is not None)
            await while_alive(demo.parts, stopped.wait())
            say("ending")
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
        this.uncancel()


def main(argv: list[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    parser = argument_parser("python -m demo", "Run everything that a first call needs, on this machine.", _EXAMPLES)
    parser.add_argument("--verbose", action="store_true", help="show every line of every part, as it is")
    arguments = parser.parse_args(argv)
    try:
        asyncio.run(_demo(read_settings(), verbose=arguments.verbose))
    except KeyboardInterrupt:  # after `_demo` has taken its handler back
        return 130
    except (SettingError, FileError) as error:
        print(error, file=sys.stderr)
        return 2
    except DemoError as error:
        print(f"\n{error}" if isinstance(error, PartDiedError) else error, file=sys.stderr)
        return 1
    return 0
