"""What the worker's log says of exceptions; configuration/log_filter.py keeps all other words out."""

import aiohttp

from agent.errors import PersonaError, SettingsError, WorkerError
from agent.gemini import DeclarationError
from configuration.log_filter import described as described_by_type

_FOR_OPERATORS = (DeclarationError, PersonaError, SettingsError, WorkerError)
"""Errors whose text is about the worker and never about a call."""


def described(error: BaseException) -> str:
    """An exception in a line: its type, and what of its text can't be about a call. URLs and names of files may be."""
    name = type(error).__qualname__
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{name}: {error.status} {error.message}".rstrip()
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.strerror or type(error.os_error).__qualname__
        return f"{name}: {error.host}:{error.port}: {reason}"
    return described_by_type(error, _FOR_OPERATORS)
