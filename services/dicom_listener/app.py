"""Build the listener from its settings; the only file that names concrete adapters."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.object_files import DicomFiles
from services.dicom_listener.adapters.pynetdicom_door import DoorSettings, PynetdicomDoor
from services.dicom_listener.adapters.sender_count import FindInstanceCount
from services.dicom_listener.config import PeerSettings, Settings
from services.dicom_listener.handlers.judge import JudgeStudies
from services.dicom_listener.handlers.outbox import Backoff, EmptyOutbox
from services.dicom_listener.handlers.receive import ReceiveInstance
from services.dicom_listener.handlers.reception import StudyReception, resume_unfinished
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.receiving import Door
from shared.dicom.self_check import prove, proven, self_check
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
    door = PynetdicomDoor(_door_settings(settings), StudyReception(receive, watch), files)
    results = ResultsClient(settings.results_address)
    judge = JudgeStudies(watch, catalogue, _counts(settings), settings.settle_s, settings.quiet_s, _now, time.monotonic)
    outbox = EmptyOutbox(catalogue, results, settings.identity_map, _now, Backoff(time.monotonic))
    loops = (Loop("judge", judge, _POLL_S), Loop("outbox", outbox, _POLL_S))
    return Listener(settings, door, loops, catalogue, watch, results)


def _door_settings(settings: Settings) -> DoorSettings:
    return DoorSettings(
        host=settings.host,
        port=settings.port,
        ae_title=settings.ae_title,
        calling_ae_titles=settings.calling_ae_titles,
        transfer_syntaxes=proven(self_check(prove)),
        max_associations=settings.max_associations,
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
