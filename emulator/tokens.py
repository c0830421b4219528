"""Ephemeral tokens: what `POST /v1alpha/auth_tokens` makes, and what they admit to and lock. Pure.

A token's setup replaces the parts of the client's setup that its field mask names; what the client asked for there is ignored
and not refused (recorded). Fields are read in both casings. Evidence tags as in emulator/profiles.py.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic.alias_generators import to_snake

from emulator import closes, protojson, protos
from emulator.errors import PayloadError, RefusedError, TokenError
from emulator.messages import Json

_API = protos.gemini("v1alpha")
"""The only version of the API that makes tokens."""
_LIFE = timedelta(minutes=30)
_NEW_SESSION_LIFE = timedelta(seconds=60)
_LONGEST_LIFE = timedelta(hours=20)
_HANDLE = ("session_resumption", "handle")
_DEEPEST_PATH = 32

FieldPath = tuple[str, ...]
"""Names of fields from a setup inwards, in snake_case."""


@dataclass
class Token:
    name: str
    expires_at: datetime
    """The time at which the token's sessions are closed, to be resumed no more."""
    new_sessions_until: datetime
    uses: int
    """The number of sessions that may begin with the token; 0 is unlimited."""
    setup: Json | None
    mask: tuple[FieldPath, ...]
    used: int = 0

    def use(self) -> None:
        """Count a session that begins with the token."""
        self.used += 1

    def constrain(self, setup_body: Json) -> Json:
        """Replace the locked parts of a client's setup, as `emulator.protojson` read it.

        With a setup but no mask everything is locked. A masked field that the token's setup lacks gets its default. Two things
        stay the client's, which is guessed: the handle of a session to resume, and the model where the token names none.
        """
        locked = self.setup or {}
        merged = setup_body
        if self.setup is not None and not self.mask:
            merged = {"model": setup_body.get("model", ""), **locked}
        for path in self.mask:
            merged = _replaced(merged, path, _value(locked, path))
        handle = _value(setup_body, _HANDLE)
        return merged if handle is None else _replaced(merged, _HANDLE, handle)


class Tokens:
    """All tokens of one emulator. Beyond `most` the oldest is forgotten."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._tokens: dict[str, Token] = {}

    def create(self, body: Any, now_utc: datetime) -> Json:
        """Make a token from the request's JSON body; returns the response's.

        Raises:
            TokenError: the service would answer 400.
        """
        try:
            asked = protojson.message(body, _API, "AuthToken", "auth_token")
        except PayloadError as error:
            raise TokenError(str(error)) from error
        token = Token(
            name=f"auth_tokens/{uuid.uuid4().hex}",
            expires_at=_time(asked, "expire_time", now_utc, _LIFE),
            new_sessions_until=_time(asked, "new_session_expire_time", now_utc, _NEW_SESSION_LIFE),
            uses=_uses(asked.get("uses", 1)),
            setup=asked.get("bidi_generate_content_setup"),
            mask=_mask(asked.get("field_mask", "")),
        )
        self._tokens[token.name] = token
        if len(self._tokens) > self._most:
            del self._tokens[next(iter(self._tokens))]
        return {"name": token.name}

    def admit(self, name: str, now_utc: datetime, *, resumed: bool) -> Token:
        """Begin a session with a token, or resume one, which counts as no use of the token.

        Raises:
            RefusedError: unknown, expired, or used too often.
        """
        token = self._tokens.get(name)
        if token is None:
            raise RefusedError(closes.BAD_KEY)
        if now_utc >= token.expires_at:
            raise RefusedError(closes.TOKEN_TOO_OLD)
        if resumed:
            return token
        if token.uses and token.used >= token.uses:
            raise RefusedError(closes.TOKEN_USED_UP)
        if now_utc >= token.new_sessions_until:
            raise RefusedError(closes.TOKEN_TOO_OLD)
        token.use()
        return token


def _invalid(field: str, value: object) -> str:
    return f"Invalid value at 'auth_token.{field}', {str(value)[:60]!r}"


def _time(asked: Mapping[str, Any], field: str, now_utc: datetime, default: timedelta) -> datetime:
    written = asked.get(field)
    if written is None:
        return now_utc + default
    try:
        when = datetime.fromisoformat(written)
        if when.tzinfo is None:
            raise TokenError(_invalid(field, written))
        when = when.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise TokenError(_invalid(field, written)) from error
    if when > now_utc + _LONGEST_LIFE:
        raise TokenError(f"{field} is too far in the future. Maximum lifetime is 20h")
    if when <= now_utc:
        raise TokenError(f"{field} must be in the future")
    return when


def _uses(number: int) -> int:
    if number < 0:
        raise TokenError(_invalid("uses", number))
    return number


def _mask(value: str) -> tuple[FieldPath, ...]:
    paths = [tuple(to_snake(part) for part in path.strip().split(".")) for path in value.split(",") if path.strip()]
    if any(len(path) > _DEEPEST_PATH for path in paths):
        raise TokenError(_invalid("field_mask", value))
    return tuple(dict.fromkeys(paths))


def _value(body: Any, path: FieldPath) -> Any:
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def _replaced(body: Json, path: FieldPath, value: Any) -> Json:
    """A copy with another value at the path, or without the field if that is None; nothing else differs."""
    name, *inside = path
    kept = dict(body)
    if not inside:
        kept.pop(name, None)
        return kept if value is None else {**kept, name: value}
    parent = kept.get(name)
    if isinstance(parent, Mapping) or value is not None:
        kept[name] = _replaced(parent if isinstance(parent, Mapping) else {}, tuple(inside), value)
    return kept
