"""An identity provider on this machine: makes keys and users' tokens, and shows its public keys over HTTP."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.serving import serving

ISSUER = "https://id.example.com/"
AUDIENCE = "earshot-token-server"


class SigningKey:
    """A private key of a kind, and its id."""

    def __init__(self, key_id: str, kind: str = "RS256", bits: int = 2048) -> None:
        self.key_id = key_id
        self.algorithm = kind
        self._key: Any = rsa.generate_private_key(65537, bits) if kind == "RS256" else ec.generate_private_key(ec.SECP256R1())

    @property
    def public_pem(self) -> str:
        return str(self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())

    @property
    def private_pem(self) -> str:
        return str(self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())

    @property
    def jwk(self) -> dict[str, Any]:
        shown = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self._key.public_key(), as_dict=True)
        return dict(shown) | {"kid": self.key_id, "use": "sig"}

    def token(self, *, header: dict[str, Any] | None = None, **changed: Any) -> str:
        """A good token of user alice, but for what is changed; a claim that is None is left out."""
        claims = good_claims() | changed
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self._key, algorithm=self.algorithm, headers={"kid": self.key_id} | (header or {}))


def good_claims() -> dict[str, Any]:
    now = int(time.time())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300}


class Provider:
    """An identity provider: the keys that it shows, and the number of requests for them."""

    def __init__(self, *keys: SigningKey) -> None:
        self.shown: list[dict[str, Any]] = [key.jwk for key in keys]
        self.asked = 0
        self.url = ""
        self.works = True
        self.takes_s = 0.0
        self.answer: Callable[[], web.StreamResponse] | None = None
        """Makes the response instead of the keys, if it is set."""

    async def show(self, _: web.Request) -> web.StreamResponse:
        self.asked += 1
        await asyncio.sleep(self.takes_s)
        if self.answer is not None:
            return self.answer()
        if not self.works:
            return web.Response(status=500)
        return web.Response(text=json.dumps({"keys": self.shown}), content_type="application/json")


@asynccontextmanager
async def provider(*keys: SigningKey) -> AsyncIterator[Provider]:
    """The provider's HTTP server, on a free port."""
    shown = Provider(*keys)
    app = web.Application()
    app.router.add_get("/jwks.json", shown.show)
    async with serving(app) as url:
        shown.url = f"{url}/jwks.json"
        yield shown
