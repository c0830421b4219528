"""The users' own tokens: JWTs of an identity provider, checked for signature, issuer, audience, expiry and subject.

Which algorithms may have signed a token follows from the key that checks it, never from the token: `none` is no algorithm here,
and a public key is never taken for a shared secret.
"""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from token_server.errors import RefusedError, SettingsError
from token_server.jwks import JwksClient
from token_server.names import LONGEST_NAME, free_identity, visible

LEEWAY_S = 10
"""Largest difference between the provider's clock and ours, in seconds."""
LONGEST_TOKEN = 16 * 1024
_SHORTEST_RSA_BITS = 2048
_SHORTEST_SECRET_BYTES = 32
_PATH = re.compile(r"[\w./ -]{1,200}\.(pem|key|pub|crt|cer)")
"""The TOKEN_JWT_KEYs that an error may show: anything else could be a key that isn't public."""
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512", "secp256k1": "ES256K"}


@dataclass(frozen=True)
class CheckingKey:
    """A key, and the algorithms that it may have been used with."""

    key: Any
    algorithms: tuple[str, ...]


FindKey = Callable[[str | None], Awaitable[CheckingKey]]
"""Finds the key for a token's key id, which may be None. Raises RefusedError if there is none."""


class UserTokens:
    """Reads the users' tokens."""

    def __init__(self, find_key: FindKey, issuer: str, audience: str) -> None:
        self._find_key = find_key
        self._issuer = issuer
        self._audience = audience

    async def subject(self, token: str) -> str:
        """The subject of a valid token.

        Raises:
            RefusedError: it is not good, or nobody can tell at the moment.
        """
        if len(token) > LONGEST_TOKEN:
            raise _unauthorized("is too long")
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            found = await self._find_key(key_id)
            claims = jwt.decode(
                token,
                found.key,
                algorithms=list(found.algorithms),
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise _unauthorized("has expired; sign in again") from None
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError):
            raise _unauthorized("is not valid here") from None
        return _as_identity(claims["sub"])


def _as_identity(subject: str) -> str:
    if not 1 <= len(subject) <= LONGEST_NAME:
        sentence = f"Your token's subject can't be a name in a room: it must have 1 to {LONGEST_NAME} characters."
        raise RefusedError(403, "bad_subject", sentence)
    try:
        return free_identity(visible(subject))
    except ValueError as error:
        raise RefusedError(403, "bad_subject", f"Your token's subject can't be a name in a room: {error}.") from None


def algorithms_of(key: object) -> tuple[str, ...]:
    """The algorithms that a public key may check; none for a key that is too weak, or that is no public key."""
    match key:
        case RSAPublicKey() if key.key_size >= _SHORTEST_RSA_BITS:
            return ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
        case EllipticCurvePublicKey() if key.curve.name in _CURVES:
            return (_CURVES[key.curve.name],)
        case Ed25519PublicKey() | Ed448PublicKey():
            return ("EdDSA",)
    return ()


def shared_secret(secret: str) -> FindKey:
    """TOKEN_JWT_SECRET: the provider signs with HS256 and a secret that it shares with the token server."""
    if len(secret.encode()) < _SHORTEST_SECRET_BYTES:
        fix = f"a secret for HS256 has at least {_SHORTEST_SECRET_BYTES} bytes (RFC 7518, 3.2)"
        raise SettingsError("TOKEN_JWT_SECRET", "***", fix)
    return _always(CheckingKey(secret, ("HS256",)))


def single_key(pem: str) -> FindKey:
    """TOKEN_JWT_KEY: the provider's one public key, as PEM or as a PEM's path."""
    try:
        text = pem.replace("\\n", "\n") if pem.startswith("-----BEGIN") else Path(pem).read_text(encoding="ascii")
        key = load_pem_public_key(text.encode())
    except (OSError, ValueError) as error:
        fix = f"it must be a public key as PEM (-----BEGIN PUBLIC KEY-----), or the path of one ({type(error).__name__})"
        raise SettingsError("TOKEN_JWT_KEY", pem if _PATH.fullmatch(pem) else "***", fix) from None
    algorithms = algorithms_of(key)
    if not algorithms:
        fix = f"it must be RSA with at least {_SHORTEST_RSA_BITS} bits, EC on a curve of JWT's, or Ed25519"
        raise SettingsError("TOKEN_JWT_KEY", type(key).__name__, fix)
    return _always(CheckingKey(key, algorithms))


def published_keys(url: str, proxy: str | None = None) -> FindKey:
    """TOKEN_JWT_JWKS_URL: the provider's public keys, as it shows them now, fetched through that proxy."""
    keys = JwksClient(url, time.monotonic, proxy)

    async def find(key_id: str | None) -> CheckingKey:
        key = await keys.find(key_id)
        algorithms = algorithms_of(key)
        if not algorithms:
            raise _unauthorized("is signed with a key of a kind that isn't accepted")
        return CheckingKey(key, algorithms)

    return find


def _always(key: CheckingKey) -> FindKey:
    async def find(_: str | None) -> CheckingKey:
        return key

    return find


def _unauthorized(why: str) -> RefusedError:
    return RefusedError(401, "unauthorized", f"Your token {why}.")
