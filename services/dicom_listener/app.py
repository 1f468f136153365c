"""Build the listener from its settings; the only file that names concrete adapters."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.door_settings import Behind, DoorSettings
from services.dicom_listener.adapters.doors import STORAGE_CLASSES, door_named
from services.dicom_listener.adapters.object_files import DicomFiles
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.adapters.sender_count import FindInstanceCount
from services.dicom_listener.adapters.tls import server_context
from services.dicom_listener.config import PeerSettings, Settings
from services.dicom_listener.handlers.admission import Admission, AdmissionRules
from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.handlers.judge import JudgeStudies
from services.dicom_listener.handlers.outbox import Backoff, EmptyOutbox
from services.dicom_listener.handlers.receive import ReceiveInstance
from services.dicom_listener.handlers.reception import StudyReception, resume_unfinished
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.inbox import Arrivals, Gatekeeper, Inbox
from services.dicom_listener.ports.receiving import Door
from shared.dicom.self_check import prove, proven, self_check
from shared.domain.refusals import Cause
from shared.observability.loops import Loop
from shared.rpc.clients import ResultsClient

log = structlog.get_logger("oncorelay.dicom_listener")

_MIB = 1024 * 1024
_POLL_S = 0.05
"""Pause between two looks at studies on their way and at the outbox, in seconds."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A running listener's parts; ``start`` and ``stop`` once each."""

    settings: Settings
    door: Door
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
        for loop in self.loops:
            loop.start()
        log.info("ready", ae_title=self.settings.ae_title, port=self.door.port, resumed_studies=resumed)

    def stop(self) -> None:
        """Orderly: no new associations, open ones may finish, what is recorded stays due for the next start."""
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
    door = _door(settings, inbox, StudyReception(receive, watch, files.copy_out), gatekeeper)
    results = ResultsClient(settings.results_address)
    judge = JudgeStudies(watch, catalogue, _counts(settings), settings.settle_s, settings.quiet_s, _now, time.monotonic)
    outbox = EmptyOutbox(catalogue, results, settings.identity_map, _now, Backoff(time.monotonic))
    loops = (Loop("judge", judge, _POLL_S), Loop("outbox", outbox, _POLL_S))
    return Listener(settings, door, loops, catalogue, watch, results)


def _door(settings: Settings, inbox: Inbox, arrivals: Arrivals, gatekeeper: Gatekeeper) -> Door:
    rules = AdmissionRules(
        ae_title=settings.ae_title,
        calling_ae_titles=frozenset(settings.calling_ae_titles),
        networks=settings.allowed_networks,
        max_associations=settings.max_associations,
        max_per_sender=settings.max_associations_per_sender,
        per_minute=settings.associations_per_minute,
    )
    behind = Behind(Admission(rules, gatekeeper), Intake(inbox, arrivals, gatekeeper))
    return door_named(settings.door, _door_settings(settings), behind)


def _door_settings(settings: Settings) -> DoorSettings:
    certificate, key = settings.tls_certificate, settings.tls_key
    return DoorSettings(
        ae_title=settings.ae_title,
        storage_classes=STORAGE_CLASSES,
        transfer_syntaxes=proven(self_check(prove)),
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
