"""The simulated cohort: published marginals, correlations that make sense, a truth that is known."""

from __future__ import annotations

import numpy as np
import pytest

from shared.phantoms.cohort.factors import FACTORS_TABLE, PATIENTS, Factor
from shared.phantoms.cohort.measured import MEASURED, Measured
from shared.phantoms.cohort.simulate import FOLLOW_UPS, LONG, PAPER, SimulatedCohort, simulate_cohort
from shared.phantoms.cohort.truth import COEFFICIENTS, bayes_auc
from shared.phantoms.cohort.writing import cohort_files


@pytest.fixture(scope="module")
def many() -> SimulatedCohort:
    return simulate_cohort(20_000, seed=3)


def test_it_has_the_papers_49_candidates(many: SimulatedCohort) -> None:
    assert (len(many.measured), len(many.factors)) == (30, 19)
    assert set(COEFFICIENTS) <= {*many.measured, *many.factors}
    assert len(COEFFICIENTS) == 5


@pytest.mark.parametrize("one", MEASURED, ids=lambda one: one.name)
def test_medians_and_quartiles_are_those_of_table_1(many: SimulatedCohort, one: Measured) -> None:
    values = np.where(np.isnan(many.measured[one.name]), 0.0, many.measured[one.name])

    assert np.quantile(values, [0.25, 0.5, 0.75]) == pytest.approx(one.quartiles, rel=0.04)


@pytest.mark.parametrize("one", FACTORS_TABLE, ids=lambda one: one.name)
def test_levels_are_as_frequent_as_in_table_1(many: SimulatedCohort, one: Factor) -> None:
    shares = [float((many.factors[one.name] == level).mean()) for level in one.levels]

    assert shares == pytest.approx([count / PATIENTS for count in one.counts], abs=0.03)


def test_what_belongs_together_hangs_together(many: SimulatedCohort) -> None:
    logs = {name: np.log(np.nan_to_num(many.measured[name], nan=0.1)) for name in ("hscrp", "il6", "albumin", "il2")}

    assert np.corrcoef(logs["hscrp"], logs["il6"])[0, 1] > 0.3
    assert np.corrcoef(logs["hscrp"], logs["albumin"])[0, 1] < -0.2
    assert abs(np.corrcoef(logs["hscrp"], logs["il2"])[0, 1]) < 0.05
    assert not (many.factors["er"][many.factors["subtype"] == "triple_negative"] == "yes").any()


@pytest.mark.parametrize("name", FOLLOW_UPS)
def test_70_of_326_have_the_event(name: str) -> None:
    cohort = simulate_cohort(20_000, seed=4, follow_up=FOLLOW_UPS[name])

    assert (cohort.outcome == 1).mean() == pytest.approx(70 / 326, abs=0.01)


def test_the_long_cohort_is_watched_beyond_ten_years_and_the_papers_is_not() -> None:
    assert 10 < simulate_cohort(326, 1, LONG).years.max() <= 12
    paper = simulate_cohort(326, 1, PAPER).years
    assert (paper.min() >= 1, paper.max() <= 6, len(paper)) == (True, True, 326)


def test_the_truth_discriminates_as_well_as_can_be_and_not_perfectly() -> None:
    assert 0.75 < bayes_auc(5, LONG.scale_years, 20_000) < 0.85


def test_the_same_seed_gives_the_same_files_and_another_gives_others() -> None:
    assert cohort_files(simulate_cohort(50, 7)) == cohort_files(simulate_cohort(50, 7))
    assert cohort_files(simulate_cohort(50, 7)) != cohort_files(simulate_cohort(50, 8))


def test_a_value_below_the_detection_limit_is_written_as_the_laboratory_would() -> None:
    sheet = cohort_files(simulate_cohort(3000, 1))["patients.csv"].decode()

    assert ",<0.5," in sheet
    assert "nan" not in sheet


def test_the_files_say_that_these_are_no_patients() -> None:
    files = cohort_files(simulate_cohort(2, 1))

    assert b"SIMULATED, no patients" in files["manifest.toml"]
    assert b"\nsimulated-000001," in files["patients.csv"]
