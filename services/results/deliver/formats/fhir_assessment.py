"""A finding as RiskAssessment (FHIR R4): both probabilities side by side, never a ``qualitativeRisk``.

An answer in time has one prediction per horizon, ``whenPeriod`` from the draw on (``whenRange`` means an age): a result
made or judged again says no more than its values did on their day. R4 has
one ``probability[x]`` per prediction: the interval stands in an extension, as the Range it would hold there, and in the
companion Observation.

A question that could not be answered is ``cancelled`` ("the measurement was not started or not completed", FHIR R4
observation-status) without a prediction, tagged with the coded reason. The companion Observation stays ``preliminary``
with ``dataAbsentReason``: a viewer that hides cancelled resources still shows that, and why, there is no number.
"""

from __future__ import annotations

from datetime import UTC, date

from services.results.deliver.formats import horizons
from services.results.deliver.formats.chart import Chart, source_references, tumour
from services.results.deliver.formats.fhir_measured import archived
from services.results.deliver.formats.fhir_parts import identifiers, meta, method_text, rationale, sentences, status
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import local, snomed, terminology
from shared.domain.coding import Coding
from shared.domain.prediction import HorizonRisk, Prediction
from shared.fhir.writing.elements import (
    Json,
    concept,
    instant,
    logical_reference,
    narrative,
    notes,
    percent_quantity,
    percent_range,
    reference,
    without_empty,
)


def risk_assessment(finding: Finding, chart: Chart, style: Style, digest: str, device: Json) -> Json:
    """Return the RiskAssessment; ``device`` is the ``Reference`` to the model that answered."""
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
        performer=device,
        basis=[*source_references(finding, chart), *imaging_study(finding), *archived(finding, style)],
        prediction=_predictions(finding, style) if finding.prediction else None,
        note=notes(said),
    )


def condition(finding: Finding, chart: Chart) -> Json | None:
    """Return the tumour's Condition where this chart has it."""
    literal = chart.known.get(tumour(finding), "")
    return reference(literal) if literal else None


def imaging_study(finding: Finding) -> list[Json]:
    """Return the DICOM study by its UID (FHIR R4, ImagingStudy.identifier); values and slide files have none."""
    if not finding.study.in_dicom:
        return []
    uid = f"urn:oid:{finding.study.study_instance_uid}"
    return [logical_reference("ImagingStudy", terminology.DICOM_UID, uid, "source study")]


def _method(finding: Finding) -> Json:
    return concept(method_text(finding), local.assessment(finding.predictor))


def _predictions(finding: Finding, style: Style) -> list[Json]:
    """Return the event and its complement; a reader that shows one row shows the event the model answers for."""
    answer = finding.prediction
    if answer is None:
        return []
    if answer.horizons:
        rows = horizons.given(answer)
        return [_within(finding, answer, row, value, style) for row, value in rows]
    outcome = answer.outcome
    complement = local.code(outcome.complement_class, outcome.complement_display)
    interval = _interval(answer.interval)
    why = rationale(finding)
    return [
        interval | _prediction(_event(answer), outcome.display, answer.probability, style, f"{why}; {_beside(answer)}"),
        _prediction(complement, outcome.complement_display, answer.complement, style, why),
    ]


def _within(finding: Finding, answer: Prediction, row: HorizonRisk, value: float, style: Style) -> Json:
    """Return the prediction of one horizon; its complement is said in the rationale, so that one row is one horizon."""
    why = f"{rationale(finding)}; stands together with {horizons.beside(answer.outcome, row)}"
    begun = _drawn(finding)
    when = {"start": begun.isoformat(), "end": _years_later(begun, row.years).isoformat()}
    return (
        _interval(row.interval)
        | _prediction(_event(answer), answer.outcome.display, value, style, why)
        | {"whenPeriod": when}
    )


def _drawn(finding: Finding) -> date:
    """Return the day the years are counted from: the last of the draw."""
    panel = finding.study.panel
    return panel.last_date if panel else finding.created_time.astimezone(UTC).date()


def _years_later(day: date, years: int) -> date:
    """Return the same day so many years later; of a leap day the day before."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _interval(interval: tuple[float, float] | None) -> Json:
    return (
        {"extension": [{"url": local.INTERVAL_EXTENSION, "valueRange": percent_range(*interval)}]} if interval else {}
    )


def _event(answer: Prediction) -> Coding:
    outcome = answer.outcome
    known = outcome.coding or snomed.OUTCOMES.get(outcome.positive_class)
    return known or local.code(outcome.positive_class, outcome.display)


def _prediction(event: Coding, text: str, value: float, style: Style, why: str) -> Json:
    shown = value if style.convention == "fraction" else percent_quantity(value)["value"]
    return {"outcome": concept(text, event), "probabilityDecimal": shown, "rationale": why}


def _beside(answer: Prediction) -> str:
    complement = percent_quantity(answer.complement)["value"]
    return f"stands together with {answer.outcome.complement_display}: {complement:.1f} %"
