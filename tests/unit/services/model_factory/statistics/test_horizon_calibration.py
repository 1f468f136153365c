"""Calibration at a horizon: the truth is calibrated, what is bent is found, and each number has a reference."""

from __future__ import annotations

import numpy as np
import pytest

from services.model_factory.handlers.statistics.horizon_calibration import (
    cloglog,
    greenwood_nam_dagostino,
    grouped,
    horizon_calibration,
    smooth,
)
from services.model_factory.handlers.statistics.kaplan_meier import kaplan_meier
from services.model_factory.handlers.statistics.splines import knots_of, restricted_cubic
from tests.unit.services.model_factory.statistics.cohorts import simulated


def test_the_true_risk_is_calibrated_by_every_measure() -> None:
    patients = simulated(1, n=4000)
    found = horizon_calibration(
        patients.time, patients.event, patients.risk(5.0), 5.0, np.random.default_rng(2), repeats=60
    )
    assert found.ratio.interval[0] < 1 < found.ratio.interval[1]
    assert found.intercept.interval[0] < 0 < found.intercept.interval[1]
    assert found.slope.interval[0] < 1 < found.slope.interval[1]
    assert found.ici.value < 0.02
    assert found.e50.value <= found.e90.value
    assert found.greenwood_nam_dagostino is not None
    assert found.greenwood_nam_dagostino.p > 0.01
    np.testing.assert_allclose(found.curve, found.grid, atol=0.05)
    assert sum(group.n for group in found.groups) == 4000
    for group in found.groups:
        assert group.observed.interval[0] < group.expected < group.observed.interval[1]


def test_a_risk_that_is_too_high_and_too_extreme_is_found_out() -> None:
    patients = simulated(3, n=3000)
    bent = -np.expm1(-np.exp(1.6 * cloglog(patients.risk(5.0)) + 1.0))
    found = horizon_calibration(patients.time, patients.event, bent, 5.0, np.random.default_rng(4), repeats=40)
    assert found.slope.value == pytest.approx(1 / 1.6, abs=0.05)
    assert found.ratio.interval[1] < 1
    assert found.intercept.interval[1] < 0
    assert found.ici.value > 0.05
    assert found.greenwood_nam_dagostino is not None
    assert found.greenwood_nam_dagostino.p < 1e-6


def test_the_intercept_makes_the_mean_risk_the_observed_one() -> None:
    patients = simulated(5)
    bent = np.clip(0.6 * patients.risk(5.0), 0.01, 0.99)
    shift = horizon_calibration(
        patients.time, patients.event, bent, 5.0, np.random.default_rng(6), repeats=3
    ).intercept.value
    observed = 1 - kaplan_meier(patients.time, patients.event).estimate(5.0).value
    assert float(-np.expm1(-np.exp(cloglog(bent) + shift)).mean()) == pytest.approx(observed, abs=1e-9)


def test_the_smooth_curve_bends_where_the_truth_does() -> None:
    patients = simulated(7, n=6000)
    truth = patients.risk(5.0)
    bent = truth**2
    at = np.quantile(bent, [0.2, 0.5, 0.8])
    np.testing.assert_allclose(smooth(patients.time, patients.event, bent, 5.0, at), np.sqrt(at), atol=0.05)


def test_the_test_of_greenwood_nam_and_dagostino_is_its_formula() -> None:
    patients = simulated(8, n=500)
    risk = patients.risk(5.0)
    found = greenwood_nam_dagostino(patients.time, patients.event, risk, 5.0, groups=4)
    statistic = 0.0
    for rows in np.array_split(np.argsort(risk, kind="stable"), 4):
        curve = kaplan_meier(patients.time[rows], patients.event[rows])
        at = curve.times <= 5.0
        statistic += (1 - curve.survival[at][-1] - risk[rows].mean()) ** 2 / curve.variance[at][-1]
    assert found is not None
    assert found.statistic == pytest.approx(statistic)
    assert found.df == 3


def test_groups_without_five_events_are_joined_and_too_few_make_no_test() -> None:
    patients = simulated(9, n=60)
    found = greenwood_nam_dagostino(patients.time, patients.event, patients.risk(3.0), 3.0, groups=10)
    assert found is None or (found.df is not None and found.df < 9)
    few = simulated(10, n=12)
    assert greenwood_nam_dagostino(few.time, few.event, few.risk(1.0), 1.0) is None


def test_few_distinct_risks_are_a_line_not_a_spline() -> None:
    patients = simulated(11, n=400)
    risk = np.where(patients.linear > 0, 0.6, 0.25)
    curve = smooth(patients.time, patients.event, risk, 5.0, np.array([0.25, 0.6]))
    observed = [group.observed.value for group in grouped(patients.time, patients.event, risk, 5.0, 2)]
    np.testing.assert_allclose(curve, observed, atol=0.06)


def test_a_restricted_spline_is_straight_outside_its_knots() -> None:
    knots = knots_of(np.linspace(0, 10, 101), 4)
    for far in (np.array([-3.0, -2.0, -1.0]), np.array([11.0, 12.0, 13.0])):
        basis = restricted_cubic(far, knots)
        np.testing.assert_allclose(basis[2] - basis[1], basis[1] - basis[0], atol=1e-9)
    inside = restricted_cubic(np.array([4.0, 5.0, 6.0]), knots)
    assert abs((inside[2] - 2 * inside[1] + inside[0])[1]) > 1e-3
    with pytest.raises(ValueError, match="too few distinct"):
        knots_of(np.array([1.0, 1.0, 1.0, 2.0]))
