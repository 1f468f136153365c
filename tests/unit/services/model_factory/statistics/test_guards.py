"""The guards on the published tables, on true rows, and on rows with one known flaw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.model_factory.formats.literature import read_reported
from services.model_factory.handlers.statistics.counts import Confusion, confusions
from services.model_factory.handlers.statistics.discrimination import proportion
from services.model_factory.handlers.statistics.estimates import Estimate
from services.model_factory.handlers.statistics.guards import (
    Flaw,
    implied_prevalence,
    inspect,
    inspect_measured,
    require_sound,
)
from services.model_factory.handlers.statistics.metric import Cut, Metric
from services.model_factory.handlers.statistics.reported import Reported
from shared.domain.errors import InvalidInputError

LITERATURE = Path(__file__).parents[4] / "data" / "literature"
PAPER_0 = {row.row: row for row in read_reported((LITERATURE / "paper_000_table_4.toml").read_text())}
PAPER_1 = {row.row: row for row in read_reported((LITERATURE / "paper_001_tables_2_3.toml").read_text())}


def flaws(row: Reported) -> list[Flaw]:
    return [finding.flaw for finding in inspect(row)]


def test_p0_4_eleven_of_twelve_f1_scores_are_of_the_other_class() -> None:
    mirrored = {name for name, row in PAPER_0.items() if Flaw.MIRRORED_F1 in flaws(row)}
    assert set(PAPER_0) - mirrored == {"Clinical-Radiomics RF test"}


def test_p0_5_one_f1_score_is_of_neither_class() -> None:
    row = PAPER_0["Clinical-Radiomics RF test"]
    assert flaws(row) == [Flaw.F1]
    assert inspect(row)[0].sentence == "F1 0.691; with axillary pCR positive it is 0.784, with the other class 0.703"
    assert confusions(row) == (Confusion(60, 11, 39, 22),)


def test_p0_6_one_sensitivity_is_no_count_and_the_rest_of_the_row_says_which_it_is() -> None:
    row = PAPER_0["Clinical-DLR LR test"]
    assert [name for name, one in PAPER_0.items() if Flaw.NOT_A_COUNT in flaws(one)] == [row.row]
    assert inspect(row)[0].sentence == "sensitivity 0.827 is no k/71; the rest of the row gives 0.887"
    assert confusions(row, without="sensitivity") == (Confusion(63, 8, 50, 11),)


def test_p0_3_every_other_row_of_paper_0_solves_to_one_table_of_counts() -> None:
    solved = {name: confusions(row) for name, row in PAPER_0.items() if name != "Clinical-DLR LR test"}
    assert all(len(found) == 1 for found in solved.values())
    assert solved["Clinical LR test"] == (Confusion(56, 15, 35, 26),)


@pytest.mark.parametrize("task", ["Luminal", "HER2"])
def test_p1_1_and_p1_2_both_sets_are_metrics_of_the_other_class(task: str) -> None:
    for part in ("validation", "test"):
        assert flaws(PAPER_1[f"{task} {part}"]) == [Flaw.MIRRORED_CLASS]


def test_p1_1_the_implied_prevalence_is_that_of_her2_negative() -> None:
    printed = PAPER_1["HER2 test"].values
    implied = implied_prevalence(printed["sensitivity"], printed["specificity"], ppv=printed["ppv"])
    assert implied == pytest.approx(0.797, abs=5e-4)


def test_p1_3_the_triple_negative_rows_are_as_labelled() -> None:
    assert flaws(PAPER_1["TN validation"]) == flaws(PAPER_1["TN test"]) == []


def test_p1_4_five_class_metrics_are_of_no_class_and_disagree_with_their_accuracy() -> None:
    for part in ("validation", "test"):
        assert flaws(PAPER_1[f"Five {part}"]) == [Flaw.NO_POSITIVE_CLASS, Flaw.ACCURACY]
    assert (
        "imply prevalence 0.577 and 0.578 and accuracy 0.51, printed 0.325" in inspect(PAPER_1["Five test"])[1].sentence
    )


def test_an_imported_row_with_a_flaw_is_refused_and_a_sound_one_is_let_in() -> None:
    require_sound(PAPER_1["TN test"])
    with pytest.raises(ValueError, match=r"HER2-positive is 0\.206, the other class 0\.794"):
        require_sound(PAPER_1["HER2 test"])


def truth(counts: Confusion, decimals: int = 3) -> Reported:
    positives = counts.true_positive + counts.false_negative
    n = positives + counts.true_negative + counts.false_positive
    names = ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1")
    return Reported(
        "made",
        "up",
        2,
        "yes",
        "patient",
        n,
        positives / n,
        exact=True,
        positives=positives,
        values={name: round(getattr(counts, name), decimals) for name in names},
        decimals=decimals,
    )


COUNTS = st.builds(Confusion, st.integers(5, 80), st.integers(5, 80), st.integers(5, 80), st.integers(5, 80))


@given(COUNTS)
def test_a_true_row_is_sound(counts: Confusion) -> None:
    assert inspect(truth(counts)) == ()


@given(COUNTS)
def test_a_row_of_the_other_class_is_told(counts: Confusion) -> None:
    row, other = truth(counts), truth(counts.mirrored())
    assume(row.prevalence is not None and abs(row.prevalence - 0.5) > 0.02)
    # A test no better than a coin says nothing about the prevalence.
    assume(abs(counts.sensitivity + counts.specificity - 1) > 0.05)
    found = flaws(replace(row, values=other.values))
    assert Flaw.MIRRORED_CLASS in found


@given(COUNTS)
def test_an_f1_of_the_other_class_is_told(counts: Confusion) -> None:
    row = truth(counts)
    assume(abs(counts.f1 - counts.mirrored().f1) > 0.002)
    other = round(counts.mirrored().f1, 3)
    assert flaws(replace(row, values={**row.values, "f1": other})) == [Flaw.MIRRORED_F1]


def test_three_values_that_no_counts_give_together_are_told() -> None:
    row = truth(Confusion(30, 10, 50, 10))
    assert Flaw.ACCURACY in flaws(replace(row, values={**row.values, "accuracy": 0.85}))


def measured(name: str, value: Estimate, cut: Cut | None = None) -> Metric:
    return Metric(name, "pCR", "patient", 100, 40, value, cut)


def test_our_own_metrics_go_through_the_same_guards() -> None:
    cut = Cut(0.4, "Youden on out-of-fold predictions")
    sound = [measured("sensitivity", proportion(30, 40), cut), measured("specificity", proportion(45, 60), cut)]
    assert inspect_measured(sound) == ()
    wrong = [measured("sensitivity", proportion(45, 60), cut), measured("specificity", proportion(31, 40), cut)]
    assert [finding.metric for finding in inspect_measured(wrong)] == ["specificity"]
    upside_down = measured("auc", Estimate(0.3, (0.2, 0.4), "DeLong"))
    assert "ranks the other class" in inspect_measured([upside_down])[0].sentence


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        ("sensitivity", {"cut": None}, "needs a threshold"),
        ("auc", {}, "has no threshold"),
        ("sensitivity", {"positive_class": " "}, "of which class"),
        ("sensitivity", {"positives": 101}, "101 positives of 100"),
        ("dynamic_auc", {"cut": None}, "needs a horizon"),
        ("youden", {}, "no such metric"),
        ("sensitivity", {"estimate": Estimate(0.5, (0.4, 0.6), "")}, "how was the interval made"),
        ("sensitivity", {"estimate": Estimate(1.5, (1.4, 1.6), "Wilson")}, "is a share"),
        ("sensitivity", {"estimate": Estimate(0.5, (0.6, 0.4), "Wilson")}, "0.6 to 0.4"),
    ],
)
def test_a_metric_without_what_it_is_about_cannot_exist(name: str, change: dict[str, object], text: str) -> None:
    whole: dict[str, object] = {
        "name": name,
        "positive_class": "pCR",
        "unit": "patient",
        "n": 100,
        "positives": 40,
        "estimate": proportion(30, 40),
        "cut": Cut(0.4, "the paper's table 4"),
    }
    with pytest.raises(ValueError, match=text):
        Metric(**{**whole, **change})  # type: ignore[arg-type]


def test_a_threshold_names_its_source_and_a_metric_says_everything() -> None:
    with pytest.raises(ValueError, match="with a source"):
        Cut(0.4, "")
    one = Metric("sensitivity", "pCR", "patient", 100, 40, proportion(30, 40), Cut(0.4, "Youden, out-of-fold"))
    assert one.sentence() == (
        "sensitivity for pCR: 0.750 (0.598 to 0.858; Wilson score, 95 %), 40 of 100 by patient, "
        "threshold 0.4 (Youden, out-of-fold)"
    )


def test_a_file_that_is_no_table_is_refused() -> None:
    for text in ("x = [", 'source = "s"', 'source = "s"\nunit = "image"\n[rows]\na = [2.0]'):
        with pytest.raises(InvalidInputError):
            read_reported(text)
