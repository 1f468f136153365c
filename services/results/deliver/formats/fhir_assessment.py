"""A finding as RiskAssessment (FHIR R4): both probabilities side by side, never a ``qualitativeRisk``.

A question that could not be answered is ``cancelled`` ("the measurement was not started or not completed", FHIR R4
observation-status) without a prediction, tagged with the coded reason. The companion Observation stays ``preliminary``
with ``dataAbsentReason``: a viewer that hides cancelled resources still shows that, and why, there is no number.
"""

from __future__ import annotations

from services.results.deliver.formats.chart import Chart, source_references, tumour
from services.results.deliver.formats.fhir_parts import identifiers, meta, rationale, sentences, status
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import local, terminology
from shared.domain.coding import Coding
from shared.domain.prediction import Prediction
from shared.fhir.writing.elements import (
    Json,
    concept,
    instant,
    logical_reference,
    narrative,
    notes,
    percent_quantity,
    reference,
    without_empty,
)


def risk_assessment(finding: Finding, chart: Chart, style: Style, digest: str, device: str) -> Json:
    """Return the RiskAssessment; ``device`` is the reference of the model that answered."""
    said = list(sentences(finding, style))
    about = local.assessment(finding.predictor)
    return without_empty(
        resourceType="RiskAssessment",
        meta=meta(finding, style),
        text=narrative(about.display, [*said, rationale(finding)]),
        identifier=identifiers(finding, digest),
        status="cancelled" if finding.not_analysed else status(finding, chart),
        method=_method(finding),
        code=concept(about.display, about),
        subject=chart.patient,
        occurrenceDateTime=instant(finding.created_time),
        condition=condition(finding, chart),
        performer=reference(device),
        basis=[*source_references(finding, chart), imaging_study(finding)],
        prediction=_predictions(finding, style) if finding.prediction else None,
        note=notes(said),
    )


def condition(finding: Finding, chart: Chart) -> Json | None:
    """Return the tumour's Condition where this chart has it."""
    literal = chart.known.get(tumour(finding), "")
    return reference(literal) if literal else None


def imaging_study(finding: Finding) -> Json:
    """Return the DICOM study by its UID (FHIR R4, ImagingStudy.identifier)."""
    return logical_reference(
        "ImagingStudy", terminology.DICOM_UID, f"urn:oid:{finding.study.study_instance_uid}", "source study"
    )


def method_text(finding: Finding) -> str:
    """Return predictor, variant and bundle in one line."""
    answer = finding.prediction
    if answer is None:
        return finding.predictor
    bundle = answer.bundle
    return f"{answer.predictor} {answer.variant}, bundle {bundle.bundle_id} {bundle.version} (sha256 {bundle.digest})"


def _method(finding: Finding) -> Json:
    return concept(method_text(finding), local.assessment(finding.predictor))


def _predictions(finding: Finding, style: Style) -> list[Json]:
    """Return the event and its complement; a reader that shows one row shows the event the model answers for."""
    answer = finding.prediction
    if answer is None:
        return []
    outcome = answer.outcome
    event = outcome.coding or local.code(outcome.positive_class, outcome.display)
    complement = local.code(outcome.complement_class, outcome.complement_display)
    return [
        _prediction(event, outcome.display, answer.probability, style, rationale(finding), _beside(answer)),
        _prediction(complement, outcome.complement_display, answer.complement, style, rationale(finding), ""),
    ]


def _prediction(event: Coding, text: str, value: float, style: Style, why: str, beside: str) -> Json:
    shown = value if style.convention == "fraction" else percent_quantity(value)["value"]
    return {
        "outcome": concept(text, event),
        "probabilityDecimal": shown,
        "rationale": "; ".join(part for part in (why, beside) if part),
    }


def _beside(answer: Prediction) -> str:
    complement = percent_quantity(answer.complement)["value"]
    return f"stands together with {answer.outcome.complement_display}: {complement:.1f} %"
