"""A Gemini Live endpoint that sends exactly the frames of a test, without a moment between them.

It stands in for Google's service where the emulator is too polite: the races of docs/facts.md L2 need frames
that arrive in the same tick of the client's event loop.
"""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trustme
from pydantic_core import from_json
from websockets.asyncio.server import ServerConnection, serve

Frames = list[dict[str, Any] | float | bytes | list[bytes]]
"""Messages; a number is a pause in seconds, bytes go out as they are, a list of bytes as the fragments of one message."""

SOUND = base64.b64encode(bytes(9600)).decode()


def sound(text: str = "") -> dict[str, Any]:
    """200 ms of audio, with its words."""
    content: dict[str, Any] = {"modelTurn": {"parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": SOUND}}]}}
    if text:
        content["outputTranscription"] = {"text": text}
    return {"serverContent": content}


def call(name: str, call_id: str, **args: object) -> dict[str, Any]:
    return {"toolCall": {"functionCalls": [{"id": call_id, "name": name, "args": args}]}}


COMPLETE: dict[str, Any] = {"serverContent": {"generationComplete": True, "turnComplete": True}}


class Wire:
    """What the client sent, and waiting for it."""

    def __init__(self, script: Callable[[dict[str, Any]], Frames]) -> None:
        self.url = ""
        self.ca_file = Path()
        self.received: list[dict[str, Any]] = []
        self._script = script
        self._news = asyncio.Event()

    async def serve(self, socket: ServerConnection) -> None:
        async for raw in socket:
            message = from_json(raw)  # as strict about Unicode as the service
            self.received.append(message)
            self._news.set()
            frames = [{"setupComplete": {}}] if "setup" in message else self._script(message)
            for frame in frames:
                if isinstance(frame, float):
                    await asyncio.sleep(frame)
                else:
                    await socket.send(json.dumps(frame).encode() if isinstance(frame, dict) else frame)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message[kind] for message in self.received if kind in message]

    @property
    def tool_responses(self) -> list[dict[str, Any]]:
        return [response for message in self.of("tool_response") for response in message["functionResponses"]]

    async def until(self, fact: Callable[[], bool], within_s: float = 8.0) -> bool:
        """Wait for a fact about what was received; False if it doesn't come about."""
        try:
            async with asyncio.timeout(within_s):
                while not fact():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True


def certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """For a server on 127.0.0.1: its TLS, and what clients verify it by."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "wire.pem"))
    return context, folder / "wire.pem"


@asynccontextmanager
async def wire(folder: Path, script: Callable[[dict[str, Any]], Frames]) -> AsyncIterator[Wire]:
    """Serve on a free port."""
    endpoint = Wire(script)
    context, endpoint.ca_file = certified(folder)
    async with serve(endpoint.serve, "127.0.0.1", 0, ssl=context, compression=None) as server:
        endpoint.url = f"https://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield endpoint
