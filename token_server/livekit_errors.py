"""The exceptions of livekit-api's calls, and what clients are told about them."""

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

from token_server.errors import RefusedError

LIVEKIT_ERRORS = (
    api.TwirpError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    DecodeError,  # a status of 200 with something else than the message: a proxy's web page
    AttributeError,  # a status of 4xx or 5xx with JSON that is no object (livekit-api 1.x, twirp_client.py `_server_error`)
    ValueError,  # a URL that the client is sent to and can't parse
)
"""Raised by livekit-api when LiveKit can't be reached or refuses, or when something else answers at its address."""

_RETRY_AFTER_S = 5


def reason(error: Exception) -> str:
    """The error's text for a line in the log."""
    return str(error) or type(error).__name__


def unavailable(error: Exception) -> RefusedError:
    """The refusal of a request that can't be answered without LiveKit."""
    if isinstance(error, api.TwirpError) and error.status in {401, 403}:
        sentence = "LiveKit refuses the token server's key."
        return RefusedError(503, "livekit_refuses", sentence, retry_after_s=_RETRY_AFTER_S)
    verb = "answer" if isinstance(error, api.TwirpError) else "be reached"
    return RefusedError(503, "livekit_unavailable", f"LiveKit can't {verb} at the moment.", retry_after_s=_RETRY_AFTER_S)
