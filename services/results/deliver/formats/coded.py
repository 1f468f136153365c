"""Our codings as DICOM code sequence items."""

from __future__ import annotations

from highdicom.sr import CodedConcept

from shared.codes.terminology import DICOM_DESIGNATORS
from shared.domain.coding import Coding

_MEANING_LENGTH = 64  # LO, PS3.5 6.2


def concept(coding: Coding) -> CodedConcept:
    """Return the code sequence item (PS3.3 8.8) of ``coding``; its system must be in the table of designators."""
    return CodedConcept(coding.code, DICOM_DESIGNATORS[coding.system], coding.display[:_MEANING_LENGTH])
