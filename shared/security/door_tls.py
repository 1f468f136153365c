"""The TLS profile of doors that are no HTTP: DICOM (PS3.15 B.9 and B.10) and MLLP, both after BCP 195, RFC 9325."""

from __future__ import annotations

import ssl
from pathlib import Path

# RFC 9325 4.2: forward secrecy and authenticated encryption only; TLS 1.3 suites are all of that kind.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!PSK:!SHA1"


def server_context(certificate: Path, key: Path, client_ca: Path | None, settings: str = "") -> ssl.SSLContext:
    """Return the context of a door; with ``client_ca`` a client has to show a certificate signed by it.

    ``settings``: what stands before ``tls_certificate`` in the names of the site file, for example ``mllp_``.

    Raises:
        OSError: If a file cannot be read or does not fit; ``ssl.SSLError`` is one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        named = f"{settings}tls_certificate {certificate} and {settings}tls_key {key}"
        raise OSError(f"{named}: {error.strerror or error}") from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            raise OSError(f"{settings}tls_client_ca {client_ca}: {error.strerror or error}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context
