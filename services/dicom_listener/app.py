"""Build the listener from its settings; the only file that names concrete adapters."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import structlog

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.commitment_report import EventReports, PeerAddress
from services.dicom_listener.adapters.commitment_service import CommitmentService
from services.dicom_listener.adapters.door_settings import Behind, DoorSettings
from services.dicom_listener.adapters.doors import STORAGE_CLASSES, door_named
from services.dicom_listener.adapters.jailed_reader import CHECK, CHECK_LIMITS, READ, READ_LIMITS, JailedReader
from services.dicom_listener.adapters.object_ranges import ObjectRanges
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.adapters.sender_count import FindInstanceCount
from services.dicom_listener.adapters.stow_door import SCOPE, StowDoor, StowLimits, StowServer, overloaded
from services.dicom_listener.adapters.tls import server_context
from services.dicom_listener.config import PeerSettings, Settings
from services.dicom_listener.handlers.admission import Admission, AdmissionRules
from services.dicom_listener.handlers.commitment import ReportCommitments, RequestCommitment
from services.dicom_listener.handlers.gate import Gate, LedgerPulse, Watermarks
from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.handlers.judge import JudgeStudies
from services.dicom_listener.handlers.judging import JudgeObjects, recover, resume_unfinished
from services.dicom_listener.handlers.outbox import Backoff, EmptyOutbox
from services.dicom_listener.handlers.pixels import CheckPixels
from services.dicom_listener.handlers.store_parts import Accepted, StoreParts
from services.dicom_listener.handlers.verdict import Court
from services.dicom_listener.handlers.waiting import WaitingObjects
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.receiving import Door
from shared.dicom.self_check import PROVE, proven, self_check
from shared.domain.errors import PermanentError
from shared.jail.jail import Jail
from shared.observability.loops import Loop
from shared.rpc.clients import ResultsClient
from shared.security.doorkeeper import open_door
from shared.storage.blobs import LocalBlobs
from shared.web.pulled_body import Pace
from shared.web.server import Address, HttpServer

log = structlog.get_logger("oncorelay.dicom_listener")

_MIB = 1024 * 1024
_POLL_S = 0.05
"""Pause between two looks at studies on their way and at the outbox, in seconds."""
_PAUSES_S = {"objects": 0.02, "pixels": 0.5, "ledger": 1.0}
"""Other pauses: objects are what everything else waits for, pixels are what nothing waits for."""

_FIRST_REQUEST = 1 << 40
"""STOW-RS requests are numbered from here, associations from 1: one number is one of both."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A running listener's parts; ``start`` and ``stop`` once each."""

    settings: Settings
    door: Door
    stow: StowServer | None
    """The STOW-RS door, where the site has one."""
    gate: Gate
    waiting: WaitingObjects
    loops: tuple[Loop, ...]
    jails: tuple[Jail, ...]
    segments: Segments
    catalogue: JournaledCatalogue
    watch: StudyWatch
    results: ResultsClient

    @property
    def checks(self) -> Mapping[str, Callable[[], str]]:
        """Return the health checks: empty text, or one sentence that says what is wrong and what helps."""
        return self.gate.checks()

    def start(self) -> None:
        """Resume what a crash left, then listen.

        Raises:
            OSError: If the port cannot be bound; the sentence says which.
            UnavailableError: If no child process can be started.
        """
        resumed = resume_unfinished(self.catalogue, self.watch)
        unjudged = recover(self.segments, self.catalogue, self.waiting)
        locked = [jail.warm() for jail in self.jails]
        if not all(locked):
            log.warning("jail_without_system_call_filter")
        self.door.start()
        if self.stow:
            self.stow.start()
        for loop in self.loops:
            loop.start()
        where = {"ae_title": self.settings.ae_title, "port": self.door.port}
        log.info("ready", **where, resumed_studies=resumed, unjudged_segments=unjudged)

    def stop(self) -> None:
        """Orderly: no new associations, open ones may finish and are judged; the rest stays due for the next start."""
        self.gate.stopping.set()
        if self.stow:
            self.stow.stop()
        self.door.stop()
        self._let_judge()
        for loop in self.loops:
            loop.ask_to_stop()
        for jail in self.jails:
            jail.close()
        for loop in self.loops:
            loop.stop()
        self.results.close()
        self.catalogue.close()
        log.info("listener_stopped")

    def _let_judge(self) -> None:
        """Wait until nothing waits any more: how an association ended is not known after a restart."""
        deadline = time.monotonic() + self.settings.stop_grace_s
        while self.waiting.since() is not None and time.monotonic() < deadline:
            time.sleep(_POLL_S)


def build(settings: Settings) -> Listener:
    """Open the journal (catching the index up with it) and wire the listener; nothing listens yet."""
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # the journal names patients
    inbox = Segments(settings.segment_folder)
    inbox.prepare()
    blobs = LocalBlobs(settings.site.blob_folder)
    ranges = ObjectRanges(blobs, settings.folder / "quarantine")
    ranges.prepare()
    catalogue = open_catalogue(settings.folder)
    watch = StudyWatch(time.monotonic)
    waiting = WaitingObjects(inbox, watch, time.monotonic)
    results = ResultsClient(settings.results_address, tls=settings.site.tls("dicom_listener"))
    gate = _gate(settings, inbox, waiting, results, catalogue)
    jails = Jail([READ], READ_LIMITS), Jail([CHECK, PROVE], CHECK_LIMITS)
    reader = JailedReader(*jails, blobs)
    court = Court(catalogue, ranges, settings.site.device_uid)
    steps: dict[str, Callable[[], object]] = {
        "objects": JudgeObjects(waiting, reader, ranges, catalogue, watch, court, _now),
        "judge": _judge_studies(settings, watch, catalogue, waiting),
        "outbox": EmptyOutbox(catalogue, results, settings.identity_map, _now, Backoff(time.monotonic)),
        "commitment": _commitment_reports(settings, catalogue, ranges.holds, waiting.since),
        "pixels": CheckPixels(catalogue, reader, _now),
        "ledger": gate.ledger,
    }
    loops = tuple(Loop(name, step, _PAUSES_S.get(name, _POLL_S)) for name, step in steps.items())
    intake = Intake(inbox, waiting, gate)
    offered = _offered(jails[1])
    door = _door(settings, offered, intake, _commitment_service(settings, catalogue))
    stow = _stow(settings, offered, intake)
    return Listener(settings, door, stow, gate, waiting, loops, jails, inbox, catalogue, watch, results)


def _judge_studies(
    settings: Settings, watch: StudyWatch, catalogue: JournaledCatalogue, waiting: WaitingObjects
) -> JudgeStudies:
    times = settings.settle_s, settings.quiet_s, _now, time.monotonic
    return JudgeStudies(watch, catalogue, _counts(settings), *times, waiting.since)


def _gate(
    settings: Settings, inbox: Segments, waiting: WaitingObjects, results: ResultsClient, catalogue: JournaledCatalogue
) -> Gate:
    return Gate(
        Watermarks(settings.min_free_mb * _MIB, settings.max_backlog, settings.ledger_grace_s),
        free_bytes=lambda: shutil.disk_usage(inbox.folder).free,
        backlog=waiting.backlog,
        ledger=LedgerPulse(results.healthy, time.monotonic),
        journal_well=lambda: catalogue.journal.well,
    )


def _offered(jail: Jail) -> tuple[str, ...]:
    """Return the transfer syntaxes that were proven just now, in the jail where their pixels will be looked at."""

    def prove(transfer_syntax: str) -> str:
        try:
            return str(jail.call(PROVE, {"transfer_syntax": transfer_syntax}))
        except PermanentError as error:
            return f"decoding the sample ended badly ({error})"

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
    tls = settings.stow_tls_certificate, settings.stow_tls_key
    address = Address(settings.stow_host, settings.stow_port, "dicom_listener.stow_port", *tls)
    return StowServer(door, HttpServer(door.application(), address, 2 * limits.max_requests, overloaded()))


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
    clocks = _now, time.monotonic
    limits = settings.commitment_wait_s, settings.commitment_give_up_h * 3600
    return ReportCommitments(catalogue, reporter, holds, waiting_since, *clocks, *limits)


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
