"""A certificate authority for as long as the process lives. Its key stays in memory; only its certificate is written."""

import ssl
from pathlib import Path

import trustme


def server_context(ca_file: Path) -> ssl.SSLContext:
    """Make an authority and a certificate for this machine's loopback names, and write the authority's certificate.

    Raises:
        OSError: `ca_file` can't be written.
    """
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1", "::1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    ca_file.parent.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(str(ca_file))
    return context
