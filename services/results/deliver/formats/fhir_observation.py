"""The companion Observation: the same numbers in per cent, where ``probabilityDecimal`` is ambiguous."""

from __future__ import annotations

from services.results.deliver.formats.chart import Chart, sources
from services.results.deliver.formats.fhir_assessment import condition, method_text
from services.results.deliver.formats.fhir_parts import identifiers, meta, rationale, sentences, status
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import local, terminology
from shared.domain.coding import Coding
from shared.domain.prediction import NotAnalysed, Prediction
from shared.fhir.writing.elements import (
    Json,
    concept,
    instant,
    narrative,
    notes,
    percent_quantity,
    reference,
    without_empty,
)


def observation(finding: Finding, chart: Chart, style: Style, digest: str, device: str) -> Json:
    """Return the Observation; its value is the probability of the event, its components are both probabilities."""
    said = list(sentences(finding, style))
    focus = condition(finding, chart)
    answer = finding.prediction
    about = _named(answer) if answer else local.assessment(finding.predictor)
    return without_empty(
        resourceType="Observation",
        meta=meta(finding, style),
        text=narrative(about.display, [*said, rationale(finding)]),
        identifier=identifiers(finding, digest),
        status=status(finding, chart),
        code=concept(about.display, about),
        subject=chart.patient,
        focus=[focus] if focus else None,
        effectiveDateTime=instant(finding.created_time),
        issued=instant(finding.created_time),
        valueQuantity=percent_quantity(answer.probability) if answer else None,
        dataAbsentReason=_absent(finding.not_analysed) if finding.not_analysed else None,
        note=notes([*said, rationale(finding)]),
        method={"text": method_text(finding)},
        device=reference(device),
        derivedFrom=_derived_from(finding, chart),
        component=_components(answer) if answer else None,
    )


def _named(answer: Prediction) -> Coding:
    return local.probability_of(answer.outcome.positive_class, answer.outcome.display)


def _components(answer: Prediction) -> list[Json]:
    outcome = answer.outcome
    rows = (
        (outcome.positive_class, outcome.display, answer.probability),
        (outcome.complement_class, outcome.complement_display, answer.complement),
    )
    names = [(local.probability_of(key, display), value) for key, display, value in rows]
    return [{"code": concept(name.display, name), "valueQuantity": percent_quantity(value)} for name, value in names]


def _absent(refusal: NotAnalysed) -> Json:
    return concept(refusal.text, terminology.NOT_PERFORMED, local.REASONS[refusal.reason])


def _derived_from(finding: Finding, chart: Chart) -> list[Json]:
    """Return the Observations it rests on; other sources may not stand here (FHIR R4), but in ``basis``."""
    literals = (chart.known.get(source, "") for source in sources(finding) if source.startswith("Observation/"))
    return [reference(literal) for literal in literals if literal]
