"""What was measured in images, for FHIR R4: the region's volume as Observation, and where region and report lie.

No LOINC term was found for the volume of an imaging region of the breast; SNOMED CT 118565006 names the property only,
so that a code of our own stands before it. The features are in the SR, with engine and settings; here they would be
numbers nobody can read.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.results.deliver.formats import wording
from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_parts import identifiers, meta, status
from services.results.deliver.formats.segmentation import KIND as SEGMENTATION
from services.results.deliver.formats.style import Style, document_uid, part_uid
from services.results.ledger.findings import Finding
from shared.codes import local, snomed, terminology, ucum
from shared.domain.identity import Side
from shared.domain.images import UsedRegion
from shared.domain.prediction import Prediction, VariantAnswer
from shared.fhir.writing.elements import (
    Json,
    concept,
    instant,
    logical_reference,
    narrative,
    notes,
    percent_quantity,
    without_empty,
)

BREASTS = {Side.LEFT: snomed.LEFT_BREAST, Side.RIGHT: snomed.RIGHT_BREAST, Side.BOTH: snomed.BOTH_BREASTS}


def volume_observation(finding: Finding, chart: Chart, style: Style, digest: str, device: Json) -> list[Json]:
    """Return the Observation of the region's volume; none where no region was measured."""
    answer = finding.prediction
    if answer is None or answer.images is None or answer.images.region is None:
        return []
    region = answer.images.region
    about = local.REGION_VOLUME
    said = [*wording.use_sentences(finding, style), wording.region_line(region), *wording.image_lines(answer)]
    site = BREASTS.get(finding.side, snomed.BREAST) if finding.side else snomed.BREAST
    made = without_empty(
        resourceType="Observation",
        meta=meta(finding, style),
        text=narrative(about.display, said),
        identifier=identifiers(finding, f"{digest}.volume"),
        status=status(finding, chart),
        category=[concept(terminology.IMAGING.display, terminology.IMAGING)],
        code=concept(about.display, about, snomed.VOLUME),
        subject=chart.patient,
        effectiveDateTime=instant(finding.created_time),
        issued=instant(finding.created_time),
        valueQuantity=_cubic(region),
        bodySite=concept(site.display, site),
        method={"text": f"{wording.ORIGINS[region.origin]}: {region.method}"},
        device=device,
        derivedFrom=[_study(finding), *(row for row in archived(finding, style) if row["type"] == "ImagingStudy")],
        note=notes(said),
    )
    return [made]


def archived(finding: Finding, style: Style) -> Iterator[Json]:
    """Return where region and report of this finding lie, at each archive of the site, by their DICOM UIDs."""
    answer = finding.prediction
    if answer is None or answer.images is None:
        return
    for name, other in style.archives:
        report = document_uid(finding, other)
        if SEGMENTATION in other.pictures and answer.artefacts:
            yield _at("ImagingStudy", part_uid(other, report, SEGMENTATION), f"segmentation of the region at {name}")
        yield _at("DocumentReference", report, f"structured report at {name}")


def variant_components(answer: Prediction) -> Iterator[Json]:
    """Return what each other variant answers, in per cent, or that it gave no answer."""
    for row in answer.variants:
        if row.variant != answer.variant:
            yield _component(answer, row)


def _component(answer: Prediction, row: VariantAnswer) -> Json:
    name = local.probability_of(answer.outcome.positive_class, answer.outcome.display)
    code = {"code": concept(f"{name.display}, by the variant {row.variant}", local.VARIANT_ANSWER)}
    if row.probability is None:
        return code | {"dataAbsentReason": concept(row.why_not, terminology.NOT_PERFORMED)}
    return code | {"valueQuantity": percent_quantity(row.probability)}


def _cubic(region: UsedRegion) -> Json:
    unit = ucum.CUBIC_MILLIMETRE
    return {"value": round(region.volume_mm3, 3), "unit": unit, "system": ucum.SYSTEM, "code": unit}


def _study(finding: Finding) -> Json:
    return _at("ImagingStudy", finding.study.study_instance_uid, "source study")


def _at(kind: str, uid: str, display: str) -> Json:
    return logical_reference(kind, terminology.DICOM_UID, f"urn:oid:{uid}", display)
