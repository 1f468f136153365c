"""Numbers and curves of what models say of some patients; every number with its class, patients and interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from services.model_factory.handlers.cohort.typed import Flags, Numbers
from services.model_factory.handlers.imaged.families import FAMILIES
from services.model_factory.handlers.imaged.order import ACTION, EVENT, ImagedOrder
from services.model_factory.handlers.imaged.predicting import MACHINE, Predicted
from services.model_factory.handlers.imaged.results import Compared, FoldAucs
from services.model_factory.handlers.statistics.arrays import Labels
from services.model_factory.handlers.statistics.at_threshold import roc_points, shares
from services.model_factory.handlers.statistics.bootstrap import with_intervals
from services.model_factory.handlers.statistics.calibration import calibration
from services.model_factory.handlers.statistics.decision_curve import binary_decision_curve
from services.model_factory.handlers.statistics.delong import compare_aucs
from services.model_factory.handlers.statistics.discrimination import auc, proportion
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.training.curves import (
    CalibrationCurve,
    CalibrationPoint,
    DecisionCurve,
    DecisionLine,
    RocCurve,
)
from services.model_factory.handlers.training.stated import Estimated

CUT_SOURCE = "Youden's index on cross-validated predictions of the training patients, frozen before these were asked"
DECISION = np.arange(5, 81) / 100
"""Thresholds of the decision curves: 0.05 to 0.80 (methods 1.2)."""
CERTAIN = 1e-3
"""A forest may say 0 or 1, which has no log-odds: calibration takes them as this far from certain."""
GROUPS = 5


@dataclass(frozen=True, slots=True)
class Judged:
    """What is measured of some predictions."""

    performance: tuple[Estimated, ...]
    roc: tuple[RocCurve, ...]
    calibration: tuple[CalibrationCurve, ...]
    decision: tuple[DecisionCurve, ...]
    missing: tuple[str, ...]


def judge(sets: list[Predicted], order: ImagedOrder) -> Judged:
    """Measure every set; what it cannot tell is left out and named."""
    performance: list[Estimated] = []
    calibrations, missing = [], []
    for one in sets:
        performance += [_estimated(one, name, estimate) for name, estimate in _numbers(one, order)]
        if one.model.endswith(MACHINE):
            continue
        try:
            numbers, curve = _calibrated(one)
            performance += [_estimated(one, name, estimate) for name, estimate in numbers.items()]
            calibrations.append(curve)
        except ValueError as error:
            missing.append(f"{one.model}, {one.kind.replace('_', ' ')}, calibration: {error}")
    served = [one for one in sets if not one.model.endswith(MACHINE)]
    roc = tuple(_roc(one) for one in served)
    return Judged(tuple(performance), roc, tuple(calibrations), tuple(_decisions(served, order)), tuple(missing))


def _numbers(one: Predicted, order: ImagedOrder) -> Iterator[tuple[str, Estimate]]:
    yield "auc", auc(one.event, one.probability)
    if one.model.endswith(MACHINE):
        return
    rng = order.random(f"judging {one.model} {one.kind}")
    yield from shares(one.event, one.called, rng, order.resamples).items()

    def brier(rows: Labels) -> Numbers:
        return np.array([np.mean((one.probability[rows] - one.event[rows]) ** 2)])

    yield "brier", with_intervals(brier, np.arange(len(one.event)), rng, order.resamples)[0]


def _calibrated(one: Predicted) -> tuple[dict[str, Estimate], CalibrationCurve]:
    certain = np.clip(one.probability, CERTAIN, 1.0 - CERTAIN)
    found = calibration(one.event, certain)
    numbers = {
        "calibration_slope": found.slope,
        "calibration_intercept": found.intercept,
        "calibration_in_the_large": found.in_the_large,
        "observed_to_expected": found.ratio,
    }
    curve = CalibrationCurve(one.kind, 0, _groups(one), (), (), (), None, None, None, None, None, one.model)
    return numbers, curve


def _groups(one: Predicted) -> tuple[CalibrationPoint, ...]:
    """Return equal groups by predicted probability, with Wilson's interval of the share observed."""
    order = np.argsort(one.probability, kind="stable")
    points = []
    for places in np.array_split(order, min(GROUPS, len(order))):
        share = proportion(int(one.event[places].sum()), len(places))
        points.append(CalibrationPoint(float(one.probability[places].mean()), share.value, share.interval, len(places)))
    return tuple(points)


def _roc(one: Predicted) -> RocCurve:
    false, true = roc_points(one.event, one.probability)
    return RocCurve(one.kind, 0, _plain(false), _plain(true), one.model)


def _decisions(served: list[Predicted], order: ImagedOrder) -> Iterator[DecisionCurve]:
    """Yield one picture per kind and algorithm: the three families, everybody, nobody."""
    for key in dict.fromkeys((one.kind, one.model.split(".")[1]) for one in served):
        same = [one for one in served if (one.kind, one.model.split(".")[1]) == key]
        lines, thresholds = [], DECISION
        for one in same:
            rng = order.random(f"decision {one.model} {one.kind}")
            found = binary_decision_curve(
                one.event, one.probability, ACTION, rng, thresholds=thresholds, repeats=order.resamples
            )
            banded = one is same[-1]
            low, high = (_plain(found.low), _plain(found.high)) if banded else ((), ())
            name = "model" if banded else one.model.split(".")[0]
            lines.append(DecisionLine(name, _plain(found.model), low, high))
        lines.append(DecisionLine("all", _plain(found.treat_all), (), ()))
        lines.append(DecisionLine("none", tuple(0.0 for _ in thresholds), (), ()))
        yield DecisionCurve(key[0], 0, ACTION, _plain(thresholds), tuple(lines), same[-1].model)


def compare(sets: list[Predicted]) -> tuple[Compared, ...]:
    """Compare neighbouring families of the same algorithm, first with last too, and both algorithms (DeLong)."""
    by_key = {(one.kind, one.model): one for one in sets}
    found = []
    for kind in dict.fromkeys(one.kind for one in sets):
        for first, second in _pairs([one.model for one in sets if one.kind == kind]):
            one, other = by_key[kind, first], by_key[kind, second]
            # The same patients in the same order: both come from the same folds.
            tested = compare_aucs(one.event, one.probability, other.probability)
            estimate = tested.difference
            found.append(Compared(kind, first, second, estimate.value, estimate.interval, tested.p))
    return tuple(found)


def _pairs(models: list[str]) -> Iterator[tuple[str, str]]:
    for algorithm in ("logistic", "forest"):
        same = [f"{family}.{algorithm}" for family in FAMILIES if f"{family}.{algorithm}" in models]
        yield from pairwise(same)
        if len(same) > 2:
            yield same[0], same[-1]
    for family in FAMILIES:
        if f"{family}.forest" in models:
            yield f"{family}.logistic", f"{family}.forest"


def fold_aucs(sets: list[Predicted]) -> tuple[FoldAucs, ...]:
    """Return the AUC in every fold, with mean and sample standard deviation, as the paper prints them."""
    found = []
    for one in sets:
        if one.kind == "apparent" or one.kind == "held_out":
            continue
        inside = [one.fold == k for k in np.unique(one.fold)]
        values = [auc(one.event[k], one.probability[k]).value for k in inside if _both(one.event[k])]
        if len(values) > 1:
            mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
            found.append(FoldAucs(one.model, one.kind, tuple(values), mean, deviation))
    return tuple(found)


def _both(event: Flags) -> bool:
    return min(int(event.sum()), int((~event).sum())) >= 2


def _estimated(one: Predicted, name: str, estimate: Estimate) -> Estimated:
    low, high = estimate.interval
    interval = (low, high) if np.isfinite([low, high]).all() else None
    cut = name in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1")
    return Estimated(
        name, one.kind, estimate.value, interval, estimate.method, EVENT, "patient", len(one.event),
        int(one.event.sum()), None, one.model, one.cut if cut else None, CUT_SOURCE if cut else "",
    )  # fmt: skip


def _plain(values: Numbers) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
