"""The sentences of a finding, the same in every rendering. English; numbers in sentences are rounded to 0.1 %."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

from services.results.deliver.formats import horizons, slide_wording
from services.results.deliver.formats.style import DEVICE_NAME, Style
from services.results.ledger.findings import Finding
from shared.codes import local
from shared.domain.facts import Fact
from shared.domain.identity import Side
from shared.domain.images import PhaseRole, RegionOrigin, UsedPhase, UsedRegion
from shared.domain.prediction import Flag, IntendedUse, Outcome, Prediction, UsedInput, VariantAnswer
from shared.pictures.answers import LABELS

SUPPORT = "Decision support, not for primary diagnosis. Confirm by the standard of care before acting on it."
BANNERS = {
    IntendedUse.DEMONSTRATION: "DEMONSTRATION - NOT FOR CLINICAL USE. Made without local calibration.",
    IntendedUse.RESEARCH: "RESEARCH USE ONLY - NOT FOR CLINICAL USE.",
}
ORIGINS = {
    RegionOrigin.SEG: "from a segmentation in the archive",
    RegionOrigin.RTSTRUCT: "from a structure set in the archive",
    RegionOrigin.MASK_FILE: "from a mask beside the study",
    RegionOrigin.PERSON: "drawn automatically and confirmed",
    RegionOrigin.AUTOMATIC: "drawn automatically, confirmed by nobody",
}
PHASES = {
    PhaseRole.PRE: "before contrast",
    PhaseRole.EARLY: "measured",
    PhaseRole.LATE: "late",
    PhaseRole.UNUSED: "not used",
}
SIDES = {Side.LEFT: "left", Side.RIGHT: "right", Side.BOTH: "left and right"}


def use_sentences(finding: Finding, style: Style) -> tuple[str, ...]:
    """Return the banner, where the object needs one, and what it is for."""
    banner = BANNERS.get(style.intended_use(finding))
    return (banner, SUPPORT) if banner else (SUPPORT,)


def use_mark(finding: Finding, style: Style) -> str:
    """Return the banner in the fewest words, for what has no room for more; empty where the object needs none."""
    return BANNERS.get(style.intended_use(finding), "").partition(". ")[0].rstrip(".")


def series_description(finding: Finding, style: Style, what: str) -> str:
    """Return what a series of pictures is called in a list of series: a mark stands first, where nothing cuts it."""
    mark = use_mark(finding, style).partition(" - ")[0]
    named = f"{DEVICE_NAME} {finding.predictor} {what}"
    return (f"{mark}: {named}" if mark else named)[:64]  # LO, PS3.5 6.2


def answers(prediction: Prediction) -> Iterator[str]:
    """Return the numbers with their meaning, interval and alternatives; one sentence each."""
    if prediction.slide:
        yield from slide_wording.answers(prediction, prediction.slide)
        return
    if prediction.horizons:
        yield from horizons.sentences(prediction)
    else:
        yield meaning(prediction)
        yield interval(prediction)
    yield from alternatives(prediction)


def meaning(prediction: Prediction) -> str:
    """Return both probabilities with what they are the probabilities of (system section 7, direction)."""
    outcome = prediction.outcome
    kind = "This is a favourable event." if outcome.favourable else "This is an unfavourable event."
    return f"{both(outcome, prediction.probability)} {outcome.display}: the event the model answers for. {kind}"


def both(outcome: Outcome, probability: float) -> str:
    """Return the probability of the event and that of its complement, together."""
    return (
        f"P({outcome.display}) = {percent(probability)}; "
        f"P({outcome.complement_display}) = {percent(1.0 - probability)}."
    )


def percent(probability: float) -> str:
    """Return a probability for reading."""
    return f"{100 * probability:.1f} %"


def interval(prediction: Prediction) -> str:
    """Return the interval of the probability; empty where the bundle gives none (a flag then says why)."""
    if prediction.interval is None:
        return ""
    low, high = prediction.interval
    return f"95 % interval of P({prediction.outcome.display}): {percent(low)} to {percent(high)}."


def alternatives(prediction: Prediction) -> tuple[str, ...]:
    """Return the probabilities under other readings of an ambiguous input."""
    if prediction.horizons:
        return horizons.alternatives(prediction)
    return tuple(f"If {row.label}: {both(prediction.outcome, row.probability)}" for row in prediction.alternatives)


def flags(rows: tuple[Flag, ...]) -> tuple[str, ...]:
    """Return what the reader must know."""
    return tuple(f"{row.text} [{row.code}]" for row in rows)


def input_lines(finding: Finding) -> Iterator[str]:
    """Return each input with value, unit, date, age at the time of the result, source, and its points."""
    if about_slide(finding):
        return  # a slide's one input is its own score
    facts = _facts_of_inputs(finding)
    answer = finding.prediction
    points = {row.name: row.points for row in answer.points} if answer else {}
    for row in inputs(finding):
        named = replace(row, name=_label(finding.predictor, row.name))
        line = used_input(named, finding.created_time, facts.get(row.name))
        yield line + (f": {points[row.name]:.1f} points" if row.name in points else "")


def used_input(row: UsedInput, made: datetime, fact: Fact | None = None) -> str:
    """Return one input with value, date, age at the time of the result, and source."""
    source = f"{row.source} version {row.version}" if row.source and row.version else row.source
    details = ", ".join(part for part in (_dated(row.effective_date, made), _censored(fact, row.value), source) if part)
    value = f"{row.value} {fact.unit}" if fact and fact.unit and _is_number(row.value) else row.value
    return f"{row.name} = {value}" + (f" ({details})" if details else "")


def inputs(finding: Finding) -> tuple[UsedInput, ...]:
    """Return the inputs of the answer, or those that were there when none could be given."""
    answer = finding.prediction or finding.not_analysed
    return answer.inputs if answer else ()


def validity(finding: Finding, style: Style) -> str:
    """Return when it was made, and until when it speaks."""
    until = (finding.created_time + style.validity).astimezone(UTC).date()
    study = finding.study.study_date
    what = "Laboratory values" if about_panel(finding) else "Slide" if about_slide(finding) else "Images"
    images = f" {what} of {study.isoformat()}." if study else ""
    made = f"Result of {timestamp(finding.created_time)}.{images} Expires {until.isoformat()} or"
    if about_panel(finding):
        return f"{made} with the next laboratory values, whichever is first."
    if about_slide(finding):
        return f"{made} with the first result of IHC or ISH, whichever is first."
    return f"{made} at the start of therapy, whichever is first."


def about_panel(finding: Finding) -> bool:
    """Tell whether the question was about laboratory values of one draw: no images, and no side of the body."""
    return finding.study.panel is not None


def about_slide(finding: Finding) -> bool:
    """Tell whether the question was about one whole-slide image."""
    return slide_wording.about_slide(finding)


def side(finding: Finding) -> str:
    """Return the side of the body; nothing of laboratory values, and of a slide only where its order states it."""
    if about_panel(finding) or (about_slide(finding) and finding.side is None):
        return ""
    return f"Side: {SIDES[finding.side]}." if finding.side else "Side: not stated."


def refusal(finding: Finding) -> str:
    """Return the coded reason and its sentence of a question that could not be answered."""
    answer = finding.not_analysed
    if answer is None:
        return ""
    return f"Not analysed [{local.REASONS[answer.reason].code}]: {answer.text}"


def about_images(prediction: Prediction) -> Iterator[str]:
    """Return the variant and the others' answers, which images or slide were measured, and the region."""
    yield variant(prediction)
    yield from variant_lines(prediction)
    yield from image_lines(prediction)
    if prediction.images and prediction.images.region:
        yield region_line(prediction.images.region)


def image_lines(prediction: Prediction) -> Iterator[str]:
    """Return which images were measured and why, what was found unfit, and what a reader should know."""
    images = prediction.images
    if images is None:
        return
    yield f"Images: {images.why}"
    yield f"Phases: {'; '.join(_phase(row) for row in images.phases)}."
    if images.rejected:
        yield f"Series not used: {'; '.join(_counted(row.reason for row in images.rejected))}."
    yield from images.remarks


def region_line(region: UsedRegion) -> str:
    """Return where the region comes from, how it was made, and how large it is."""
    author = f", by {region.author}" if region.author else ""
    size = f"{region.volume_mm3 / 1000:.2f} mL, {region.voxels} voxels"
    return f"Region: {ORIGINS[region.origin]}{author}: {region.method} ({size})."


def variant(prediction: Prediction) -> str:
    """Return which variant answered, and why no other."""
    return f"Answered by {prediction.variant}. {prediction.variant_reason}" if prediction.variant_reason else ""


def variant_lines(prediction: Prediction) -> Iterator[str]:
    """Return what each variant that is not the result says."""
    for row in prediction.variants:
        if row.variant != prediction.variant:
            yield f"{row.variant}: {_variant_answer(prediction.outcome, row)}"


def measured_lines(prediction: Prediction) -> Iterator[str]:
    """Return the numbers measured in the images, with unit and method."""
    for row in prediction.measured:
        unit = "" if row.unit == "1" else f" {row.unit}"
        yield f"{row.display} = {row.value:.6g}{unit}" + (f" ({row.method})" if row.method else "")


def withdrawal(finding: Finding) -> str:
    """Return that, and why, an earlier result was withdrawn."""
    return f"The earlier result of this case is withdrawn: do not use it. Reason: {finding.reason or 'not stated'}"


def taken_back_too(uids: Sequence[str]) -> str:
    """Return which pictures of earlier results no longer count either."""
    return f"Pictures of the earlier result that no longer count, by SOP Instance UID: {', '.join(uids)}."


def replacement(finding: Finding) -> str:
    """Return that this result takes the place of an earlier one."""
    return f"Replaces the earlier result of this case. Reason: {finding.reason or 'its inputs changed'}"


def timestamp(moment: datetime) -> str:
    """Return a moment in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _phase(row: UsedPhase) -> str:
    when = f" at {row.seconds:.0f} s" if row.seconds is not None else " at an unknown time"
    return f"{row.number} {PHASES[row.role]}{when}"


def _counted(reasons: Iterable[str]) -> Iterator[str]:
    """Return each reason once, with how many series it stands for."""
    for reason, count in Counter(text.rstrip(".") for text in reasons).items():
        yield f"{reason} ({count})" if count > 1 else reason


def _variant_answer(outcome: Outcome, row: VariantAnswer) -> str:
    if row.probability is None:
        return f"no answer. {row.why_not}"
    low_high = f" 95 % interval {percent(row.interval[0])} to {percent(row.interval[1])}." if row.interval else ""
    return f"{both(outcome, row.probability)}{low_high}"


def _dated(iso_date: str, made: datetime) -> str:
    if not iso_date:
        return "date not stated"
    days = (made.astimezone(UTC).date() - date.fromisoformat(iso_date)).days
    return f"{iso_date}, {days} days before this result"


def _label(predictor: str, name: str) -> str:
    """Return how a clinician calls an input, where its predictor has such names."""
    labels = LABELS.get(predictor, {})
    return labels.get(name) or (name.replace("_", " ") if labels else name)


def _facts_of_inputs(finding: Finding) -> dict[str, Fact]:
    """Return the newest fact each pinned input was read from."""
    by_id = {fact.fact_id: fact for fact in finding.facts}
    rows = finding.pins.inputs if finding.pins else ()
    read = {row.name: [by_id[key] for key in row.facts if key in by_id] for row in rows}
    return {name: max(facts, key=lambda fact: fact.effective_date) for name, facts in read.items() if facts}


def _censored(fact: Fact | None, value: str) -> str:
    """Return what the laboratory reported where that was a limit and the value used does not say so."""
    if fact is None or not fact.comparator or value.startswith(fact.comparator):
        return ""
    return f"reported as {fact.comparator}{fact.value} {fact.unit}".strip()


def _is_number(text: str) -> bool:
    return text.lstrip("<>=").replace(".", "", 1).isdigit()
