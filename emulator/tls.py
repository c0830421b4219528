"""A certificate authority for as long as the process lives. Its key stays in memory; only its certificate is written."""

import ssl
from pathlib import Path

import trustme

from emulator.errors import AuthorityFileError


def authority_and_context() -> tuple[trustme.CA, ssl.SSLContext]:
    """Make an authority, and a TLS context with a certificate of it for this machine's loopback names."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1", "::1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return authority, context


def server_context(ca_file: Path) -> ssl.SSLContext:
    """Make an authority and a certificate for this machine's loopback names, and write the authority's certificate.

    Raises:
        AuthorityFileError: `ca_file` can't be written.
    """
    authority, context = authority_and_context()
    write_authority(authority, ca_file)
    return context


def default_ca_file(port: int) -> Path:
    """The place of an authority's certificate when nobody has named one.

    It is in the user's own folder: in the common one for temporary files others could put a link in its place.

    Raises:
        AuthorityFileError: this user has no home folder.
    """
    try:
        return Path.home() / ".cache" / "earshot" / f"emulator-{port}.pem"
    except RuntimeError as error:
        raise AuthorityFileError("~/.cache/earshot", "this user has no home folder") from error


def write_authority(authority: trustme.CA, ca_file: Path) -> Path:
    """Write an authority's certificate; returns its path.

    Raises:
        AuthorityFileError: the file can't be written.
    """
    try:
        ca_file.parent.mkdir(parents=True, exist_ok=True)
        authority.cert_pem.write_to_path(str(ca_file))
    except OSError as error:
        raise AuthorityFileError(str(ca_file), error.strerror or str(error)) from error
    return ca_file
