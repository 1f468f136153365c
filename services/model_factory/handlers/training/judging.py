"""How good the model is: as seen, corrected for optimism, on patients it has not learned from. And the curves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.model_factory.handlers.cohort.typed import Flags, Numbers
from services.model_factory.handlers.folds.fold import Rows
from services.model_factory.handlers.statistics.brier import brier, integrated_brier_with_interval
from services.model_factory.handlers.statistics.concordance import harrell_with_interval, uno_with_interval
from services.model_factory.handlers.statistics.decision_curve import THRESHOLDS, decision_curve, net_benefit
from services.model_factory.handlers.statistics.dynamic_auc import dynamic_auc_with_interval, dynamic_roc
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.horizon_calibration import HorizonCalibration, horizon_calibration
from services.model_factory.handlers.survival.cox import CoxModel, risks
from services.model_factory.handlers.survival.horizons import course
from services.model_factory.handlers.training.curves import (
    CalibrationCurve,
    CalibrationPoint,
    DecisionCurve,
    DecisionLine,
    RocCurve,
)
from services.model_factory.handlers.training.draws import Draws
from services.model_factory.handlers.training.stated import Estimated

Kind = Literal["apparent", "out_of_fold", "held_out"]
GRID = tuple(float(share) for share in np.linspace(0.01, 0.99, 50))
"""Quantiles of the predicted risk at which the smooth calibration curve is given."""

_SAME = 1e-9
"""Risks closer than this differ by rounding alone: a model without variables."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Some patients with what the model says of them."""

    kind: Kind
    years: Numbers
    events: Flags
    linear: Numbers
    risk: dict[int, Numbers]
    """By given horizon."""
    risks: Numbers | None = None
    """(patients, times of the course up to the last horizon); None where the model is known at its horizons alone."""


def judged(kind: Kind, rows: Rows, model: CoxModel, horizons: tuple[int, ...]) -> Judged:
    """Return the patients of ``rows`` with the model's word on them."""
    linear, risk = model.linear(rows), {h: model.risk(rows, h) for h in horizons}
    return Judged(kind, rows.years, rows.events, linear, risk, risks(linear, model.hazards(course(horizons))))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Numbers and curves of one kind."""

    performance: tuple[Estimated, ...]
    roc: tuple[RocCurve, ...] = ()
    calibration: tuple[CalibrationCurve, ...] = ()
    decision: tuple[DecisionCurve, ...] = ()
    missing: tuple[str, ...] = ()
    """What could not be measured, with the reason."""


def verdict(on: Judged, positive: str, action: str, rng: np.random.Generator, resamples: int) -> Verdict:
    """Measure; what these patients cannot tell is left out and named."""
    found: list[Estimated] = []
    missing: list[str] = []
    roc: list[RocCurve] = []
    calibration: list[CalibrationCurve] = []
    decision: list[DecisionCurve] = []

    def tell(name: str, one: Estimate, years: int | None) -> None:
        found.append(_estimated(name, on, one, positive, years))

    try:
        tell("c_index", harrell_with_interval(on.years, on.events, on.linear, rng, repeats=resamples), None)
    except ValueError as error:
        missing.append(f"{on.kind} c_index: {error}")
    for h, risk in on.risk.items():
        if np.ptp(risk) < _SAME:
            missing.append(f"{on.kind} at {h} years: every patient has the same risk")
            continue
        try:
            auc = dynamic_auc_with_interval(on.years, on.events, risk, h, rng, repeats=resamples)
            tell(f"auc_{h}y", auc, h)
            squared = brier(on.years, on.events, risk, h, rng, resamples)
            tell(f"brier_{h}y", squared.score, h)
            tell(f"brier_of_nobody_{h}y", squared.of_nobody, h)
            tell(f"brier_scaled_{h}y", squared.scaled, h)
            false, true = dynamic_roc(on.years, on.events, risk, h)
            roc.append(RocCurve(on.kind, h, _plain(false), _plain(true)))
            measured = horizon_calibration(on.years, on.events, risk, h, rng, repeats=resamples)
            tell(f"calibration_slope_{h}y", measured.slope, h)
            tell(f"calibration_intercept_{h}y", measured.intercept, h)
            tell(f"observed_to_expected_{h}y", measured.ratio, h)
            tell(f"ici_{h}y", measured.ici, h)
            calibration.append(_calibration(on.kind, h, measured))
            decision.append(_decision(on, h, risk, action, rng, resamples))
        except ValueError as error:
            missing.append(f"{on.kind} at {h} years: {error}")
    # Last, so that the intervals above are made of the same resamples with and without these.
    if on.risk:
        last = max(on.risk)
        try:
            tell(
                f"c_uno_{last}y", uno_with_interval(on.years, on.events, on.linear, last, rng, repeats=resamples), last
            )
            for name, one in _integrated(on, last, rng, resamples):
                tell(name, one, last)
        except ValueError as error:
            missing.append(f"{on.kind} up to {last} years: {error}")
    return Verdict(tuple(found), tuple(roc), tuple(calibration), tuple(decision), tuple(missing))


def _integrated(on: Judged, last: int, rng: np.random.Generator, resamples: int) -> Iterator[tuple[str, Estimate]]:
    """Yield the Brier score integrated from 0 to ``last`` years; nothing where the model gives no course."""
    if on.risks is None:
        return
    found = integrated_brier_with_interval(on.years, on.events, on.risks, course(tuple(on.risk)), rng, resamples)
    yield f"integrated_brier_{last}y", found.score
    yield f"integrated_brier_of_nobody_{last}y", found.of_nobody
    yield f"integrated_brier_scaled_{last}y", found.scaled


def optimism_corrected(apparent: Verdict, draws: Draws, positive: str) -> tuple[Estimated, ...]:
    """Return the apparent numbers less the optimism of the draws; the interval is the apparent one, moved."""
    rows = []
    for one in (*apparent.performance, *_slope_of_itself(apparent)):
        if one.name in draws.optimism and one.value is not None:
            mean, low, high = draws.optimism[one.name]
            rows.append(
                Estimated(
                    one.name, "optimism_corrected", one.value - mean, (one.value - high, one.value - low),
                    f"percentiles of the optimism of {draws.count} draws of the whole pipeline, 95 %",
                    positive, one.unit_of_analysis, one.n, one.events, one.years,
                )
            )  # fmt: skip
    return tuple(rows)


def _slope_of_itself(apparent: Verdict) -> tuple[Estimated, ...]:
    """Return the slope of a Cox model on the patients it was fitted on, which is 1 and not worth measuring."""
    return tuple(
        Estimated(
            "calibration_slope", one.kind, 1.0, None, "by construction", one.positive_class, one.unit_of_analysis,
            one.n, one.events, None,
        )
        for one in apparent.performance
        if one.name == "c_index"
    )  # fmt: skip


def with_correction(curve: CalibrationCurve, draws: Draws) -> CalibrationCurve:
    """Return the curve with its optimism-corrected twin, where draws were made."""
    optimism = draws.curves.get(curve.years, ())
    if not optimism:
        return curve
    corrected = tuple(seen - extra for seen, extra in zip(curve.smooth_observed, optimism, strict=True))
    return CalibrationCurve(
        curve.kind, curve.years, curve.groups, curve.smooth_predicted, curve.smooth_observed, corrected, curve.ici,
        curve.e50, curve.e90, curve.gnd_statistic, curve.gnd_p,
    )  # fmt: skip


def _estimated(name: str, on: Judged, one: Estimate, positive: str, years: int | None) -> Estimated:
    low, high = one.interval
    interval = (low, high) if np.isfinite([low, high]).all() else None
    return Estimated(
        name, on.kind, one.value, interval, one.method, positive, "patient", len(on.years), int(on.events.sum()), years
    )


def _calibration(kind: Kind, years: int, one: HorizonCalibration) -> CalibrationCurve:
    tested = one.greenwood_nam_dagostino
    return CalibrationCurve(
        kind=kind,
        years=years,
        groups=tuple(
            CalibrationPoint(group.expected, group.observed.value, group.observed.interval, group.n)
            for group in one.groups
        ),
        smooth_predicted=_plain(one.grid),
        smooth_observed=_plain(one.curve),
        smooth_corrected=(),
        ici=one.ici.value,
        e50=one.e50.value,
        e90=one.e90.value,
        gnd_statistic=tested.statistic if tested else None,
        gnd_p=tested.p if tested else None,
    )


def _decision(
    on: Judged, years: int, risk: Numbers, action: str, rng: np.random.Generator, resamples: int
) -> DecisionCurve:
    one = decision_curve(on.years, on.events, risk, years, action, rng, repeats=resamples)
    lines = (
        DecisionLine("model", _plain(one.model), _plain(one.low), _plain(one.high)),
        DecisionLine("all", _plain(one.treat_all), (), ()),
        DecisionLine("none", tuple(0.0 for _ in one.thresholds), (), ()),
    )
    return DecisionCurve(on.kind, years, action, _plain(one.thresholds), lines)


def single_line(name: str, rows: Rows, risk: Numbers, years: int) -> DecisionLine:
    """Return the decision line of a single variable's own model."""
    benefit = net_benefit(rows.years, rows.events, risk, years, THRESHOLDS)
    return DecisionLine(name, _plain(benefit), (), ())


def _plain(values: Numbers) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
