"""Servers for access tokens on loopback: the one that a service account's file names, and the metadata server of a machine."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass
class OAuthServer:
    """Gives a new access token at each request: `token-1`, `token-2`, ..."""

    file: Path
    """The service account's file."""
    given: list[str] = field(default_factory=list)
    life_s: int = 3600
    """Of the tokens that are given from now on."""
    refuses: bool = False
    is_down: bool = False
    """True: connections are closed without an answer."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Set unless requests are to wait for it."""

    def __post_init__(self) -> None:
        self.answers.set()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        await self.answers.wait()
        if self.is_down and request.transport is not None:
            request.transport.abort()
        if self.refuses:
            body = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            return web.json_response(body, status=400)
        self.given.append(f"token-{len(self.given) + 1}")
        return web.json_response({"access_token": self.given[-1], "expires_in": self.life_s, "token_type": "Bearer"})


@asynccontextmanager
async def oauth_server(folder: Path) -> AsyncIterator[OAuthServer]:
    server = OAuthServer(folder / "service-account.json")
    runner = web.ServerRunner(web.Server(server.answer, access_log=None))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.file.write_text(json.dumps(_service_account(f"http://127.0.0.1:{runner.addresses[0][1]}/token")))
        yield server
    finally:
        await runner.cleanup()


@dataclass
class MetadataServer:
    """The metadata server of a machine of Google Compute Engine. Its one access token is `token-1`."""

    place: str = ""
    """Host and port."""
    has_account: bool = True
    """False: it answers 404 for the machine's service account, as one does that isn't ready yet."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path.removeprefix("/computeMetadata/v1/")
        if path.startswith("instance/") and not self.has_account:
            return web.Response(status=404)
        if path.endswith("/token"):
            return web.json_response({"access_token": "token-1", "expires_in": 3600, "token_type": "Bearer"})
        if path.startswith("instance/"):
            return web.json_response({"email": "worker@project.iam.gserviceaccount.com", "scopes": [], "aliases": ["default"]})
        return web.Response(text="project", headers={"Metadata-Flavor": "Google"})


@asynccontextmanager
async def metadata_server() -> AsyncIterator[MetadataServer]:
    server = MetadataServer()
    runner = web.ServerRunner(web.Server(server.answer, access_log=None))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.place = f"127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()


def _service_account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "worker@project.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }
