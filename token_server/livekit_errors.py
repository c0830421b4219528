"""What LiveKit's client raises when LiveKit doesn't say what it was asked."""

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

UNSAID = (
    api.TwirpError,
    aiohttp.ClientError,
    TimeoutError,
    OSError,
    DecodeError,  # a status of 200 with something else than the message: a proxy's web page
    AttributeError,  # a status of 4xx or 5xx with JSON that is no object (livekit-api 1.x, twirp_client.py `_server_error`)
    ValueError,  # a URL that the client is sent to and can't parse
)
"""LiveKit can't be reached, refuses, or what answers at its address isn't LiveKit."""


def reason(error: Exception) -> str:
    """One of these errors as the end of a line in the log."""
    return str(error) or type(error).__name__
