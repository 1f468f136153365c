"""Table 1 and effect tables: the papers' own counts, R's numbers, statsmodels and lifelines."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from scipy.special import gammaln
from scipy.stats import fisher_exact, norm

from services.model_factory.handlers.statistics.baseline_table import continuous_row
from services.model_factory.handlers.statistics.contingency import (
    association,
    cramers_v,
    fisher,
    likelihood_ratio,
    pearson,
)
from services.model_factory.handlers.statistics.cox import cox
from services.model_factory.handlers.statistics.effect_table import hazard_ratios
from services.model_factory.handlers.statistics.logistic import logistic
from tests.unit.services.model_factory.statistics.cohorts import simulated

LITERATURE = Path(__file__).parents[4] / "data" / "literature"
PAPER_1: dict[str, Any] = tomllib.loads((LITERATURE / "paper_001_table_1.toml").read_text())
PAPER_2: dict[str, Any] = tomllib.loads((LITERATURE / "paper_002_table_1.toml").read_text())


@pytest.mark.parametrize("name", ["T", "N"])
def test_likelihood_ratios_of_paper_1_are_as_printed(name: str) -> None:
    found = likelihood_ratio(np.array(PAPER_1[name]["counts"]))
    statistic, df, p = PAPER_1[name]["printed"]
    assert found.statistic == pytest.approx(statistic, abs=5e-4)
    assert found.df == df
    assert found.p == pytest.approx(p, abs=5e-4)


@pytest.mark.parametrize("name", ["stage", "nerve", "vascular", "Ki67"])
def test_the_other_statistics_of_paper_1_are_pearsons(name: str) -> None:
    found = pearson(np.array(PAPER_1[name]["counts"]))
    statistic, df, p = PAPER_1[name]["printed"]
    assert found.statistic == pytest.approx(statistic, abs=5e-4)
    assert found.df == df
    assert found.p == pytest.approx(p, abs=5e-4)


def test_the_effect_size_of_paper_1_is_as_printed() -> None:
    assert cramers_v(np.array(PAPER_1["Ki67"]["counts"])) == pytest.approx(0.688, abs=5e-4)


@pytest.mark.parametrize("kind", ["pearson", "fisher"])
def test_our_choice_of_test_gives_every_probability_that_paper_2_prints(kind: str) -> None:
    for name, row in PAPER_2[kind].items():
        found = association(np.array(row["counts"]))
        assert found.method.lower().startswith(kind), name
        assert found.p == pytest.approx(row["p"], abs=5.01e-4), name


def test_p2_3_the_printed_probability_of_endocrine_therapy_follows_from_no_test_of_its_counts() -> None:
    row = PAPER_2["unexplained"]["endocrine"]
    counts = np.array(row["counts"])
    assert pearson(counts).p == pytest.approx(0.022, abs=5e-4)
    assert min(test(counts).p for test in (pearson, fisher, likelihood_ratio)) > 2 * row["p"]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=2, max_size=2))
def test_fishers_test_of_four_counts_is_scipys(rows: list[tuple[int, int]]) -> None:
    table = np.array(rows)
    if (table.sum(axis=0) == 0).any() or (table.sum(axis=1) == 0).any():
        return
    assert fisher(table).p == pytest.approx(float(fisher_exact(table).pvalue), rel=1e-6)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=3, max_size=4))
@settings(max_examples=30)
def test_fishers_test_of_a_wide_table_is_the_sum_over_all_tables(rows: list[tuple[int, int]]) -> None:
    table = np.array(rows)
    if table[:, 0].sum() == 0:
        return
    rng = np.random.default_rng(1)
    first, second = table.sum(axis=0)
    column = np.repeat(np.arange(len(table)), table.sum(axis=1))
    draws = np.array([np.bincount(rng.permutation(column)[:first], minlength=len(table)) for _ in range(3000)])

    def chance(taken: Any) -> Any:
        left = table.sum(axis=1) - taken
        return -(gammaln(taken + 1) + gammaln(left + 1)).sum(axis=-1)

    share = float((chance(draws) <= chance(table[:, 0]) + 1e-7).mean())
    assert fisher(table).p == pytest.approx(share, abs=0.05)
    assert second > 0


def test_a_table_too_wide_for_the_exact_test_is_pearsons_and_one_level_has_no_test() -> None:
    wide = np.array([[40 + k, 60 - k] for k in range(9)] + [[1, 2]])
    assert association(wide).method == "Pearson chi-square"
    with pytest.raises(ValueError, match="two rows and two columns"):
        pearson(np.array([[3, 4], [0, 0]]))
    with pytest.raises(ValueError, match="two groups"):
        fisher(np.ones((3, 3), dtype=np.intp))


ONE = np.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 30.0])
OTHER = np.array([4, 5, 8, 9, 11, 15, 20, 40, 41, 60.0])


def test_a_skewed_column_is_compared_by_ranks_as_r_does() -> None:
    row = continuous_row("IL6", np.r_[ONE, OTHER, np.nan], np.r_[np.zeros(10), np.ones(11)].astype(np.intp))
    assert not row.normal
    assert row.missing == 1
    assert row.test is not None
    # As wilcox.test with exact = FALSE says in R 4.2.2.
    assert row.test.method == "Wilcoxon rank sum"
    assert row.test.p == pytest.approx(0.02094035365)
    assert (row.groups[0].middle, row.groups[0].spread) == (5.5, (3.25, 7.75))
    three = continuous_row("IL6", np.r_[ONE, OTHER, ONE + OTHER], np.repeat(np.arange(3), 10))
    assert three.test is not None
    # As kruskal.test says in R 4.2.2.
    assert three.test.method == "Kruskal-Wallis"
    assert three.test.p == pytest.approx(0.0101676707)


def test_a_normal_column_is_compared_by_means() -> None:
    bell = norm.ppf((np.arange(30) + 0.5) / 30)
    values, group = np.r_[50 + 10 * bell, 54 + 12 * bell, 51 + 9 * bell], np.repeat(np.arange(3), 30)
    three = continuous_row("age", values, group)
    two = continuous_row("age", values[:60], group[:60])
    assert three.normal
    assert three.test is not None
    assert two.test is not None
    assert (three.test.method, two.test.method) == ("analysis of variance", "Welch t")
    assert len(two.groups[0].spread) == 1


def test_a_column_of_one_value_has_no_test() -> None:
    assert continuous_row("x", np.ones(20), np.repeat([0, 1], 10)).test is None


def test_hazard_ratios_alone_and_together_are_lifelines() -> None:
    patients = simulated(4)
    x = np.column_stack([patients.linear, np.random.default_rng(5).normal(size=300) + 0.5 * patients.linear])
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(t=patients.time, e=patients.event)
    together = CoxPHFitter().fit(frame, "t", "e").summary
    alone = CoxPHFitter().fit(frame[["b", "t", "e"]], "t", "e").summary
    row = hazard_ratios(x, patients.time, patients.event, ("a", "b"))[1]
    for found, p, peer in (
        (row.univariable, row.univariable_p, alone.loc["b"]),
        (row.multivariable, row.multivariable_p, together.loc["b"]),
    ):
        assert found is not None
        assert found.value == pytest.approx(peer["exp(coef)"], rel=1e-5)
        assert found.interval[1] == pytest.approx(peer["exp(coef) upper 95%"], rel=1e-4)
        assert p == pytest.approx(peer["p"], rel=1e-3)


def test_the_logistic_model_is_statsmodels() -> None:
    patients = simulated(6)
    x = np.column_stack([patients.linear, np.random.default_rng(7).normal(100, 20, 300)])
    event = patients.time < 4.0
    peer = sm.Logit(event.astype(float), sm.add_constant(x)).fit(disp=0)
    fit = logistic(x, event)
    np.testing.assert_allclose(fit.coefficients, peer.params, rtol=1e-5)
    np.testing.assert_allclose(fit.covariance, peer.cov_params(), rtol=1e-3, atol=1e-8)
    assert fit.log_likelihood == pytest.approx(peer.llf)


def test_paper_0s_odds_ratio_of_oestrogen_receptor_is_for_non_pcr() -> None:
    # Table 2: pCR 145 ER-, 86 ER+; non-pCR 73 ER-, 143 ER+; P0-2: 3.303 for non-pCR.
    positive = np.repeat([0.0, 1.0, 0.0, 1.0], [145, 86, 73, 143])
    non_pcr = np.repeat([False, True], [231, 216])
    ratio = np.exp(logistic(positive[:, None], non_pcr).coefficients[1])
    assert ratio == pytest.approx(143 * 145 / (73 * 86))
    assert ratio == pytest.approx(3.303, abs=5e-4)


def test_an_effect_that_has_no_finite_value_is_left_empty_and_the_others_stand_alone() -> None:
    patients = simulated(8, n=100)
    x = np.column_stack([patients.linear, (~patients.event).astype(np.float64)])
    rows = hazard_ratios(x, patients.time, patients.event, ("a", "perfect"))
    assert rows[1].univariable is None
    assert rows[0].univariable is not None
    assert rows[0].multivariable is None
    some = hazard_ratios(x, patients.time, patients.event, ("a", "perfect"), together=("a",))
    assert some[0].multivariable == some[0].univariable == rows[0].univariable
    assert some[1].multivariable is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("risk", [0.1, 0.7, 0.0, -1 / 3])
def test_a_cox_model_of_equal_risks_is_refused_and_not_divided_by_nothing(risk: float) -> None:
    patients = simulated(9, n=60)
    with pytest.raises(ValueError, match="a column is constant"):
        cox(np.full((60, 1), risk), patients.time, patients.event)
    almost = risk + 1e-17 * np.arange(60.0)
    with pytest.raises(ValueError, match="a column is constant"):
        cox(np.column_stack([patients.linear, np.where(risk, almost, 0.0)]), patients.time, patients.event)


def test_a_logistic_model_of_one_outcome_or_a_constant_is_refused() -> None:
    with pytest.raises(ValueError, match="events and non-events"):
        logistic(np.empty((5, 0)), np.ones(5, dtype=np.bool_))
    with pytest.raises(ValueError, match="constant"):
        logistic(np.ones((4, 1)), np.array([True, False, True, False]))
