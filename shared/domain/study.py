"""What an ingest service hands over: images grouped into a study, laboratory values of one draw, or one slide."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.domain.identity import Demographics, PatientIdentity, Side
from shared.domain.slides import Slide

MICROSCOPY = "SM"
"""Modality of slide microscopy (PS3.16 CID 29)."""


class CompletenessEvidence(StrEnum):
    """Why a study was taken to be complete, strongest first."""

    EXPECTED_COUNT = "expected_count"
    """The sender, asked by C-FIND, holds exactly as many instances of the study as we do."""
    ASSOCIATION_RELEASED = "association_released"
    """The association that brought the study was released in order and nothing followed."""
    QUIET_TIME = "quiet_time"
    """Nothing arrived for the configured time (an association was aborted): the last resort."""
    WRITER_FINISHED = "writer_finished"
    """A slide file: its size and times stood still, and no lock or missing part says otherwise."""
    FIRST_VALUE = "first_value"
    """A panel: its first value opens the case, and what is missing is waited for."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One stored DICOM object; pixels stay in the blob store, here are its digests and where it lies."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    modality: str
    """Modality (0008,0060)."""
    content_digest: str
    """sha256 of the pixel data and everything that is not identity (hex)."""
    identity_digest: str
    """sha256 of the patient and study identity attributes (hex)."""
    blob_uri: str


@dataclass(frozen=True, slots=True)
class Completeness:
    """The recorded reason why a study was submitted when it was."""

    evidence: CompletenessEvidence
    detail: str
    """One sentence for a person, without identifying data."""
    time: datetime


@dataclass(frozen=True, slots=True)
class Panel:
    """Laboratory values of one draw. The values are facts and are asked for; here is which of them are meant."""

    analytes: tuple[str, ...]
    """``FactName`` of what makes such a panel, sorted; not all of them need have come."""
    last_date: date
    """Last day of the draw; ``Study.study_date`` is its first."""
    taken_back: str = ""
    """Why there is no such draw any more, in one sentence; empty where there is."""


@dataclass(frozen=True, slots=True)
class Study:
    """One imaging study as the images state it, or one panel (then without images, and ``panel`` is set).

    A panel has a UID below 2.25 (PS3.5 B.2), derived from whose it is and the day it began. ``completeness.time`` is
    when its first value reached us, however often it is submitted again.

    ``identity`` is None where the issuer is not in the site's map; ``conflicts`` names attributes on which
    the study's own instances disagree (two patients in one study).
    """

    study_instance_uid: str
    identity: PatientIdentity | None
    demographics: Demographics
    study_date: date | None
    body_part: str
    """Body Part Examined (0018,0015), upper case; empty where absent."""
    side: Side | None
    """Laterality as the images have it; None where they do not say."""
    instances: tuple[Instance, ...]
    completeness: Completeness
    sender: str = ""
    """Calling AE title, or the door's own name."""
    conflicts: tuple[str, ...] = ()
    panel: Panel | None = None
    slide: Slide | None = None
    """Set for one whole-slide image; ``instances`` are then its files, the first the one to open."""

    @property
    def kind(self) -> str:
        """Return what this is, in the word predictors use for what they take: ``study``, ``panel`` or ``slide``."""
        if self.panel:
            return "panel"
        return "slide" if self.slide else "study"

    @property
    def in_dicom(self) -> bool:
        """Tell whether it is a DICOM study, where further objects may lie: no panel, nor a slide of another format."""
        if self.slide:
            return bool(self.instances and self.instances[0].sop_class_uid)
        return self.panel is None

    @property
    def taken_back(self) -> str:
        """Return why there is no such draw, or no such order of a slide, any more; empty where there is."""
        return (self.panel.taken_back if self.panel else "") or (self.slide.taken_back if self.slide else "")

    @property
    def modalities(self) -> frozenset[str]:
        """Return the modalities present."""
        return frozenset(instance.modality for instance in self.instances)
