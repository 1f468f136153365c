"""What is answered: two risks with intervals, points, flags; and where it is refused, in which words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.domain.errors import InvalidInputError
from shared.domain.facts import FactName, FactStatus
from shared.domain.prediction import IntendedUse, NotAnalysed, NotAnalysedReason
from shared.predictors.hazards.columns import columns
from shared.predictors.hazards.model import Hazards, MeasuredRange, Values
from shared.predictors.hazards.risks import interval, risk
from shared.predictors.lung_metastasis.predictor import LungMetastasis
from shared.testing.cox_model import GOLDEN_ROWS, PrintedModel, lung_hazards, lung_inputs
from tests.unit.shared.predictors.lung_metastasis.conftest import DRAW, Ward

F = FactName
BY_HAND = {"endocrine_therapy_received": "no", "hscrp": "30", "il6": "40", "ifn_alpha": "1", "tnf_alpha": "1"}


def refusal(found: object) -> NotAnalysed:
    assert isinstance(found, NotAnalysed), found
    return found


def test_both_horizons_are_those_of_the_model_with_their_intervals(ward: Ward) -> None:
    answer = ward.predicted(*ward.complete())

    hazards = lung_hazards()
    values: Values = {
        "endocrine_therapy_received": "yes",
        "hscrp": 12.0,
        "il6": 9.0,
        "ifn_alpha": 2.1,
        "tnf_alpha": 1.2,
    }
    row = columns(hazards, values)
    assert [(one.years, one.probability, one.interval) for one in answer.horizons] == [
        (one.years, risk(hazards, one, row), interval(hazards, one, row)) for one in hazards.horizons
    ]
    assert answer.probability == answer.horizons[0].probability
    assert answer.interval == answer.horizons[0].interval
    assert [one.name for one in answer.points] == [one.name for one in lung_inputs()]
    assert answer.outcome.positive_class == "lung_metastasis"
    assert not answer.outcome.favourable


def test_every_input_names_the_value_its_source_and_its_date(ward: Ward) -> None:
    answer = ward.predicted(*ward.complete())

    assert {one.name: (one.value, one.effective_date) for one in answer.inputs}["il6"] == ("9", "2024-05-02")
    assert all(one.source.startswith("Observation/") for one in answer.inputs)


def test_the_answer_says_what_the_paper_does_not(ward: Ward) -> None:
    flags = {flag.code: flag.text for flag in ward.predicted(*ward.complete()).flags}

    assert "does not state when the blood was drawn" in flags["sampling_time"]
    assert "equals luminal status in every cell" in flags["endocrine_or_luminal"]
    assert "simulated patients" in flags["demonstration"]


@pytest.mark.parametrize(("use", "code"), [(IntendedUse.RESEARCH, "research"), (IntendedUse.CLINICAL, None)])
def test_the_intended_use_of_the_bundle_is_flagged(ward: Ward, use: IntendedUse, code: str | None) -> None:
    model = PrintedModel(reference=replace(PrintedModel().reference, intended_use=use))

    codes = {flag.code for flag in ward.predicted(*ward.complete(), model=model).flags}

    assert codes & {"demonstration", "research"} == ({code} if code else set())


def test_the_risk_under_luminal_status_stands_beside_it(ward: Ward) -> None:
    negative = [ward.fact(F.ESTROGEN_RECEPTOR, "negative"), ward.fact(F.PROGESTERONE_RECEPTOR, "negative")]

    answer = ward.predicted(*ward.complete(), *negative)

    (beside,) = answer.alternatives
    assert beside.label == "endocrine_therapy_received=no, read as luminal status (ER and PR negative)"
    assert beside.probability > answer.probability
    denied = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no")
    without = ward.complete(without=(F.ENDOCRINE_THERAPY_RECEIVED,))
    assert ward.predicted(*without, denied).probability == beside.probability


def test_the_risk_without_a_therapy_that_was_only_ordered_stands_beside_it(ward: Ward) -> None:
    order = ward.fact(F.THERAPY, "endocrine", status=FactStatus.PRELIMINARY)

    answer = ward.predicted(*ward.labs(), order)

    (beside,) = answer.alternatives
    assert beside.label == "endocrine therapy was only ordered, not received"
    denied = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no")
    assert beside.probability == ward.predicted(*ward.labs(), denied).probability
    assert answer.probability == ward.predicted(*ward.complete()).probability < beside.probability


def test_both_other_readings_of_an_order_stand_beside_the_risk(ward: Ward) -> None:
    order = ward.fact(F.THERAPY, "endocrine", status=FactStatus.PRELIMINARY)
    positive = ward.fact(F.ESTROGEN_RECEPTOR, "positive")

    labels = [one.label for one in ward.predicted(*ward.labs(), order, positive).alternatives]

    assert len(labels) == 2
    assert labels[0] == "endocrine therapy was only ordered, not received"
    assert "read as luminal status" in labels[1]


def test_a_therapy_that_is_known_to_be_received_has_no_risk_without_it_beside(ward: Ward) -> None:
    order = ward.fact(F.THERAPY, "endocrine", status=FactStatus.PRELIMINARY)
    stated = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "yes", status=FactStatus.PRELIMINARY)
    given = ward.fact(F.THERAPY, "endocrine")

    assert ward.predicted(*ward.labs(), order, given).alternatives == ()
    assert ward.predicted(*ward.labs(), order, stated).alternatives == ()


def test_after_a_no_a_therapy_that_was_given_counts_before_one_that_was_ordered(ward: Ward) -> None:
    denied = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no", day=DRAW - timedelta(days=20))
    order = ward.fact(F.THERAPY, "endocrine", day=DRAW - timedelta(days=10), status=FactStatus.PRELIMINARY)
    given = ward.fact(F.THERAPY, "endocrine", day=DRAW - timedelta(days=5))

    assert len(ward.predicted(*ward.labs(), denied, order).alternatives) == 1
    assert ward.predicted(*ward.labs(), denied, order, given).alternatives == ()


def test_a_refused_horizon_is_passed_on_with_its_reason_and_the_other_is_given(ward: Ward) -> None:
    answer = ward.predicted(*ward.complete(), model=PrintedModel(hazards=lung_hazards(ten_years=False)))

    five, ten = answer.horizons
    assert five.probability == answer.probability
    assert (ten.years, ten.probability, ten.interval) == (10, None, None)
    assert ten.refused == "3 patients were still followed at 10 years; 10 are needed"
    assert any(flag.code == "horizon_refused" and "10 years" in flag.text for flag in answer.flags)


def test_where_only_the_later_horizon_is_given_it_is_the_probability(ward: Ward) -> None:
    five, ten = lung_hazards().horizons
    refused = replace(five, baseline_cumulative_hazard=None, covariance=(), refused="too few events")
    model = PrintedModel(hazards=Hazards(lung_hazards().columns, (refused, ten)))

    answer = ward.predicted(*ward.complete(), model=model)

    assert [one.probability is None for one in answer.horizons] == [True, False]
    assert answer.probability == answer.horizons[1].probability


def test_where_every_horizon_is_refused_nothing_is_answered(ward: Ward) -> None:
    ten = lung_hazards(ten_years=False).horizons[1]

    answer = refusal(ward.answer(*ward.complete(), model=PrintedModel(hazards=Hazards(lung_hazards().columns, (ten,)))))

    assert answer.reason is NotAnalysedReason.HORIZON_NOT_SUPPORTED
    assert answer.text == "10 years: 3 patients were still followed at 10 years; 10 are needed"


def test_without_a_covariance_there_is_no_interval_and_a_flag_says_why(ward: Ward) -> None:
    hazards = Hazards(lung_hazards().columns, tuple(replace(one, covariance=()) for one in lung_hazards().horizons))

    answer = ward.predicted(*ward.complete(), model=PrintedModel(hazards=hazards))

    assert answer.interval is None
    assert "no_interval" in {flag.code for flag in answer.flags}


@pytest.mark.parametrize(("name", "value"), [(F.HSCRP, "60.1"), (F.HSCRP, "0.05"), (F.TNF_ALPHA, "3000")])
def test_a_value_outside_the_range_is_not_extrapolated(ward: Ward, name: FactName, value: str) -> None:
    answer = refusal(ward.answer(*ward.complete(without=(name,)), ward.fact(name, value)))

    assert answer.reason is NotAnalysedReason.OUT_OF_DISTRIBUTION
    assert "outside the range the model has seen" in answer.text
    assert f"is {value} " in answer.text
    assert len(answer.inputs) == 5


def test_every_value_outside_is_named_with_the_range_and_the_paper_s_cut(ward: Ward) -> None:
    outside = [ward.fact(F.HSCRP, "75"), ward.fact(F.IL6, "130")]

    answer = refusal(ward.answer(*ward.complete(without=(F.HSCRP, F.IL6)), *outside))

    assert answer.text == (
        "hsCRP is 75 mg/L, outside the range the model has seen (0.1 to 60 mg/L); the paper's own cut is 16.8 mg/L, "
        "which is no limit of this model; IL-6 is 130 pg/mL, outside the range the model has seen (0.75 to 120 pg/mL); "
        "the paper's own cut is 16.19 pg/mL, which is no limit of this model"
    )


@pytest.mark.parametrize("name", [F.HSCRP, F.IL6, F.IFN_ALPHA, F.TNF_ALPHA])
def test_the_ends_of_the_range_are_inside(ward: Ward, name: FactName) -> None:
    seen = {F.HSCRP: "60", F.IL6: "120", F.IFN_ALPHA: "12", F.TNF_ALPHA: "9"}[name]

    assert ward.predicted(*ward.complete(without=(name,)), ward.fact(name, seen)).horizons


@pytest.mark.parametrize("comparator", ["<", "<="])
def test_below_the_limit_of_detection_counts_as_half_of_it_and_a_note_says_so(ward: Ward, comparator: str) -> None:
    below = ward.fact(F.IL6, "1.5", comparator=comparator)
    half = ward.fact(F.IL6, "0.75")

    answer = ward.predicted(*ward.complete(without=(F.IL6,)), below)

    assert answer.probability == ward.predicted(*ward.complete(without=(F.IL6,)), half).probability
    assert any(
        flag.text == f"IL-6 ({comparator}1.5 pg/mL) is below the limit of detection of 1.5 pg/mL and counted as half "
        "of it, 0.75 pg/mL, as in training"
        for flag in answer.flags
    )


def test_a_number_below_the_limit_of_detection_counts_as_half_of_it_too(ward: Ward) -> None:
    number = ward.predicted(*ward.complete(without=(F.IL6,)), ward.fact(F.IL6, "1.2"))
    limit = ward.predicted(*ward.complete(without=(F.IL6,)), ward.fact(F.IL6, "1.5", comparator="<"))

    assert number.probability == limit.probability


@pytest.mark.parametrize(
    ("name", "value", "comparator", "said"),
    [
        (F.IL6, "2.5", "<", "IL-6 is given only as <2.5 pg/mL, and the model knows 1.5 pg/mL as the only limit"),
        (F.HSCRP, "0.2", "<", "hsCRP is given only as <0.2 mg/L, and the model was made without such limits"),
        (F.HSCRP, "50", ">", "hsCRP is given only as >50 mg/L, and the model was made without such limits"),
    ],
)
def test_another_limit_cannot_be_used(ward: Ward, name: FactName, value: str, comparator: str, said: str) -> None:
    censored = ward.fact(name, value, comparator=comparator)

    answer = refusal(ward.answer(*ward.complete(without=(name,)), censored))

    assert answer.reason is NotAnalysedReason.UNUSABLE_INPUT
    assert answer.text == said


def test_above_a_limit_beyond_the_range_is_outside_it(ward: Ward) -> None:
    above = ward.fact(F.HSCRP, "80", comparator=">")

    answer = refusal(ward.answer(*ward.complete(without=(F.HSCRP,)), above))

    assert answer.reason is NotAnalysedReason.OUT_OF_DISTRIBUTION
    assert "hsCRP is >80 mg/L, outside" in answer.text


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (PrintedModel(outcome=replace(PrintedModel().outcome, positive_class="death")), "scores death"),
        (PrintedModel(hazards=None), "holds no Cox model"),  # type: ignore[arg-type]  # as a logistic bundle is
        (PrintedModel(inputs=lung_inputs()[1:]), "exactly the inputs"),
        (
            PrintedModel(inputs=(*lung_inputs()[:4], replace(lung_inputs()[4], range=MeasuredRange("ng/L", 0, 9)))),
            "does not take tnf_alpha in pg/mL",
        ),
    ],
)
def test_a_bundle_that_is_not_this_nomogram_is_refused(ward: Ward, model: PrintedModel, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        ward.answer(*ward.complete(), model=model)


def test_a_person_may_type_the_values() -> None:
    answer = LungMetastasis().answer_levels(BY_HAND, PrintedModel())

    assert {one.name: one.value for one in answer.inputs} == BY_HAND
    assert not answer.alternatives
    assert any("entered by hand" in flag.text for flag in answer.flags)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hscrp": ""}, "hscrp: is missing"),
        ({"hscrp": "12,5"}, "hscrp: must be a number such as 12.5"),
        ({"hscrp": "nan"}, "hscrp: must be a number"),
        ({"hscrp": "-1"}, "hscrp: must be a number"),
        ({"hscrp": "61"}, "hscrp: is 61 mg/L, outside the range the model has seen"),
        ({"endocrine_therapy_received": "maybe"}, "must be one of yes, no; got 'maybe'"),
        ({"age": "50"}, "age: is not an input of this model; its inputs are endocrine_therapy_received, hscrp"),
    ],
)
def test_what_a_person_typed_wrong_is_told(change: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInputError, match=said.replace("(", r"\(")):
        LungMetastasis().answer_levels({**BY_HAND, **change}, PrintedModel())


def test_the_golden_rows_of_the_test_model_are_inside_its_range() -> None:
    assert all(LungMetastasis().answer_levels(row, PrintedModel()).horizons for row in GOLDEN_ROWS)
