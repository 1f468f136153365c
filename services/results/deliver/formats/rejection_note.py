"""A rejection note: "hide these reports", as Key Object Selection (PS3.16 TID 2010; IHE RAD, IOCM)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from highdicom import ko, sr
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from services.results.deliver.formats import wording
from services.results.deliver.formats.coded import concept
from services.results.deliver.formats.sr_document import SERIES_NUMBER, finish
from services.results.deliver.formats.sr_source import COMPREHENSIVE_3D_SR, reference_item, source_header, zone
from services.results.deliver.formats.style import DEVICE_NAME, Style, derived_uid, object_digest, series_uid
from services.results.ledger.findings import Finding, Predecessor
from shared.codes import dcm
from shared.domain.case import FindingKind
from shared.domain.coding import Coding

KIND = "rejection-note"


def note_uid(finding: Finding, style: Style) -> str:
    """Return the SOP Instance UID of the finding's rejection note."""
    return derived_uid(style.uid_root, object_digest(finding, KIND, style))


def to_note(
    finding: Finding,
    header: Dataset,
    predecessors: Sequence[Predecessor],
    style: Style,
    title: Coding,
    gone: Sequence[Dataset] = (),
) -> Dataset:
    """Return the note that rejects every report in ``predecessors`` and every object referenced in ``gone``.

    ``title`` is of PS3.16 CID 7010.

    Raises:
        PermanentError: If the header belongs to another patient or study than the finding says.
        ValueError: If there is nothing to reject.
    """
    source = source_header(finding, header)
    reports = [_report(source, row.object_id, style) for row in predecessors if row.object_id]
    reports += [deepcopy(row) for row in gone]
    first = reports[0]
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID",
                    "StudyDate", "StudyTime", "ReferringPhysicianName"):  # fmt: skip
        first[keyword] = source[keyword]
    name, first.PatientName = first.PatientName, ""
    uid = note_uid(finding, style)
    document = ko.KeyObjectSelectionDocument(
        evidence=reports, content=_selection(finding, reports, style, title),
        series_instance_uid=series_uid(style, uid), series_number=SERIES_NUMBER + 1, sop_instance_uid=uid,
        instance_number=1, manufacturer=DEVICE_NAME, transfer_syntax_uid=ExplicitVRLittleEndian,
        specific_character_set="ISO_IR 192", series_description=f"{DEVICE_NAME} {finding.predictor} {KIND}",
    )  # fmt: skip
    for item in document.ContentSequence:
        if item.ValueType == "COMPOSITE":
            del item.ConceptNameCodeSequence  # TID 2010 row 10 has no concept name; the writing library gives one
    document.PatientName = name
    finish(document, finding, style, zone(source))
    return document


def _selection(finding: Finding, reports: Sequence[Dataset], style: Style, title: Coding) -> ko.KeyObjectSelection:
    device = sr.ObserverContext(
        concept(dcm.DEVICE), sr.DeviceObserverIdentifyingAttributes(style.device_uid, name=DEVICE_NAME)
    )
    return ko.KeyObjectSelection(concept(title), reports, observer_device_context=device, description=_why(finding))


def _why(finding: Finding) -> str:
    if finding.kind is FindingKind.WITHDRAWN:
        return wording.withdrawal(finding)
    return wording.replacement(finding)


def _report(source: Dataset, object_id: str, style: Style) -> Dataset:
    return reference_item(source.StudyInstanceUID, series_uid(style, object_id), COMPREHENSIVE_3D_SR, object_id)
