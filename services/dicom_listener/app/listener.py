"""Build the listener from its settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from services.dicom_listener.adapters.catalogue import JournaledCatalogue, open_catalogue
from services.dicom_listener.adapters.disk_room import least_free
from services.dicom_listener.adapters.jailed_reader import CHECK, CHECK_LIMITS, READ, READ_LIMITS, JailedReader
from services.dicom_listener.adapters.object_ranges import ObjectRanges
from services.dicom_listener.adapters.operations import CountedArrivals, operations
from services.dicom_listener.adapters.segments import Segments
from services.dicom_listener.adapters.sender_count import FindInstanceCount
from services.dicom_listener.adapters.stow_door import StowServer
from services.dicom_listener.app.clock import now
from services.dicom_listener.app.commitment import commitment_reports, commitment_service
from services.dicom_listener.app.doors import offered, store_door, stow_door
from services.dicom_listener.app.erasure import Erasing, Inside, erasing
from services.dicom_listener.config import PeerSettings, Settings
from services.dicom_listener.handlers.gate import Gate, LedgerPulse, Watermarks
from services.dicom_listener.handlers.intake import Intake
from services.dicom_listener.handlers.judge import JudgeStudies
from services.dicom_listener.handlers.judging import JudgeObjects, recover, resume_unfinished
from services.dicom_listener.handlers.outbox import Backoff, EmptyOutbox
from services.dicom_listener.handlers.pixels import CheckPixels
from services.dicom_listener.handlers.turns import Turns
from services.dicom_listener.handlers.verdict import Court
from services.dicom_listener.handlers.waiting import WaitingObjects
from services.dicom_listener.handlers.watch import StudyWatch
from services.dicom_listener.ports.receiving import Door
from shared.dicom.self_check import PROVE
from shared.jail.jail import Jail
from shared.observability.health import Check
from shared.observability.loops import Loop
from shared.observability.operations import Operations
from shared.rpc.clients import ResultsClient
from shared.rpc.slide_ingestion_client import SlideIngestionClient
from shared.storage.blobs import LocalBlobs

log = structlog.get_logger("oncorelay.dicom_listener")

_MIB = 1024 * 1024
_POLL_S = 0.05
"""Pause between two looks at studies on their way and at the outbox, in seconds."""
_PAUSES_S = {"objects": 0.02, "pixels": 0.5, "ledger": 1.0, "erase": 0.2, "sweep": 60.0}
"""Other pauses: objects are what everything else waits for, pixels are what nothing waits for."""
_HOLD_BACK_S = 2.0
"""How long judging waits for an association that stores without a pause, in seconds."""


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
    slides: SlideIngestionClient | None
    erasing: Erasing
    operations: Operations

    def start(self) -> None:
        """Resume what a crash left, then listen.

        Raises:
            OSError: If the port cannot be bound; the sentence says which.
            UnavailableError: If no child process can be started.
        """
        locked = [jail.warm() for jail in self.jails]
        if not all(locked):
            log.warning("jail_without_system_call_filter")
        # Right before the door opens: silence while nobody can come in is no evidence of anything.
        resumed = resume_unfinished(self.catalogue, self.watch)
        unjudged = recover(self.segments, self.catalogue, self.waiting, now())
        for loop in self.loops:
            loop.start()
        self.erasing.start()
        if self.stow:
            self.stow.start()
        self.door.start()  # last: who can connect may also stop us
        where = {"ae_title": self.settings.ae_title, "port": self.door.port, "tls_port": self.door.tls_port}
        log.info("ready", **where, resumed_studies=resumed, unjudged_segments=unjudged)

    def stop(self) -> None:
        """Orderly: no new associations, open ones may finish and are judged; the rest stays due for the next start."""
        self.gate.stopping.set()
        if self.stow:
            self.stow.stop()
        self.door.stop()
        self.erasing.stop()
        self._let_judge()
        for loop in self.loops:
            loop.ask_to_stop()
        for jail in self.jails:
            jail.close()
        for loop in self.loops:
            loop.stop()
        self.results.close()
        if self.slides:
            self.slides.close()
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
    blobs = LocalBlobs(settings.site.blob_folder)
    ranges = ObjectRanges(blobs, settings.folder / "quarantine")
    ranges.prepare()
    catalogue = open_catalogue(settings.folder)
    inbox.prepare(expected=catalogue.names_segments())
    watch = StudyWatch(time.monotonic)
    waiting = WaitingObjects(inbox, watch, time.monotonic, _HOLD_BACK_S)
    tls = settings.site.tls("dicom_listener")
    results = ResultsClient(settings.results_address, tls=tls)
    slides = SlideIngestionClient(address, tls=tls) if (address := settings.slide_ingestion_address) else None
    gate = _gate(settings, inbox, waiting, results, catalogue)
    jails = Jail([READ], READ_LIMITS), Jail([CHECK, PROVE], CHECK_LIMITS)
    reader = JailedReader(*jails, blobs)
    court = Court(catalogue, ranges, settings.site.device_uid)
    turns = Turns()
    erasure = erasing(settings, Inside(catalogue, inbox, ranges, watch, waiting, turns))
    steps: dict[str, Callable[[], object]] = {
        "objects": JudgeObjects(waiting, reader, ranges, catalogue, watch, court, now),
        "judge": _judge_studies(settings, watch, catalogue, waiting),
        "outbox": EmptyOutbox(catalogue, results, settings.identity_map, now, Backoff(time.monotonic), slides=slides),
        "commitment": commitment_reports(settings, catalogue, ranges.holds, waiting.since),
        "pixels": CheckPixels(catalogue, reader, now),
    }
    steps = {name: turns.step(step) for name, step in steps.items()}
    steps |= {"ledger": gate.ledger, "erase": erasure.finish, "sweep": erasure.sweep}
    loops = tuple(Loop(name, step, _PAUSES_S.get(name, _POLL_S)) for name, step in steps.items())
    syntaxes = offered(jails[1])
    intake = Intake(inbox, CountedArrivals(waiting), gate)
    door = store_door(settings, syntaxes, intake, commitment_service(settings, catalogue))
    stow = stow_door(settings, syntaxes, intake)
    more = {"inbox": waiting.readable, "doors": _doors_check(door, stow), "jail": _jail_check(jails)}
    shown = operations(settings, catalogue, watch, gate, waiting.since, loops, more)
    return Listener(
        settings, door, stow, gate, waiting, loops, jails, inbox, catalogue, watch, results, slides, erasure, shown
    )


def _doors_check(door: Door, stow: StowServer | None) -> Check:
    """Return a check that every door still accepts."""

    def look() -> str:
        return door.check() or (stow.check() if stow else "")

    return look


def _jail_check(jails: tuple[Jail, ...]) -> Check:
    """Return a check that foreign bytes are looked at behind a filter of system calls."""

    def look() -> str:
        bare = any(jail.unfiltered for jail in jails)
        return "foreign bytes are decoded without a filter of system calls: this kernel has no seccomp" if bare else ""

    return look


def _judge_studies(
    settings: Settings, watch: StudyWatch, catalogue: JournaledCatalogue, waiting: WaitingObjects
) -> JudgeStudies:
    times = settings.settle_s, settings.quiet_s, now, time.monotonic
    return JudgeStudies(watch, catalogue, _counts(settings), *times, waiting.since)


def _gate(
    settings: Settings, inbox: Segments, waiting: WaitingObjects, results: ResultsClient, catalogue: JournaledCatalogue
) -> Gate:
    return Gate(
        Watermarks(settings.min_free_mb * _MIB, settings.max_backlog, settings.ledger_grace_s),
        free_bytes=lambda: min(inbox.free_bytes(), least_free((settings.folder, settings.folder / "quarantine"))),
        backlog=waiting.backlog,
        ledger=LedgerPulse(results.healthy, time.monotonic),
        journal_well=lambda: catalogue.journal.well,
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
