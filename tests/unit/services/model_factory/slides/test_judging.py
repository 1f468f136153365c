"""What is measured of judged slides: per site, of the treated, against levels, without those that have no score."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.model_factory.handlers.cohort.slides import SlideCohort, SlideFiles
from services.model_factory.handlers.slides.folds import everybody, folds_of
from services.model_factory.handlers.slides.judging import (
    NON_PCR,
    Said,
    chances,
    compare,
    confusions,
    dunn_rows,
    halves,
    performance,
    ranked,
)
from services.model_factory.handlers.slides.order import SlidesOrder
from services.model_factory.handlers.slides.scoring import JudgedSlide, reading_rows, scores
from shared.domain.errors import InvalidInputError
from shared.predictors.her2.aggregation import Readings

N = 40
ORDER = SlidesOrder("corrected", seed=1, folds=4, resamples=30)


def slide_cohort(patients: tuple[str, ...] | None = None, learned: NDArray[np.bool_] | None = None) -> SlideCohort:
    """Return forty slides of two sites, every second one positive, a quarter of those treated."""
    number = np.arange(N)
    events = number % 2 == 1
    treated = events & (number % 4 == 1)
    rcb = np.where(treated, (number // 4) % 4, -1)
    return SlideCohort(
        "made up", "Made up.", True, "her2_positive", "HER2-positive",
        patients or tuple(f"p{one:02d}" for one in number), events,
        tuple(SlideFiles(Path(f"{one}.tif"), f"{one:064x}", None, "", None, "") for one in number),
        np.where(events, 3 + (number // 2) % 2, (number // 2) % 3), tuple("ab"[one // 20] for one in number),
        np.ones(N, dtype=np.bool_) if learned is None else learned, np.where(treated, rcb > 0, -1).astype(np.intp), rcb,
        (), (),
    )  # fmt: skip


def said(cohort: SlideCohort, own: NDArray[np.float64], **others: NDArray[np.float64]) -> Said:
    """Return what methods say of all slides, in four folds."""
    return Said("out_of_fold", cohort, np.arange(N), np.arange(N) % 4, {"tl_pa": own, **others})


def noisy(seed: int, help_: float = 0.1) -> NDArray[np.float64]:
    """Return scores that are higher for positive slides."""
    rng = np.random.default_rng(seed)
    return 0.2 + help_ * (np.arange(N) % 2) + 0.1 * rng.normal(size=N)


def test_every_number_has_its_class_its_part_and_its_slides() -> None:
    found = {
        (one.name, one.model, one.positive_class): one for one in performance(said(slide_cohort(), noisy(1)), ORDER)
    }
    assert found["auc", "tl_pa", "her2_positive"].n == N
    assert (found["auc", "tl_pa.a", "her2_positive"].n, found["auc", "tl_pa.b", "her2_positive"].n) == (20, 20)
    nat = found["auc", "tl_pa.nat", NON_PCR]
    assert (nat.n, nat.events) == (10, 7)
    assert found["sensitivity", "tl_pa", "her2_positive"].threshold == 0.2
    assert {one.unit_of_analysis for one in found.values()} == {"slide"}


def test_a_slide_without_score_is_left_out_and_counted_by_n_and_never_zero() -> None:
    own = noisy(2)
    own[[1, 3]] = np.nan
    found = next(one for one in performance(said(slide_cohort(), own), ORDER) if one.model == "tl_pa")
    assert (found.n, found.events) == (N - 2, N // 2 - 2)


def test_slides_of_one_patient_are_resampled_together() -> None:
    patients = tuple(f"p{one // 2:02d}" for one in range(N))
    found = next(iter(performance(said(slide_cohort(patients), noisy(3)), ORDER)))
    assert "bootstrap of patients" in found.interval_method


def test_one_split_is_halved_by_patient_with_both_classes_on_either_side() -> None:
    patients = tuple(f"p{one % 4 + one // 8 * 4:02d}" for one in range(N))  # two slides each, of one class
    cohort = slide_cohort(patients)
    one = replace(said(cohort, noisy(5)), fold=np.zeros(N, dtype=np.intp))
    half = halves(one.patients, one.event)
    assert all(len(np.unique(half[one.patients == who])) == 1 for who in np.unique(one.patients))
    assert {(int(a), bool(b)) for a, b in zip(half, one.event, strict=True)} == {
        (a, b) for a in (0, 1) for b in (False, True)
    }
    chance, event, whose = chances(one)
    assert len(chance) == len(event) == len(whose) == N


def test_the_brier_score_resamples_patients_and_not_slides() -> None:
    patients = tuple(f"p{one % 2 + one // 20 * 2:02d}" for one in range(N))  # ten slides each
    widths = []
    for names in (patients, None):
        found = {row.name: row for row in performance(said(slide_cohort(names), noisy(6)), ORDER)}["brier"]
        assert found.interval is not None
        widths.append(found.interval)
    assert widths[0] != widths[1]


def test_a_method_that_ranks_all_rightly_is_above_tl_pa_and_the_test_says_so() -> None:
    best = (np.arange(N) % 2).astype(np.float64) + np.linspace(0, 0.1, N)
    (found,) = compare(said(slide_cohort(), noisy(4, 0.05), tl_clam=best), ORDER)
    assert found.difference > 0
    assert found.p < 0.05


def test_slides_that_are_many_times_the_same_patient_s_prove_no_more_than_one() -> None:
    number = np.arange(N)
    own, other = (np.tile(noisy(seed)[:8], 5) for seed in (13, 14))  # every patient five times the same slide
    patients = tuple(f"p{one % 8}" for one in number)
    (alone,) = compare(said(slide_cohort(), own, tl_clam=other), ORDER)
    (together,) = compare(said(slide_cohort(patients), own, tl_clam=other), ORDER)
    assert alone.difference == together.difference != 0
    assert np.ptp(together.interval) > 1.5 * np.ptp(alone.interval)
    assert together.p > alone.p


def test_the_five_by_five_counts_every_slide_with_score_and_level_once() -> None:
    whole, *sites = confusions(said(slide_cohort(), noisy(5)))
    assert sum(map(sum, whole.counts)) == N
    assert [sum(row) for row in whole.counts] == [
        sum(row) for row in (np.array(sites[0].counts) + np.array(sites[1].counts)).tolist()
    ]
    assert [one.site for one in sites] == ["a", "b"]


def test_levels_and_residual_burden_are_compared_apart() -> None:
    one = said(slide_cohort(), noisy(6))
    assert {row.against for row in ranked(one, ORDER)} == {"level", "rcb"}
    rows = list(dunn_rows(one))
    assert len([row for row in rows if row.against == "level"]) == 10
    assert {row.first for row in rows if row.against == "rcb"} <= {"0", "I", "II", "III"}


def test_no_patient_is_on_both_sides_and_external_slides_are_never_learned_from() -> None:
    learned = np.arange(N) < 32
    patients = tuple(f"p{one // 4}{one % 2}" for one in range(N))
    cohort = slide_cohort(patients, learned)
    judged = []
    for fold in folds_of(cohort, ORDER):
        assert not fold.training.patients & fold.held_out.patients
        judged += fold.left_out.tolist()
    assert sorted(judged) == list(range(32))
    assert everybody(cohort).left_out.tolist() == list(range(32, N))


def test_too_few_patients_of_a_class_are_refused() -> None:
    patients = tuple(f"p{one % 2}{one // 14}" for one in range(N))
    with pytest.raises(InvalidInputError, match="cannot fill 4 folds"):
        list(folds_of(slide_cohort(patients), ORDER))


def test_other_readings_of_the_paper_are_counted_against_the_run_s_own() -> None:
    rng = np.random.default_rng(7)
    slides = [
        JudgedSlide(place, "out_of_fold", 0, rng.dirichlet([1, 1, 1], 50).astype(np.float32), None, (64.0, 0.0))
        for place in range(8)
    ]
    rows = list(reading_rows(slides, np.arange(8) % 2 == 0, ORDER))
    own = next(one for one in rows if (one.area, one.rounding) == ("a", "floor"))
    assert (own.mean_difference, own.levels_changed) == (0.0, 0)
    assert any(one.mean_difference > 0 for one in rows)
    none = JudgedSlide(8, "out_of_fold", 0, np.array([[1, 0, 0]], dtype=np.float32), None, (64.0, 0.0))
    assert np.isnan(scores([none], Readings())[0])
