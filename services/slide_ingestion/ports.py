"""What slide ingestion keeps, and whom it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from shared.dicom.fingerprint import Fingerprint
from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.slide_registry import SlideState
from shared.domain.slides import SlideOrder
from shared.domain.study import Study
from shared.pathology.trouble import SlideTrouble
from shared.slides.port import SlideDescription


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing a door shows. ``name`` may identify a person: it is kept, and neither logged nor told."""

    name: str
    """Path below the folder or prefix, with ``/``."""
    size: int
    """Bytes."""
    stamp: str
    """Changes whenever the content may have: times and inode of a file, ETag of an S3 object."""
    oddity: str = ""
    """Why it cannot be a file of a slide: a symbolic link, a directory with the name of a slide, a device."""


@dataclass(frozen=True, slots=True)
class SlideFile:
    """One file, or stored DICOM instance, of a slide; the first of a slide is the one to open."""

    name: str
    """Path below its door; of a DICOM instance empty."""
    size: int
    stamp: str
    uri: str = ""
    """Where it is read; empty until it was fetched."""
    digest: str = ""
    """sha256 (hex) of the content; empty until it was read. Of a stored DICOM object: of what it shows."""
    sop_instance_uid: str = ""
    sop_class_uid: str = ""
    """Of a stored DICOM object only; empty for every slide that came as files."""
    series_instance_uid: str = ""
    identity_digest: str = ""


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """Whose a DICOM slide says it is."""

    study_instance_uid: str
    identity: PatientIdentity | None
    demographics: Demographics
    study_date: date | None
    sender: str
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatedByPerson:
    """The resolution as a person said it is."""

    um: float
    actor: str
    reason: str
    time: datetime


@dataclass(frozen=True, slots=True)
class SlideRow:
    """Everything known about one slide."""

    slide_id: str
    door: str
    place: str
    """Which slide of its door it is; with the door it is unique."""
    files: tuple[SlideFile, ...]
    state: SlideState
    reason: str
    seen_time: datetime
    state_time: datetime
    digest: str = ""
    """sha256 (hex) over the content of all its files; empty until it was read."""
    description: SlideDescription | None = None
    trouble: SlideTrouble | None = None
    """Why no reader can make anything of it."""
    stated: tuple[SlideOrder, ...] = ()
    """What manifests beside it say."""
    misstated: str = ""
    """Why a manifest beside it cannot be read."""
    header: DicomHeader | None = None
    person: StatedByPerson | None = None
    compared: str = ""
    """The container the label's barcode was compared with."""
    tried: tuple[str, ...] = ()
    """Orders whose container its barcode was compared with in vain."""
    barcode_order: str = ""
    """The order whose container the barcode is, where that was found by comparing."""
    order_id: str = ""
    """Of the order it was taken to belong to last."""
    glass: str = ""
    """Key of the piece of glass it is a picture of, see ``handlers.whose``."""
    uid: str = ""
    """Key of the submission under which results has it, or will; empty: results never heard of it."""
    told: str = ""
    """Kind and text of the last notice about it: the same is told once."""
    evidence: str = ""
    """Why it was taken to be complete."""
    gone: bool = False
    """Its files are no longer there."""
    closed: bool = False
    """This service may not read them; while it is held for that, it is tried again now and then."""
    uncached: bool = False
    """What was fetched of it was removed: it is fetched again before results is told anything new about it."""

    @property
    def identity(self) -> PatientIdentity | None:
        """Return whose it is as far as it says so itself."""
        if self.header and self.header.identity:
            return self.header.identity
        return next((one.identity for one in self.stated if one.identity), None)


@dataclass(frozen=True, slots=True)
class Submission:
    """A slide as results shall have it."""

    key: str
    request_id: str
    slide_id: str
    study: Study
    tries: int = 0
    case_ids: tuple[str, ...] = ()
    submitted_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person must see."""

    notice_id: str
    kind: str
    text: str
    tries: int = 0


class Writing(Protocol):
    """One transaction that no other one overlaps."""

    @property
    def now(self) -> datetime:
        """The time of this transaction."""
        ...

    def slide(self, slide_id: str) -> SlideRow | None:
        """Return the slide of this id."""
        ...

    def at(self, door: str, place: str) -> SlideRow | None:
        """Return the slide at this place of a door."""
        ...

    def keep(self, row: SlideRow) -> None:
        """Insert or replace a slide."""
        ...

    def forget(self, slide_id: str) -> None:
        """Remove a slide."""
        ...

    def of_digest(self, digest: str) -> tuple[SlideRow, ...]:
        """Return the slides with this content, the one seen first in front."""
        ...

    def of_glass(self, glass: str) -> tuple[SlideRow, ...]:
        """Return the slides that are pictures of this glass, the one seen first in front."""
        ...

    def touched_by(self, order: SlideOrder) -> tuple[str, ...]:
        """Return the slides that name the order's container or glass, or that had it before."""
        ...

    def without_order(self) -> tuple[SlideRow, ...]:
        """Return the slides that wait for an order, newest first, a thousand at most."""
        ...

    def order(self, order_id: str) -> SlideOrder | None:
        """Return the current version of an order."""
        ...

    def keep_order(self, order: SlideOrder) -> None:
        """Make this the current version of its order."""
        ...

    def orders_for(self, names: Sequence[str]) -> tuple[SlideOrder, ...]:
        """Return the orders, withdrawn ones too, that go by one of these keys of glass."""
        ...

    def submit(self, key: str, slide_id: str, study: Study, request_id: str) -> None:
        """Have results told."""
        ...

    def submitted(self, key: str) -> Study | None:
        """Return what results has, or will have, under this key."""
        ...

    def tell(self, kind: str, text: str) -> None:
        """Have a person told."""
        ...

    def was_erased(self, mark: str) -> bool:
        """Tell whether the slide with this mark (see ``handlers.look``) was erased."""
        ...


class Store(Protocol):
    """The slides' database."""

    def writing(self) -> AbstractContextManager[Writing]:
        """Open a transaction.

        Raises:
            TemporaryError: If the database cannot be reached, or its disk is full.
        """
        ...

    def rows(self, door: str) -> tuple[SlideRow, ...]:
        """Return every slide of a door."""
        ...

    def row(self, slide_id: str) -> SlideRow | None:
        """Return one slide."""
        ...

    def to_check(self) -> SlideRow | None:
        """Return the slide that waits longest to be looked into."""
        ...

    def closed(self) -> tuple[SlideRow, ...]:
        """Return the slides that are held because this service may not read them."""
        ...

    def open_containers(self, limit: int) -> tuple[tuple[str, str], ...]:
        """Return (order id, container) of active orders no slide has yet, the newest first."""
        ...

    def newest(self, state: SlideState | None, limit: int) -> tuple[SlideRow, ...]:
        """Return slides, newest first."""
        ...

    def named(self, prefix: str) -> tuple[SlideRow, ...]:
        """Return slides whose id begins so, two at most."""
        ...

    def cases_of(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the cases results made of these submissions."""
        ...


class Outbox(Protocol):
    """What results does not have yet."""

    def due(self, now: datetime) -> tuple[Submission, ...]:
        """Return due submissions, oldest first."""
        ...

    def submitted(self, submission: Submission, case_ids: Sequence[str], now: datetime) -> None:
        """Settle one; one that changed since stays due."""
        ...

    def postpone(self, submission: Submission, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def notices_due(self, now: datetime) -> tuple[Notice, ...]:
        """Return due notices, oldest first."""
        ...

    def noticed(self, notice: Notice, now: datetime) -> None:
        """Settle one."""
        ...

    def postpone_notice(self, notice: Notice, until: datetime) -> None:
        """Try again at ``until``."""
        ...

    def waiting(self) -> int:
        """Return how much results does not have."""
        ...


class Results(Protocol):
    """The ledger's door (``shared.rpc.clients.ResultsClient``)."""

    def submit_case(self, request_id: str, study: Study) -> tuple[str, ...]:
        """Hand over a slide; the same request id gets the same answer."""
        ...

    def report_notice(self, request_id: str, kind: str, text: str, case_id: str = "") -> str:
        """Record something a person must see."""
        ...


class Door(Protocol):
    """A watched folder or prefix."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def look(self) -> tuple[Entry, ...]:
        """Return everything below it.

        Raises:
            TemporaryError: If it cannot be looked into now; then nothing counts as gone.
        """
        ...

    def mounted(self) -> str:
        """Return what tells this place from another one that stands in its stead, as an unmounted share's folder does.

        Empty where nothing else can stand there.

        Raises:
            TemporaryError: If it cannot be looked into now.
        """
        ...

    def readable(self, slide_id: str, files: Sequence[SlideFile]) -> bool:
        """Tell whether this service may read them all.

        Raises:
            TemporaryError: If that cannot be told now.
        """
        ...

    def read(self, name: str, limit: int) -> bytes:
        """Return a small file.

        Raises:
            InvalidInputError: If it is no regular file, or larger than ``limit`` bytes.
            NotFoundError: If it is not there.
        """
        ...

    def taken(self, slide_id: str, files: Sequence[SlideFile]) -> AbstractContextManager[tuple[Path, ...]]:
        """Give the slide's files as files of this machine, the first to open in front; what was fetched is kept.

        Raises:
            SlideChangedError: If one is not as it was seen.
            SlideClosedError: If this service may not read one.
            TemporaryError: If they cannot be had now.
        """
        ...

    def uris(self, slide_id: str, files: Sequence[SlideFile]) -> tuple[str, ...]:
        """Return where workers read each of them."""
        ...

    def unchanged(self, slide_id: str, files: Sequence[SlideFile]) -> bool:
        """Tell whether they are still as they were seen."""
        ...


@dataclass(frozen=True, slots=True)
class DicomFolder:
    """What the files of a DICOM slide say of themselves."""

    header: DicomHeader
    files: tuple[Fingerprint, ...]
    """In the order they were asked in."""


DicomFiles = Callable[[Sequence[Path]], DicomFolder | SlideTrouble]
"""Reads DICOM files in the jail; raises TemporaryError where no child can be started."""


class Looker(Protocol):
    """Looks into slides in the jail (``shared.jail.slides.JailedSlides``)."""

    def describe(self, paths: Sequence[Path], container: str = "") -> SlideDescription | SlideTrouble:
        """Return what the slide says of itself; ``container`` is compared with the label's barcode."""
        ...


Now = Callable[[], datetime]
