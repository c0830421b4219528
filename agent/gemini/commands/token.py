"""`token`: make an ephemeral token, for a worker or a client that isn't to have the API key."""

import argparse
import asyncio
import datetime
import sys
import warnings
from typing import Any

import aiohttp
from google import genai
from google.genai import errors, types
from livekit.agents import llm

from agent.endpoint import endpoint_of
from agent.errors import SettingsError
from agent.gemini.access import ApiKey, EphemeralToken
from agent.gemini.capabilities import capabilities_of
from agent.gemini.endpoint import Endpoint, tls_context
from agent.gemini.live_config import live_config
from agent.live_settings import check_base, check_persona, completed, model_of, voicing_of
from agent.persona import load
from agent.settings import Settings, read_settings

_LONGEST_MINUTES = 20 * 60
"""Google's limit (docs/facts.md G43)."""
_ANSWER_S = 10.0


def add_to(commands: Any) -> None:
    """Add the subcommand to argparse's."""
    parser = commands.add_parser("token", help="make an ephemeral token", description=__doc__)
    parser.add_argument(
        "--uses", type=_uses, default=1, metavar="N", help="how many sessions may begin; 0 is no limit (default: 1)"
    )
    parser.add_argument(
        "--minutes",
        type=_minutes,
        default=30,
        metavar="N",
        help="how long they may begin and go on (default: 30, at most 1200)",
    )
    parser.add_argument(
        "--persona", metavar="NAME", help="lock the persona's voice, hearing and instructions too, beside the model"
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    settings, persona = read_settings(), arguments.persona
    now = datetime.datetime.now(datetime.UTC)
    until = now + datetime.timedelta(minutes=arguments.minutes)
    name = asyncio.run(make_token(settings, uses=arguments.uses, until=until, persona=persona))
    model = settings.gemini_model if persona is None else model_of(load(persona, settings.personas_dir), settings)
    locked = model if persona is None else f"{model} as {persona}"
    sessions = {0: "any number of sessions", 1: "1 session"}.get(arguments.uses, f"{arguments.uses} sessions")
    print(f"for {sessions} with {locked}, until {until:%Y-%m-%d %H:%M} UTC", file=sys.stderr)  # noqa: T201  a program
    print(name)  # noqa: T201  what was asked for


async def make_token(settings: Settings, *, uses: int, until: datetime.datetime, persona: str | None = None) -> str:
    """Have Google make a token that is locked to GEMINI_MODEL, or with `persona` to its model, voice, hearing and instructions.

    Tools and the resumption of sessions stay with whoever uses the token.

    Returns:
        The token's whole name, `auth_tokens/...`.

    Raises:
        SettingsError: Google refuses it, or the way in can't make tokens.
        PersonaError: there is no such persona.
        ConnectionError: Google isn't reachable.
    """
    endpoint = endpoint_of(settings)
    if not isinstance(endpoint.access, ApiKey):
        where = "an ephemeral token" if isinstance(endpoint.access, EphemeralToken) else "Vertex"
        shown = "***" if settings.google_api_key else None
        raise SettingsError("GOOGLE_API_KEY", shown, f"{where} can't make ephemeral tokens; set an API key of the Gemini API")
    model, locked = _locked(settings, persona)
    config = types.CreateAuthTokenConfig(
        uses=uses,
        expire_time=until,
        new_session_expire_time=until,
        live_connect_constraints=types.LiveConnectConstraints(model=model, config=locked),
        lock_additional_fields=[],  # what the config has is locked, and nothing else
    )
    try:
        made = await _create(endpoint, endpoint.access.key, config)
    except errors.APIError as error:
        raise SettingsError("GOOGLE_API_KEY", "***", f"Google makes no token with it ({error.message})") from error
    except aiohttp.ClientConnectorError as error:
        raise ConnectionError(f"{_url(endpoint)} isn't reachable: {error.os_error}") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise ConnectionError(f"{_url(endpoint)} isn't reachable: {str(error) or 'no answer'}") from error
    if not made.name:
        raise ConnectionError(f"what answers at {_url(endpoint)} makes no tokens")
    return made.name


def _locked(settings: Settings, persona: str | None) -> tuple[str, types.LiveConnectConfig]:
    """The model and the settings that a token is locked to."""
    if persona is None:
        return settings.gemini_model, types.LiveConnectConfig(response_modalities=[types.Modality.AUDIO])
    found = completed(load(persona, settings.personas_dir), settings)
    for warning in (*check_base(settings), *check_persona(found, settings)):
        print(warning, file=sys.stderr)  # noqa: T201  a program
    model = model_of(found, settings)
    capabilities = capabilities_of(model)
    config = live_config(voicing_of(settings, found), capabilities, found.system_instruction, llm.ToolContext.empty())
    return model, config.model_copy(update={"tools": None})


async def _create(endpoint: Endpoint, key: str, config: types.CreateAuthTokenConfig) -> types.AuthToken:
    try:
        tls = tls_context(endpoint.ca_file)
    except OSError as error:
        raise SettingsError("GEMINI_CA_FILE", str(endpoint.ca_file), f"it is no certificate ({error})") from error
    if endpoint.proxy is not None and endpoint.proxy.startswith("socks"):
        raise SettingsError("HTTPS_PROXY", "socks5://...", "tokens are not made through a SOCKS proxy; set one with http://")
    timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
    async with aiohttp.ClientSession(timeout=timeout, proxy=endpoint.proxy) as http:
        options = types.HttpOptions(
            base_url=_url(endpoint), api_version="v1alpha", aiohttp_client=http, async_client_args={"ssl": tls, "verify": tls}
        )
        client = genai.Client(api_key=key, vertexai=False, http_options=options)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # google-genai calls its tokens experimental
                made: types.AuthToken = await client.aio.auth_tokens.create(config=config)
        finally:
            await client.aio.aclose()
            client.close()
    return made


def _url(endpoint: Endpoint) -> str:
    return endpoint.base_url or endpoint.access.url


def _uses(text: str) -> int:
    if not (text.isdecimal() and int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of sessions, such as 1; 0 is no limit")
    return int(text)


def _minutes(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _LONGEST_MINUTES):
        raise argparse.ArgumentTypeError(f"{text!r} is no time from 1 to {_LONGEST_MINUTES} minutes")
    return int(text)
