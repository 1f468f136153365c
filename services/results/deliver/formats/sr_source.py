"""What an SR takes over from the source study: patient and study attributes, and the evidence."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from datetime import timedelta, timezone

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.valuerep import PersonName

from services.results.deliver.ports import RefusedError
from services.results.ledger.findings import Finding, Predecessor
from shared.codes import snomed
from shared.domain.coding import Coding
from shared.domain.identity import Side

COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
LATERALITY: dict[Side, Coding] = {
    Side.LEFT: snomed.LEFT,
    Side.RIGHT: snomed.RIGHT,
    Side.BOTH: snomed.RIGHT_AND_LEFT,
}
DICOM_SIDES: dict[Side | None, str] = {Side.LEFT: "L", Side.RIGHT: "R"}
"""Laterality (0020,0060) has one side or none (PS3.3 C.7.3.1)."""

# Type 2 attributes of the Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1): empty where the source has none.
_TYPE_2 = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
_SEXES = {"M", "F", "O"}


def source_header(finding: Finding, header: Dataset) -> Dataset:
    """Return the header of one source object, decoded to Unicode and with its type 2 attributes present.

    Raises:
        RefusedError: If it belongs to another patient or study than the finding says.
    """
    source = deepcopy(header)
    source.decode()
    for keyword in _TYPE_2:
        source.setdefault(keyword, "")
    if str(source.PatientID or "").strip() != finding.identity.identifier:
        raise RefusedError("identity conflict: the stored source image carries another Patient ID than the result")
    if source.StudyInstanceUID != finding.study.study_instance_uid:
        raise RefusedError("the stored source image belongs to another study than the result")
    if source.PatientSex not in _SEXES:
        source.PatientSex = ""
    _make_names_unicode(source)
    return source


def evidence(finding: Finding, source: Dataset) -> list[Dataset]:
    """Return every instance of the study as evidence, the one with the real header first."""
    others = sorted(finding.study.instances, key=lambda row: (row.series_instance_uid, row.sop_instance_uid))
    rows = [
        reference_item(source.StudyInstanceUID, row.series_instance_uid, row.sop_class_uid, row.sop_instance_uid)
        for row in others
        if row.sop_instance_uid != source.SOPInstanceUID
    ]
    return [source, *rows]


def previous_versions(study_uid: str, earlier: Iterable[tuple[Predecessor, str]]) -> list[Dataset]:
    """Return the earlier SRs (predecessor and its series) for Predecessor Documents Sequence (PS3.3 C.17.2)."""
    return [reference_item(study_uid, series, COMPREHENSIVE_3D_SR, row.object_id) for row, series in earlier]


def zone(source: Dataset) -> timezone:
    """Return the offset all times of the object are in: that of the source (0008,0201), else UTC."""
    offset = str(source.get("TimezoneOffsetFromUTC", "") or "")
    try:
        sign = -1 if offset[0] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5])))
    except (IndexError, ValueError):
        return timezone(timedelta())


def reference_item(study_uid: str, series_uid: str, class_uid: str, instance_uid: str) -> Dataset:
    """Return an instance by its UIDs, as the document builders take it."""
    row = Dataset()
    row.StudyInstanceUID = study_uid
    row.SeriesInstanceUID = series_uid
    row.SOPClassUID = class_uid
    row.SOPInstanceUID = instance_uid
    return row


def of_ours(source: Dataset, part: Dataset) -> Dataset:
    """Return the reference to an object of ours that is sent with the report."""
    return reference_item(
        source.StudyInstanceUID, str(part.SeriesInstanceUID), str(part.SOPClassUID), str(part.SOPInstanceUID)
    )


def _make_names_unicode(dataset: Dataset) -> None:
    """Forget the encoding the names arrived in, so that they are written in that of the new object."""
    for element in dataset:
        if element.VR == "PN" and element.value:
            many = isinstance(element.value, (list, tuple)) or element.VM > 1
            element.value = [PersonName(str(n)) for n in element.value] if many else PersonName(str(element.value))
        elif isinstance(element.value, Sequence):
            for item in element.value:
                _make_names_unicode(item)
