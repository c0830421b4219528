"""The part that LiveKit's CLI (`lk agent console`, `lk agent dev`) has in a conversation with an agent: a server on loopback.

Frames are 4 bytes of length, big endian, and a protobuf message (livekit-cli, pkg/ipc/ipc.go). lk itself can't be had here.
"""

import asyncio
import struct
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from livekit.protocol.agent_pb import agent_dev, agent_session

FRAME_MS, RATE_HZ = 30, 48_000
"""The sound that lk sends and plays."""


class Console:
    """`lk agent console`: requests to the agent's session, its events, and the sound that it plays."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._answers: dict[str, asyncio.Future[agent_session.SessionResponse]] = {}
        self._arrived = asyncio.Event()
        self.events: list[agent_session.AgentSessionEvent] = []
        self.sound = bytearray()
        """What was played: mono, 16 bit."""

    async def read(self) -> None:
        """Take what the agent sends until it closes the connection."""
        while True:
            try:
                message = agent_session.AgentSessionMessage.FromString(await _frame(self._reader))
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            match message.WhichOneof("message"):
                case "response":
                    self._answers.pop(message.response.request_id).set_result(message.response)
                case "event":
                    self.events.append(message.event)
                case "audio_output":
                    self.sound += message.audio_output.data
                case "audio_playback_flush":  # the turn ends when its sound has been played
                    finished = agent_session.AgentSessionMessage()
                    finished.audio_playback_finished.SetInParent()
                    self._send(finished)
            self._arrived.set()

    async def ask(self, request: agent_session.SessionRequest) -> agent_session.SessionResponse:
        """Send a request and wait for its answer."""
        request.request_id = uuid.uuid4().hex
        answer = self._answers[request.request_id] = asyncio.get_running_loop().create_future()
        self._send(agent_session.AgentSessionMessage(request=request))
        async with asyncio.timeout(30):
            response: agent_session.SessionResponse = await answer
        return response

    async def until(self, fact: Callable[[], bool]) -> None:
        """Wait for a fact about what has arrived."""
        async with asyncio.timeout(30):
            while not fact():
                self._arrived.clear()
                await self._arrived.wait()

    def _send(self, message: agent_session.AgentSessionMessage) -> None:
        data = message.SerializeToString()
        self._writer.write(struct.pack(">I", len(data)) + data)


class DevChannel:
    """`lk agent dev`: takes over the running jobs of one worker for the next."""

    def __init__(self) -> None:
        self.agents: list[agent_dev.ServerInfo] = []
        """What each worker told about itself."""
        self._jobs = agent_dev.GetRunningAgentJobsResponse()
        self._writer: asyncio.StreamWriter | None = None
        self._taken: asyncio.Future[agent_dev.GetRunningAgentJobsResponse] | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk with one worker until it closes the connection."""
        self._writer = writer
        try:
            while True:
                message = agent_dev.AgentDevMessage.FromString(await _frame(reader))
                match message.WhichOneof("message"):
                    case "server_info":
                        self.agents.append(message.server_info)
                    case "get_running_jobs_request":
                        _send_dev(writer, agent_dev.AgentDevMessage(get_running_jobs_response=self._jobs))
                    case "get_running_jobs_response":
                        assert self._taken is not None
                        self._taken.set_result(message.get_running_jobs_response)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def take_jobs(self) -> int:
        """Ask the running worker for its jobs, as lk does before it ends that worker. Returns their number."""
        assert self._writer is not None
        self._taken = asyncio.get_running_loop().create_future()
        request = agent_dev.AgentDevMessage()
        request.get_running_jobs_request.SetInParent()
        _send_dev(self._writer, request)
        async with asyncio.timeout(10):
            self._jobs = await self._taken
        return len(self._jobs.jobs)


@asynccontextmanager
async def listening_console() -> AsyncIterator[tuple[str, "asyncio.Future[Console]"]]:
    """The address for `--connect-addr`, and the console once an agent has connected."""
    connected: asyncio.Future[Console] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        console = Console(reader, writer)
        connected.set_result(console)
        await console.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}", connected


@asynccontextmanager
async def listening_dev() -> AsyncIterator[tuple[str, DevChannel]]:
    """The address for `--cli-addr`, and its channel."""
    channel = DevChannel()
    async with await asyncio.start_server(channel.serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}", channel


async def _frame(reader: asyncio.StreamReader) -> bytes:
    [length] = struct.unpack(">I", await reader.readexactly(4))
    return await reader.readexactly(length)


def _send_dev(writer: asyncio.StreamWriter, message: agent_dev.AgentDevMessage) -> None:
    data = message.SerializeToString()
    writer.write(struct.pack(">I", len(data)) + data)
