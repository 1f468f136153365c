"""What is said about a slide, as Observations (FHIR R4): level, score, probability; local codes, never a receptor's.

An indeterminate answer has the value "indeterminate", no level. Specimen, block and glass are named by the identifiers
of the pathology department: we do not know which server holds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.results.deliver.formats import slide_wording
from services.results.deliver.formats.chart import Chart
from services.results.deliver.formats.fhir_parts import identifiers, meta, method_text, sentences, status
from services.results.deliver.formats.style import Style
from services.results.ledger.findings import Finding
from shared.codes import local, terminology, ucum
from shared.domain.coding import Coding
from shared.domain.prediction import NotAnalysed, Prediction
from shared.domain.slide_answers import SlideAnswer
from shared.fhir.writing.elements import (
    Json,
    concept,
    instant,
    narrative,
    notes,
    percent_quantity,
    without_empty,
)


@dataclass(frozen=True, slots=True)
class _Stated:
    """What one Observation states; ``value`` is its ``value[x]``, or why it has none."""

    about: Coding
    identifier: str
    value: dict[str, Any]
    components: tuple[Json, ...] = ()


def slide_observations(finding: Finding, chart: Chart, style: Style, digest: str, device: Json) -> list[Json]:
    """Return level, score and probability; of a question that could not be answered the level alone, without value."""
    return [_observation(finding, chart, style, device, row) for row in _stated(finding, digest)]


def absent(refusal: NotAnalysed) -> Json:
    """Return why there is no value: FHIR's reason, and ours."""
    return concept(refusal.text, terminology.NOT_PERFORMED, local.REASONS[refusal.reason])


def specimens(finding: Finding) -> list[Json]:
    """Return the glass a report is about; none where there is no slide."""
    return [_specimen(finding)] if finding.study.slide else []


def _specimen(finding: Finding) -> Json:
    slide = finding.study.slide
    if slide is None:
        return {}
    glass = slide.specimen
    said = f"accession {glass.accession}, specimen {glass.specimen}, block {glass.block}, slide {glass.slide}"
    return without_empty(type="Specimen", identifier={"value": glass.slide} if glass.slide else None, display=said)


def _stated(finding: Finding, digest: str) -> Iterator[_Stated]:
    answer = finding.prediction
    if answer is None or answer.slide is None:
        why = {"dataAbsentReason": absent(finding.not_analysed)} if finding.not_analysed else {}
        yield _Stated(local.SLIDE_LEVEL, digest, why)
        return
    yield _Stated(local.SLIDE_LEVEL, digest, _level(answer.slide), tuple(_shares(answer.slide)))
    yield _Stated(
        local.SLIDE_SCORE, f"{digest}.score", {"valueQuantity": _plain(answer.slide.score)},
        tuple(_beside_score(answer.slide)),
    )  # fmt: skip
    yield _probability(answer, digest)


def _level(answer: SlideAnswer) -> dict[str, Any]:
    stated = slide_wording.stated_level(answer)
    row = local.LEVELS[stated] if stated else local.INDETERMINATE
    return {"valueCodeableConcept": concept(row.display, row)}


def _shares(answer: SlideAnswer) -> Iterator[Json]:
    return (_component(local.SHARES[row.level], percent_quantity(row.share)) for row in answer.levels)


def _beside_score(answer: SlideAnswer) -> Iterator[Json]:
    made = answer.croppings[0]
    for name, end in zip((local.SCORE_LOW, local.SCORE_HIGH), answer.score_interval or (), strict=False):
        yield _component(name, _plain(end))
    yield _component(local.TUMOUR_PATCHES, _plain(made.tumour_patches))
    yield _component(local.PATCHES, _plain(made.patches))
    yield _component(local.AREA_SHARE, _plain(answer.area_share))


def _probability(answer: Prediction, digest: str) -> _Stated:
    outcome = answer.outcome
    positive = local.probability_of(outcome.positive_class, outcome.display)
    complement = local.probability_of(outcome.complement_class, outcome.complement_display)
    beside = _component(complement, percent_quantity(answer.complement))
    value = {"valueQuantity": percent_quantity(answer.probability)}
    return _Stated(positive, f"{digest}.probability", value, (beside,))


def _observation(finding: Finding, chart: Chart, style: Style, device: Json, row: _Stated) -> Json:
    said = list(sentences(finding, style))
    return without_empty(
        resourceType="Observation",
        meta=meta(finding, style),
        text=narrative(row.about.display, said),
        identifier=identifiers(finding, row.identifier),
        status=status(finding, chart),
        category=[concept(terminology.LABORATORY.display, terminology.LABORATORY)],
        code=concept(row.about.display, row.about),
        subject=chart.patient,
        effectiveDateTime=instant(finding.created_time),
        issued=instant(finding.created_time),
        **row.value,
        note=notes(said),
        method=concept(f"{local.AI_ON_HE.display}: {method_text(finding)}", local.AI_ON_HE),
        specimen=_specimen(finding),
        device=device,
        component=list(row.components),
    )


def _component(name: Coding, value: Json) -> Json:
    return {"code": concept(name.display, name), "valueQuantity": value}


def _plain(value: float) -> Json:
    return {"value": value, "unit": ucum.NO_UNIT, "system": ucum.SYSTEM, "code": ucum.NO_UNIT}
