"""What a reader must know of a slide's answer, in sentences: readings, flags, why no level is stated."""

from __future__ import annotations

from shared.codes.local import LEVELS
from shared.domain.prediction import BundleReference, Flag, IntendedUse
from shared.domain.slide_answers import LevelShare, SlideLevel, Term
from shared.domain.slides import AreaReading, Cropping, Rounding, Scanner, SlideCalibration, SlidePolicy
from shared.predictors.her2.bootstrap import LEAST_BLOCKS, RESAMPLES, Spread
from shared.predictors.her2.gate import named
from shared.predictors.her2.scale import NEGATIVE_POSITIVE, ZERO_ONE
from shared.predictors.her2.scoring import Scored
from shared.predictors.slides import SlideContract

_EVEN = 0.5
REFLEX = "indeterminate, reflex IHC/ISH"

_DEMONSTRATION = Flag("demonstration", "Demonstration: made from simulated slides; not for clinical decisions.")
_RESEARCH = Flag("research", "For research only; not for clinical decisions.")
_BY_USE = {IntendedUse.DEMONSTRATION: (_DEMONSTRATION,), IntendedUse.RESEARCH: (_RESEARCH,), IntendedUse.CLINICAL: ()}
_CONFIRM = Flag(
    "confirm_by_ihc_ish",
    "Predicted from H&E, where neither HER2 protein nor gene amplification is visible: confirm by IHC/ISH.",
)
_NO_ORDER = Flag(
    "levels_have_no_order",
    "In the paper slides of IHC 3+ scored lower than those of 2+ with amplification, and a higher score went with a "
    "worse response: neither score nor level is a scale of disease.",
)
_INTERVAL = Flag(
    "interval_of_sampling",
    "The interval is that of which parts of this slide were seen, not of network, staining, scanner or block.",
)
_AREA = {
    AreaReading.TUMOUR: "tumour patches only; the share lies between 0 and 1",
    AreaReading.ALL: "every patch; the share can exceed 1",
}
_ROUNDING = {Rounding.FLOOR: "rounded down", Rounding.CEIL: "rounded up", Rounding.ROUND: "rounded, half up"}
_CROPPING = {
    Cropping.PAPER: "512 * sqrt(height * width / 1e9) pixels of level 0 (Eq. 1)",
    Cropping.MICROMETRES: "a fixed side in micrometres, the model's, instead of Eq. 1",
}


def terms_of(policy: SlidePolicy, spread: Spread | None) -> tuple[Term, ...]:
    """Return every ambiguous term of the paper and how it was read here."""
    area, rounding = policy.area_reading, policy.rounding
    rows = (
        Term("cropping", policy.cropping.value, f"side of a patch: {_CROPPING[policy.cropping]}"),
        Term("area_ihc", area.value, f"N[p > 0.33] of Eq. 3 and P of Eq. 4: {_AREA[area]}"),
        Term("threshold", "> 0.33", "strictly above 0.33 as printed, not one third"),
        Term("terms", rounding.value, f"0.3 * Area_tumour terms of Eq. 5: {_ROUNDING[rounding]}, at least 1"),
        Term("missing_terms", "0", "fewer patches above 0.33 than terms of Eq. 5: the missing ones count 0"),
        Term("no_tumour", "not scorable", "a slide without tumour patches has no score; it is not 0"),
    )  # fmt: skip
    return (*rows, _bootstrap(spread)) if spread else rows


def _bootstrap(spread: Spread) -> Term:
    text = f"interval: {RESAMPLES} resamples of {spread.blocks} square blocks of {spread.block_um:.0f} micrometres"
    return Term("interval", "spatial block bootstrap", text)


def why_indeterminate(policy: SlidePolicy, one: Scored, level: SlideLevel, spread: Spread | None) -> str:
    """Return why no level is stated, with the advice; empty: the level stands.

    The threshold that matters for treatment lies between 2+/FISH- and 2+/FISH+: HER2-negative or HER2-positive.
    """
    reasons = []
    tumour = one.cropping.tumour_patches
    if tumour < policy.least_tumour_patches:
        reasons.append(f"{tumour} tumour patches, this site asks for {policy.least_tumour_patches}")
    if spread is None:
        reasons.append(f"the tumour lies in fewer than {LEAST_BLOCKS} places, too few for an interval")
    else:
        reasons += _unsure(policy, level, spread)
    return f"{REFLEX}: {'; '.join(reasons)}" if reasons else ""


def _unsure(policy: SlidePolicy, level: SlideLevel, spread: Spread) -> list[str]:
    reasons = []
    if crosses(spread, NEGATIVE_POSITIVE):
        low, high = spread.interval
        between = f"the interval {low:.3f} to {high:.3f} crosses {NEGATIVE_POSITIVE:g}"
        reasons.append(f"{between}, between what resembles HER2-negative and HER2-positive")
    share = _share(spread.shares, level)
    if share < policy.indeterminate_share:
        wanted = f"this site asks for {policy.indeterminate_share:.0%}"
        reasons.append(f"{share:.0%} of the resamples end at the level of the score, {wanted}")
    return reasons


def crosses(spread: Spread, cut: float) -> bool:
    """Tell whether the interval has ends on both sides of a cut."""
    low, high = spread.interval
    return low <= cut < high


def flags_of(bundle: BundleReference, spread: Spread | None, notes: tuple[str, ...]) -> tuple[Flag, ...]:
    """Return what holds for every answer, the comment on 0 and 1+, and what the gate could not know."""
    said = (*_BY_USE[bundle.intended_use], _CONFIRM, _NO_ORDER)
    if spread is not None:
        said += (_INTERVAL, *((_zero_one(spread),) if crosses(spread, ZERO_ONE) else ()))
    else:
        said += (Flag("no_interval", "No interval: the tumour lies in too few places on this slide."),)
    return said + tuple(Flag("note", note) for note in notes)


def _zero_one(spread: Spread) -> Flag:
    low, high = spread.interval
    text = (
        f"The interval {low:.3f} to {high:.3f} does not tell what resembles HER2 0 from what resembles 1+. Where that "
        "matters for treatment IHC decides; ASCO/CAP 2023 asks for a comment in its report."
    )
    return Flag("zero_or_one", text)


def disagreement(score: float, probability: float) -> tuple[Flag, ...]:
    """Return a flag where the paper's cut and the bundle's own curve speak for different classes.

    The cut is the paper's and the curve the training slides': nothing makes them agree, and both stand in the result.
    """
    above = score > NEGATIVE_POSITIVE
    if above == (probability >= _EVEN):
        return ()
    side = "HER2-positive" if above else "HER2-negative"
    text = (
        f"The paper's cut {NEGATIVE_POSITIVE:.2f} puts the score where slides resemble {side}, and the model's own "
        f"curve gives HER2-positive {probability:.0%}: the two disagree, and neither decides. IHC/ISH does."
    )
    return (Flag("level_against_probability", text),)


def read_otherwise(contract: SlideContract, policy: SlidePolicy) -> tuple[Flag, ...]:
    """Return a flag where the site makes other scores than those the bundle's curve was fitted on."""
    if contract.speaks_of(policy):
        return ()
    theirs, ours = (f"{one.cropping}, {one.area_reading}, {one.rounding}" for one in (contract, policy))
    text = (
        f"This site cuts and reads the paper by {ours}; the model's curve from score to probability, and records of "
        f"scanners, rest on {theirs}: the probability is that of another score."
    )
    return (Flag("read_otherwise", text),)


def unknown_scanner(contract: SlideContract, scanner: Scanner) -> tuple[Flag, ...]:
    """Return a flag where the model has seen no slide of this scanner."""
    if named(scanner) and named(scanner) in contract.scanners:
        return ()
    who = f"of the scanner {named(scanner)}" if named(scanner) else "of a scanner the file does not name"
    return (Flag("unknown_scanner", f"The model has seen no slide {who}; its colours may shift the score."),)


def calibration_text(calibration: SlideCalibration | None, scanner: Scanner, *, applied: bool) -> str:
    """Return which record was applied, or that none is known for this scanner, or none of such scores."""
    if calibration is None:
        who = named(scanner) or "that the file does not name"
        return f"none: no signed record of this site for the scanner {who}; the score is as it comes"
    if not applied:
        return f"none: record {calibration.record_id} was measured on scores cut or read otherwise and was not applied"
    return (
        f"record {calibration.record_id}: {calibration.shift:+.3f} to the score, from {calibration.n} slides of "
        f"{calibration.manufacturer} {calibration.model}, signed by {calibration.signed_by}"
    )


def sensitivity(croppings: tuple[Scored, ...], *, stated: bool) -> tuple[Flag, ...]:
    """Return what the other grid gives, where it was run; its level only where the answer states one."""
    return tuple(_other(croppings[0], one, stated=stated) for one in croppings[1:])


def _other(result: Scored, other: Scored, *, stated: bool) -> Flag:
    grid, level = other.table.grid, other.level
    how = f"cut {grid.cropping} ({grid.side_px} pixels, {grid.side_um:.0f} micrometres)"
    if other.score is None or level is None or result.score is None:
        return Flag("cropping", f"Under the other way of cutting patches ({how}) the slide is not scorable.")
    same = "the same level" if level is result.level else f"another level ({LEVELS[level].display})"
    text = f"{other.score:.3f}, {other.score - result.score:+.3f}" + (f", {same}" if stated else "")
    return Flag("cropping", f"Under the other way of cutting patches ({how}) the score is {text}.")


def _share(shares: tuple[LevelShare, ...], level: SlideLevel) -> float:
    return next(one.share for one in shares if one.level is level)
