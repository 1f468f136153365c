"""ER and HER2 out of presence, percentage, score, hybridisation and interpretation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.domain.facts import Fact
from shared.domain.facts import FactName as F
from shared.domain.prediction import NotAnalysedReason
from shared.predictors.ln_pcr.receptors import read_er, read_her2
from shared.predictors.readings import Missing, Read, Refusal

Make = Callable[..., Fact]
CONTRADICTING, UNUSABLE = NotAnalysedReason.CONTRADICTING_INPUT, NotAnalysedReason.UNUSABLE_INPUT


def er(fact: Make, presence: str, percent: str) -> Read | Missing:
    rows = {F.ESTROGEN_RECEPTOR: presence, F.ESTROGEN_RECEPTOR_PERCENT: percent}
    return read_er([fact(name, value) for name, value in rows.items() if value])


def her2(fact: Make, score: str, ish: str, interpretation: str) -> Read | Missing:
    rows = {F.HER2_IHC_SCORE: score, F.HER2_ISH: ish, F.HER2_INTERPRETATION: interpretation}
    return read_her2([fact(name, value) for name, value in rows.items() if value])


@pytest.mark.parametrize(
    ("presence", "percent", "level"),
    [
        ("positive", "", "positive"), ("negative", "", "negative"), ("", "90", "positive"), ("", "0", "negative"),
        ("", "0.5", "negative"), ("", "1", "positive"), ("positive", "1", "positive"), ("negative", "0.9", "negative"),
    ],
)  # fmt: skip
def test_er_is_read_from_presence_or_percentage(fact: Make, presence: str, percent: str, level: str) -> None:
    read = er(fact, presence, percent)

    assert isinstance(read, Read)
    assert read.level == level


@pytest.mark.parametrize(("presence", "percent"), [("positive", "0"), ("negative", "1"), ("negative", "80")])
def test_er_presence_and_percentage_that_disagree_are_refused(fact: Make, presence: str, percent: str) -> None:
    with pytest.raises(Refusal) as refusal:
        er(fact, presence, percent)
    assert refusal.value.reason is CONTRADICTING
    assert refusal.value.text == f"ER is reported as {presence} and as {percent} % of nuclei stained"


@pytest.mark.parametrize(
    ("presence", "percent"), [("equivocal", ""), ("", "101"), ("", "-1"), ("", "NaN"), ("", "many"), ("", "Infinity")]
)
def test_er_that_says_nothing_is_unusable(fact: Make, presence: str, percent: str) -> None:
    with pytest.raises(Refusal) as refusal:
        er(fact, presence, percent)
    assert refusal.value.reason is UNUSABLE


@pytest.mark.parametrize("percent", ["1", "5.0", "10"])
def test_one_to_ten_percent_is_noted_as_low_positive(fact: Make, percent: str) -> None:
    read = er(fact, "positive", percent)

    assert isinstance(read, Read)
    assert read.notes[0].startswith("ER low positive")


@pytest.mark.parametrize(
    ("score", "ish", "interpretation", "level"),
    [
        ("0", "", "", "0"), ("0", "", "negative", "0"), ("0", "negative", "negative", "0"),
        ("1+", "", "", "low"), ("1+", "", "negative", "low"), ("1+", "", "low", "low"),
        ("2+", "negative", "", "low"), ("2+", "negative", "negative", "low"), ("2+", "negative", "equivocal", "low"),
        ("2+", "positive", "", "3"), ("2+", "positive", "positive", "3"),
        ("3+", "", "", "3"), ("3+", "", "positive", "3"), ("3+", "positive", "positive", "3"),
        ("", "", "positive", "3"), ("", "", "low", "low"), ("", "", "negative", "negative"),
        ("", "positive", "", "3"), ("", "negative", "", "negative"), ("", "positive", "equivocal", "3"),
    ],
)  # fmt: skip
def test_her2_is_read(fact: Make, score: str, ish: str, interpretation: str, level: str) -> None:
    read = her2(fact, score, ish, interpretation)

    assert isinstance(read, Read)
    assert read.level == level


@pytest.mark.parametrize(
    ("score", "ish", "interpretation"),
    [
        ("0", "", "positive"), ("0", "", "low"), ("1+", "", "positive"), ("3+", "", "negative"), ("3+", "", "low"),
        ("2+", "negative", "positive"), ("2+", "positive", "negative"), ("3+", "negative", ""), ("0", "positive", ""),
        ("1+", "positive", "low"), ("", "positive", "negative"), ("", "negative", "positive"), ("", "positive", "low"),
        ("0", "", "equivocal"), ("3+", "", "equivocal"),
    ],
)  # fmt: skip
def test_her2_that_contradicts_itself_is_refused(fact: Make, score: str, ish: str, interpretation: str) -> None:
    with pytest.raises(Refusal) as refusal:
        her2(fact, score, ish, interpretation)
    assert refusal.value.reason is CONTRADICTING


@pytest.mark.parametrize(
    ("score", "ish", "interpretation"),
    [("", "", "equivocal"), ("indeterminate", "", ""), ("2+", "equivocal", ""), ("", "equivocal", "negative")],
)
def test_her2_that_nobody_decided_is_unusable(fact: Make, score: str, ish: str, interpretation: str) -> None:
    with pytest.raises(Refusal) as refusal:
        her2(fact, score, ish, interpretation)
    assert refusal.value.reason is UNUSABLE


@pytest.mark.parametrize("interpretation", ["", "equivocal", "positive", "negative"])
def test_her2_2plus_waits_for_in_situ_hybridisation(fact: Make, interpretation: str) -> None:
    assert her2(fact, "2+", "", interpretation) == Missing("HER2 in situ hybridisation (IHC is 2+)")


def test_no_receptor_at_all_is_missing(fact: Make) -> None:
    assert read_er([]) == Missing("ER")
    assert read_her2([]) == Missing("HER2")
