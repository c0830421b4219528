"""Digest authentication of incoming requests (RFC 7616 with MD5, which is what phones and carriers speak). Pure.

Nothing is kept between challenge and answer: a nonce is a time and a keyed hash of it and of who was asked (`Asked.who`), so a
flood of unauthenticated calls costs no memory, and an answer that was overheard is of no use to another address, for another
caller, number or call. What it does not cover is the body, and within `NONCE_LIFE_S` it may come again: that takes somebody who
can forge the caller's address.
"""

import enum
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

NONCE_LIFE_S = 60


class Verdict(enum.Enum):
    RIGHT = "right"
    ABSENT = "absent"
    """No credentials, or for no challenge of ours, or too late: challenge (again)."""
    WRONG = "wrong"
    """A valid nonce, but a wrong password, or credentials for another request."""


@dataclass(frozen=True)
class Asked:
    """The request that is challenged."""

    method: str
    uri: str
    who: tuple[str, ...]
    """The values that identify the request's sender; the authenticated request must have the same."""


class Challenges:
    """Makes challenges and judges the answers.

    Args:
        secret: the key of the nonces, this process' own.
        realm: what the phone shows to its user.
    """

    def __init__(self, secret: bytes, realm: str) -> None:
        self._secret = secret
        self.realm = realm

    def challenge(self, asked: Asked, now: float) -> str:
        """The value of a Proxy-Authenticate header."""
        nonce = self._nonce(int(now), asked)
        return f'Digest realm="{self.realm}", nonce="{nonce}", algorithm=MD5, qop="auth"'

    def judge(self, answer: Mapping[str, str], asked: Asked, now: float, password_of: Callable[[str], str | None]) -> Verdict:
        """Judge the parameters of a Proxy-Authorization header; none if there was no such header."""
        nonce = answer.get("nonce", "")
        made_at = nonce.partition(".")[0]
        if not (made_at.isascii() and made_at.isdigit() and len(made_at) <= 20):
            return Verdict.ABSENT
        if not _same(nonce, self._nonce(int(made_at), asked)) or not 0 <= now - int(made_at) <= NONCE_LIFE_S + 1:
            return Verdict.ABSENT
        if answer.get("uri", "") != asked.uri:
            return Verdict.WRONG
        # an unknown user takes the way of a wrong password
        password = password_of(answer.get("username", ""))
        wanted = response(answer, asked.method, self.realm, password or "")
        return Verdict.RIGHT if _same(answer.get("response", ""), wanted) and password is not None else Verdict.WRONG

    def _nonce(self, made_at: int, asked: Asked) -> str:
        text = json.dumps([made_at, *asked.who]).encode()
        return f"{made_at}.{hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:32]}"


def response(answer: Mapping[str, str], method: str, realm: str, password: str) -> str:
    """The response that the parameters of an Authorization header should have (RFC 7616 3.4.1)."""
    secret = _md5(f"{answer.get('username', '')}:{realm}:{password}")
    request = _md5(f"{method}:{answer.get('uri', '')}")
    if "qop" not in answer:
        return _md5(f"{secret}:{answer.get('nonce', '')}:{request}")
    middle = ":".join(answer.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
    return _md5(f"{secret}:{middle}:{request}")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(errors="replace"), usedforsecurity=False).hexdigest()
