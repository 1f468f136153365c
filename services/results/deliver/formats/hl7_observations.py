"""What an ORU^R01 says of one slide, as OBX rows (HL7 v2.5.1 7.4.2): coded and numeric first, then everything in words.

A number that is not there is a row with status X ("cannot be obtained"), so that nothing an earlier message said stays
standing in its place. No row has the code of a receptor, and none has an abnormal flag: the levels are no ladder.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.results.deliver.formats import slide_wording, wording
from services.results.deliver.formats.style import DEVICE_NAME, RENDERER_VERSION, Style
from services.results.ledger.findings import Finding
from shared.codes import local, ucum
from shared.domain.case import FindingKind
from shared.domain.coding import Coding
from shared.domain.prediction import Prediction
from shared.domain.slide_answers import SlideAnswer, SlideLevel
from shared.hl7.writing.segments import (
    NOTHING,
    Written,
    between,
    coded,
    components,
    moment,
    number,
    repetitions,
    segment,
    text,
)

CANNOT_BE_OBTAINED = "X"
"""OBX-11 (table 0085)."""
_SUB_ID = "1"
"""OBX-4; no code has two rows."""
_FIRST = (("CE", local.SLIDE_LEVEL), ("NM", local.SLIDE_SCORE))
_TEXTS = (
    local.ADVICE, local.EXPLAINED, local.SENSITIVITY, local.READING, local.STAIN, local.QUALITY, local.CALIBRATION,
    local.EXCLUSION, local.GRADIENT, local.FLAG,
)  # fmt: skip
_OTHERS = (
    ("CE", local.ANALYSIS_STATUS), ("CE", local.REASON), ("SN", local.SLIDE_INTERVAL),
    *(("NM", local.PROBABILITIES[name]) for name in ("her2_positive", "her2_negative")),
    ("NM", local.TUMOUR_PATCHES), ("NM", local.PATCHES), ("NM", local.AREA_SHARE),
    *(("NM", row) for row in local.SHARES.values()), *(("TX", row) for row in _TEXTS),
)  # fmt: skip
"""Every row there may be, besides the first two and those that always are."""
_UNITS = {ucum.NO_UNIT: components(ucum.NO_UNIT, "", "UCUM"), ucum.PERCENT: components(ucum.PERCENT, "", "UCUM")}


@dataclass(frozen=True, slots=True)
class Row:
    """One OBX; ``about`` names it, so that a later message replaces it."""

    kind: str
    """OBX-2: CE, NM, SN or TX."""
    about: Coding
    value: Written = NOTHING
    unit: str = ""
    status: str = ""
    """OBX-11; empty: that of the message."""


def observations(finding: Finding, style: Style, status: str, *, replaces: bool) -> Iterator[str]:
    """Return the OBX segments; ``status`` is OBX-11 of what is said, ``replaces``: something earlier lies there."""
    said = _one_each(_rows(finding, style, replaces=replaces))
    for place, row in enumerate((*said, *_unsaid(said, replaces=replaces)), 1):
        yield _segment(place, row, finding, style, status)


def _rows(finding: Finding, style: Style, *, replaces: bool) -> Iterator[Row]:
    yield from _said(local.INTENDED_USE, wording.use_sentences(finding, style))
    answer = finding.prediction
    if answer is not None and answer.slide is not None:
        yield from _answer(answer, answer.slide)
    else:
        yield from _no_answer(finding)
    if finding.kind is FindingKind.PREDICTION and replaces:
        yield from _said(local.EXPLAINED, [wording.replacement(finding)])
    yield from _said(local.VALIDITY, [wording.validity(finding, style)])


def _no_answer(finding: Finding) -> Iterator[Row]:
    if finding.not_analysed:
        yield Row("CE", local.ANALYSIS_STATUS, coded(local.NOT_ANALYSED))
        yield Row("CE", local.REASON, coded(local.REASONS[finding.not_analysed.reason]))
        yield from _said(local.EXPLAINED, [wording.refusal(finding)])
    if finding.kind is FindingKind.WITHDRAWN:
        yield Row("CE", local.ANALYSIS_STATUS, coded(local.WITHDRAWN))
        yield from _said(local.EXPLAINED, [wording.withdrawal(finding)])


def _answer(answer: Prediction, slide: SlideAnswer) -> Iterator[Row]:
    stated = slide_wording.stated_level(slide)
    yield Row("CE", local.SLIDE_LEVEL, coded(local.LEVELS[stated] if stated else local.INDETERMINATE))
    yield from _said(local.ADVICE, [slide_wording.CONFIRM if stated else slide_wording.level(slide)])
    yield from _numbers(answer, slide)
    read = (slide_wording.NO_LADDER, slide_wording.probability(answer), slide_wording.grades(slide))
    yield from _said(local.EXPLAINED, read)
    yield from _said(local.SENSITIVITY, slide_wording.sensitivity(slide))
    yield from _said(local.READING, slide_wording.readings(slide))
    yield from _said(local.STAIN, [slide_wording.stain(slide)])
    yield from _said(local.QUALITY, slide_wording.quality(slide))
    yield from _said(local.CALIBRATION, [slide.calibration])
    yield from _said(local.EXCLUSION, slide_wording.exclusions(slide))
    yield from _said(local.GRADIENT, [slide_wording.gradient(slide)])
    yield from _said(local.FLAG, wording.flags(answer.flags))


def _numbers(answer: Prediction, slide: SlideAnswer) -> Iterator[Row]:
    made = slide.croppings[0]
    yield Row("NM", local.SLIDE_SCORE, number(slide.score), ucum.NO_UNIT)
    ends = slide.score_interval
    interval = Row("SN", local.SLIDE_INTERVAL, unit=ucum.NO_UNIT)
    yield replace(interval, value=between(*ends)) if ends else replace(interval, status=CANNOT_BE_OBTAINED)
    outcome = answer.outcome
    for key, display, value in (
        (outcome.positive_class, outcome.display, answer.probability),
        (outcome.complement_class, outcome.complement_display, answer.complement),
    ):
        yield Row("NM", local.probability_of(key, display), number(100 * value), ucum.PERCENT)
    yield Row("NM", local.TUMOUR_PATCHES, number(made.tumour_patches), ucum.NO_UNIT)
    yield Row("NM", local.PATCHES, number(made.patches), ucum.NO_UNIT)
    yield Row("NM", local.AREA_SHARE, number(slide.area_share), ucum.NO_UNIT)
    reached = {row.level: row.share for row in slide.levels}
    for level in SlideLevel:
        share = Row("NM", local.SHARES[level], unit=ucum.PERCENT)
        found = reached.get(level)
        yield replace(share, status=CANNOT_BE_OBTAINED) if found is None else replace(share, value=number(100 * found))


def _unsaid(said: Sequence[Row], *, replaces: bool) -> Iterator[Row]:
    """Return what is not said as not to be had: level and score always, every row where an earlier message lies there.

    A LIS that keeps results row by row would else show a number, a reason or a remark of the earlier one beside these.
    """
    stated = {row.about.code for row in said}
    for kind, about in (*_FIRST, *_OTHERS) if replaces else _FIRST:
        if about.code not in stated:
            yield Row(kind, about, status=CANNOT_BE_OBTAINED)


def _said(about: Coding, texts: Iterable[str]) -> Iterator[Row]:
    return (Row("TX", about, text(one)) for one in texts if one)


def _one_each(rows: Iterable[Row]) -> list[Row]:
    """Return one row for each code: texts of one code are lines of one TX, which repeats (2A.78).

    How many sentences there are changes with the result; as rows of their own the surplus of an earlier message would
    stay beside the next.
    """
    found: dict[str, Row] = {}
    for row in rows:
        earlier = found.get(row.about.code)
        found[row.about.code] = replace(row, value=repetitions(earlier.value, row.value)) if earlier else row
    return list(found.values())


def _segment(place: int, row: Row, finding: Finding, style: Style, status: str) -> str:
    analysed = {17: coded(local.AI_ON_HE), 18: _equipment(finding, style), 19: moment(finding.created_time)}
    return segment(
        "OBX",
        {
            1: text(str(place)), 2: text(row.kind), 3: coded(row.about), 4: text(_SUB_ID), 5: row.value,
            6: _UNITS.get(row.unit, NOTHING), 11: text(row.status or status), **analysed,
        },
    )  # fmt: skip


def _equipment(finding: Finding, style: Style) -> Written:
    """Return OBX-18: model and version, of us as a device; without an answer, which of our programs was asked."""
    return components(" ".join(_model(finding)), DEVICE_NAME, style.device_uid, "ISO")


def _model(finding: Finding) -> Sequence[str]:
    if finding.prediction:
        return finding.prediction.bundle.bundle_id, finding.prediction.bundle.version
    if finding.pins and finding.pins.bundle_id:
        return finding.pins.bundle_id, f"(sha256 {finding.pins.bundle_digest[:12]})"
    return finding.predictor, f"(renderer {RENDERER_VERSION})"
