"""A token from LiveKit's standard token endpoint.

Wire: POST, JSON with snake_case fields, 2xx with `server_url` and `participant_token`
(livekit-client 2.23.0, TokenSource.ts).
"""

import difflib
import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import aiohttp

from caller.errors import TokenError, UnknownPersonaError


@dataclass(frozen=True)
class Grant:
    """The token server's answer: LiveKit's URL and a token. The token is a secret: it isn't shown."""

    server_url: str
    participant_token: str = field(repr=False)


async def ask_for_token(
    url: str,
    *,
    room: str | None = None,
    identity: str | None = None,
    agent_metadata: str | None = None,
    timeout_s: float = 5.0,
    proxy: str | None = None,
) -> Grant:
    """Ask a token server for a token; `proxy` is the URL of the one that leads there.

    Raises:
        TokenError: nothing answers there, it refuses, or the answer is no token.
    """
    body: dict[str, Any] = {}
    if room is not None:
        body["room_name"] = room
    if identity is not None:
        body["participant_identity"] = identity
    if agent_metadata is not None:
        body["room_config"] = {"agents": [{"metadata": agent_metadata}]}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s), proxy=proxy) as http,
            http.post(url, json=body) as response,
        ):
            text = await response.text()
            if response.status // 100 != 2:
                raise TokenError(url, f"it answered {response.status}: {text.strip()[:300]}")
            answer = await response.json(content_type=None)
            return Grant(str(answer["server_url"]), str(answer["participant_token"]))
    except TimeoutError as error:
        raise TokenError(url, f"no answer in {timeout_s:g} s") from error
    except aiohttp.ClientConnectorError as error:
        reason = f"nothing answers there ({_reason(error)}); is `make demo` running, with the same PORT_BASE?"
        raise TokenError(url, reason) from error
    except aiohttp.ClientError as error:
        raise TokenError(url, f"{error}; is this a token endpoint?") from error
    except (KeyError, TypeError, ValueError) as error:
        raise TokenError(url, "its answer has no server_url and participant_token; is this a token endpoint?") from error


def _reason(error: aiohttp.ClientConnectorError) -> str:
    """The system's words about a connection, without the address and the call that aiohttp adds."""
    number = error.os_error.errno
    return str(error.strerror) if number is None or number not in errno.errorcode else os.strerror(number)


async def offered_personas(url: str, *, timeout_s: float = 5.0, proxy: str | None = None) -> list[str]:
    """The names of the personas that Earshot's token server offers; empty if `url` belongs to another token server."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s), proxy=proxy) as http,
            http.get(urljoin(url, "config")) as response,
        ):
            answer = await response.json(content_type=None) if response.ok else {}
            return [str(persona["name"]) for persona in answer["personas"]]
    except (aiohttp.ClientError, TimeoutError, KeyError, TypeError, ValueError):
        return []


def check_persona(name: str, offered: Sequence[str]) -> None:
    """Look for a misspelt name. A name that is like none of those that are offered may be of a worker with other personas.

    Raises:
        UnknownPersonaError: the name isn't offered, and one that is like it is.
    """
    near = [] if name in offered else difflib.get_close_matches(name, offered, 1)
    if near:
        raise UnknownPersonaError(name, near[0], offered)
