"""Storage commitment: requests taken at the C-STORE door, reports sent to the peers of the site file."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.dicom_listener.adapters.catalogue import JournaledCatalogue
from services.dicom_listener.adapters.commitment_report import EventReports, PeerAddress
from services.dicom_listener.adapters.commitment_service import CommitmentService
from services.dicom_listener.app.clock import now
from services.dicom_listener.config import Settings
from services.dicom_listener.handlers.commitment import ReportCommitments, RequestCommitment


def commitment_service(settings: Settings, catalogue: JournaledCatalogue) -> CommitmentService:
    """Return what answers N-ACTION."""
    requestors = frozenset(peer.ae_title for peer in settings.peers if peer.storage_commitment)
    return CommitmentService(RequestCommitment(catalogue, requestors, now))


def commitment_reports(
    settings: Settings,
    catalogue: JournaledCatalogue,
    holds: Callable[[str], bool],
    waiting_since: Callable[[], float | None],
) -> ReportCommitments:
    """Return the step that judges requests and sends N-EVENT-REPORT."""
    peers = {peer.ae_title: PeerAddress(peer.host, peer.port) for peer in settings.peers if peer.storage_commitment}
    reporter = EventReports(settings.ae_title, peers, settings.commitment_timeout_s)
    return ReportCommitments(
        catalogue,
        reporter,
        holds,
        waiting_since,
        now,
        time.monotonic,
        wait_s=settings.commitment_wait_s,
        give_up_s=settings.commitment_give_up_h * 3600,
    )
