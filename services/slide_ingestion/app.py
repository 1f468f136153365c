"""Puts slide ingestion together: the only file that names concrete adapters."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import grpc
import structlog

from services.slide_ingestion.adapters import content, database
from services.slide_ingestion.adapters.ageing import SqlAgeing
from services.slide_ingestion.adapters.cache import SlideCache
from services.slide_ingestion.adapters.dicom_door import DicomDoor
from services.slide_ingestion.adapters.dicom_files import LIMITS, READ, JailedDicomFiles
from services.slide_ingestion.adapters.erasure import SqlErasure
from services.slide_ingestion.adapters.erasure_server import ErasureServicer
from services.slide_ingestion.adapters.folder_door import FolderDoor
from services.slide_ingestion.adapters.gate import gate_of
from services.slide_ingestion.adapters.grpc_server import SlideIngestionServicer
from services.slide_ingestion.adapters.operations import operations
from services.slide_ingestion.adapters.requests import Requests
from services.slide_ingestion.adapters.s3_door import s3_door
from services.slide_ingestion.adapters.store import SqlOutbox, SqlSlides
from services.slide_ingestion.config import Settings
from services.slide_ingestion.formats.beside import ReadManifests
from services.slide_ingestion.handlers.cases import MakeStudy
from services.slide_ingestion.handlers.check import CheckSlides
from services.slide_ingestion.handlers.closed import TryClosed
from services.slide_ingestion.handlers.judging import JudgeSlides
from services.slide_ingestion.handlers.look import LookAtDoor
from services.slide_ingestion.handlers.naming import Names
from services.slide_ingestion.handlers.orders import RecordOrder
from services.slide_ingestion.handlers.outbox import EmptyOutbox
from services.slide_ingestion.handlers.people import ListSlides, SetResolution
from services.slide_ingestion.handlers.retention import Sweep
from services.slide_ingestion.handlers.studies import TakeStudy
from services.slide_ingestion.handlers.verdict import Judge
from services.slide_ingestion.ports.doors import Door
from services.slide_ingestion.ports.looking import Looker
from shared.domain.case import InferenceState
from shared.domain.errors import InvalidInputError
from shared.domain.pauses import Pauses
from shared.jail.jail import Jail
from shared.jail.slides import JailedSlides
from shared.observability import tracing
from shared.observability.loops import Loop
from shared.rpc import server
from shared.rpc.clients import ResultsClient
from shared.site.site_secret import make_secret, read_secret
from shared.storage.blobs import LocalBlobs

log = structlog.get_logger("oncorelay.slide_ingestion")

_MIB = 1 << 20
_STOP_S = 5.0
_PAUSES_S = {"check": 0.2, "outbox": 0.2, "sweep": 300.0, "closed": 60.0}
_ENDED = frozenset({InferenceState.PREDICTED, InferenceState.NOT_ANALYSED})


def now() -> datetime:
    """Return the time, aware, in UTC."""
    return datetime.now(UTC)


def new_request_id() -> str:
    """Return the identifier of one submission; its trace begins here."""
    made = str(uuid.uuid4())
    tracing.origin("submission", made, "slide.judged")
    return made


def new_slide_id() -> str:
    """Return the identifier of a slide."""
    return uuid.uuid4().hex


class SlideIngestion:
    """The running service; ``looker`` reads slides (a test may give its own)."""

    def __init__(self, settings: Settings, looker: Looker | None = None) -> None:
        self._settings = settings
        self._jail = JailedSlides(children=1) if looker is None else None
        self._looker: Looker = looker or self._own_jail()
        self._files = Jail([READ], LIMITS)
        self._dicom = JailedDicomFiles(self._files, settings.identity_map)
        self._engine = database.open_engine(settings.slides_url)
        database.check_schema(self._engine)
        self.store, self._outbox = SqlSlides(self._engine, now), SqlOutbox(self._engine)
        self._names = names_of(settings)
        self.judge = JudgeSlides(Judge(MakeStudy(self._names), gate_of(settings.coarsest_um)), new_request_id)
        self._results = ResultsClient(settings.results_address, tls=settings.site.tls("slide_ingestion"))
        self._cache = SlideCache(settings.site.slide_cache, settings.min_free_mb * _MIB)
        self.doors = doors_of(settings, self._cache)
        self._dicom_door = DicomDoor(LocalBlobs(settings.site.blob_folder), settings.site.slide_cache / "looked-into",
                                     settings.min_free_mb * _MIB)  # fmt: skip
        self._looks = [self._look(door) for door in self.doors]
        self._loops = self._make_loops()
        self._grpc: grpc.Server | None = None
        self.operations = operations(settings, self.store, self._outbox, self._looks, self._loops)

    def start(self) -> None:
        """Open the door and begin to look.

        Raises:
            OSError: If the port is taken.
        """
        if self._jail and not self._jail.warm():
            log.warning("jail_without_system_call_filter")
        tls = self._settings.site.tls("slide_ingestion")
        self._grpc = server.start(self._settings.grpc_address, self._register, tls=tls)
        self._cache.clear()
        self._dicom_door.clear()
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Close in order: no new requests, then no looks, then the database."""
        if self._grpc:
            self._grpc.stop(_STOP_S).wait()
        for loop in self._loops:
            loop.ask_to_stop()
        self._files.close()
        if self._jail:
            self._jail.close()
        for loop in self._loops:
            loop.stop()
        self._results.close()
        self._engine.dispose()

    @property
    def where(self) -> str:
        """Return its address and its doors."""
        return f"{self._settings.grpc_address}, doors: {', '.join(one.name for one in self.doors)}"

    def _own_jail(self) -> JailedSlides:
        if self._jail is None:
            raise RuntimeError("a looker was given")
        return self._jail

    def _register(self, door: grpc.Server) -> None:
        take = TakeStudy(self.store, self.judge, new_slide_id)
        SlideIngestionServicer(
            take, RecordOrder(self.store, self.judge), ListSlides(self.store), SetResolution(self.store, self.judge),
            Requests(self.store),
        ).register(door)  # fmt: skip
        folders = frozenset(one.name for one in self.doors if isinstance(one, FolderDoor))
        ErasureServicer(SqlErasure(self._engine, self._cache, self._names, folders, now)).register(door)

    def _look(self, door: Door) -> LookAtDoor:
        manifests = ReadManifests(self._settings.identity_map, now)
        return LookAtDoor(door, self.store, self.judge, manifests, self._names, time.monotonic,
                          self._settings.settle_s, new_slide_id)  # fmt: skip

    def _make_loops(self) -> tuple[Loop, ...]:
        settings = self._settings
        doors: dict[str, Door] = {one.name: one for one in (*self.doors, self._dicom_door)}
        most = settings.max_slide_mb * _MIB
        check = CheckSlides(self.store, doors, self._looker, content.digests, self._dicom, self.judge, most)
        pauses = Pauses(settings.retry_s, settings.longest_retry_s)
        sweep = Sweep(self.store, self._cache, SqlAgeing(self._engine, now), self._answered, settings.cache_days,
                      settings.cache_after_result_h, settings.keep_days)  # fmt: skip
        steps: dict[str, Callable[[], object]] = {f"look at {one.door.name}": one for one in self._looks}
        steps |= {
            "closed": TryClosed(self.store, doors),
            "check": lambda: _until_none(check), "outbox": EmptyOutbox(self._outbox, self._results, pauses, now),
            "sweep": sweep,
        }  # fmt: skip
        return tuple(Loop(name, step, _PAUSES_S.get(name, settings.scan_s)) for name, step in steps.items())

    def _answered(self, uid: str) -> bool:
        cases = self._results.list_cases(study_instance_uid=uid, actor="slide_ingestion")
        return bool(cases) and all(one.state in _ENDED for one in cases)


def _until_none(step: Callable[[], bool]) -> None:
    """Step until there is nothing left to do."""
    while step():
        pass


def names_of(settings: Settings) -> Names:
    """Return how slides are named; where there is no key of their names yet, one is made.

    Raises:
        InvalidInputError: If there is none and none can be made.
    """
    with contextlib.suppress(OSError):
        make_secret(settings.key_path)
    return Names(settings.site.site_id, read_secret(settings.key_path))


def doors_of(settings: Settings, cache: SlideCache) -> tuple[Door, ...]:
    """Return the site's folders and prefixes.

    Raises:
        InvalidInputError: If a folder lies within another one, or the extra ``s3`` lacks.
    """
    places = [folder.expanduser().resolve() for folder in settings.site.slide_folders]
    for own in [place for place in places if place.is_relative_to(settings.site.data_folder.resolve())]:
        own.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_apart([*places, settings.site.slide_cache.resolve()])
    folders = [
        FolderDoor(f"folder-{number}", place, settings.deepest, settings.most_entries)
        for number, place in enumerate(places, 1)
    ]
    return *folders, *(s3_door(one, cache, settings.most_entries) for one in settings.s3)


def _check_apart(places: list[Path]) -> None:
    for one in places:
        if any(one is not other and one.is_relative_to(other) for other in places):
            raise InvalidInputError(
                "[site] slide_folders", "a folder lies within another one, or within the slide cache"
            )


def build(settings: Settings) -> SlideIngestion:
    """Return the service, not yet started.

    Raises:
        ConflictError: If the database must be migrated first.
        InvalidInputError: If the configuration cannot be.
    """
    return SlideIngestion(settings)


def migrate(settings: Settings, revision: str = "head") -> None:
    """Bring the database's schema up to date, or to ``revision``."""
    engine = database.open_engine(settings.slides_url)
    database.migrate(engine, revision)
    engine.dispose()
