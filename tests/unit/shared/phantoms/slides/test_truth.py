"""What is true of simulated slides: known limits, the paper's contradictions, and nothing told by anything else."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from shared.phantoms.dce.bayes import auc
from shared.phantoms.slides.bayes import bayes_limits
from shared.phantoms.slides.cohort import draw_slides, plan_of
from shared.phantoms.slides.truth import LEVELS, RCB, draw_truths

MANY = draw_truths(np.random.default_rng(5), 40_000)


def test_the_best_of_all_models_is_good_and_not_perfect() -> None:
    limits = bayes_limits(100_000)

    assert 0.85 < limits.her2.value < 0.9
    assert limits.her2.standard_error < 0.003
    assert abs(auc(MANY.shown, MANY.positive) - limits.her2.value) < 0.01
    assert 0.72 < limits.residual.value < 0.82  # paper 003, NAT arm: .77


def test_the_true_probability_is_calibrated() -> None:
    for low in np.arange(0.0, 1.0, 0.2):
        inside = (MANY.probability >= low) & (MANY.probability < low + 0.2)
        assert abs(MANY.probability[inside].mean() - MANY.positive[inside].mean()) < 0.02


def test_three_plus_shows_less_than_amplified_two_plus_as_in_the_paper() -> None:
    mean = {level: MANY.shown[MANY.level == level].mean() for level in LEVELS}

    assert mean["0"] < mean["1+"] < mean["2+/FISH-"] < mean["3+"] < mean["2+/FISH+"]


def test_only_positive_women_are_treated_and_who_shows_more_responds_worse() -> None:
    treated = MANY.rcb != ""
    place = np.array([RCB.index(str(one)) for one in MANY.rcb[treated]])

    assert MANY.positive[treated].all()
    assert 0.35 < spearmanr(MANY.shown[treated], place).statistic < 0.6  # the paper: .45
    assert 0.4 < (place == 0).mean() < 0.5


def test_the_scanner_and_the_plan_of_a_slide_tell_nothing_of_her2() -> None:
    cohort = draw_slides(3000, 2)
    plans = [plan_of(cohort, row)[1] for row in range(cohort.n)]
    drawn = {
        "scanner": cohort.scanner.astype(float),
        "tissue": np.array([plan.tissue_share for plan in plans]),
        "tumour": np.array([plan.tumour_share for plan in plans]),
        "lymphocytes": np.array([plan.lymphocytes for plan in plans]),
        "pen": np.array([bool(plan.artefacts.pen) for plan in plans], dtype=float),
    }

    assert all(abs(auc(one, cohort.truth.positive) - 0.5) < 0.04 for one in drawn.values())


def test_all_slides_of_a_woman_have_one_truth() -> None:
    cohort = draw_slides(200, 1)
    firsts = np.unique(cohort.patient, return_index=True)[1]

    assert len(firsts) < cohort.n
    assert (cohort.truth.level[firsts][cohort.patient] == cohort.truth.level).all()
    assert (cohort.truth.shown[firsts][cohort.patient] == cohort.truth.shown).all()
