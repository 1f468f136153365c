"""A finding as a DICOM Comprehensive 3D SR (PS3.3 A.35.13, PS3.16 TID 1500)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from io import BytesIO

from highdicom.sr import Comprehensive3DSR
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from services.results.deliver.formats import wording
from services.results.deliver.formats.sr_content import report
from services.results.deliver.formats.sr_source import evidence, of_ours, previous_versions, source_header, zone
from services.results.deliver.formats.style import (
    DEVICE_NAME,
    LONG_STRING,
    RENDERER_VERSION,
    Style,
    document_uid,
    model_name,
    series_uid,
)
from services.results.ledger.findings import Finding, Predecessor
from shared.domain.case import FindingKind, ReviewState

SERIES_NUMBER = 9100  # far from what modalities use; an archive sorts the report behind the images


def to_sr(
    finding: Finding,
    header: Dataset,
    predecessors: Sequence[Predecessor],
    style: Style,
    parts: Sequence[Dataset] = (),
    gone: Sequence[Dataset] = (),
) -> Dataset:
    """Return the SR of ``finding``; ``header`` is one object of the source study, read without its pixels.

    ``parts`` are the objects sent with it; ``gone`` references what earlier results left beside their reports.

    Raises:
        PermanentError: If the header belongs to another patient or study than the finding says.
    """
    source = source_header(finding, header)
    uid = document_uid(finding, style)
    earlier = [(row, series_uid(style, row.object_id)) for row in predecessors if row.object_id]
    name, source.PatientName = source.PatientName, ""
    document = Comprehensive3DSR(
        evidence=[*evidence(finding, source), *(of_ours(source, part) for part in parts)],
        content=report(finding, source, style, parts, gone),
        series_instance_uid=series_uid(style, uid), series_number=SERIES_NUMBER, sop_instance_uid=uid,
        instance_number=1, manufacturer=DEVICE_NAME, transfer_syntax_uid=ExplicitVRLittleEndian,
        is_complete=finding.kind is not FindingKind.NOT_ANALYSED, is_final=finding.review is ReviewState.ACCEPTED,
        previous_versions=previous_versions(finding.study.study_instance_uid, earlier) or None,
        specific_character_set="ISO_IR 192", series_description=_description(finding),
    )  # fmt: skip
    document.PatientName = name
    if finding.not_analysed:
        document.CompletionFlagDescription = wording.refusal(finding)[:LONG_STRING]
    finish(document, finding, style, zone(source))
    return document


def finish(document: Dataset, finding: Finding, style: Style, offset: tzinfo) -> None:
    """Give a document its marks and its time: the same finding makes the same bytes."""
    _say_who_made_it(document, finding, style)
    _fix_time(document, finding.created_time.astimezone(offset))


def encoded(document: Dataset) -> bytes:
    """Return the DICOM file (PS3.10); the same document gives the same bytes."""
    stream = BytesIO()
    document.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _description(finding: Finding) -> str:
    return f"{DEVICE_NAME} {finding.predictor} {finding.kind.replace('_', ' ')}"[:LONG_STRING]


def _say_who_made_it(document: Dataset, finding: Finding, style: Style) -> None:
    """Set the marks by which our own door recognises the object when it comes back (system rule 8)."""
    answer = finding.prediction
    document.InstanceCreatorUID = style.device_uid
    document.DeviceUID = style.device_uid
    document.ManufacturerModelName = model_name(finding)
    versions = [f"renderer {RENDERER_VERSION}"] + ([f"bundle {answer.bundle.version}"[:LONG_STRING]] if answer else [])
    document.SoftwareVersions = versions
    # The writing library names itself and its version: a newer one would change the bytes under the same UID.
    document.file_meta.ImplementationClassUID = UID(style.device_uid)
    document.file_meta.ImplementationVersionName = f"ONCORELAY_{RENDERER_VERSION}"
    document.pop("ContributingEquipmentSequence", None)


def _fix_time(document: Dataset, moment: datetime) -> None:
    """Put the finding's own time in the place of the clock's (system rule 3)."""
    day, time = moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")
    for name in ("InstanceCreation", "Content", "Series"):
        setattr(document, f"{name}Date", day)
        setattr(document, f"{name}Time", time)
