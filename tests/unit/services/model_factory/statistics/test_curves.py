"""Kaplan-Meier, log-rank, Aalen-Johansen and Cox against R's survival (numbers) and lifelines (every cohort)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import AalenJohansenFitter, CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test

from services.model_factory.handlers.statistics.aalen_johansen import aalen_johansen
from services.model_factory.handlers.statistics.cox import cox
from services.model_factory.handlers.statistics.kaplan_meier import censoring_curve, kaplan_meier
from services.model_factory.handlers.statistics.logrank import logrank
from tests.unit.services.model_factory.statistics.cohorts import lymphoma, simulated


def test_the_survival_curve_and_its_limits_are_rs() -> None:
    patients = lymphoma(complete=True)
    curve = kaplan_meier(patients.time, patients.event)
    # R 4.2.2, survival 3.5: survfit(Surv(t, e) ~ 1, conf.type = "log-log")
    for month, value, low, high in (
        (5, 0.8157894737, 0.6520607908, 0.9076119560),
        (12, 0.6842105263, 0.5114536176, 0.8067156123),
        (60, 0.5000000000, 0.3340139999, 0.6452349756),
    ):
        found = curve.estimate(month)
        assert (found.value, *found.interval) == pytest.approx((value, low, high), abs=1e-9)


@pytest.mark.parametrize("step", [0.0, 0.5])
def test_the_survival_curve_is_lifelines(step: float) -> None:
    patients = simulated(1, step=step)
    peer = KaplanMeierFitter().fit(patients.time, patients.event)
    at = np.linspace(0.01, 12, 40)
    np.testing.assert_allclose(kaplan_meier(patients.time, patients.event).at(at), peer.predict(at), atol=1e-12)
    assert kaplan_meier(patients.time, patients.event).median() == pytest.approx(peer.median_survival_time_)


def test_censoring_at_the_time_of_an_event_comes_after_it() -> None:
    time, event = np.array([1.0, 1.0, 2.0]), np.array([True, False, True])
    # One of three has the event at 1; of the two left, one is censored.
    assert kaplan_meier(time, event).survival[0] == pytest.approx(2 / 3)
    assert censoring_curve(time, event).survival[0] == pytest.approx(1 / 2)


def test_a_curve_of_nobody_is_refused_and_an_unreached_median_is_none() -> None:
    with pytest.raises(ValueError, match="nobody"):
        kaplan_meier(np.empty(0), np.empty(0, dtype=np.bool_))
    assert kaplan_meier(np.array([1.0, 2.0]), np.array([False, False])).median() is None


def test_the_log_rank_statistic_is_rs() -> None:
    patients = lymphoma(complete=True)
    found = logrank(patients.time, patients.event, patients.index.astype(np.intp))
    # survdiff(Surv(t, e) ~ IPI): p = 0.014858121
    assert found.df == 4
    assert found.p == pytest.approx(0.014858121, abs=1e-9)


@pytest.mark.parametrize("groups", [2, 4])
def test_the_log_rank_statistic_is_lifelines_with_ties(groups: int) -> None:
    patients = simulated(2, step=0.5)
    member = np.random.default_rng(3).integers(0, groups, len(patients.time))
    peer = multivariate_logrank_test(patients.time, member, patients.event)
    found = logrank(patients.time, patients.event, member)
    assert found.statistic == pytest.approx(peer.test_statistic)
    assert found.p == pytest.approx(peer.p_value)


def test_one_group_has_no_log_rank_test() -> None:
    patients = simulated(4, n=20)
    with pytest.raises(ValueError, match="two groups"):
        logrank(patients.time, patients.event, np.zeros(20, dtype=np.intp))


def test_incidences_of_competing_causes_are_rs() -> None:
    patients = lymphoma(complete=True)
    cause = np.where(patients.event, np.where(patients.index >= 2, 2, 1), 0)
    # survfit(Surv(t, factor(cause)) ~ 1): pstate and std.err
    for month, of, value, error in (
        (12, 1, 0.05263157895, 0.03622353693),
        (60, 1, 0.07894736842, 0.04374407672),
        (12, 2, 0.2631578947, 0.07143377816),
        (60, 2, 0.4210526316, 0.08009325371),
    ):
        found = aalen_johansen(patients.time, cause, of)
        assert found.estimate(month).value == pytest.approx(value, abs=1e-10)
        assert np.sqrt(found.variance[found.times <= month][-1]) == pytest.approx(error, abs=1e-10)


def test_incidence_and_variance_are_lifelines() -> None:
    patients = simulated(5)
    cause = np.where(patients.event, np.random.default_rng(6).integers(1, 3, len(patients.time)), 0)
    peer = AalenJohansenFitter(calculate_variance=True).fit(patients.time, cause, event_of_interest=1)
    found = aalen_johansen(patients.time, cause, 1)
    np.testing.assert_allclose(found.incidence, peer.cumulative_density_.to_numpy()[1:, 0], atol=1e-12)
    np.testing.assert_allclose(found.variance, np.asarray(peer.variance_)[1:], atol=1e-12)


def test_without_competitors_the_incidence_is_what_kaplan_meier_leaves() -> None:
    patients = simulated(7, step=0.25)
    curve = kaplan_meier(patients.time, patients.event)
    found = aalen_johansen(patients.time, patients.event.astype(np.intp))
    np.testing.assert_allclose(found.incidence, 1 - curve.survival, atol=1e-12)
    np.testing.assert_allclose(found.variance, curve.variance, atol=1e-12)


def test_cox_is_rs_coxph() -> None:
    patients = lymphoma(complete=True)
    x = np.column_stack([patients.marker, patients.index])
    fit = cox(x, patients.time, patients.event)
    # coxph(Surv(t, e) ~ MGE + IPI): Efron
    assert fit.coefficients == pytest.approx([-5.293459373570, 0.505014209265], rel=1e-8)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([2.331524943830, 0.197168876854], rel=1e-6)
    assert 2 * (fit.log_likelihood - fit.null_log_likelihood) == pytest.approx(13.93, abs=0.005)
    # basehaz(centered = FALSE) at 12.3 months
    assert fit.hazard_at(12.3) == pytest.approx(0.16900494, abs=1e-8)


def test_cox_risks_are_lifelines() -> None:
    patients = simulated(8)
    x = np.column_stack([patients.linear, np.random.default_rng(9).normal(50, 10, len(patients.time))])
    peer = CoxPHFitter().fit(pd.DataFrame(x).assign(t=patients.time, e=patients.event), "t", "e")
    fit = cox(x, patients.time, patients.event)
    # lifelines interpolates between times, so ask it at the last event before.
    last = fit.times[fit.times <= 5.0][-1]
    expected = 1 - peer.predict_survival_function(pd.DataFrame(x), times=[last]).to_numpy()[0]
    np.testing.assert_allclose(fit.risk(x, 5.0), expected, atol=1e-5)


def test_an_offset_is_a_coefficient_held_at_one() -> None:
    patients = simulated(10)
    fit = cox(np.empty((300, 0)), patients.time, patients.event, offset=patients.linear)
    assert fit.log_likelihood == fit.null_log_likelihood
    # The truth: a hazard of 0.1 per year for a row of zeros.
    assert fit.hazard_at(5.0) == pytest.approx(0.5, abs=0.1)


def test_a_repeated_column_and_a_level_without_events_are_refused() -> None:
    patients = simulated(11, n=60)
    with pytest.raises(ValueError, match="combination"):
        cox(np.column_stack([patients.linear, 2 * patients.linear]), patients.time, patients.event)
    with pytest.raises(ValueError, match="infinite"):
        cox(patients.event[:, None].astype(np.float64), patients.time, patients.event)
