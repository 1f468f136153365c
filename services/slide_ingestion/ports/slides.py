"""Everything known about one slide: a value that is kept, and replaced as more is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.domain.identity import Demographics, PatientIdentity
from shared.domain.slide_orders import SlideOrder
from shared.domain.slide_registry import SlideState
from shared.pathology.trouble import SlideTrouble
from shared.slides.port import SlideDescription


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
