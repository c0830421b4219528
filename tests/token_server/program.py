"""The token server as a process of its own, with the settings of a test; and clients without manners."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from demo.parts import Part, Program, running

SECRET = "a-secret-for-tests-that-is-long-enough-for-hs256"
PAIR = {"LIVEKIT_API_KEY": "key", "LIVEKIT_API_SECRET": SECRET}
UNLIMITED = {"TOKEN_PER_ADDRESS": "10000/second"}


@dataclass(frozen=True)
class TokenServerProcess:
    part: Part
    url: str
    """The base URL, with a slash at the end."""

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1].rstrip("/"))

    async def ask(
        self, method: str = "POST", path: str = "/token", headers: Sequence[str] = (), body: bytes = b"{}"
    ) -> "Answer":
        """Send a request with exactly these headers. Host is the server's own unless there is one."""
        host = [] if any(header.lower().startswith("host:") for header in headers) else [f"Host: 127.0.0.1:{self.port}"]
        lines = [f"{method} {path} HTTP/1.1", *host, *headers, f"Content-Length: {len(body)}", "Connection: close"]
        return parse_answer(await self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body))

    async def send(self, raw: bytes) -> bytes:
        """Send bytes; returns all that comes until the token server closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(raw)
            async with asyncio.timeout(30):
                return await reader.read()
        finally:
            writer.close()


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    """The response's headers, their names in small letters."""
    body: bytes

    @property
    def content(self) -> dict[str, Any]:
        content = json.loads(self.body)
        assert isinstance(content, dict)
        return content

    @property
    def code(self) -> str:
        """The code of a refusal, which must have a sentence, too."""
        assert self.content["message"]
        return str(self.content["code"])


def parse_answer(raw: bytes) -> Answer:
    """Read an answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(status.split()[1]), headers, body)


@asynccontextmanager
async def running_token_server(**settings: str) -> AsyncIterator[TokenServerProcess]:
    """`python -m token_server` on a free port of 127.0.0.1."""
    environment = {**os.environ, **PAIR, **settings}
    argv = [sys.executable, "-m", "token_server", "--port", "0"]
    async with running(Program("token", argv, environment, re.compile("^ready "))) as part:
        yield TokenServerProcess(part, (await part.ready()).split()[1].removesuffix("token"))


async def asked_until(server: TokenServerProcess, status: int) -> dict[str, str]:
    """Ask for a token again and again, until the answer has that status. Returns its content."""
    async with asyncio.timeout(30):
        while True:
            answer = await server.ask()
            if answer.status == status:
                return answer.content
            await asyncio.sleep(0.3)
