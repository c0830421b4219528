"""The sockets: ephemeral tokens, Vertex's path, versions, limits, clean ends, and faults that only a socket can have."""

import asyncio
import datetime
import json
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from google import genai
from google.genai import types
from google.genai.errors import APIError, ClientError
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame as WsFrame
from websockets.frames import Opcode

from emulator.faults.catalogue import fault_from_text
from tests.e2e.stack import until
from tests.emulator.conftest import Running

pytestmark = pytest.mark.filterwarnings("ignore:The SDK's (token creation|ephemeral token)")
RPC = "ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
QUICK_SETUP = {"model": "models/quick"}
VERTEX = "ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
SETUP = {"setup": {"model": "models/gemini-3.8-live", "generationConfig": {"responseModalities": ["AUDIO"]}}}


@asynccontextmanager
async def connected(running: Running, path: str = f"{RPC}?key=k", **options: Any) -> AsyncIterator[ClientConnection]:
    _, url, tls = running
    async with websockets.connect(f"{url.replace('https', 'wss')}/{path}", ssl=tls, **options) as socket:
        yield socket


async def answered(socket: ClientConnection, message: dict[str, Any]) -> dict[str, Any]:
    """Send; returns what comes next that isn't empty."""
    await socket.send(json.dumps(message))
    return await told(socket)


async def told(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while not (body := json.loads(await socket.recv())):
            pass
    return dict(body)


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """Read to the end; returns its close."""
    async with asyncio.timeout(20):
        try:
            async for _ in socket:
                pass
        except websockets.ConnectionClosedError as error:
            return (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "")
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


def client(running: Running, key: str, version: str) -> genai.Client:
    _, url, tls = running
    options = types.HttpOptions(
        base_url=url, api_version=version, async_client_args={"ssl": tls, "verify": tls}, client_args={"verify": tls}
    )
    return genai.Client(api_key=key, http_options=options)


async def made_token(running: Running, **config: Any) -> str:
    maker = client(running, "k", "v1alpha")
    try:
        token = await asyncio.to_thread(maker.auth_tokens.create, config=types.CreateAuthTokenConfig(**config))
    finally:
        await maker.aio.aclose()
        maker.close()
    return str(token.name)


@asynccontextmanager
async def with_token(running: Running, name: str, model: str = "gemini-3.8-live") -> AsyncIterator[genai.live.AsyncSession]:
    bearer = client(running, name, "v1alpha")
    try:
        async with bearer.aio.live.connect(model=model, config=types.LiveConnectConfig()) as session:
            yield session
    finally:
        await bearer.aio.aclose()
        bearer.close()


async def test_googles_client_makes_a_token_and_uses_it_once(emulator: Running) -> None:
    name = await made_token(emulator, uses=1)
    async with with_token(emulator, name) as session:
        await session.send_client_content(turns=types.Content(role="user", parts=[types.Part(text="Hello")]))
        async with asyncio.timeout(20):
            assert [message async for message in session.receive() if message.server_content]
    with pytest.raises(APIError, match="Token has been used too many times"):
        async with with_token(emulator, name) as session:
            await anext(session.receive())


async def test_a_tokens_setup_holds_whatever_the_client_asks_for(emulator: Running) -> None:
    """A violating value is ignored, not refused."""
    locked = types.LiveConnectConstraints(model="gemini-3.8-live", config=types.LiveConnectConfig(temperature=0.5))
    name = await made_token(emulator, live_connect_constraints=locked, lock_additional_fields=[])
    async with with_token(emulator, name, model="no-such-model"):
        pass


async def test_a_token_that_can_not_be_is_refused_as_google_does(emulator: Running) -> None:
    late = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=30)
    with pytest.raises(ClientError, match="Maximum lifetime is 20h"):
        await made_token(emulator, expire_time=late)


async def test_a_token_opens_the_constrained_method_only(emulator: Running) -> None:
    name = await made_token(emulator)
    async with connected(emulator, f"{RPC}?access_token={name}") as socket:
        await socket.send(json.dumps(SETUP))
        assert (await closed(socket))[0] == 1008
    async with connected(emulator, f"{RPC}Constrained?access_token={name}") as socket:
        assert "setupComplete" in await answered(socket, SETUP)


async def test_vertex_has_its_own_path_names_and_session_id(emulator: Running) -> None:
    name = "projects/p/locations/l/publishers/google/models/gemini-live-2.5-flash-native-audio"
    bearer = {"additional_headers": {"Authorization": "Bearer t"}}
    async with connected(emulator, VERTEX, **bearer) as socket:
        assert len((await answered(socket, {"setup": {"model": name}}))["setupComplete"]["sessionId"]) == 36
    async with connected(emulator, VERTEX, **bearer) as socket:
        await socket.send(json.dumps(SETUP))
        code, reason = await closed(socket)
    assert code == 1008
    assert reason.startswith("Publisher model `models/gemini-3.8-live`")


async def test_goaway_comes_and_who_ignores_it_is_closed(emulator: Running) -> None:
    emulator[0].time_scale = 0.002
    async with connected(emulator) as socket:
        await socket.send(json.dumps(SETUP))
        quiet = asyncio.create_task(_send_silence(socket))
        while "goAway" not in (body := await told(socket)):
            pass
        assert body["goAway"]["timeLeft"] == "0.100s"
        code, reason = await closed(socket)
        quiet.cancel()
    assert code == 1008
    assert "after receiving a GoAway signal" in reason


async def _send_silence(socket: ClientConnection) -> None:
    sound = {"realtimeInput": {"audio": {"data": "A" * 640, "mimeType": "audio/pcm;rate=16000"}}}
    while True:
        await socket.send(json.dumps(sound))
        await asyncio.sleep(0.05)


async def test_who_sends_nothing_is_aborted(emulator: Running) -> None:
    emulator[0].time_scale = 0.005
    async with connected(emulator) as socket:
        await socket.send(json.dumps(SETUP))
        assert await closed(socket) == (1008, "The operation was aborted.")


async def test_an_upgrade_can_be_refused_or_slow(emulator: Running) -> None:
    faults = emulator[0].faults
    with faults.expecting(fault_from_text("upgrade_refused:status=503")):
        with pytest.raises(websockets.InvalidStatus) as caught:
            async with connected(emulator):
                pass
        assert caught.value.response.status_code == 503
    with faults.expecting(fault_from_text("slow_handshake:seconds=0.5")):
        before = time.monotonic()
        async with connected(emulator):
            assert time.monotonic() - before > 0.5


async def test_who_leaves_before_the_upgrade_is_no_error(emulator: Running, caplog: pytest.LogCaptureFixture) -> None:
    connections = emulator[0].connections
    with emulator[0].faults.expecting(fault_from_text("slow_handshake:seconds=0.5")):
        with pytest.raises(TimeoutError):
            async with connected(emulator, open_timeout=0.2):
                pass
        await asyncio.gather(*(connection.end(1001) for connection in list(connections)))
        await until(lambda: not connections)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_connection_can_end_without_a_close_frame(emulator: Running) -> None:
    with emulator[0].faults.expecting(fault_from_text("abrupt_1006:after_s=0.5")):
        async with connected(emulator) as socket:
            await socket.send(json.dumps(SETUP))
            assert (await closed(socket))[0] == 1006


async def opened(socket: ClientConnection, handle: str | None = None) -> str:
    """Begin or resume a session of the model `quick`; returns the handle that it gives."""
    resumption = {"sessionResumption": {} if handle is None else {"handle": handle}}
    assert await answered(socket, {"setup": QUICK_SETUP | resumption}) == {"setupComplete": {}}
    return str((await told(socket))["sessionResumptionUpdate"]["newHandle"])


@pytest.mark.parametrize("code", [None, 1000, 1001, 1011, 3456])
async def test_a_close_frame_ends_a_connection_cleanly_whatever_its_code(quick: Running, code: int | None) -> None:
    """JavaScript's `close()` sends none; its session can be resumed at once, as any other that was closed."""
    async with connected(quick) as socket:
        handle = await opened(socket)
        socket.protocol.send_close(code)
        for data in socket.protocol.data_to_send():
            socket.transport.write(data)
        await socket.wait_closed()
    await until(lambda: not quick[0].connections)
    async with connected(quick) as socket:
        assert await opened(socket, handle)


FORBIDDEN_CLOSES = {
    **{str(code): struct.pack("!H", code) for code in (0, 999, 1004, 1005, 1006, 1015, 2000, 5000)},
    "one byte": b"\x03",
    "a reason that is no UTF-8": struct.pack("!H", 1000) + b"\xff",
}


@pytest.mark.parametrize("payload", FORBIDDEN_CLOSES.values(), ids=FORBIDDEN_CLOSES)
async def test_a_close_frame_that_is_forbidden_is_no_drop(quick: Running, payload: bytes) -> None:
    """It is answered with a close frame, and the session can be resumed at once."""
    async with connected(quick) as socket:
        handle = await opened(socket)
        socket.transport.write(WsFrame(Opcode.CLOSE, payload).serialize(mask=True))
        await socket.wait_closed()
        assert socket.close_code != 1006
    await until(lambda: not quick[0].connections)
    async with connected(quick) as socket:
        assert await opened(socket, handle)


@pytest.mark.parametrize("how", ["abort", "close"])
async def test_a_connection_without_a_close_frame_is_a_drop(quick: Running, how: str) -> None:
    """Reset or ended, in silence: its session is locked for a moment."""
    async with connected(quick) as socket:
        handle = await opened(socket)
        getattr(socket.transport, how)()
        await socket.wait_closed()
    await until(lambda: not quick[0].connections)
    async with connected(quick) as socket:
        await socket.send(json.dumps({"setup": QUICK_SETUP | {"sessionResumption": {"handle": handle}}}))
        assert await closed(socket) == (1011, "Internal error encountered.")


@pytest.mark.parametrize("method", ["BidiGenerateContent", "BidiGenerateContentConstrained"])
async def test_v1_has_no_live_models(emulator: Running, method: str) -> None:
    key = f"access_token={await made_token(emulator)}" if method.endswith("Constrained") else "key=k"
    async with connected(emulator, f"ws/google.ai.generativelanguage.v1.GenerativeService.{method}?{key}") as socket:
        await socket.send(json.dumps(SETUP))
        code, reason = await closed(socket)
    assert code == 1008
    assert reason.startswith(
        "models/gemini-3.8-live is not found for API version v1, or is not supported for bidiGenerateConte"
    )


async def test_a_pong_can_be_late(emulator: Running) -> None:
    with emulator[0].faults.expecting(fault_from_text("slow_pong:seconds=0.5")):
        async with connected(emulator) as socket:
            await answered(socket, SETUP)
            before = time.monotonic()
            await (await socket.ping())
            assert time.monotonic() - before > 0.5


async def test_a_socket_can_stall_both_ways(emulator: Running) -> None:
    """It neither answers nor reads: what is sent piles up in front of it until it goes on."""
    with emulator[0].faults.expecting(fault_from_text("stalled_socket:after_s=0.4,seconds=1")):
        async with connected(emulator) as socket:
            await answered(socket, SETUP)
            await until(lambda: emulator[0].faults.report()[0]["happened"] == 1)
            before = time.monotonic()
            await (await socket.ping())
            assert 0.5 < time.monotonic() - before < 2
            body = {"clientContent": {"turns": [{"role": "user", "parts": [{"text": "Hi"}]}], "turnComplete": True}}
            assert await answered(socket, body)
