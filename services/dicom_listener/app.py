"""Build the listener from its settings; the only file that names concrete adapters."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import structlog

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.commitment_report import EventReports, PeerAddress
from services.dicom_listener.adapters.commitment_service import CommitmentService
from services.dicom_listener.adapters.door_settings import Behind, DoorSettings
from services.dicom_listener.adapters.doors import STORAGE_CLASSES, door_named
from services.dicom_listener.adapters.object_files import DicomFiles
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.adapters.sender_count import FindInstanceCount
from services.dicom_listener.adapters.stow_door import SCOPE, StowDoor, StowLimits, StowServer
from services.dicom_listener.adapters.tls import server_context
from services.dicom_listener.config import PeerSettings, Settings
from services.dicom_listener.handlers.admission import Admission, AdmissionRules
from services.dicom_listener.handlers.commitment import ReportCommitments, RequestCommitment
from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.handlers.judge import JudgeStudies
from services.dicom_listener.handlers.outbox import Backoff, EmptyOutbox
from services.dicom_listener.handlers.receive import ReceiveInstance
from services.dicom_listener.handlers.reception import StudyReception, resume_unfinished
from services.dicom_listener.handlers.store_parts import Accepted, StoreParts
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.receiving import Door
from shared.dicom.self_check import prove, proven, self_check
from shared.domain.refusals import Cause
from shared.observability.loops import Loop
from shared.rpc.clients import ResultsClient
from shared.security.doorkeeper import open_door
from shared.web.pulled_body import Pace
from shared.web.server import Address, HttpServer

log = structlog.get_logger("oncorelay.dicom_listener")

_MIB = 1024 * 1024
_POLL_S = 0.05
"""Pause between two looks at studies on their way and at the outbox, in seconds."""
_FIRST_REQUEST = 1 << 40
"""STOW-RS requests are numbered from here, associations from 1: one number is one of both."""
_CONNECTIONS_PER_REQUEST = 4
"""Connections to the STOW-RS door for each request it serves at once: the others are told to come back."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A running listener's parts; ``start`` and ``stop`` once each."""

    settings: Settings
    door: Door
    stow: StowServer | None
    """The STOW-RS door, where the site has one."""
    loops: tuple[Loop, ...]
    catalogue: JournaledCatalogue
    watch: StudyWatch
    results: ResultsClient

    def start(self) -> None:
        """Resume what a crash left, then listen.

        Raises:
            OSError: If the port cannot be bound; the sentence says which.
        """
        resumed = resume_unfinished(self.catalogue, self.watch)
        self.door.start()
        if self.stow:
            self.stow.start()
        for loop in self.loops:
            loop.start()
        log.info("ready", ae_title=self.settings.ae_title, port=self.door.port, resumed_studies=resumed)

    def stop(self) -> None:
        """Orderly: no new associations, open ones may finish, what is recorded stays due for the next start."""
        if self.stow:
            self.stow.stop()
        self.door.stop()
        for loop in self.loops:
            loop.stop()
        self.results.close()
        self.catalogue.close()
        log.info("listener_stopped")


def build(settings: Settings) -> Listener:
    """Open the journal (catching the index up with it) and wire the listener; nothing listens yet."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # the journal names patients
    files = DicomFiles(settings.object_folder, settings.folder / "quarantine")
    files.prepare()
    catalogue = open_catalogue(settings.folder)
    watch = StudyWatch(time.monotonic)
    receive = ReceiveInstance(files, catalogue, settings.site.device_uid, settings.min_free_mb * _MIB, _now)
    inbox = Segments(settings.segment_folder)
    inbox.prepare()
    gatekeeper = _FreeDisk(files, settings.min_free_mb * _MIB)
    offered = _offered()
    intake = Intake(inbox, StudyReception(receive, watch, files.copy_out), gatekeeper)
    door = _door(settings, offered, intake, _commitment_service(settings, catalogue))
    results = ResultsClient(settings.results_address, tls=settings.site.tls("dicom_listener"))
    judge = JudgeStudies(watch, catalogue, _counts(settings), settings.settle_s, settings.quiet_s, _now, time.monotonic)
    outbox = EmptyOutbox(catalogue, results, settings.identity_map, _now, Backoff(time.monotonic))
    report = _commitment_reports(settings, catalogue, files.holds, lambda: None)
    loops = (Loop("judge", judge, _POLL_S), Loop("outbox", outbox, _POLL_S), Loop("commitment", report, _POLL_S))
    return Listener(settings, door, _stow(settings, offered, intake), loops, catalogue, watch, results)


def _offered() -> tuple[str, ...]:
    """Return the transfer syntaxes that were proven just now."""
    proofs = self_check(prove)
    for proof in proofs:
        if not proof.proven:
            log.warning("transfer_syntax_not_offered", transfer_syntax=proof.transfer_syntax, reason=proof.doubt)
    return proven(proofs)


def _stow(settings: Settings, transfer_syntaxes: tuple[str, ...], intake: Intake) -> StowServer | None:
    if settings.stow_port is None:
        return None
    accepted = Accepted(frozenset(STORAGE_CLASSES), frozenset(transfer_syntaxes), settings.max_object_mb * _MIB)
    pace = Pace(settings.stow_idle_s, settings.stow_longest_s, settings.stow_min_kb_per_s * 1000)
    limits = StowLimits(settings.stow_max_parts, settings.stow_max_requests, pace)
    doorkeeper = open_door(settings.stow_key_path, settings.stow_oidc, SCOPE)
    door = StowDoor(StoreParts(intake, accepted), intake.gatekeeper, doorkeeper, count(_FIRST_REQUEST), limits)
    address = Address(
        settings.stow_host,
        settings.stow_port,
        "dicom_listener.stow_port",
        settings.stow_tls_certificate,
        settings.stow_tls_key,
    )
    return StowServer(door, HttpServer(door.application(), address, _CONNECTIONS_PER_REQUEST * limits.max_requests))


def _commitment_service(settings: Settings, catalogue: JournaledCatalogue) -> CommitmentService:
    requestors = frozenset(peer.ae_title for peer in settings.peers if peer.storage_commitment)
    return CommitmentService(RequestCommitment(catalogue, requestors, _now))


def _commitment_reports(
    settings: Settings,
    catalogue: JournaledCatalogue,
    holds: Callable[[str], bool],
    waiting_since: Callable[[], float | None],
) -> ReportCommitments:
    peers = {peer.ae_title: PeerAddress(peer.host, peer.port) for peer in settings.peers if peer.storage_commitment}
    reporter = EventReports(settings.ae_title, peers, settings.commitment_timeout_s)
    return ReportCommitments(
        catalogue,
        reporter,
        holds,
        waiting_since,
        _now,
        time.monotonic,
        wait_s=settings.commitment_wait_s,
        give_up_s=settings.commitment_give_up_h * 3600,
    )


def _door(settings: Settings, offered: tuple[str, ...], intake: Intake, commitment: CommitmentService) -> Door:
    rules = AdmissionRules(
        ae_title=settings.ae_title,
        calling_ae_titles=frozenset(settings.calling_ae_titles),
        networks=settings.allowed_networks,
        max_associations=settings.max_associations,
        max_per_sender=settings.max_associations_per_sender,
        per_minute=settings.associations_per_minute,
    )
    behind = Behind(Admission(rules, intake.gatekeeper), intake, (commitment,))
    return door_named(settings.door, _door_settings(settings, offered), behind)


def _door_settings(settings: Settings, transfer_syntaxes: tuple[str, ...]) -> DoorSettings:
    certificate, key = settings.tls_certificate, settings.tls_key
    return DoorSettings(
        ae_title=settings.ae_title,
        storage_classes=STORAGE_CLASSES,
        transfer_syntaxes=transfer_syntaxes,
        calling_ae_titles=settings.calling_ae_titles,
        spool_folder=settings.object_folder / "incoming",
        host=settings.host,
        port=settings.port,
        tls_port=settings.tls_port,
        tls=server_context(certificate, key, settings.tls_client_ca) if certificate and key else None,
        max_associations=settings.max_associations,
        max_waiting=settings.max_waiting_connections,
        max_object_bytes=settings.max_object_mb * _MIB,
        acse_timeout_s=settings.acse_timeout_s,
        network_timeout_s=settings.network_timeout_s,
        stop_grace_s=settings.stop_grace_s,
    )


def _counts(settings: Settings) -> dict[str, FindInstanceCount]:
    return {peer.ae_title: _count(peer, settings) for peer in settings.peers if peer.ask_instance_count}


def _count(peer: PeerSettings, settings: Settings) -> FindInstanceCount:
    return FindInstanceCount(
        calling_ae_title=settings.ae_title,
        called_ae_title=peer.ae_title,
        host=peer.host,
        port=peer.port,
        own_uid_root=settings.site.uid_root,
        timeout_s=settings.find_timeout_s,
    )


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _FreeDisk:
    """A ``Gatekeeper`` that looks at the disk alone."""

    files: DicomFiles
    min_free_bytes: int

    def refusal(self, sender: str) -> Cause | None:  # noqa: ARG002 - the same for all
        return Cause.OUT_OF_SPACE if self.files.free_bytes() < self.min_free_bytes else None
