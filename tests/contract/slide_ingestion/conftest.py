"""One slide room per database: SQLite, and PostgreSQL where it is installed; real folders, a clock that is set."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sql

from services.slide_ingestion.adapters import content, database
from services.slide_ingestion.adapters.cache import SlideCache
from services.slide_ingestion.adapters.dicom_files import LIMITS, READ, JailedDicomFiles
from services.slide_ingestion.adapters.erasure import SqlErasure
from services.slide_ingestion.adapters.folder_door import FolderDoor
from services.slide_ingestion.adapters.gate import gate_of
from services.slide_ingestion.adapters.store import SqlOutbox, SqlSlides
from services.slide_ingestion.formats.beside import ReadManifests
from services.slide_ingestion.handlers.cases import MakeStudy
from services.slide_ingestion.handlers.check import CheckSlides
from services.slide_ingestion.handlers.judging import JudgeSlides
from services.slide_ingestion.handlers.look import LookAtDoor
from services.slide_ingestion.handlers.naming import Names
from services.slide_ingestion.handlers.orders import RecordOrder
from services.slide_ingestion.handlers.outbox import EmptyOutbox
from services.slide_ingestion.handlers.people import ListSlides, SetResolution
from services.slide_ingestion.handlers.studies import TakeStudy
from services.slide_ingestion.handlers.verdict import Judge
from services.slide_ingestion.ports.doors import Door
from services.slide_ingestion.ports.slides import SlideRow
from shared.domain.errors import OncoRelayError
from shared.domain.identity import AssigningAuthority, Demographics, IdentityMap, PatientIdentity
from shared.domain.pauses import Pauses
from shared.domain.slide_orders import OrderStatus, SlideOrder
from shared.domain.slides import PyramidLevel, ReadBy, ResolutionSource, Scanner, Slide, Specimen
from shared.domain.study import Study
from shared.jail.jail import Jail
from shared.pathology.trouble import SlideProblem, SlideTrouble
from shared.slides.port import SlideDescription, StatedResolution

MRN1 = PatientIdentity("hospital", "MRN1")
IDENTITIES = IdentityMap((AssigningAuthority("hospital", dicom_issuer="HOSP", hl7_authority="HOSP"),))
SETTLE_S = 30.0
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@dataclass
class Labels:
    """A reader of made-up slides: the file's first line says what the slide says of itself.

    ``PLAIN`` and anything else: an H&E slide without a barcode; ``BARCODE x``: with one; ``NO-MPP``; ``BROKEN``;
    ``BESIDE``: the label of a slide in a series of its own;
    ``DICOM accession container specimen [barcode]``; any kind that ends in ``NO-MPP`` states no resolution.
    """

    asked: int = 0
    meanwhile: Path | None = None
    """A file somebody writes to while it is looked into."""

    def describe(self, paths: Sequence[Path], container: str = "") -> SlideDescription | SlideTrouble:
        self.asked += 1
        kind, *words = (paths[0].read_text().splitlines() or ["BROKEN"])[0].split()
        if self.meanwhile:
            self.meanwhile.write_text("PLAIN written meanwhile\n")
            self.meanwhile = None
        if kind == "BROKEN":
            return SlideTrouble(SlideProblem.UNREADABLE, "No reader opens it.", "Scan the slide again.")
        if kind == "BESIDE":
            return SlideTrouble(SlideProblem.ASSOCIATED, "It holds only the label of a slide.")
        stated = (
            () if kind.endswith("NO-MPP") else (StatedResolution(0.25, 0.25, ResolutionSource.VENDOR, "aperio.MPP"),)
        )
        made = SlideDescription(
            "aperio", 4000, 3000, (PyramidLevel(4000, 3000, 1.0),), stated, 40.0 if stated else None,
            Scanner("Aperio", "AT2"), ReadBy("labels 1"), has_profile=False, associated=("label",),
        )  # fmt: skip
        return _with(made, kind, words, container)


def _with(made: SlideDescription, kind: str, words: list[str], container: str) -> SlideDescription:
    if kind == "BARCODE" and container:
        return replace(made, barcode_agrees=words[0] == container)
    if kind.startswith("DICOM"):
        accession, its_container, specimen, *barcode = words
        agrees = barcode[0] == container if barcode and container else None
        return replace(made, format="dicom", accession=accession, container=its_container, specimens=(specimen,),
                       associated=("label",) if barcode else (), barcode_agrees=agrees,
                       frame_of_reference_uid="1.2.3")  # fmt: skip
    return made


@dataclass
class Ledger:
    """What results was told."""

    studies: list[tuple[str, Study]] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)
    error: OncoRelayError | None = None
    refuse: OncoRelayError | None = None

    def submit_case(self, request_id: str, study: Study) -> tuple[str, ...]:
        if self.error or self.refuse:
            raise self.error or self.refuse or AssertionError
        self.studies.append((request_id, study))
        return (f"case-{study.study_instance_uid[-6:]}",)

    def report_notice(self, request_id: str, kind: str, text: str, case_id: str = "") -> str:
        if self.error:
            raise self.error
        self.notices.append((kind, text))
        return "notice"


@dataclass
class Room:
    """The use cases over one real database and one real folder."""

    engine: sql.Engine
    folder: Path
    moment: datetime = START
    looker: Labels = field(default_factory=Labels)
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()
        ids = itertools.count(1)
        self.new_slide_id = lambda: f"{next(ids):08d}" + "0" * 24
        self.store, self.outbox = SqlSlides(self.engine, self.now), SqlOutbox(self.engine)
        self.names = Names("site", b"k" * 32)
        self.judge = JudgeSlides(Judge(MakeStudy(self.names), gate_of(2.0)), lambda: str(uuid.uuid4()))
        self.cache = SlideCache(self.folder / "cache", 0)
        self.record = RecordOrder(self.store, self.judge)
        self.take = TakeStudy(self.store, self.judge, self.new_slide_id)
        self.list_slides, self.set_resolution = ListSlides(self.store), SetResolution(self.store, self.judge)
        self.send = EmptyOutbox(self.outbox, self.ledger, Pauses(1.0, 60.0), self.now)
        self.erase = SqlErasure(self.engine, self.cache, self.names, frozenset({"folder-1"}), self.now)
        self.jail = Jail([READ], LIMITS)
        self.dicom = JailedDicomFiles(self.jail, IDENTITIES)
        self.doors: dict[str, Door] = {}
        self.restart()

    def now(self) -> datetime:
        return self.moment

    def ticks(self) -> float:
        return (self.moment - START).total_seconds()

    def wait(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def restart(self) -> None:
        """Forget what is only in memory, as a new process does."""
        self.watch(FolderDoor("folder-1", self.inbox, 4, 1000))

    def watch(self, door: Door) -> None:
        """Look at this door from now on, as a new process does."""
        self.look = LookAtDoor(
            door, self.store, self.judge, ReadManifests(IDENTITIES, self.now), self.names, self.ticks, SETTLE_S,
            self.new_slide_id,
        )  # fmt: skip
        self.doors[door.name] = door
        self.check = CheckSlides(self.store, self.doors, self.looker, content.digests, self.dicom, self.judge, 1 << 30)

    def settle(self) -> None:
        """Look, let everything stand still, look again, look into what is complete, and tell results."""
        self.look()
        self.wait(SETTLE_S + 1)
        self.look()
        self.work()

    def work(self) -> None:
        while self.check():
            pass
        self.send()

    def drop(self, name: str, text: str = "PLAIN", **manifest: Any) -> Path:
        """Put a slide into the folder, with a manifest where something is said about it."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
        if manifest:
            self.say(name, **manifest)
        return path

    def say(self, name: str, **manifest: Any) -> Path:
        path = self.inbox / f"{name}.manifest.json"
        path.write_text(json.dumps(manifest))
        return path

    @property
    def rows(self) -> list[SlideRow]:
        """Return the slides, oldest first."""
        return sorted(self.store.newest(None, 100), key=lambda row: row.slide_id)

    @property
    def states(self) -> list[str]:
        return [row.state.value for row in self.rows]

    @property
    def told(self) -> list[Slide]:
        """Return the slides results was told of, in order."""
        return [study.slide for _, study in self.ledger.studies if study.slide]


SAID: dict[str, Any] = {
    "accession": "S26-1", "specimen": "A", "block": "1", "slide": "3", "container": "S26-1-A-1-3", "patient_id": "MRN1",
    "issuer": "HOSP", "stain": "he", "tissue": "breast", "after_therapy": False, "side": "left",
}  # fmt: skip


def order(order_id: str = "hl7:1", version: str = "1", **changes: Any) -> SlideOrder:
    values: dict[str, Any] = {
        "order_id": order_id, "source": "hl7 LIS", "version": version, "status": OrderStatus.ACTIVE, "identity": MRN1,
        "demographics": Demographics(), "specimen": Specimen("S26-1", "A", "1", "3"), "container": "S26-1-A-1-3",
        "recorded_time": START, "stain": "he", "tissue": "breast", "after_therapy": False,
    }  # fmt: skip
    return SlideOrder(**(values | changes))


@pytest.fixture
def engine(database_url: str) -> Iterator[sql.Engine]:
    engine = database.open_engine(database_url)
    database.migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def room(engine: sql.Engine, tmp_path: Path) -> Iterator[Room]:
    made = Room(engine, tmp_path.resolve())
    yield made
    made.jail.close()
