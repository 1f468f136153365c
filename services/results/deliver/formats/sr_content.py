"""The content tree of an SR (PS3.16 TID 1500): who observed, what was measured, and what must be said beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage

from services.results.deliver.formats import slide_wording, wording
from services.results.deliver.formats.coded import concept
from services.results.deliver.formats.sr_measured import measurement, measurements, referenced_segment
from services.results.deliver.formats.sr_source import LATERALITY
from services.results.deliver.formats.style import DEVICE_NAME, RENDERER_VERSION, Style, tracking_uid
from services.results.ledger.findings import Finding
from shared.codes import dcm, local, snomed
from shared.domain.case import FindingKind
from shared.domain.coding import Coding
from shared.domain.prediction import Prediction
from shared.domain.slide_answers import SlideAnswer


def report(
    finding: Finding, source: Dataset, style: Style, parts: Sequence[Dataset] = (), gone: Sequence[Dataset] = ()
) -> Dataset:
    """Return the root container (TID 1500) of the finding.

    ``parts`` are the objects sent with it; ``gone`` references what earlier results left beside their reports.
    """
    root = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_device(finding, style)),
        procedure_reported=concept(snomed.HISTOPATHOLOGY if wording.about_slide(finding) else dcm.MRI),
        title=concept(dcm.IMAGING_MEASUREMENT_REPORT),
        imaging_measurements=[_group(finding, source, style, parts)],
    )[0]
    root.ContentSequence.append(_evaluations(finding, style, gone))
    return root


def _device(finding: Finding, style: Style) -> sr.ObserverContext:
    model = finding.prediction.bundle.bundle_id if finding.prediction else _asked_of(finding)
    return sr.ObserverContext(
        concept(dcm.DEVICE),
        sr.DeviceObserverIdentifyingAttributes(
            style.device_uid, name=DEVICE_NAME, manufacturer_name=DEVICE_NAME, model_name=model,
            serial_number=f"renderer {RENDERER_VERSION}",
        ),
    )  # fmt: skip


def _group(
    finding: Finding, source: Dataset, style: Style, parts: Sequence[Dataset]
) -> sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    """Return the one measurement group: of the region (TID 1411) where its SEG goes with it, else TID 1501."""
    segmentation = next((part for part in parts if part.SOPClassUID == SegmentationStorage), None)
    common: dict[str, Any] = {
        "tracking_identifier": sr.TrackingIdentifier(
            tracking_uid(finding, style), f"{DEVICE_NAME} {finding.predictor}"
        ),
        "finding_type": concept(local.assessment(finding.predictor)),
        "algorithm_id": _algorithm(finding),
        "finding_sites": _sites(finding),
        "measurements": _measurements(finding.prediction) if finding.prediction else None,
        "qualitative_evaluations": list(_statuses(finding)) or None,
    }
    if segmentation is not None:
        return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
            referenced_segment=referenced_segment(segmentation), **common
        )
    image = sr.SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)
    return sr.MeasurementsAndQualitativeEvaluations(source_images=[image], **common)


def _algorithm(finding: Finding) -> sr.AlgorithmIdentification:
    """Return TID 4019: predictor and variant, version, and everything that tells this model from another."""
    answer = finding.prediction
    if answer is None:
        return sr.AlgorithmIdentification(_asked_of(finding), f"renderer {RENDERER_VERSION}", [_bundle_asked(finding)])
    said = {
        "bundle": answer.bundle.bundle_id, "bundle sha256": answer.bundle.digest, "runtime": answer.runtime,
        "precision": answer.precision, "intended use": answer.bundle.intended_use,
    }  # fmt: skip
    parameters = [f"{name} = {value}" for name, value in said.items() if value]
    return sr.AlgorithmIdentification(f"{answer.predictor} {answer.variant}", answer.bundle.version, parameters)


def _asked_of(finding: Finding) -> str:
    return f"{finding.predictor} {finding.pins.variant}" if finding.pins else finding.predictor


def _bundle_asked(finding: Finding) -> str:
    pins = finding.pins
    return f"bundle = {pins.bundle_id}, bundle sha256 = {pins.bundle_digest}" if pins else "bundle = none asked"


def _site(coding: Coding, finding: Finding) -> sr.FindingSite:
    return sr.FindingSite(concept(coding), laterality=concept(LATERALITY[finding.side]) if finding.side else None)


def _sites(finding: Finding) -> list[sr.FindingSite]:
    where = (snomed.BREAST,) if wording.about_slide(finding) else (dcm.AXILLARY_LYMPH_NODE, snomed.BREAST)
    return [_site(coding, finding) for coding in where]


def _measurements(answer: Prediction) -> list[sr.Measurement]:
    """Return both probabilities as fractions (TID 300), named by what they are of; then what was measured."""
    outcome = answer.outcome
    rows = (
        (outcome.positive_class, outcome.display, answer.probability),
        (outcome.complement_class, outcome.complement_display, answer.complement),
    )
    stated = [_measurement(local.probability_of(key, display), float(value)) for key, display, value in rows]
    scored = [_measurement(*row) for row in _scored(answer.slide)] if answer.slide else []
    return [*stated, *scored, *measurements(answer)]


def _scored(answer: SlideAnswer) -> Iterator[tuple[Coding, float]]:
    """Return the numbers of a slide: the score, its interval, and how many patches it rests on."""
    yield local.SLIDE_SCORE, answer.score
    yield from zip((local.SCORE_LOW, local.SCORE_HIGH), answer.score_interval or (), strict=False)
    yield local.TUMOUR_PATCHES, float(answer.croppings[0].tumour_patches)
    yield local.PATCHES, float(answer.croppings[0].patches)
    yield from ((local.SHARES[row.level], row.share) for row in answer.levels)


def _measurement(name: Coding, value: float) -> sr.Measurement:
    return measurement(name, value, dcm.NO_UNITS)


def _statuses(finding: Finding) -> Iterator[sr.QualitativeEvaluation]:
    if finding.not_analysed:
        yield sr.QualitativeEvaluation(concept(local.ANALYSIS_STATUS), concept(local.NOT_ANALYSED))
        yield sr.QualitativeEvaluation(concept(local.REASON), concept(local.REASONS[finding.not_analysed.reason]))
    if finding.kind is FindingKind.WITHDRAWN:
        yield sr.QualitativeEvaluation(concept(local.ANALYSIS_STATUS), concept(local.WITHDRAWN))
    if finding.prediction and finding.prediction.slide:
        stated = slide_wording.stated_level(finding.prediction.slide)
        level = local.LEVELS[stated] if stated else local.INDETERMINATE
        yield sr.QualitativeEvaluation(concept(local.SLIDE_LEVEL), concept(level))


def _evaluations(finding: Finding, style: Style, gone: Sequence[Dataset]) -> sr.ContainerContentItem:
    """Return TID 1500 row 12 with the sentences; inside the measurement group text is not in the template."""
    container = sr.ContainerContentItem(
        concept(dcm.QUALITATIVE_EVALUATIONS), relationship_type=sr.RelationshipTypeValues.CONTAINS
    )
    rows = [
        sr.TextContentItem(concept(name), text, relationship_type=sr.RelationshipTypeValues.CONTAINS)
        for name, text in _sentences(finding, style, gone)
    ]
    container.ContentSequence = sr.ContentSequence(rows)
    return container


def _sentences(finding: Finding, style: Style, gone: Sequence[Dataset]) -> Iterator[tuple[Coding, str]]:
    yield from _named(local.INTENDED_USE, wording.use_sentences(finding, style))
    if finding.kind is FindingKind.WITHDRAWN:
        yield dcm.COMMENT, wording.withdrawal(finding)
    elif finding.revision > 1:
        yield dcm.COMMENT, wording.replacement(finding)
    if gone:
        yield dcm.COMMENT, wording.taken_back_too([str(row.SOPInstanceUID) for row in gone])
    if finding.not_analysed:
        yield local.REASON, wording.refusal(finding)
    if finding.prediction:
        yield from _about(finding.prediction)
    yield from _named(local.INPUT, wording.input_lines(finding))
    yield from _named(local.EXPLAINED, slide_wording.slide_lines(finding))
    yield from _named(local.SIDE, (wording.side(finding),))
    yield local.VALIDITY, wording.validity(finding, style)


def _about(answer: Prediction) -> Iterator[tuple[Coding, str]]:
    if answer.slide:
        yield from _named(local.EXPLAINED, wording.answers(answer))
        yield from _named(local.EXPLAINED, slide_wording.basis(answer.slide))
        yield from _named(local.FLAG, wording.flags(answer.flags))
        return
    yield local.MEANING, wording.meaning(answer)
    if answer.interval:
        yield local.MEANING, wording.interval(answer)
    yield from _named(local.ALTERNATIVE, wording.alternatives(answer))
    if answer.variant_reason:
        yield local.VARIANT, wording.variant(answer)
    yield from _named(local.VARIANT_ANSWER, wording.variant_lines(answer))
    yield from _named(local.IMAGES, wording.image_lines(answer))
    if answer.images and answer.images.region:
        yield local.REGION, wording.region_line(answer.images.region)
    yield from _named(local.FLAG, wording.flags(answer.flags))


def _named(name: Coding, texts: Iterable[str]) -> Iterator[tuple[Coding, str]]:
    return ((name, text) for text in texts if text)
