"""Who calls, as the connection proves it, and whether the table of rights lets them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import grpc
import structlog

from shared.domain.errors import ForbiddenError, UnauthenticatedError
from shared.security.certificates import normalised, party_of, serial_of
from shared.security.parties import Party
from shared.security.rights import check, right_of

log = structlog.get_logger("oncorelay.rpc")

_MOST_CERTIFICATES = 256
_UNPROVEN = "not authenticated"


class AccessInterceptor(grpc.ServerInterceptor):
    """Deny by default: every call needs a row in the table, and over TLS a certificate that the row names.

    Without TLS a server listens on loopback only (``shared.rpc.server``), and there is nobody to compare with the row.
    """

    def __init__(self, revoked: Path | None = None) -> None:
        self._revoked = revoked

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """Guard this call's handler; streams, of which we offer none, are left to the health service."""
        handler = continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or (handler.unary_unary is None and method.startswith("/grpc.health.v1.Health/")):
            return handler
        return grpc.unary_unary_rpc_method_handler(
            self._guarded(handler.unary_unary, method),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _guarded(self, behavior: Callable[[Any, Any], Any] | None, method: str) -> Callable[[Any, Any], Any]:
        def call(request: Any, context: Any) -> Any:
            try:
                self._check(context, method)
            except ForbiddenError as error:
                log.warning("rpc_denied", method=method, reason=str(error))
                raise
            if behavior is None:
                raise ForbiddenError(f"{method} is a stream, and this site offers none")
            return behavior(request, context)

        return call

    def _check(self, context: Any, method: str) -> None:
        right_of(method)
        certificate = _certificate(context)
        if certificate is None and self._revoked is None:
            return
        if certificate is None:
            raise UnauthenticatedError("a client certificate of this site is needed")
        party, serial = _read(certificate)
        if self._revoked is not None and serial in _serials(self._revoked):
            raise UnauthenticatedError(f"the certificate of {party.uri} is revoked")
        check(method, party)


def caller_of(context: Any) -> Party | None:
    """Return who calls, from the certificate of the connection; None where the connection proves nobody."""
    certificate = _certificate(context)
    return None if certificate is None else _read(certificate)[0]


def actor_of(context: Any, claimed: str) -> str:
    """Return whom the ledger names: the certificate's name; without one what the caller claims, marked as unproven.

    A service that speaks for a person is named beside that person.
    """
    party = caller_of(context)
    if party is None:
        return f"{claimed or 'somebody'} ({_UNPROVEN})"
    return f"{claimed} (says {party.name})" if claimed and party.role is None else party.name


def _certificate(context: Any) -> bytes | None:
    found = context.auth_context().get("x509_pem_cert", ())
    return bytes(found[0]) if found else None


@lru_cache(maxsize=_MOST_CERTIFICATES)
def _read(certificate: bytes) -> tuple[Party, str]:
    try:
        return party_of(certificate), serial_of(certificate)
    except ValueError as error:
        raise UnauthenticatedError(str(error)) from None


def _serials(path: Path) -> frozenset[str]:
    """Return the revoked serial numbers; the file is read again when it changes."""
    try:
        return _parsed(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return frozenset()


@lru_cache(maxsize=1)
def _parsed(path: Path, _: int) -> frozenset[str]:
    """``#`` begins a comment; numbers count however they are written."""
    lines = (line.partition("#")[0] for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return frozenset(normalised(word) for line in lines for word in line.split()) - {""}
