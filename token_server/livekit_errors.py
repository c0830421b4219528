"""The exceptions of livekit-api's calls."""

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

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


def reason(error: Exception) -> str:
    """The error's text for a line in the log."""
    return str(error) or type(error).__name__
