"""How good the model is: as seen, corrected for optimism, on patients it has not learned from. And the curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
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
    measuring = _Measuring(on, positive, action, rng, resamples)
    measuring.attempt("c_index", measuring.concordance)
    for years in on.risk:
        measuring.attempt(f"at {years} years", partial(measuring.horizon, years))
    # Last, so that the intervals above are made of the same resamples with and without these.
    if on.risk:
        last = max(on.risk)
        measuring.attempt(f"up to {last} years", partial(measuring.whole_course, last))
    return measuring.verdict()


@dataclass(slots=True)
class _Measuring:
    """A verdict while it is being made; what was measured before something failed stays."""

    on: Judged
    positive: str
    action: str
    rng: np.random.Generator
    resamples: int
    found: list[Estimated] = field(default_factory=list)
    roc: list[RocCurve] = field(default_factory=list)
    calibration: list[CalibrationCurve] = field(default_factory=list)
    decision: list[DecisionCurve] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def attempt(self, what: str, measure: Callable[[], None]) -> None:
        """Measure, or note why these patients cannot tell."""
        try:
            measure()
        except ValueError as error:
            self.missing.append(f"{self.on.kind} {what}: {error}")

    def concordance(self) -> None:
        """Who fails earlier has the higher risk (Harrell)."""
        on = self.on
        self._tell("c_index", harrell_with_interval(on.years, on.events, on.linear, self.rng, repeats=self.resamples))

    def horizon(self, years: int) -> None:
        """Everything that is about one horizon."""
        risk = self.on.risk[years]
        if np.ptp(risk) < _SAME:
            raise ValueError("every patient has the same risk")
        self._discrimination(years, risk)
        self._calibration(years, risk)
        self.decision.append(_decision(self.on, years, risk, self.action, self.rng, self.resamples))

    def whole_course(self, last: int) -> None:
        """What is about all times up to the last horizon."""
        on = self.on
        uno = uno_with_interval(on.years, on.events, on.linear, last, self.rng, repeats=self.resamples)
        self._tell(f"c_uno_{last}y", uno, last)
        for name, one in _integrated(on, last, self.rng, self.resamples):
            self._tell(name, one, last)

    def verdict(self) -> Verdict:
        """Return what was measured."""
        return Verdict(
            tuple(self.found), tuple(self.roc), tuple(self.calibration), tuple(self.decision), tuple(self.missing)
        )

    def _discrimination(self, years: int, risk: Numbers) -> None:
        on = self.on
        auc = dynamic_auc_with_interval(on.years, on.events, risk, years, self.rng, repeats=self.resamples)
        self._tell(f"auc_{years}y", auc, years)
        squared = brier(on.years, on.events, risk, years, self.rng, self.resamples)
        self._tell(f"brier_{years}y", squared.score, years)
        self._tell(f"brier_of_nobody_{years}y", squared.of_nobody, years)
        self._tell(f"brier_scaled_{years}y", squared.scaled, years)
        false, true = dynamic_roc(on.years, on.events, risk, years)
        self.roc.append(RocCurve(on.kind, years, _plain(false), _plain(true)))

    def _calibration(self, years: int, risk: Numbers) -> None:
        on = self.on
        measured = horizon_calibration(on.years, on.events, risk, years, self.rng, repeats=self.resamples)
        self._tell(f"calibration_slope_{years}y", measured.slope, years)
        self._tell(f"calibration_intercept_{years}y", measured.intercept, years)
        self._tell(f"observed_to_expected_{years}y", measured.ratio, years)
        self._tell(f"ici_{years}y", measured.ici, years)
        self.calibration.append(_calibration(on.kind, years, measured))

    def _tell(self, name: str, one: Estimate, years: int | None = None) -> None:
        self.found.append(_estimated(name, self.on, one, self.positive, years))


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
