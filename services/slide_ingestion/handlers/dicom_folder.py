"""A folder of DICOM files is one slide: what its files must agree on, and what they say; pure."""

from __future__ import annotations

from collections.abc import Sequence

from services.slide_ingestion.handlers.cases import SENDER
from services.slide_ingestion.ports.looking import DicomFolder
from services.slide_ingestion.ports.slides import DicomHeader
from shared.dicom.fingerprint import Fingerprint
from shared.dicom.header import Header, date_of, sex_of
from shared.domain.identity import Demographics, IdentityMap
from shared.domain.study import MICROSCOPY
from shared.pathology.trouble import SlideProblem, SlideTrouble

_WHOSE = ("patient_id", "issuer", "birth_date", "sex")


def folder_of(files: Sequence[Fingerprint], identities: IdentityMap) -> DicomFolder | SlideTrouble:
    """Return what the files say, or why they are not one slide."""
    headers = [one.header for one in files]
    if any(one.modality != MICROSCOPY for one in headers):
        return SlideTrouble(SlideProblem.NOT_A_SLIDE, "A DICOM file in its folder is no slide microscopy.")
    if len({(one.study_instance_uid, one.series_instance_uid) for one in headers}) > 1:
        text = "Its folder holds more than one DICOM series."
        return SlideTrouble(SlideProblem.NOT_A_SLIDE, text, "Give each slide a folder of its own.")
    if len({one.sop_instance_uid for one in headers}) < len(headers):
        return SlideTrouble(SlideProblem.NOT_A_SLIDE, "Its folder holds one DICOM object twice.")
    return DicomFolder(_header(headers, identities), tuple(files))


def _header(headers: Sequence[Header], identities: IdentityMap) -> DicomHeader:
    first = headers[0]
    torn = tuple(name.replace("_", " ") for name in _WHOSE if len({getattr(one, name) for one in headers}) > 1)
    return DicomHeader(
        study_instance_uid=first.study_instance_uid,
        identity=None if torn else identities.from_dicom(first.patient_id, first.issuer),
        demographics=Demographics() if torn else Demographics(date_of(first.birth_date), sex_of(first.sex)),
        study_date=date_of(first.study_date),
        sender=SENDER,
        conflicts=torn,
    )
