"""The address of S3-compatible storage, as RECORD_S3 and RECORD_S3_ENDPOINT have it."""

from dataclasses import dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit

from configuration import ValueMistakeError


@dataclass(frozen=True)
class S3Address:
    """A bucket, or a folder in it."""

    bucket: str
    folder: str
    """Empty: the bucket itself."""
    endpoint: str | None
    """The URL of the storage; None: Amazon's."""


def s3_address(url: str, endpoint: str | None) -> S3Address:
    """The address that these settings name.

    Raises:
        ValueMistakeError: one of them can't be used, or obstore isn't installed.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueMistakeError(
            "RECORD_S3", _shown(url), "name a bucket, and a folder in it if you like, such as s3://calls/earshot"
        )
    if endpoint is not None:
        server = urlsplit(endpoint)
        if server.scheme not in {"http", "https"} or not server.netloc or "@" in server.netloc:
            fix = "name the URL of the storage without a key, such as https://minio.example.com"
            raise ValueMistakeError("RECORD_S3_ENDPOINT", _shown(endpoint), fix)
    if find_spec("obstore") is None:
        raise ValueMistakeError("RECORD_S3", url, "the package obstore is missing; install it, or leave RECORD_S3 empty")
    return S3Address(parts.netloc, parts.path.strip("/"), endpoint)


def _shown(url: str) -> str:
    """The URL without a key that somebody has written into it."""
    return url if "@" not in url else f"***@{url.rpartition('@')[2]}"
