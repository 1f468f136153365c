"""The TLS profile of the DICOM doors (PS3.15 B.9 and B.10: BCP 195, RFC 9325)."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

# RFC 9325 4.2: forward secrecy and authenticated encryption only; TLS 1.3 suites are all of that kind.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL:!PSK:!SHA1"


def server_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """Return the context of a door; with ``client_ca`` a client has to show a certificate signed by it.

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
        raise OSError(f"tls_certificate {certificate} and tls_key {key}: {error.strerror or error}") from error
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except OSError as error:
            raise OSError(f"tls_client_ca {client_ca}: {error.strerror or error}") from error
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def certificate_names(connection: ssl.SSLSocket) -> frozenset[str]:
    """Return the common names and alternative names (DNS, URI) of a verified client certificate."""
    found: dict[str, Any] = connection.getpeercert() or {}
    common = {value for entry in found.get("subject", ()) for key, value in entry if key == "commonName"}
    return frozenset(common | {value for kind, value in found.get("subjectAltName", ()) if kind in ("DNS", "URI")})
