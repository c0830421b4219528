"""Copies of recorded calls in S3-compatible storage. The only module that imports obstore, which is the extra `s3`."""

import contextlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, MemoryStore, S3Store

from records.errors import StorageError, UploadError
from records.s3_address import S3Address

if TYPE_CHECKING:  # obstore has these only in its stubs
    from obstore.store import ClientConfig, RetryConfig, S3Config

_RETRIES: "RetryConfig" = {"max_retries": 2, "retry_timeout": timedelta(seconds=30)}
_TIMEOUT = "120s"
"""The longest that a part of a file, of 5 MB, may take."""


class Storage:
    """One bucket, or a folder in it. `store` is obstore's."""

    def __init__(self, store: "S3Store | LocalStore | MemoryStore") -> None:
        self._store = store

    def upload(self, source: Path, name: str) -> None:
        """Copy a file, and ask the storage whether it has all of it.

        Raises:
            StorageError: the storage can't be used.
            UploadError: the storage hasn't all of it.
            OSError: the file can't be read.
        """
        with source.open("rb") as file:  # not by obstore, whose error for a missing file is that for a missing bucket
            size = os.fstat(file.fileno()).st_size
            with _told():
                obstore.put(self._store, name, file)
                has = obstore.head(self._store, name)["size"]
        if has != size:
            raise UploadError(f"the storage has {has} bytes of {source.name}, which has {size}")


def open_s3(address: S3Address) -> Storage:
    """The storage at that address. Its key is AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the machine's role.

    Raises:
        StorageError: it can't be used.
    """
    config: S3Config = {} if address.endpoint is None else {"endpoint": address.endpoint}
    client: ClientConfig = {"timeout": _TIMEOUT, "allow_http": (address.endpoint or "").startswith("http:")}
    prefix = address.folder or None
    with _told():
        return Storage(S3Store(address.bucket, prefix=prefix, config=config, client_options=client, retry_config=_RETRIES))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Errors of obstore without its text, which may quote keys."""
    try:
        yield
    except (NotFoundError, FileNotFoundError):
        raise StorageError("the storage has no such bucket") from None
    except (PermissionDeniedError, UnauthenticatedError):
        raise StorageError("the storage refuses the key") from None
    except BaseError as error:
        raise StorageError(f"the storage can't be used ({type(error).__name__})") from None
