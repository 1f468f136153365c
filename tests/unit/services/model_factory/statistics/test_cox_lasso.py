"""Cox regression with the LASSO, against scikit-survival (Breslow), lifelines (Efron, no penalty), its optimum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from numpy.typing import NDArray
from sksurv.linear_model import CoxnetSurvivalAnalysis
from sksurv.util import Surv

from services.model_factory.handlers.statistics.cox_lasso import cox_lasso_cv, cox_lasso_path
from services.model_factory.handlers.statistics.partial_likelihood import Ties, partial_likelihood

Vector = NDArray[np.float64]
TIES: tuple[Ties, ...] = ("efron", "breslow")


def cohort(seed: int, n: int = 200, p: int = 8, step: float = 0.1) -> tuple[Vector, Vector, NDArray[np.bool_]]:
    """Columns of unlike scale, times rounded up to ``step`` so that many are tied, the first two columns at work."""
    rng = np.random.default_rng(seed)
    x = rng.normal(3.0, 1.0, (n, p)) * np.linspace(0.1, 5.0, p)
    standard = x / np.linspace(0.1, 5.0, p) - 3.0
    alive = rng.exponential(np.exp(-0.8 * standard[:, 0] + 0.5 * standard[:, 1]))
    censored = rng.exponential(1.5, n)
    return x, np.ceil(np.minimum(alive, censored) / step) * step, alive <= censored


def test_the_whole_path_is_scikit_survivals_with_breslow_ties() -> None:
    x, time, event = cohort(1)
    path = cox_lasso_path(x, time, event, ties="breslow")
    spread = x.std(axis=0)
    peer = CoxnetSurvivalAnalysis(l1_ratio=1.0, alphas=path.lambdas, tol=1e-12, max_iter=1_000_000)
    peer.fit((x - x.mean(axis=0)) / spread, Surv.from_arrays(event, time))
    # scikit-survival ends its path where the deviance stands still.
    assert peer.coef_.shape[1] > 50
    np.testing.assert_allclose(path.coefficients[: peer.coef_.shape[1]] * spread, peer.coef_.T, atol=2e-6)


def test_more_columns_than_rows_end_the_path_at_as_many_coefficients_as_events() -> None:
    x, time, event = cohort(2, n=60, p=150)
    path = cox_lasso_path(x, time, event, ties="breslow")
    counts = np.count_nonzero(path.coefficients, axis=1)
    assert counts[-2] < event.sum() <= counts[-1]
    spread = x.std(axis=0)
    at = len(path.lambdas) // 2
    peer = CoxnetSurvivalAnalysis(l1_ratio=1.0, alphas=path.lambdas[[at]], tol=1e-12, max_iter=1_000_000)
    peer.fit((x - x.mean(axis=0)) / spread, Surv.from_arrays(event, time))
    np.testing.assert_allclose(path.coefficients[at] * spread, peer.coef_[:, 0], atol=1e-5)


def test_without_a_penalty_it_is_lifelines_efron_fit() -> None:
    x, time, event = cohort(3)
    found = cox_lasso_path(x, time, event, np.array([0.0])).coefficients[0]
    frame = pd.DataFrame(x).assign(time=time, event=event)
    peer = CoxPHFitter().fit(frame, "time", "event")
    np.testing.assert_allclose(found, peer.params_.to_numpy(), atol=1e-5)
    terms = partial_likelihood(time, event)
    assert terms.value(x @ found) == pytest.approx(peer.log_likelihood_, abs=1e-7)
    np.testing.assert_allclose(np.linalg.inv(terms.information(x @ found, x)), peer.variance_matrix_, rtol=1e-4)


@given(st.integers(0, 10_000), st.sampled_from(TIES), st.floats(0.05, 0.9))
@settings(max_examples=25, deadline=None)
def test_every_fit_fulfils_the_optimality_conditions(seed: int, how: Ties, share: float) -> None:
    x, time, event = cohort(seed, n=80, p=6, step=0.3)
    largest = cox_lasso_path(x, time, event, ties=how).lambdas[0]
    beta = cox_lasso_path(x, time, event, np.array([largest * share]), ties=how).coefficients[0]
    slope: Vector = x.T @ partial_likelihood(time, event, how).residual(x @ beta) / len(x) / x.std(axis=0)
    on = beta != 0
    np.testing.assert_allclose(slope[on], np.sign(beta[on]) * largest * share, atol=1e-6)
    assert (np.abs(slope[~on]) <= largest * share + 1e-6).all()


def test_the_slope_and_the_information_are_the_derivatives_of_the_value() -> None:
    x, time, event = cohort(5, n=60, p=3, step=0.5)
    terms, beta, small = partial_likelihood(time, event), np.array([0.4, -0.2, 0.01]), 1e-5

    def slope(at: Vector) -> Vector:
        found: Vector = x.T @ terms.residual(x @ at)
        return found

    for column in range(3):
        nudge = np.eye(3)[column] * small
        rise = (terms.value(x @ (beta + nudge)) - terms.value(x @ (beta - nudge))) / (2 * small)
        assert slope(beta)[column] == pytest.approx(rise, rel=1e-5, abs=1e-5)
        bend = (slope(beta - nudge) - slope(beta + nudge)) / (2 * small)
        np.testing.assert_allclose(terms.information(x @ beta, x)[column], bend, rtol=1e-4, atol=1e-4)


def test_a_constant_column_is_never_chosen_and_the_largest_lambda_chooses_none() -> None:
    x, time, event = cohort(6)
    x[:, 2] = 7.0
    path = cox_lasso_path(x, time, event)
    assert not path.coefficients[0].any()
    assert not path.coefficients[:, 2].any()
    assert path.coefficients[-1].any()


def test_cross_validation_is_the_difference_of_two_likelihoods_per_fold() -> None:
    x, time, event = cohort(7)
    folds = np.arange(len(x)) % 5
    chosen = cox_lasso_cv(x, time, event, folds, "min")
    at = int(np.flatnonzero(chosen.path.lambdas == chosen.lambda_)[0])
    total = 0.0
    for fold in range(5):
        kept = folds != fold
        beta = cox_lasso_path(x[kept], time[kept], event[kept], chosen.path.lambdas).coefficients[at]
        whole = partial_likelihood(time, event).value(x @ beta)
        total += -2 * (whole - partial_likelihood(time[kept], event[kept]).value(x[kept] @ beta))
    assert chosen.deviance[at] == pytest.approx(total / event.sum())
    assert chosen.deviance.min() == chosen.deviance[at]


def test_one_standard_error_chooses_fewer_columns_and_keeps_those_at_work() -> None:
    x, time, event = cohort(8, n=400)
    folds = np.arange(len(x)) % 10
    smallest, simpler = (cox_lasso_cv(x, time, event, folds, rule) for rule in ("min", "1se"))
    assert simpler.lambda_ > smallest.lambda_
    assert set(simpler.selected) <= set(smallest.selected)
    assert {0, 1} <= set(simpler.selected)


def test_what_cannot_be_fitted_or_judged_is_refused() -> None:
    x, time, event = cohort(9, n=30)
    with pytest.raises(ValueError, match="at least one event"):
        cox_lasso_path(x, time, np.zeros(30, dtype=np.bool_))
    with pytest.raises(ValueError, match="negative"):
        cox_lasso_path(x, time, event, np.array([-0.1]))
    with pytest.raises(ValueError, match="three folds"):
        cox_lasso_cv(x, time, event, np.arange(30) % 2)
    with pytest.raises(ValueError, match="without events"):
        cox_lasso_cv(x, time, np.arange(30) == 0, np.arange(30) % 3)
