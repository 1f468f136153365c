"""The companion Observations: the same numbers in per cent, where ``probabilityDecimal`` is ambiguous.

An answer in time has one per horizon, each with a code of its own, so that a trend never mixes horizons. A horizon the
model refuses has none: that, and why, is said in the notes of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.results.deliver.formats import horizons
from services.results.deliver.formats.chart import Chart, sources
from services.results.deliver.formats.fhir_assessment import condition
from services.results.deliver.formats.fhir_measured import variant_components, volume_observation
from services.results.deliver.formats.fhir_parts import (
    horizon_digest,
    identifiers,
    meta,
    method_text,
    rationale,
    sentences,
    status,
)
from services.results.deliver.formats.fhir_slide import absent, slide_observations
from services.results.deliver.formats.style import Style
from services.results.deliver.formats.wording import about_slide
from services.results.ledger.findings import Finding
from shared.codes import local
from shared.domain.coding import Coding
from shared.domain.prediction import HorizonRisk, Outcome, Prediction
from shared.fhir.writing.elements import (
    Json,
    concept,
    instant,
    narrative,
    notes,
    percent_quantity,
    reference,
    without_empty,
    years_quantity,
)


@dataclass(frozen=True, slots=True)
class _Stated:
    """What one Observation states."""

    about: Coding
    identifier: str
    probability: float | None
    components: tuple[Json, ...] = ()


def observations(finding: Finding, chart: Chart, style: Style, digest: str, device: Json) -> list[Json]:
    """Return the Observations: one, or one per horizon that is given; then what was measured in images.

    ``device`` is the ``Reference`` to the model.
    """
    if about_slide(finding):
        return slide_observations(finding, chart, style, digest, device)
    stated = [_observation(finding, chart, style, device, row) for row in _stated(finding, digest)]
    return [*stated, *volume_observation(finding, chart, style, digest, device)]


def _stated(finding: Finding, digest: str) -> Iterator[_Stated]:
    answer = finding.prediction
    if answer is None:
        yield _Stated(local.assessment(finding.predictor), digest, None)
        return
    outcome = answer.outcome
    for row, value in horizons.given(answer):
        name = local.probability_within(*_positive(outcome), row.years)
        yield _Stated(name, horizon_digest(digest, row.years), value, _components_within(outcome, row, value))
    if not answer.horizons:
        name = local.probability_of(*_positive(outcome))
        yield _Stated(name, digest, answer.probability, _components(answer))


def _observation(finding: Finding, chart: Chart, style: Style, device: Json, row: _Stated) -> Json:
    said = list(sentences(finding, style))
    focus = condition(finding, chart)
    return without_empty(
        resourceType="Observation",
        meta=meta(finding, style),
        text=narrative(row.about.display, [*said, rationale(finding)]),
        identifier=identifiers(finding, row.identifier),
        status=status(finding, chart),
        code=concept(row.about.display, row.about),
        subject=chart.patient,
        focus=[focus] if focus else None,
        effectiveDateTime=instant(finding.created_time),
        issued=instant(finding.created_time),
        valueQuantity=percent_quantity(row.probability) if row.probability is not None else None,
        dataAbsentReason=absent(finding.not_analysed) if finding.not_analysed else None,
        note=notes([*said, rationale(finding)]),
        method={"text": method_text(finding)},
        device=device,
        derivedFrom=_derived_from(finding, chart),
        component=list(row.components),
    )


def _components(answer: Prediction) -> tuple[Json, ...]:
    outcome = answer.outcome
    rows = ((_positive(outcome), answer.probability), (_complement(outcome), answer.complement))
    stated = (_component(local.probability_of(*named), percent_quantity(value)) for named, value in rows)
    return (*stated, *variant_components(answer))


def _components_within(outcome: Outcome, row: HorizonRisk, value: float) -> tuple[Json, ...]:
    """Return both probabilities, the interval of the first, and the time they speak of."""
    ends = zip((local.INTERVAL_LOW, local.INTERVAL_HIGH), row.interval or (), strict=False)
    return (
        _component(local.probability_within(*_positive(outcome), row.years), percent_quantity(value)),
        _component(local.probability_within(*_complement(outcome), row.years), percent_quantity(1.0 - value)),
        *(_component(name, percent_quantity(end)) for name, end in ends),
        _component(local.HORIZON, years_quantity(row.years)),
    )


def _component(name: Coding, value: Json) -> Json:
    return {"code": concept(name.display, name), "valueQuantity": value}


def _positive(outcome: Outcome) -> tuple[str, str]:
    return outcome.positive_class, outcome.display


def _complement(outcome: Outcome) -> tuple[str, str]:
    return outcome.complement_class, outcome.complement_display


def _derived_from(finding: Finding, chart: Chart) -> list[Json]:
    """Return the Observations it rests on; other sources may not stand here (FHIR R4), but in ``basis``."""
    literals = (chart.known.get(source, "") for source in sources(finding) if source.startswith("Observation/"))
    return [reference(literal) for literal in literals if literal]
