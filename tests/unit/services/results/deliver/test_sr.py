"""A finding as SR: repeatable, about the right patient, saying what its numbers mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from services.results.deliver.adapters.source_headers import SourceHeaders
from services.results.deliver.formats.sr_document import encoded, to_sr
from services.results.deliver.formats.style import Style, derived_uid, document_uid, series_uid
from services.results.ledger.findings import Finding
from shared.dicom.header import header_of
from shared.dicom.own_output import is_own_output
from shared.domain.case import ReviewState
from shared.domain.errors import ForbiddenError, PermanentError
from shared.domain.identity import PatientIdentity
from tests.findings import PROBABILITY, Findings, left_behind

GOLDEN = Path(__file__).resolve().parents[4] / "data" / "golden"


def rendered(finding: Finding, headers: SourceHeaders, style: Style) -> Dataset:
    """Return the SR as a reader gets it: written and read."""
    return pydicom.dcmread(BytesIO(encoded(to_sr(finding, headers.read(finding), (), style))))


def items(item: Dataset) -> Iterator[Dataset]:
    yield item
    for child in item.get("ContentSequence", []):
        yield from items(child)


def texts(document: Dataset) -> str:
    return "\n".join(item.TextValue for item in items(document) if "TextValue" in item)


def numbers(document: Dataset) -> dict[str, Dataset]:
    rows = [item for item in items(document) if item.get("ValueType") == "NUM"]
    return {row.ConceptNameCodeSequence[0].CodeValue: row.MeasuredValueSequence[0] for row in rows}


@pytest.mark.parametrize("kind", ["prediction", "not_analysed"])
def test_a_repeated_rendering_is_byte_identical(
    findings: Findings, headers: SourceHeaders, style: Style, kind: str
) -> None:
    finding = getattr(findings, kind)()
    first, second = (encoded(to_sr(finding, headers.read(finding), (), style)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", ["prediction", "not_analysed"])
def test_a_rendering_that_changes_needs_a_new_renderer_version(
    findings: Findings, headers: SourceHeaders, style: Style, kind: str
) -> None:
    """When this fails on purpose: raise ``RENDERER_VERSION``, or changed objects get the identifiers of old ones."""
    document = rendered(getattr(findings, kind)(), headers, style)
    assert document.to_json_dict() == json.loads((GOLDEN / f"sr_{kind}.json").read_text(encoding="utf-8"))


def test_both_probabilities_stand_side_by_side_with_what_they_are_of(
    findings: Findings, headers: SourceHeaders, style: Style
) -> None:
    document = rendered(findings.prediction(), headers, style)
    stated = numbers(document)
    assert stated["p_axillary_pcr"].FloatingPointValue == PROBABILITY
    assert float(stated["p_axillary_pcr"].NumericValue) == pytest.approx(PROBABILITY, abs=1e-14)
    assert stated["p_residual_nodal"].FloatingPointValue == 1.0 - PROBABILITY
    assert {row.MeasurementUnitsCodeSequence[0].CodeValue for row in stated.values()} == {"1"}
    assert "no residual nodal disease)) = 53.1 %; P(Residual nodal disease) = 46.9 %" in texts(document)


def test_alternatives_give_both_probabilities_too(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    assert "P(Residual nodal disease) = 55.9 %" in texts(rendered(findings.prediction(), headers, style))


def test_inputs_stand_with_value_date_age_and_source(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    said = texts(rendered(findings.prediction(), headers, style))
    assert "her2 = negative (2026-02-20, 22 days before this result, Observation/her2 version 1)" in said


def test_it_says_what_it_is_for_and_when_it_expires(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    said = texts(rendered(findings.prediction(), headers, style))
    assert "DEMONSTRATION - NOT FOR CLINICAL USE" in said
    assert "not for primary diagnosis" in said
    assert "Expires 2026-06-12 or at the start of therapy" in said


def test_patient_and_study_are_copied_from_the_source_image(
    findings: Findings, headers: SourceHeaders, style: Style
) -> None:
    document = rendered(findings.prediction(), headers, style)
    assert str(document.PatientName) == "Müster^Änne"
    assert (document.PatientID, document.PatientBirthDate, document.PatientSex) == ("PAT-0042", "19710405", "F")
    assert (document.AccessionNumber, document.StudyID, document.StudyTime) == ("ACC-7", "S1", "081500")


def test_every_instance_of_the_study_is_evidence(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    finding = findings.prediction()
    (study,) = rendered(finding, headers, style).CurrentRequestedProcedureEvidenceSequence
    named = {row.ReferencedSOPInstanceUID for s in study.ReferencedSeriesSequence for row in s.ReferencedSOPSequence}
    assert named == {row.sop_instance_uid for row in finding.study.instances}


def test_a_study_of_two_thousand_images_needs_one_header_only(
    findings: Findings, headers: SourceHeaders, style: Style
) -> None:
    finding = findings.prediction()
    first = finding.study.instances[0]
    many = [replace(first, sop_instance_uid=f"1.2.3.{n}", blob_uri="file:///nowhere") for n in range(2000)]
    study = replace(finding.study, instances=(first, *many))
    (evidence,) = rendered(replace(finding, study=study), headers, style).CurrentRequestedProcedureEvidenceSequence
    assert len(evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence) == 2001


def test_times_are_the_findings_own(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    document = rendered(findings.prediction(), headers, style)
    stated = {
        document.get(f"{name}Date") + document.get(f"{name}Time") for name in ("Content", "Series", "InstanceCreation")
    }
    assert stated == {"20260314092653"}


def test_times_are_in_the_zone_the_source_declares(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    finding = findings.prediction()
    header = headers.read(finding)
    header.TimezoneOffsetFromUTC = "-0530"
    assert to_sr(finding, header, (), style).ContentTime == "035653"


def test_a_later_revision_names_its_predecessor(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    first = findings.not_analysed()
    uid = document_uid(first, style)
    later = findings.later(first)
    document = to_sr(later, headers.read(later), (left_behind(first, uid),), style)
    (study,) = document.PredecessorDocumentsSequence
    (series,) = study.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == to_sr(first, headers.read(first), (), style).SeriesInstanceUID
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == uid
    assert "Replaces the earlier result" in texts(document)


def test_not_analysed_states_the_coded_reason_and_no_number(
    findings: Findings, headers: SourceHeaders, style: Style
) -> None:
    document = rendered(findings.not_analysed(), headers, style)
    codes = {item.ConceptCodeSequence[0].CodeValue for item in items(document) if "ConceptCodeSequence" in item}
    assert {"not_analysed", "missing_input"} <= codes
    assert numbers(document) == {}
    assert "The HER2 status of the left tumour is missing." in texts(document)
    assert document.CompletionFlag == "PARTIAL"


def test_a_withdrawal_says_so_and_names_what_it_withdraws(
    findings: Findings, headers: SourceHeaders, style: Style
) -> None:
    first = findings.prediction()
    gone = findings.withdrawal(first)
    document = to_sr(gone, headers.read(gone), (left_behind(first, document_uid(first, style)),), style)
    assert "is withdrawn: do not use it. Reason: The bundle was recalled." in texts(document)
    assert "PredecessorDocumentsSequence" in document
    assert numbers(document) == {}


def test_flags_are_preliminary_until_a_person_accepts(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    waiting, accepted = findings.prediction(), replace(findings.prediction(), review=ReviewState.ACCEPTED)
    flags = [
        (d.PreliminaryFlag, d.VerificationFlag) for d in (rendered(f, headers, style) for f in (waiting, accepted))
    ]
    assert flags == [("PRELIMINARY", "UNVERIFIED"), ("FINAL", "UNVERIFIED")]


def test_our_own_door_recognises_it(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    document = rendered(findings.prediction(), headers, style)
    for mark in (0x00080014, 0x00181002):
        raw = {
            tag: str(document[tag].value).encode()
            for tag in (0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080070, mark)
        }
        assert is_own_output(header_of(raw), style.device_uid)


def test_the_image_of_another_patient_is_refused(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    finding = replace(findings.prediction(), identity=PatientIdentity("hospital", "SOMEBODY-ELSE"))
    with pytest.raises(PermanentError, match="identity conflict"):
        to_sr(finding, headers.read(finding), (), style)


def test_the_image_of_another_study_is_refused(findings: Findings, headers: SourceHeaders, style: Style) -> None:
    finding = findings.prediction()
    other = replace(finding, study=replace(finding.study, study_instance_uid="1.2.3"))
    with pytest.raises(PermanentError, match="another study"):
        to_sr(other, headers.read(other), (), style)


def test_a_blob_outside_the_store_is_never_opened(findings: Findings, headers: SourceHeaders) -> None:
    finding = replace(findings.prediction(), pins=None)
    rows = tuple(replace(row, blob_uri="file:///etc/passwd") for row in finding.study.instances)
    with pytest.raises(ForbiddenError):
        headers.read(replace(finding, study=replace(finding.study, instances=rows)))


def test_the_header_of_an_object_inside_a_segment_is_the_header_of_that_object(
    findings: Findings, headers: SourceHeaders
) -> None:
    finding = replace(findings.prediction(), pins=None)
    alone = headers.read(finding)
    content = findings.blobs.read(finding.study.instances[0].blob_uri)
    segment, _ = findings.blobs.put(b"another object" * 100 + content + b"and another")
    uri = f"{segment}?offset={len(b'another object') * 100}&length={len(content)}"
    rows = tuple(replace(row, blob_uri=uri) for row in finding.study.instances)

    assert headers.read(replace(finding, study=replace(finding.study, instances=rows))) == alone


def test_what_is_not_dicom_is_a_permanent_failure(findings: Findings, headers: SourceHeaders) -> None:
    finding = replace(findings.prediction(), pins=None)
    uri, _ = findings.blobs.put(b"not DICOM at all")
    rows = tuple(replace(row, blob_uri=uri) for row in finding.study.instances)
    with pytest.raises(PermanentError, match="cannot be read"):
        headers.read(replace(finding, study=replace(finding.study, instances=rows)))


def test_uids_are_derived_and_change_with_revision_and_style(findings: Findings, style: Style) -> None:
    first = findings.prediction()
    other = replace(style, validity=timedelta(days=30))
    uids = {document_uid(first, style), document_uid(findings.later(first), style), document_uid(first, other)}
    assert len(uids) == 3
    assert all(len(uid) <= 64 for uid in uids)
    assert series_uid(style, "1.2.3") == series_uid(style, "1.2.3")


def test_a_root_that_leaves_no_room_is_refused(style: Style) -> None:
    with pytest.raises(ValueError, match="no room"):
        replace(style, uid_root="1." + "2" * 40)


def test_parts_of_a_uid_are_told_apart() -> None:
    assert derived_uid("1.2", "ab", "c") != derived_uid("1.2", "a", "bc")
