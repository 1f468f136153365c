"""What a rendering depends on besides the finding, and the identifiers derived from both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from services.results.ledger.findings import Finding
from shared.domain.prediction import IntendedUse

RENDERER_VERSION = "2"
"""Raised with every change that alters a rendered object, so that a changed object never reuses an identifier."""
DEVICE_NAME = "OncoRelay"
"""Device observer name, and Manufacturer (0008,0070) of every object we write."""
LONG_STRING = 64
"""Characters of an LO value (PS3.5 table 6.2-1)."""

_UID_LENGTH = 64  # PS3.5 9.1
_DIGITS = 36  # about 119 bits
_SHORTEST = 28  # about 93 bits


@dataclass(frozen=True, slots=True)
class Style:
    """The site's part in a rendering; another style makes another object with other identifiers."""

    uid_root: str
    device_uid: str
    validity: timedelta
    """Time after which a result no longer speaks."""
    convention: Literal["fraction", "percent"] = "fraction"
    """FHIR: how the sink reads ``probabilityDecimal``."""
    clinical: bool = False
    pictures: tuple[str, ...] = ()
    """DICOM objects this sink gets beside the report, of ``dicom-seg``, ``dicom-sc``, ``dicom-pm``."""

    archives: tuple[tuple[str, Style], ...] = ()
    """FHIR: the site's archives by name, so that a result can say where its region and its report lie. Not a part of
    the identifiers: what is said there is not compared either."""

    def __post_init__(self) -> None:
        if len(self.uid_root) + 1 + _SHORTEST > _UID_LENGTH:
            raise ValueError("the UID root leaves no room for derived UIDs (at most 35 characters)")

    def intended_use(self, finding: Finding) -> IntendedUse:
        """Return what the object may be used for; where no model was asked, the sink decides (never more than that)."""
        if finding.model_use:
            return finding.model_use
        return IntendedUse.CLINICAL if self.clinical else IntendedUse.DEMONSTRATION


def object_digest(finding: Finding, kind: str, style: Style) -> str:
    """Return the identifier (sha256, hex) of one rendering of one revision (system rule 3)."""
    parts = (
        finding.result_key, kind, finding.kind, str(finding.revision), RENDERER_VERSION,
        style.uid_root, style.device_uid, str(style.validity.days), style.convention, str(style.clinical),
        *sorted(style.pictures),
    )  # fmt: skip
    return _digest(*parts)


def derived_uid(root: str, *parts: str) -> str:
    """Return the UID below ``root`` that belongs to ``parts``: always the same, at most 64 characters."""
    digits = min(_DIGITS, _UID_LENGTH - 1 - len(root))
    return f"{root}.{int(_digest(*parts), 16) % 10**digits}"


def model_name(finding: Finding) -> str:
    """Return Manufacturer's Model Name (0008,1090): the bundle that answered, else the predictor that was asked."""
    answer = finding.prediction
    return (answer.bundle.bundle_id if answer else finding.predictor)[:LONG_STRING]


def document_uid(finding: Finding, style: Style) -> str:
    """Return the SOP Instance UID of the finding's SR."""
    return derived_uid(style.uid_root, object_digest(finding, "dicom-sr", style))


def part_uid(style: Style, report_uid: str, kind: str) -> str:
    """Return the SOP Instance UID of the ``kind`` of object sent with a report: derived from the report's alone.

    Who only knows what an earlier result was called can name what was sent with it, and take it back.
    """
    return derived_uid(style.uid_root, kind, report_uid)


def series_uid(style: Style, sop_instance_uid: str) -> str:
    """Return the Series Instance UID that goes with one of our SOP Instance UIDs: one document, one series."""
    return derived_uid(style.uid_root, "series", sop_instance_uid)


def tracking_uid(finding: Finding, style: Style) -> str:
    """Return the UID under which every object of a case speaks of the same thing (PS3.16 TID 1501, row 3)."""
    return derived_uid(style.uid_root, "case", finding.case_id)


def _digest(*parts: str) -> str:
    # Lengths make ("a", "bc") and ("ab", "c") different.
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
