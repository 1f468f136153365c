"""The answer: right event, right direction, everything a reader must know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bundles.catalog import installed_catalog
from shared.domain.case import PinnedInput, Pins
from shared.domain.errors import InvalidInputError
from shared.domain.facts import Fact, FactName, FactStatus
from shared.domain.identity import PatientIdentity, Side
from shared.domain.prediction import NotAnalysed, NotAnalysedReason, Prediction
from shared.predictors.ln_pcr.clinical import LEVELS
from shared.predictors.ln_pcr.predictor import LnPcr
from shared.predictors.models import Model

LN_PCR = LnPcr()
MODEL = installed_catalog().open("ln_pcr-clinical-published")
ROWS = st.fixed_dictionaries({name: st.sampled_from(levels) for name, levels in LEVELS.items()})


def score(levels: dict[str, str]) -> float:
    return LN_PCR.answer_levels(levels, MODEL).probability


def pins(**levels: str) -> Pins:
    fact = Fact(
        "er-1", FactName.ESTROGEN_RECEPTOR, "positive", "", None, date(2024, 4, 20),
        datetime(2024, 4, 21, tzinfo=UTC), FactStatus.FINAL, "Observation/er", "7",
    )  # fmt: skip
    inputs = tuple(PinnedInput(name, value, ("er-1",) if name == "er" else ()) for name, value in levels.items())
    return Pins(
        PatientIdentity("hospital", "P1"), "1.2.3", date(2024, 5, 2), Side.LEFT, "clinical",
        MODEL.reference.bundle_id, MODEL.reference.digest, inputs, (fact,), (), datetime(2024, 5, 3, tzinfo=UTC),
        ("start of therapy unknown: no cancer therapy is on record among what could be read",),
    )  # fmt: skip


def answered(**levels: str) -> Prediction:
    answer = LN_PCR.answer(pins(**levels), MODEL)
    assert isinstance(answer, Prediction)
    return answer


@given(ROWS)
def test_a_probability_and_its_complement_lie_between_0_and_1_and_sum_to_1(levels: dict[str, str]) -> None:
    answer = LN_PCR.answer_levels(levels, MODEL)

    assert 0.0 <= answer.probability <= 1.0
    assert answer.probability + answer.complement == 1.0


@given(ROWS)
def test_er_positive_makes_axillary_pcr_less_likely(levels: dict[str, str]) -> None:
    assert score({**levels, "er": "positive"}) < score({**levels, "er": "negative"})


@given(ROWS)
def test_her2_positive_makes_axillary_pcr_likelier_and_her2_low_less_likely(levels: dict[str, str]) -> None:
    assert score({**levels, "her2": "3"}) > score({**levels, "her2": "0"}) > score({**levels, "her2": "low"})


@given(ROWS)
def test_t_is_ordered_as_the_paper_has_it(levels: dict[str, str]) -> None:
    by_t = {t: score({**levels, "t": t}) for t in LEVELS["t"]}

    assert by_t["2"] > by_t["3"] > by_t["1"] > by_t["4"]


def test_the_answer_names_the_event_its_complement_and_that_it_is_good_news() -> None:
    outcome = answered(er="positive", her2="0", t="3").outcome

    assert (outcome.positive_class, outcome.complement_class) == ("axillary_pcr", "residual_nodal_disease")
    assert outcome.favourable


def test_the_answer_shows_source_version_and_date_of_its_inputs() -> None:
    used = answered(er="positive", her2="0", t="3").inputs[0]

    assert (used.name, used.source, used.version, used.effective_date) == ("er", "Observation/er", "7", "2024-04-20")


def test_the_answer_says_demonstration_no_interval_and_what_the_gate_could_not_know() -> None:
    answer = answered(er="positive", her2="0", t="3")

    assert [flag.code for flag in answer.flags] == ["demonstration", "no_interval", "note"]
    assert answer.flags[2].text == "start of therapy unknown: no cancer therapy is on record among what could be read"
    assert answer.interval is None


def test_her2_negative_is_scored_as_0_flagged_and_shown_with_the_probability_under_low() -> None:
    answer = answered(er="positive", her2="negative", t="3")

    assert answer.probability == score({"er": "positive", "her2": "0", "t": "3"})
    assert "her2_negative_not_split" in [flag.code for flag in answer.flags]
    [alternative] = answer.alternatives
    assert alternative.label == "her2=low"
    assert alternative.probability == score({"er": "positive", "her2": "low", "t": "3"})


def test_pins_without_an_input_are_not_analysed() -> None:
    answer = LN_PCR.answer(pins(er="positive", t="3"), MODEL)

    assert isinstance(answer, NotAnalysed)
    assert answer.reason is NotAnalysedReason.UNUSABLE_INPUT


@pytest.mark.parametrize(
    ("levels", "sentence"),
    [
        ({"er": "maybe", "her2": "0", "t": "3"}, "er: must be one of positive, negative; got 'maybe'"),
        ({"er": "positive", "her2": "0"}, "t: must be one of 1, 2, 3, 4; it is missing"),
        ({"er": "positive", "her2": "0", "t": "3", "pr": "positive"}, "pr: is not an input of ln_pcr"),
    ],
)
def test_a_level_that_is_none_is_refused_with_what_is_allowed(levels: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        LN_PCR.answer_levels(levels, MODEL)


class OtherEvent:
    """A model of something else."""

    def __init__(self, model: Model) -> None:
        self.reference, self.runtime, self.precision = model.reference, "", ""
        self.outcome = replace(model.outcome, positive_class="residual_nodal_disease")

    def score(self, features: Any) -> float:
        return 0.5

    def scores(self, features: Any) -> tuple[float, ...]:
        return (0.5,)


def test_a_bundle_of_another_event_is_never_read_as_this_one() -> None:
    with pytest.raises(InvalidInputError, match="scores residual_nodal_disease"):
        LN_PCR.answer_levels({"er": "positive", "her2": "0", "t": "3"}, OtherEvent(MODEL))
