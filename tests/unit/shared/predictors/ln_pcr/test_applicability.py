"""Who may be asked about: the paper's own exclusions, and nothing guessed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.domain.facts import UNCLASSIFIED_MEDICATION, UNKNOWN_MEDICATION, FactStatus, Tumour
from shared.domain.facts import FactName as F
from shared.domain.identity import Side
from shared.domain.prediction import NotAnalysed, NotAnalysedReason
from shared.predictors.contract import Ready, Waiting
from shared.predictors.registry import STUDY_PREDICTORS

LN_PCR = STUDY_PREDICTORS["ln_pcr"]
LEFT_CANCER = Tumour("Condition/left", Side.LEFT)
RIGHT_CANCER = Tumour("Condition/right", Side.RIGHT)
NO_THERAPY = "start of therapy unknown: no cancer therapy is on record among what could be read"
BEFORE, SAME_DAY, AFTER = date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 6)


def ready(answer: Any) -> Ready:
    assert isinstance(answer, Ready), answer
    return answer


def refused(answer: Any) -> tuple[NotAnalysedReason, str]:
    assert isinstance(answer, NotAnalysed), answer
    return answer.reason, answer.text


def test_a_breast_mr_study_is_its_business(make: Any) -> None:
    assert LN_PCR.not_applicable(make.study()) == ""


def test_an_mr_study_of_breast_and_chest_is_its_business(make: Any) -> None:
    assert LN_PCR.not_applicable(make.study(body_part="BREAST\\CHEST")) == ""


def test_an_mr_study_of_an_unnamed_body_part_is_its_business(make: Any) -> None:
    assert LN_PCR.not_applicable(make.study(body_part="")) == ""


def test_a_brain_mr_is_none_of_its_business(make: Any) -> None:
    assert LN_PCR.not_applicable(make.study(body_part="BRAIN")) == "MR of another body part (BRAIN)"


@pytest.mark.parametrize("modalities", [("SR",), ("SEG",), ("SR", "SEG"), ("MG",), ()])
def test_a_study_without_mr_images_is_none_of_its_business(make: Any, modalities: tuple[str, ...]) -> None:
    assert LN_PCR.not_applicable(make.study(modalities=modalities)) == "no MR images"


def test_an_mr_spectroscopy_alone_is_no_image(make: Any) -> None:
    study = make.study(sop_class="1.2.840.10008.5.1.4.1.1.4.2")

    assert LN_PCR.not_applicable(study) == "no MR images"


def test_complete_facts_are_ready_and_name_the_facts_they_come_from(make: Any) -> None:
    facts = make.complete()
    found = ready(LN_PCR.assess(make.study(), make.record(*facts)))

    assert {pinned.name: pinned.value for pinned in found.inputs} == {"er": "positive", "her2": "0", "t": "3"}
    assert [pinned.facts for pinned in found.inputs] == [(facts[0].fact_id,), (facts[1].fact_id,), (facts[2].fact_id,)]
    assert set(found.facts) == set(facts)
    assert (found.variant, found.side) == ("clinical_dlr", Side.LEFT)  # the richest: images are judged by a worker
    assert found.others == ("clinical_radiomics", "clinical")


def test_an_unknown_start_of_therapy_is_named(make: Any) -> None:
    found = ready(LN_PCR.assess(make.study(), make.record(*make.complete())))

    assert found.notes == ("start of therapy unknown: no cancer therapy is on record among what could be read",)


def test_everything_missing_is_named_in_one_sentence(make: Any) -> None:
    facts = make.complete(without=(F.HER2_IHC_SCORE, F.CLINICAL_T))
    waiting = LN_PCR.assess(make.study(), make.record(*facts))

    assert isinstance(waiting, Waiting)
    assert waiting.missing == ("HER2", "clinical T")
    assert waiting.refusal.reason is NotAnalysedReason.MISSING_INPUT
    assert waiting.refusal.text == "missing: HER2, clinical T"
    assert [(used.name, used.value) for used in waiting.refusal.inputs] == [("er", "positive")]


def test_a_missing_n_category_is_missing_not_negative(make: Any) -> None:
    waiting = LN_PCR.assess(make.study(), make.record(*make.complete(without=(F.CLINICAL_N,))))

    assert isinstance(waiting, Waiting)
    assert waiting.missing == ("clinical N",)


def test_without_a_breast_cancer_on_record_the_case_waits_for_one(make: Any) -> None:
    waiting = LN_PCR.assess(make.study(), make.record(*make.complete(), tumours=()))

    assert isinstance(waiting, Waiting)
    assert waiting.missing == ("a primary breast cancer on record",)


def test_a_node_negative_patient_is_refused_even_when_other_inputs_are_missing(make: Any) -> None:
    reason, text = refused(LN_PCR.assess(make.study(), make.record(make.fact(F.CLINICAL_N, "N0"))))

    assert reason is NotAnalysedReason.NOT_NODE_POSITIVE
    assert "cN0" in text


def test_jenny_m_is_refused_as_published_and_scored_with_n1(make: Any) -> None:
    # HL7 mCODE example: ER positive, HER2 negative, cT3 cN0, one cancer; its staging names no tumour.
    rows = {F.ESTROGEN_RECEPTOR: "positive", F.HER2_INTERPRETATION: "negative", F.CLINICAL_T: "T3"}
    facts = [make.fact(name, value) for name, value in rows.items()]
    as_published = make.record(*facts, make.fact(F.CLINICAL_N, "N0"))
    changed = make.record(*facts, make.fact(F.CLINICAL_N, "N1"))

    assert refused(LN_PCR.assess(make.study(), as_published))[0] is NotAnalysedReason.NOT_NODE_POSITIVE
    found = ready(LN_PCR.assess(make.study(), changed))
    assert {pinned.name: pinned.value for pinned in found.inputs} == {"er": "positive", "her2": "negative", "t": "3"}


def test_nx_is_unusable(make: Any) -> None:
    facts = [*make.complete(without=(F.CLINICAL_N,)), make.fact(F.CLINICAL_N, "NX")]

    assert refused(LN_PCR.assess(make.study(), make.record(*facts)))[0] is NotAnalysedReason.UNUSABLE_INPUT


@pytest.mark.parametrize(("value", "word"), [("TX", "cannot be assessed"), ("T0", "T0"), ("Tis", "in situ")])
def test_a_t_category_outside_the_model_is_unusable(make: Any, value: str, word: str) -> None:
    facts = [*make.complete(without=(F.CLINICAL_T,)), make.fact(F.CLINICAL_T, value)]
    reason, text = refused(LN_PCR.assess(make.study(), make.record(*facts)))

    assert reason is NotAnalysedReason.UNUSABLE_INPUT
    assert word in text


@pytest.mark.parametrize("therapy", ["chemotherapy", "endocrine", "her2", "radiotherapy", "surgery", "other"])
def test_any_therapy_before_the_images_is_refused_with_class_and_date(make: Any, therapy: str) -> None:
    record = make.record(make.fact(F.THERAPY, therapy, day=BEFORE))
    reason, text = refused(LN_PCR.assess(make.study(), record))

    assert reason is NotAnalysedReason.THERAPY_BEFORE_IMAGES
    assert therapy in text
    assert "2024-05-01" in text


def test_therapy_on_the_day_of_the_images_is_answered_and_noted(make: Any) -> None:
    record = make.record(*make.complete(), make.fact(F.THERAPY, "chemotherapy", day=SAME_DAY))
    found = ready(LN_PCR.assess(make.study(), record))

    assert found.notes == ("chemotherapy began on the day of the images; the order on that day is unknown",)


def test_therapy_after_the_images_is_pinned_as_the_evidence_it_is(make: Any) -> None:
    therapy = make.fact(F.THERAPY, "chemotherapy", day=AFTER)
    found = ready(LN_PCR.assess(make.study(), make.record(*make.complete(), therapy)))

    assert therapy in found.facts
    assert found.notes == ()


def test_a_medication_nobody_can_read_from_before_the_images_is_refused(make: Any) -> None:
    record = make.record(*make.complete(), make.fact(F.THERAPY, UNKNOWN_MEDICATION, day=BEFORE))
    reason, text = refused(LN_PCR.assess(make.study(), record))

    assert reason is NotAnalysedReason.UNUSABLE_INPUT
    assert text.startswith("a medication on record could not be read: it began on 2024-05-01")


def test_a_therapy_before_the_images_is_named_rather_than_what_cannot_be_read(make: Any) -> None:
    unread = make.fact(F.THERAPY, UNKNOWN_MEDICATION, day=date(2024, 1, 1))
    record = make.record(unread, make.fact(F.THERAPY, "chemotherapy", day=BEFORE))

    assert refused(LN_PCR.assess(make.study(), record))[0] is NotAnalysedReason.THERAPY_BEFORE_IMAGES


@pytest.mark.parametrize("day", [SAME_DAY, AFTER])
def test_a_medication_nobody_can_read_from_the_images_on_is_named_in_a_note(make: Any, day: date) -> None:
    record = make.record(*make.complete(), make.fact(F.THERAPY, UNKNOWN_MEDICATION, day=day))

    assert ready(LN_PCR.assess(make.study(), record)).notes == (
        NO_THERAPY,
        f"medications that could not be read and may be cancer therapy: 1, from {day.isoformat()} on",
    )


def test_everyday_medications_block_nothing_and_are_counted(make: Any) -> None:
    everyday = [make.fact(F.THERAPY, UNCLASSIFIED_MEDICATION, day=day) for day in (BEFORE, SAME_DAY, AFTER)]
    found = ready(LN_PCR.assess(make.study(), make.record(*make.complete(), *everyday)))

    assert found.notes == (
        NO_THERAPY,
        "medications of unknown kind begun by the day of the images, not taken for therapy: 2",
    )
    assert not set(everyday) & set(found.facts)


def test_an_everyday_medication_after_the_images_changes_no_note(make: Any) -> None:
    facts = make.complete()
    later = make.fact(F.THERAPY, UNCLASSIFIED_MEDICATION, day=AFTER)

    assert ready(LN_PCR.assess(make.study(), make.record(*facts, later))).notes == (NO_THERAPY,)


def test_medications_that_cannot_be_told_start_no_therapy(make: Any) -> None:
    unread = [make.fact(F.THERAPY, value, day=SAME_DAY) for value in (UNKNOWN_MEDICATION, UNCLASSIFIED_MEDICATION)]
    facts = [*make.complete(without=(F.HER2_IHC_SCORE,)), make.fact(F.HER2_IHC_SCORE, "0", day=AFTER)]

    assert ready(LN_PCR.assess(make.study(), make.record(*facts, *unread))).inputs


def test_facts_dated_after_the_start_of_therapy_are_not_used_and_named(make: Any) -> None:
    late = make.fact(F.HER2_IHC_SCORE, "0", day=date(2024, 9, 1))
    therapy = make.fact(F.THERAPY, "chemotherapy", day=AFTER)
    facts = [*make.complete(without=(F.HER2_IHC_SCORE,)), late, therapy]
    waiting = LN_PCR.assess(make.study(), make.record(*facts))

    assert isinstance(waiting, Waiting)
    assert waiting.refusal.text == ("missing: HER2 (not used, dated after therapy began on 2024-05-06: HER2 IHC score)")


def test_images_without_a_date_are_refused(make: Any) -> None:
    reason, text = refused(LN_PCR.assess(make.study(day=None), make.record(*make.complete())))

    assert reason is NotAnalysedReason.UNUSABLE_INPUT
    assert "study date" in text


def test_two_tumours_and_facts_without_side_are_refused(make: Any) -> None:
    record = make.record(*make.complete(), tumours=(LEFT_CANCER, RIGHT_CANCER))
    reason, text = refused(LN_PCR.assess(make.study(), record))

    assert reason is NotAnalysedReason.AMBIGUOUS_TUMOUR
    assert "two tumours" in text


def test_of_two_tumours_the_one_on_the_side_of_the_images_is_scored(make: Any) -> None:
    left = make.complete(tumour=LEFT_CANCER)
    right = [make.fact(F.ESTROGEN_RECEPTOR, "negative", tumour=RIGHT_CANCER)]
    record = make.record(*left, *right, tumours=(LEFT_CANCER, RIGHT_CANCER))
    found = ready(LN_PCR.assess(make.study(side=Side.LEFT), record))

    assert found.inputs[0].value == "positive"
    assert found.side is Side.LEFT


@pytest.mark.parametrize("side", [None, Side.BOTH])
def test_two_tumours_and_images_of_no_one_side_are_refused(make: Any, side: Side | None) -> None:
    record = make.record(*make.complete(tumour=LEFT_CANCER), tumours=(LEFT_CANCER, RIGHT_CANCER))

    assert refused(LN_PCR.assess(make.study(side=side), record))[0] is NotAnalysedReason.AMBIGUOUS_TUMOUR


def test_two_tumours_in_the_same_breast_are_refused(make: Any) -> None:
    second = Tumour("Condition/left-2", Side.LEFT)
    record = make.record(*make.complete(tumour=LEFT_CANCER), tumours=(LEFT_CANCER, second))

    assert refused(LN_PCR.assess(make.study(), record))[0] is NotAnalysedReason.AMBIGUOUS_TUMOUR


def test_a_bilateral_condition_is_two_tumours(make: Any) -> None:
    record = make.record(*make.complete(), tumours=(Tumour("Condition/1", Side.BOTH),))

    assert refused(LN_PCR.assess(make.study(), record))[0] is NotAnalysedReason.AMBIGUOUS_TUMOUR


def test_images_of_the_other_side_are_a_side_conflict(make: Any) -> None:
    reason, text = refused(LN_PCR.assess(make.study(side=Side.RIGHT), make.record(*make.complete())))

    assert reason is NotAnalysedReason.SIDE_CONFLICT
    assert "right" in text
    assert "left" in text


def test_facts_of_the_other_breast_reveal_a_second_tumour(make: Any) -> None:
    stray = make.fact(F.ESTROGEN_RECEPTOR, "negative", tumour=Tumour("", Side.RIGHT))
    record = make.record(*make.complete(), stray)

    assert refused(LN_PCR.assess(make.study(), record))[0] is NotAnalysedReason.AMBIGUOUS_TUMOUR


def test_facts_that_name_two_sides_are_two_tumours_even_under_one_condition(make: Any) -> None:
    facts = [
        make.fact(F.ESTROGEN_RECEPTOR, "positive", tumour=Tumour("", Side.LEFT)),
        make.fact(F.HER2_IHC_SCORE, "0", tumour=Tumour("", Side.RIGHT)),
    ]
    record = make.record(*facts, tumours=(Tumour("Condition/1"),))
    waiting = LN_PCR.assess(make.study(side=Side.LEFT), record)

    assert refused(LN_PCR.assess(make.study(side=None), record))[0] is NotAnalysedReason.AMBIGUOUS_TUMOUR
    assert isinstance(waiting, Waiting)
    assert "HER2" in waiting.missing


def test_a_bilateral_study_takes_the_side_of_the_only_tumour(make: Any) -> None:
    assert ready(LN_PCR.assess(make.study(side=Side.BOTH), make.record(*make.complete()))).side is Side.LEFT


def test_an_unknown_side_is_said_and_not_guessed(make: Any) -> None:
    record = make.record(*make.complete(), tumours=(Tumour("Condition/1"),))
    found = ready(LN_PCR.assess(make.study(side=None), record))

    assert found.side is None
    assert "side of the tumour unknown: neither the images nor the record name it" in found.notes


def test_a_preliminary_fact_is_used_and_noted(make: Any) -> None:
    early = make.fact(F.CLINICAL_T, "T2", status=FactStatus.PRELIMINARY)
    found = ready(LN_PCR.assess(make.study(), make.record(*make.complete(without=(F.CLINICAL_T,)), early)))

    assert "clinical T is preliminary" in found.notes


def test_a_correction_of_the_same_fact_replaces_it(make: Any) -> None:
    day = date(2024, 4, 20)
    first = make.fact(F.CLINICAL_T, "T2", day=day, fact_id="t")
    corrected = make.fact(
        F.CLINICAL_T,
        "T4",
        day=day,
        fact_id="t",
        status=FactStatus.CORRECTED,
        recorded=first.recorded_time.replace(hour=12),
    )
    record = make.record(*make.complete(without=(F.CLINICAL_T,)), corrected, first)

    assert ready(LN_PCR.assess(make.study(), record)).inputs[2].value == "4"


def test_two_observations_of_one_day_that_disagree_are_refused(make: Any) -> None:
    facts = [*make.complete(), make.fact(F.ESTROGEN_RECEPTOR, "negative")]
    reason, text = refused(LN_PCR.assess(make.study(), make.record(*facts)))

    assert reason is NotAnalysedReason.CONTRADICTING_INPUT
    assert text == "ER is reported as negative and positive on the same day, 2024-04-20"


def test_a_newer_observation_replaces_an_older_one_and_says_so(make: Any) -> None:
    newer = make.fact(F.CLINICAL_T, "T4", day=date(2024, 4, 28))
    found = ready(LN_PCR.assess(make.study(), make.record(*make.complete(), newer)))

    assert found.inputs[2].value == "4"
    assert "clinical T was T3 on 2024-04-20; the newer T4 is used" in found.notes
