"""`make demo`: everything that a first call needs, from one command.

Exit code 0 after Ctrl-C (or SIGTERM), 1 when a part died or could not start, 2 for a setting that can't be used.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import yaml

from configuration import FileError
from demo import playground
from demo.errors import DemoError, PartDiedError, SettingError
from demo.livekit_server import locate
from demo.parts import Part, Program, Show, running, while_alive
from demo.settings import DEFAULT_PORT_BASE, Ports, Settings, read_settings

_ROOT = Path(__file__).parent.parent
_SCRIPT = _ROOT / "demo" / "script.toml"
_PLAYGROUND = "https://agents-playground.livekit.io"
_EMULATED_KEY = {"GOOGLE_API_KEY": "", "GEMINI_API_KEY": ""}


def say(line: str) -> None:
    """Tell the person at the terminal."""
    print(line, flush=True)


class Demo:
    """The parts, in the order in which they start. They end in the opposite one."""

    def __init__(self, settings: Settings, stack: AsyncExitStack, *, verbose: bool) -> None:
        self._settings = settings
        self._stack = stack
        self._verbose = verbose
        self.parts: list[Part] = []
        config = yaml.safe_load((_ROOT / "livekit.yaml").read_text())
        self._config = config | {"port": settings.ports.sfu}
        self._config["rtc"] = config["rtc"] | {"udp_port": settings.ports.sfu_udp}
        [(self._api_key, self._api_secret)] = config["keys"].items()
        self._environment = settings.environment | {
            "PYTHONUNBUFFERED": "1",
            "LIVEKIT_URL": f"ws://127.0.0.1:{settings.ports.sfu}",
            "LIVEKIT_API_KEY": self._api_key,
            "LIVEKIT_API_SECRET": self._api_secret,
        }

    async def start(self) -> None:
        """Start everything; each part is ready before the next begins.

        Raises:
            DemoError: a part couldn't start.
        """
        await self._start_sfu(await locate(self._settings, say))
        if self._settings.has_model:
            say(f"gemini {self._settings.model}")
        else:
            await self._start_emulator()
        await self._start_token_server()
        await self._start_worker()

    async def _run(self, program: Program) -> str:
        part = await self._stack.enter_async_context(running(program))
        line = await while_alive(self.parts, part.ready())
        self.parts.append(part)
        return line

    async def _start_sfu(self, path: Path) -> None:
        environment = self._environment | {"LIVEKIT_CONFIG": yaml.safe_dump(self._config)}
        ready = re.compile("starting LiveKit server")
        # its first SIGTERM means "when the last caller has left"
        show = self._shown(_only_sfu_errors)
        await self._run(Program("livekit", [str(path)], environment, ready, hurry_after_s=1, show=show))
        await while_alive(self.parts, _answers(f"http://127.0.0.1:{self._settings.ports.sfu}/"))
        url = self._environment["LIVEKIT_URL"]
        say(f"livekit {url} LIVEKIT_API_KEY={self._api_key} LIVEKIT_API_SECRET={self._api_secret}")

    async def _start_emulator(self) -> None:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="earshot-"))
        ca_file = Path(folder) / "emulator-ca.pem"
        port = str(self._settings.ports.emulator)
        argv = [sys.executable, "-m", "emulator", "--port", port, "--ca-file", str(ca_file), "--script", str(_SCRIPT)]
        argv += ["--profile", "gemini-3.8-live"]
        line = await self._run(Program("emulator", argv, self._environment, re.compile(r"^ready ")))
        url = line.split()[1]
        self._environment |= _EMULATED_KEY | {"GEMINI_BASE_URL": url, "GEMINI_CA_FILE": str(ca_file)}
        say(f"emulator {url} {ca_file}")

    async def _start_token_server(self) -> None:
        port = str(self._settings.ports.token_server)
        argv = [sys.executable, "-m", "token_server", "--host", "127.0.0.1", "--port", port]
        own = {
            "TOKEN_MODE": "open",  # a .env may be meant for the internet; this door is for this machine
            "TOKEN_LIVEKIT_URL": f"http://127.0.0.1:{self._settings.ports.sfu}",
            # so that who calls a full worker is told, and doesn't sit in a silent room
            "TOKEN_WORKERS_URL": f"http://127.0.0.1:{self._settings.ports.worker_health}",
        }
        environment = self._environment | own
        line = await self._run(Program("token", argv, environment, re.compile(r"^ready ")))
        say(f"token {line.split()[1]}")
        say(f"page {_page(self._settings.ports)}")

    async def _start_worker(self) -> None:
        # a call that still runs at Ctrl-C is ended, not waited for
        own = {"DRAIN_TIMEOUT_S": "1", "IDLE_PROCESSES": "1", "HEALTH_PORT": str(self._settings.ports.worker_health)}
        environment = self._environment | own
        argv = [sys.executable, "agent.py", "start"]
        ready = re.compile('"registered worker"')
        await self._run(Program("worker", argv, environment, ready, show=self._shown(_only_calls)))
        say(f"worker {self._settings.agent_name}")

    def playground(self) -> tuple[str, str]:
        """LiveKit's URL, and a token for a client that has no token endpoint."""
        agent_name = self._settings.agent_name
        return self._environment["LIVEKIT_URL"], playground.token(self._api_key, self._api_secret, agent_name, time.time())

    def _shown(self, shorter: Show) -> Show:
        return (lambda line: line) if self._verbose else shorter


def _only_sfu_errors(line: str) -> str | None:
    return line if re.search(r"\tERROR\t", line) else None


def _only_calls(line: str) -> str | None:
    """Of the worker's JSON log: its own messages and everybody's warnings, in short. Other lines as they are."""
    try:
        entry = json.loads(line)
        name, level, message = entry["name"], entry["level"], str(entry["message"])
    except (ValueError, KeyError, TypeError):
        return line
    if not name.startswith("earshot") and (level == "INFO" or name == "livekit"):
        return None  # `livekit` is the native WebRTC library, which warns about its own housekeeping
    facts = {key: entry[key] for key in ("room", "persona", "reason", "error") if entry.get(key)}
    first_line = message.strip().partition("\n")[0]
    return " ".join([first_line, *(f"{key}={value}" for key, value in facts.items())])


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


def _say_how_to_join(ports: Ports, url: str, token: str) -> None:
    moved = "" if ports.base == DEFAULT_PORT_BASE else f"PORT_BASE={ports.base} "
    say("")
    say(f"  Open {_page(ports)} in a browser, and talk.")
    say(f"  Or call the agent from another terminal:   {moved}make call")
    say(f"  From LiveKit's playground, {_PLAYGROUND}, or any other LiveKit client:")
    say(f"    URL    {url}")
    say(f"    token  {token}")
    say("  (good for an hour; a client with a token endpoint asks the token server itself)")
    say("  Ctrl-C ends everything.")


async def _demo(settings: Settings, *, verbose: bool) -> None:
    stopped = asyncio.Event()
    this = asyncio.current_task()
    assert this is not None
    starting = True

    def stop() -> None:
        stopped.set()
        if starting:
            this.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    started_at = time.monotonic()
    try:
        async with AsyncExitStack() as stack:
            settings.ports.check_free(emulator=not settings.has_model)
            demo = Demo(settings, stack, verbose=verbose)
            await demo.start()
            starting = False
            say(f"ready after {time.monotonic() - started_at:.1f} s: a caller can join")
            _say_how_to_join(settings.ports, *demo.playground())
            await while_alive(demo.parts, stopped.wait())
            say("ending")
    except asyncio.CancelledError:
        if not stopped.is_set():
            raise
        this.uncancel()


def main(argv: list[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Run everything that a first call needs.")
    parser.add_argument("--verbose", action="store_true", help="show every line of every part")
    arguments = parser.parse_args(argv)
    try:
        asyncio.run(_demo(read_settings(), verbose=arguments.verbose))
    except (SettingError, FileError) as error:
        print(error, file=sys.stderr)
        return 2
    except DemoError as error:
        print(f"\n{error}" if isinstance(error, PartDiedError) else error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
