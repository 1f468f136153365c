"""Wires serve: the only file that names its adapters."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
import structlog

from services.results.config import Settings
from services.results.ledger.database import check_schema
from services.results.ledger.ledger import Ledger, open_ledger
from services.results.serve.adapters import governance_server
from services.results.serve.adapters.anchor_file import AnchorFile
from services.results.serve.adapters.delivery_server import delivery_registration
from services.results.serve.adapters.grpc_server import registration
from services.results.serve.adapters.syslog import Syslog
from services.results.serve.handlers import AnchorAudit, SubmitCase
from services.results.serve.ports import Anchors
from shared.domain.audit import Anchor
from shared.domain.errors import OncoRelayError
from shared.observability.loops import Loop
from shared.predictors.registry import REGISTRY
from shared.rpc import server
from shared.site.anchors import read_anchors

log = structlog.get_logger("oncorelay.results.serve")


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Serve:
    """The running door, and the loop that anchors the audit."""

    door: grpc.Server
    anchoring: Loop
    anchor: AnchorAudit

    def stop(self) -> None:
        """Answer what is in hand, then anchor what was done last."""
        self.door.stop(grace=5).wait()
        self.anchoring.stop()
        with contextlib.suppress(OncoRelayError):  # the loop has logged it before
            self.anchor()


def start(settings: Settings) -> Serve:
    """Check the schema and serve; the caller stops it.

    Raises:
        ConflictError: If the schema is not the one this code knows.
        InvalidInputError: If somebody wrote into the anchors' file.
        OSError: If the address is taken.
    """
    ledger = open_ledger(settings)
    check_schema(ledger.engine)
    ledger.patients.name()
    last = max(read_anchors(settings.anchor_file), key=lambda one: one.number, default=None)
    anchor = AnchorAudit(ledger.trail, _places(settings), utc_now, lambda lost: _alarm(ledger, lost), last)
    door = server.start(
        settings.grpc_address, lambda server: _register(server, ledger), tls=settings.site.tls("results")
    )
    anchoring = Loop("anchor", anchor, settings.audit_anchor_s)
    anchoring.start()
    return Serve(door, anchoring, anchor)


def _register(server: grpc.Server, ledger: Ledger) -> None:
    submit = SubmitCase(ledger.intake, ledger.intake, REGISTRY, utc_now)
    registration(ledger, submit, utc_now)(server)
    delivery_registration(ledger, utc_now)(server)
    governance_server.register(server, ledger, utc_now)


def _alarm(ledger: Ledger, lost: Anchor) -> None:
    """Tell people that the audit chain is not the one that was anchored."""
    log.error("audit_rewritten", number=lost.number)
    text = (
        f"row {lost.number} of the audit is not the one anchored at {lost.time.isoformat()}: `oncorelay audit verify`"
    )
    ledger.intake.notice(f"audit-{lost.number}-{lost.hash}", "audit_rewritten", text, "", utc_now())


def _places(settings: Settings) -> tuple[Anchors, ...]:
    file = AnchorFile(settings.anchor_file)
    return (file, Syslog.at(settings.audit_syslog)) if settings.audit_syslog else (file,)
