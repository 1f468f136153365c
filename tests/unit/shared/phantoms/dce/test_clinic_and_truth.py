"""Simulated women look like the paper's table, and what decides their axillary response is known."""

from __future__ import annotations

import numpy as np
import pytest

from shared.phantoms.dce.bayes import auc, bayes_auc
from shared.phantoms.dce.clinic import FACTORS, Clinic, draw_clinic, factor
from shared.phantoms.dce.truth import Outcomes, draw_outcomes

MANY = 60_000


@pytest.fixture(scope="module")
def drawn() -> tuple[Clinic, Outcomes]:
    rng = np.random.default_rng(7)
    clinic = draw_clinic(rng, MANY)
    return clinic, draw_outcomes(rng, clinic, rng.standard_normal(MANY))


@pytest.mark.parametrize("name", [one.name for one in FACTORS])
def test_every_level_is_as_frequent_as_in_table_1(name: str, drawn: tuple[Clinic, Outcomes]) -> None:
    one = factor(name)
    shares = [float((drawn[0].factors[name] == level).mean()) for level in one.levels]

    assert shares == pytest.approx(one.shares, abs=0.012)


def test_age_and_ki67_have_the_papers_quartiles(drawn: tuple[Clinic, Outcomes]) -> None:
    assert np.percentile(drawn[0].age, [25, 50, 75]) == pytest.approx([45, 51, 57], abs=1)
    assert np.percentile(drawn[0].ki67, [25, 50, 75]) == pytest.approx([20, 30, 50], abs=5)


def test_receptors_hang_together(drawn: tuple[Clinic, Outcomes]) -> None:
    factors = drawn[0].factors
    positive = factors["er"] == "positive"

    assert (factors["pr"][~positive] == "positive").mean() < 0.1
    assert (factors["her2"][positive] == "low").mean() > (factors["her2"][~positive] == "low").mean() + 0.15


def test_231_of_447_respond_and_60_of_447_have_an_event(drawn: tuple[Clinic, Outcomes]) -> None:
    happened = drawn[1]

    assert happened.axillary_pcr.mean() == pytest.approx(231 / 447, abs=0.01)
    assert happened.dfs_event.mean() == pytest.approx(60 / 447, abs=0.01)
    assert np.percentile(happened.dfs_months, [25, 50, 75]) == pytest.approx([15.9, 23.4, 32.5], abs=2)


# Table 3, univariable, of NON-pCR.
@pytest.mark.parametrize(
    ("name", "level", "published"),
    [
        ("er", "positive", 3.30), ("pr", "positive", 3.08), ("her2", "low", 1.79), ("her2", "3", 0.53),
        ("t", "2", 0.54), ("t", "3", 0.68), ("t", "4", 1.42), ("nac_cycles", "6-8", 0.59),
        ("histology", "other", 3.34), ("m", "1", 3.69),
    ],
)  # fmt: skip
def test_a_univariable_odds_ratio_is_near_the_papers(
    name: str, level: str, published: float, drawn: tuple[Clinic, Outcomes]
) -> None:
    clinic, happened = drawn
    residual = ~happened.axillary_pcr
    reference = clinic.factors[name] == factor(name).levels[0]
    this = clinic.factors[name] == level

    ratio = _odds(residual[this]) / _odds(residual[reference])

    assert ratio == pytest.approx(published, rel=0.5)
    assert (ratio > 1) == (published > 1)


def _odds(event: np.ndarray) -> float:
    return float(event.mean() / (1 - event.mean()))


def test_what_the_breast_holds_goes_with_the_axilla(drawn: tuple[Clinic, Outcomes]) -> None:
    happened = drawn[1]

    assert (happened.breast[happened.axillary_pcr] == "none").mean() == pytest.approx(0.597, abs=0.01)
    assert (happened.breast[~happened.axillary_pcr] == "none").mean() == pytest.approx(0.153, abs=0.01)


def test_who_responds_lives_longer_without_disease(drawn: tuple[Clinic, Outcomes]) -> None:
    happened = drawn[1]
    rate = [happened.dfs_event[of].sum() / happened.dfs_months[of].sum()
            for of in (happened.axillary_pcr, ~happened.axillary_pcr)]  # fmt: skip

    assert rate[0] < 0.5 * rate[1]


def test_the_image_is_worth_more_than_a_tenth_of_auc_beyond_four_standard_errors() -> None:
    best = bayes_auc(100_000, seed=3)

    assert best.gap.value - 4 * best.gap.standard_error > 0.10
    assert best.clinic.value == pytest.approx(0.735, abs=0.01)
    assert best.clinic_and_image.value == pytest.approx(0.918, abs=0.01)
    assert best.model_variables.value < best.clinic.value
    assert best.model_variables_and_image.value < best.clinic_and_image.value


def test_an_auc_counts_ties_half_and_needs_both_outcomes() -> None:
    event = np.array([True, False, True, False])

    assert auc(np.array([1.0, 1.0, 1.0, 1.0]), event) == 0.5
    assert auc(np.array([2.0, 1.0, 4.0, 3.0]), event) == 0.75
    with pytest.raises(ValueError, match="events and non-events"):
        auc(np.zeros(2), np.array([True, True]))
