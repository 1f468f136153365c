"""What proves to a sink who we are, and to us who it is."""

from __future__ import annotations

import ssl

from services.results.config import SinkSettings
from shared.domain.errors import InvalidInputError
from shared.security.backend_services import BackendServices, Credentials, NoCredentials, TokenFile


def tls_of(sink: SinkSettings) -> ssl.SSLContext | None:
    """Return how an MLLP sink is spoken to in TLS; None where it is not.

    Raises:
        InvalidInputError: If a certificate or key cannot be read.
    """
    if not sink.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=sink.tls_ca)
        if sink.tls_certificate:
            context.load_cert_chain(sink.tls_certificate, sink.tls_key)
    except OSError as error:
        raise InvalidInputError(
            f"sinks.{sink.name}.tls_ca", "a certificate or key cannot be read, or they do not belong together"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def credentials(sink: SinkSettings) -> Credentials:
    """Return how we say who we are at the sink.

    Raises:
        InvalidInputError: If the key of SMART Backend Services cannot serve, or its server is not behind https.
    """
    if sink.backend is not None:
        return BackendServices(sink.backend, sink.url)
    return TokenFile(sink.token_file) if sink.token_file else NoCredentials()
