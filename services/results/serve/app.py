"""Wires serve: the only file that names its adapters."""

from __future__ import annotations

from datetime import UTC, datetime

import grpc

from services.results.config import Settings
from services.results.ledger.database import check_schema
from services.results.ledger.ledger import open_ledger
from services.results.serve.adapters.delivery_server import delivery_registration
from services.results.serve.adapters.grpc_server import registration
from services.results.serve.handlers import SubmitCase
from shared.predictors.registry import REGISTRY
from shared.rpc import server


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


def start(settings: Settings) -> grpc.Server:
    """Check the schema and serve; the caller stops the server.

    Raises:
        ConflictError: If the schema is not the one this code knows.
        OSError: If the address is taken.
    """
    ledger = open_ledger(settings)
    check_schema(ledger.engine)
    submit = SubmitCase(ledger.intake, ledger.intake, REGISTRY, utc_now)
    cases, deliveries = registration(ledger, submit, utc_now), delivery_registration(ledger, utc_now)

    def register(grpc_server: grpc.Server) -> None:
        cases(grpc_server)
        deliveries(grpc_server)

    return server.start(settings.grpc_address, register, tls=settings.site.tls("results"))
