"""The real parts, each a process of its own on free ports: livekit-server, the emulator with a test's script, workers."""

import asyncio
import datetime
import inspect
import json
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from livekit import api

from caller import Caller
from demo.livekit_server import locate
from demo.parts import Part, Program, running
from demo.settings import read_settings
from tests.lights import PERSONAS
from tests.ports import free_port, free_ports
from token_server.grants import TokenPolicy, issue
from token_server.token_request import TokenRequest

ROOT = Path(__file__).parents[2]
API_KEY = "testkey"
API_SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
AGENT_NAME = "earshot"
_RUNNING: list[tuple[str, str]] = []
"""The workers that run in this process's tests: LiveKit's address and the agent's name."""


async def until(fact: Callable[[], Awaitable[bool] | bool], *, within_s: float = 10.0) -> None:
    """Wait for a fact that nobody tells: another program's, asked for again and again.

    Raises:
        TimeoutError: it didn't come about.
    """
    async with asyncio.timeout(within_s):
        while not (await found if inspect.isawaitable(found := fact()) else found):
            await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Sfu:
    """A running livekit-server."""

    url: str

    @property
    def http_url(self) -> str:
        return self.url.replace("ws", "http", 1)

    def token(self, room: str, identity: str, *, metadata: str = "", agent_name: str = AGENT_NAME) -> str:
        """A caller's token, as our token server makes it."""
        request = TokenRequest.model_validate(
            {
                "room_name": room,
                "participant_identity": identity,
                "room_config": {"agents": [{"metadata": metadata}]},
            }
        )
        policy = TokenPolicy(API_KEY, API_SECRET, agent_name, life_s=600)
        return issue(request, policy, datetime.datetime.now(datetime.UTC)).token

    def caller(
        self,
        room: str,
        identity: str = "caller",
        *,
        metadata: str = "",
        agent_name: str = AGENT_NAME,
        subscribe: bool = True,
    ) -> Caller:
        token = self.token(room, identity, metadata=metadata, agent_name=agent_name)
        return Caller(self.url, token, subscribe=subscribe)

    def telephone(self, room: str, attributes: dict[str, str], *, agent_name: str = AGENT_NAME) -> Caller:
        """A caller who is to the room what a SIP bridge makes of a telephone."""
        token = api.AccessToken(API_KEY, API_SECRET).with_identity("sip_caller").with_kind("sip").with_attributes(attributes)
        token = token.with_grants(api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True))
        dispatch = api.RoomAgentDispatch(agent_name=agent_name)
        return Caller(self.url, token.with_room_config(api.RoomConfiguration(agents=[dispatch])).to_jwt())

    def api(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self.http_url, API_KEY, API_SECRET)

    async def is_empty(self, room: str) -> bool:
        return not await self.participants(room)

    async def participants(self, room: str) -> list[str]:
        return list(await self.voices(room))

    async def voices(self, room: str) -> dict[str, bool]:
        """Who is in the room, by identity, and whether they have published a track."""
        async with self.api() as livekit:
            try:
                found = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
            except api.TwirpError as error:
                if error.code == api.TwirpErrorCode.NOT_FOUND:
                    return {}
                raise
        return {participant.identity: bool(participant.tracks) for participant in found.participants}


@asynccontextmanager
async def sfu(port: int | None = None) -> AsyncIterator[Sfu]:
    """livekit.yaml's server, on free ports or where it was before."""
    async with sfu_part(port) as (server, _):
        yield server


@asynccontextmanager
async def sfu_part(port: int | None = None) -> AsyncIterator[tuple[Sfu, Part]]:
    """The same, with its process."""
    config = yaml.safe_load((ROOT / "livekit.yaml").read_text())
    config["port"], config["rtc"]["udp_port"] = port or free_ports(), free_port(socket.SOCK_DGRAM)
    config["keys"] = {API_KEY: API_SECRET}
    path = await locate(read_settings(), print)
    environment = {**os.environ, "LIVEKIT_CONFIG": yaml.safe_dump(config)}
    program = Program("livekit", [str(path)], environment, re.compile("starting LiveKit server"), hurry_after_s=1)
    async with running(program) as part:
        await part.ready()
        await listens(config["port"])
        yield Sfu(f"ws://127.0.0.1:{config['port']}"), part


@dataclass(frozen=True)
class Gemini:
    """A running emulator."""

    url: str
    ca_file: Path
    journal: Path

    def lines(self) -> list[dict[str, Any]]:
        """What went over the emulator's sockets so far."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def setups(self) -> list[dict[str, Any]]:
        return [line["message"]["setup"] for line in self.lines() if "setup" in line["message"]]


@asynccontextmanager
async def gemini(folder: Path, script: str) -> AsyncIterator[Gemini]:
    """The emulator with a script, given as TOML."""
    folder.mkdir(exist_ok=True)
    (folder / "script.toml").write_text(script)
    async with emulator(folder, "--script", str(folder / "script.toml")) as model:
        yield model


@asynccontextmanager
async def emulator(folder: Path, *options: str) -> AsyncIterator[Gemini]:
    """The emulator on a free port, with options of its command line; its files are in the folder."""
    ca_file, journal = folder / "ca.pem", folder / "journal.jsonl"
    argv = [sys.executable, "-m", "emulator", "--port", "0", "--ca-file", str(ca_file), "--journal", str(journal), *options]
    async with running(Program("emulator", argv, None, re.compile("^ready "))) as part:
        yield Gemini((await part.ready()).split()[1], ca_file, journal)


def worker_environment(server: Sfu, model: Gemini, **settings: str) -> dict[str, str]:
    """What a worker finds in its environment."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": API_KEY,
        "LIVEKIT_API_SECRET": API_SECRET,
        "GEMINI_BASE_URL": model.url,
        "GEMINI_CA_FILE": str(model.ca_file),
        "GOOGLE_API_KEY": "",
        "GEMINI_API_KEY": "",
        "GEMINI_CHECK": "off",  # its connection would take faults and scripted turns that are meant for calls
        "GEMINI_SILENCE_MS": "300",
        "PERSONAS_DIR": str(PERSONAS),
        "IDLE_PROCESSES": "1",
        **settings,
    }


@asynccontextmanager
async def worker(server: Sfu, model: Gemini, *, name: str = "worker", **settings: str) -> AsyncIterator[Part]:
    """`python agent.py start`, registered and warm.

    LiveKit gives a call to any worker of its agent's name, so a second worker of a name would get calls that are meant for
    the first one: it is refused. `sharing_worker` is for a test of that.
    """
    _, agent_name = place = _place(server, settings)
    assert place not in _RUNNING, f"a worker named {agent_name} runs already: give this one its own AGENT_NAME"
    async with sharing_worker(server, model, name=name, **settings) as part:
        yield part


@asynccontextmanager
async def sharing_worker(
    server: Sfu, model: Gemini, *, name: str, by: Sequence[str] = (), **settings: str
) -> AsyncIterator[Part]:
    """A worker that may share its agent's calls with other workers of that agent's name. `by`: a program that runs it."""
    program = Program(
        name,
        [*by, sys.executable, "agent.py", "start"],
        worker_environment(server, model, **settings),
        re.compile('"registered worker"'),
    )
    place = _place(server, settings)
    _RUNNING.append(place)
    try:
        async with running(program) as part:
            await part.ready()
            await part.says('"process initialized"')
            yield part
    finally:
        _RUNNING.remove(place)


def _place(server: Sfu, settings: Mapping[str, str]) -> tuple[str, str]:
    return server.url, settings.get("AGENT_NAME", AGENT_NAME)


async def listens(port: int) -> None:
    """Wait until something answers on that port."""
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return
