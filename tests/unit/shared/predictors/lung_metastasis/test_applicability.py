"""Who is asked about, which values make one draw, and what a person reads where nothing is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.facts import FactName, FactStatus
from shared.domain.identity import Demographics, Sex
from shared.domain.prediction import NotAnalysed, NotAnalysedReason
from shared.predictors import REGISTRY
from shared.predictors.contract import ByHand, Overtaken, PanelPredictor, Ready
from shared.predictors.lung_metastasis.draw import DrawWindow
from tests.unit.shared.predictors.lung_metastasis.conftest import ARRIVED, DRAW, Assessed, Ward

F = FactName
DAY = timedelta(days=1)
NOT_PROVEN = "not on record, which does not prove absence: lung metastasis, active infection, rheumatic disease"
NO_LUMINAL = "luminal status (ER and PR) unknown: no risk under it can be shown beside"


def test_it_is_registered_as_a_predictor_of_panels_that_a_person_can_ask() -> None:
    lung = REGISTRY["lung_metastasis"]

    assert isinstance(lung, PanelPredictor)
    assert isinstance(lung, ByHand)
    assert lung.takes == "panel"
    assert lung.analytes == {F.HSCRP, F.IL6, F.IFN_ALPHA, F.TNF_ALPHA}
    assert lung.levels["endocrine_therapy_received"] == ("yes", "no")
    assert lung.levels["hscrp"] == ()


def test_five_inputs_of_one_draw_are_ready_with_the_facts_they_were_read_from(ward: Ward) -> None:
    facts = ward.complete()

    ready = ward.ready(*facts)

    assert {one.name: one.value for one in ready.inputs} == {
        "endocrine_therapy_received": "yes", "hscrp": "12", "il6": "9", "ifn_alpha": "2.1", "tnf_alpha": "1.2",
    }  # fmt: skip
    assert set(ready.facts) == set(facts)
    assert ready.notes == (NOT_PROVEN, NO_LUMINAL)


@pytest.mark.parametrize("name", [F.HSCRP, F.IL6, F.IFN_ALPHA, F.TNF_ALPHA])
def test_a_missing_value_is_waited_for_and_named(ward: Ward, name: FactName) -> None:
    label = {F.HSCRP: "hsCRP", F.IL6: "IL-6", F.IFN_ALPHA: "IFN-α", F.TNF_ALPHA: "TNF-α"}[name]

    waiting = ward.waiting(*ward.complete(without=(name,)))

    assert waiting.missing == (label,)
    assert waiting.refusal.reason is NotAnalysedReason.MISSING_INPUT
    assert waiting.refusal.text == f"missing: {label}"
    assert len(waiting.refusal.inputs) == 4


def test_no_record_of_endocrine_therapy_is_not_a_no(ward: Ward) -> None:
    waiting = ward.waiting(*ward.labs())

    assert waiting.missing == ("whether endocrine therapy was received",)


def test_values_of_a_patient_without_breast_cancer_on_record_are_not_scored(ward: Ward) -> None:
    assert ward.waiting(*ward.complete(), tumours=0).missing == ("a primary breast cancer on record",)


def test_male_is_not_analysed(ward: Ward) -> None:
    refused = ward.refused(*ward.complete(), sex=Sex.MALE)

    assert refused.reason is NotAnalysedReason.NOT_FEMALE
    assert refused.text == "the model was made for women only; the record says male"


def test_male_is_not_analysed_where_only_the_panel_says_so(ward: Ward) -> None:
    panel = replace(ward.panel(), demographics=Demographics(None, Sex.MALE))

    assert ward.refused(*ward.complete(), sex=None, panel=panel).reason is NotAnalysedReason.NOT_FEMALE


@pytest.mark.parametrize("sex", [None, Sex.OTHER])
def test_where_the_sex_is_unknown_nothing_is_answered_and_the_reason_is_the_sex(ward: Ward, sex: Sex | None) -> None:
    waiting = ward.waiting(*ward.complete(), sex=sex)

    assert waiting.missing == ("the patient's sex",)
    assert waiting.refusal.reason is NotAnalysedReason.NOT_FEMALE


@pytest.mark.parametrize(
    ("name", "reason", "what"),
    [
        (F.LUNG_METASTASIS, NotAnalysedReason.ALREADY_METASTATIC, "lung metastasis"),
        (F.ACTIVE_INFECTION, NotAnalysedReason.ACTIVE_INFECTION, "active infection"),
        (F.RHEUMATIC_DISEASE, NotAnalysedReason.RHEUMATIC_DISEASE, "rheumatic disease"),
    ],
)
def test_what_the_paper_excluded_is_not_analysed_even_while_values_are_missing(
    ward: Ward, name: FactName, reason: NotAnalysedReason, what: str
) -> None:
    refused = ward.refused(ward.fact(name, "present", day=DRAW - 3 * DAY))

    assert refused.reason is reason
    assert refused.text == f"{what} is on record since 2024-04-29"


def test_an_infection_after_the_draw_or_over_before_it_excludes_nobody(ward: Ward) -> None:
    later = ward.fact(F.ACTIVE_INFECTION, "present", day=DRAW + DAY)
    over = ward.fact(F.ACTIVE_INFECTION, "present", day=DRAW - 30 * DAY, end_date=DRAW - 20 * DAY)

    assert ward.ready(*ward.complete(), later, over).inputs


def test_a_lung_metastasis_known_on_the_day_of_the_draw_excludes(ward: Ward) -> None:
    known = ward.fact(F.LUNG_METASTASIS, "present")

    assert ward.refused(*ward.complete(), known).reason is NotAnalysedReason.ALREADY_METASTATIC


def test_a_lung_metastasis_known_after_the_draw_leaves_nothing_to_predict_and_undoes_nothing(ward: Ward) -> None:
    facts = ward.complete()
    known = ward.fact(F.LUNG_METASTASIS, "present", day=DRAW + 100 * DAY)

    found = ward.assess(*facts, known)

    assert isinstance(found, Overtaken)
    assert found.refusal.reason is NotAnalysedReason.ALREADY_METASTATIC
    assert found.refusal.text == "lung metastasis is known since 2024-08-10, after the draw: nothing is left to predict"
    assert found.inputs == ward.ready(*facts).inputs


def test_what_a_biopsy_of_the_metastasis_says_about_receptors_undoes_no_risk_before_it(ward: Ward) -> None:
    facts = ward.complete()
    known = ward.fact(F.LUNG_METASTASIS, "present", day=DRAW + 100 * DAY)
    biopsy = ward.fact(F.ESTROGEN_RECEPTOR, "positive", day=DRAW + 101 * DAY)

    found = ward.assess(*facts, known, biopsy)

    assert isinstance(found, Overtaken)
    assert found.inputs == ward.ready(*facts).inputs


def test_values_that_no_longer_suffice_when_a_metastasis_is_known_rest_on_nothing(ward: Ward) -> None:
    known = ward.fact(F.LUNG_METASTASIS, "present", day=DRAW + 100 * DAY)

    found = ward.assess(*ward.complete(without=(F.IL6,)), known)

    assert isinstance(found, Overtaken)
    assert found.inputs == ()


def test_what_is_only_suspected_excludes_and_is_said_to_be_suspected(ward: Ward) -> None:
    suspected = ward.fact(F.LUNG_METASTASIS, "present", day=DRAW - DAY, status=FactStatus.PRELIMINARY)

    assert ward.refused(*ward.complete(), suspected).text == "suspected lung metastasis is on record since 2024-05-01"


def test_two_primary_cancers_are_noted(ward: Ward) -> None:
    assert any("2 primary breast cancers" in note for note in ward.ready(*ward.complete(), tumours=2).notes)


def test_values_seven_days_apart_are_one_draw_and_eight_are_not(ward: Ward) -> None:
    late = [*ward.complete(without=(F.IL6,)), ward.fact(F.IL6, "9", day=DRAW + 7 * DAY)]
    later = [*ward.complete(without=(F.IL6,)), ward.fact(F.IL6, "9", day=DRAW + 8 * DAY)]

    assert ward.ready(*late, panel=ward.panel(last=DRAW + 7 * DAY)).inputs
    refused = ward.refused(*later, panel=ward.panel(last=DRAW + 8 * DAY))
    assert refused.reason is NotAnalysedReason.NOT_ONE_DRAW
    assert "more than 7 days apart" in refused.text
    assert "IL-6 2024-05-10" in refused.text


def test_a_site_may_set_its_own_limits(ward: Ward) -> None:
    ward.window = DrawWindow(apart_days=2, oldest_days=1)
    facts = [*ward.complete(without=(F.IL6,)), ward.fact(F.IL6, "9", day=DRAW + 3 * DAY)]

    assert "more than 2 days apart" in ward.refused(*facts, panel=ward.panel(last=DRAW + 3 * DAY)).text
    old = ward.refused(*ward.complete(), panel=ward.panel(arrived=ARRIVED + DAY), as_of=ARRIVED + DAY)
    assert "at most 1 days" in old.text


def test_a_value_of_another_day_is_not_taken_and_the_refusal_names_it(ward: Ward) -> None:
    old = ward.fact(F.IL6, "9", day=DRAW - 20 * DAY)

    waiting = ward.waiting(*ward.complete(without=(F.IL6,)), old)

    assert waiting.missing == ("IL-6",)
    assert waiting.refusal.reason is NotAnalysedReason.NOT_ONE_DRAW
    assert waiting.refusal.text == "missing: IL-6 (not used, of another draw: IL-6 2024-04-12)"


def _arriving_after(ward: Ward, days: int) -> Assessed:
    arrived = datetime(2024, 5, 2, tzinfo=UTC) + days * DAY
    return ward.assess(*ward.complete(), panel=ward.panel(arrived=arrived), as_of=arrived)


def test_values_may_be_thirty_days_old_when_they_reach_us(ward: Ward) -> None:
    assert isinstance(_arriving_after(ward, 30), Ready)
    refused = _arriving_after(ward, 31)
    assert isinstance(refused, NotAnalysed)
    assert refused.reason is NotAnalysedReason.NOT_ONE_DRAW
    assert "of 2024-05-02 was 31 days old when it reached us; at most 30 days" in refused.text


def test_a_result_does_not_grow_too_old_by_being_looked_at_a_year_later(ward: Ward) -> None:
    assert ward.ready(*ward.complete(), as_of=ARRIVED + 365 * DAY).inputs


def test_a_panel_without_a_day_is_refused(ward: Ward) -> None:
    assert ward.refused(*ward.complete(), panel=ward.panel(day=None)).reason is NotAnalysedReason.UNUSABLE_INPUT


def test_two_values_of_one_day_that_differ_contradict_each_other(ward: Ward) -> None:
    refused = ward.refused(*ward.complete(), ward.fact(F.IL6, "90"))

    assert refused.reason is NotAnalysedReason.CONTRADICTING_INPUT
    assert refused.text == "IL-6 is reported as 9 pg/mL and 90 pg/mL on the same day, 2024-05-02"


def test_the_same_number_written_twice_is_no_contradiction(ward: Ward) -> None:
    assert ward.ready(*ward.complete(), ward.fact(F.IL6, "9.0")).inputs


def test_of_two_specimens_of_one_day_the_later_counts_and_a_note_says_so(ward: Ward) -> None:
    morning = ward.fact(F.IL6, "9", collected_time=datetime(2024, 5, 2, 7, tzinfo=UTC))
    evening = ward.fact(F.IL6, "11", collected_time=datetime(2024, 5, 2, 19, tzinfo=UTC))

    ready = ward.ready(*ward.complete(without=(F.IL6,)), evening, morning)

    assert {one.name: one.value for one in ready.inputs}["il6"] == "11"
    assert "IL-6 was 9 pg/mL on 2024-05-02; the newer 11 pg/mL is used" in ready.notes


def test_a_corrected_version_replaces_the_value_before_it(ward: Ward) -> None:
    first = ward.fact(F.IL6, "90", fact_id="il6")
    corrected = ward.fact(
        F.IL6, "9", fact_id="il6", version="2", recorded_time=ARRIVED + DAY, status=FactStatus.CORRECTED
    )

    ready = ward.ready(*ward.complete(without=(F.IL6,)), corrected, first)

    assert {one.name: one.value for one in ready.inputs}["il6"] == "9"


def test_a_preliminary_value_is_used_and_noted(ward: Ward) -> None:
    early = ward.fact(F.IL6, "9", status=FactStatus.PRELIMINARY)

    assert "IL-6 is preliminary" in ward.ready(*ward.complete(without=(F.IL6,)), early).notes


def test_a_value_in_another_unit_is_refused(ward: Ward) -> None:
    units = ward.fact(F.IFN_ALPHA, "2.1", unit="[IU]/mL")

    refused = ward.refused(*ward.complete(without=(F.IFN_ALPHA,)), units)

    assert refused.reason is NotAnalysedReason.UNUSABLE_INPUT
    assert refused.text == "IFN-α is 2.1 [IU]/mL; the model needs pg/mL"


def test_a_censored_value_is_pinned_with_its_comparator(ward: Ward) -> None:
    below = ward.fact(F.IL6, "1.5", comparator="<")

    ready = ward.ready(*ward.complete(without=(F.IL6,)), below)

    assert {one.name: one.value for one in ready.inputs}["il6"] == "<1.5"


@pytest.mark.parametrize("intent", ["", "adjuvant", "neoadjuvant", "palliative"])
def test_an_endocrine_therapy_begun_by_the_draw_was_received(ward: Ward, intent: str) -> None:
    therapy = ward.fact(F.THERAPY, "endocrine", day=DRAW, intent=intent)

    ready = ward.ready(*ward.labs(), therapy)

    assert ready.inputs[0].value == "yes"
    assert ready.inputs[0].facts == (therapy.fact_id,)


@pytest.mark.parametrize("intent", ["preventive", "planned"])
def test_preventive_and_planned_therapy_does_not_count(ward: Ward, intent: str) -> None:
    therapy = ward.fact(F.THERAPY, "endocrine", day=DRAW - DAY, intent=intent)
    denied = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no")

    assert ward.waiting(*ward.labs(), therapy).missing == ("whether endocrine therapy was received",)
    ready = ward.ready(*ward.labs(), therapy, denied)
    assert ready.inputs[0].value == "no"
    assert f"endocrine therapy on record that does not count ({intent}): 1" in ready.notes


def test_a_therapy_that_began_after_the_draw_does_not_count(ward: Ward) -> None:
    therapy = ward.fact(F.THERAPY, "endocrine", day=DRAW + DAY)
    denied = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no")

    ready = ward.ready(*ward.labs(), therapy, denied)

    assert ready.inputs[0].value == "no"
    assert "endocrine therapy that began after the draw does not count: 2024-05-03" in ready.notes


def test_another_therapy_is_no_endocrine_therapy(ward: Ward) -> None:
    assert ward.waiting(*ward.labs(), ward.fact(F.THERAPY, "chemotherapy", day=DRAW - DAY)).missing


def test_a_no_contradicts_a_therapy_begun_by_then_and_not_one_begun_later(ward: Ward) -> None:
    therapy = ward.fact(F.THERAPY, "endocrine", day=DRAW - 10 * DAY)
    before = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no", day=DRAW - 20 * DAY)
    after = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no", day=DRAW - 5 * DAY)

    assert ward.ready(*ward.labs(), therapy, before).inputs[0].value == "yes"
    refused = ward.refused(*ward.labs(), therapy, after)
    assert refused.reason is NotAnalysedReason.CONTRADICTING_INPUT
    assert "from 2024-04-22 on, and stated as not received on 2024-04-27" in refused.text


def test_an_order_counts_and_a_note_says_that_it_is_one(ward: Ward) -> None:
    order = ward.fact(F.THERAPY, "endocrine", day=DRAW - 10 * DAY, status=FactStatus.PRELIMINARY)
    given = ward.fact(F.THERAPY, "endocrine", day=DRAW - 5 * DAY)
    note = "endocrine therapy counts as received by an order; that it was taken is not on record"

    assert note in ward.ready(*ward.labs(), order).notes
    assert note not in ward.ready(*ward.labs(), order, given).notes


def test_an_order_does_not_contradict_a_no(ward: Ward) -> None:
    order = ward.fact(F.THERAPY, "endocrine", day=DRAW - 10 * DAY, status=FactStatus.PRELIMINARY)
    denied = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no", day=DRAW - 5 * DAY)

    ready = ward.ready(*ward.labs(), order, denied)

    assert ready.inputs[0].value == "no"
    assert "endocrine therapy was ordered and is stated as not received" in ready.notes


def test_a_no_of_more_than_a_year_before_the_draw_is_used_and_a_note_names_its_day(ward: Ward) -> None:
    old = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no", day=DRAW - 366 * DAY)
    a_year = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no", day=DRAW - 365 * DAY)
    order = ward.fact(F.THERAPY, "endocrine", day=DRAW - 400 * DAY, status=FactStatus.PRELIMINARY)
    note = "endocrine therapy is stated as not received on 2023-05-02, more than 365 days before the draw"

    ready = ward.ready(*ward.labs(), old)

    assert ready.inputs[0].value == "no"
    assert note in ready.notes
    assert note in ward.ready(*ward.labs(), old, order).notes
    assert not any("365 days" in one for one in ward.ready(*ward.labs(), a_year).notes)


def test_a_yes_does_not_grow_old(ward: Ward) -> None:
    stated = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "yes", day=DRAW - 900 * DAY)

    assert ward.ready(*ward.labs(), stated).notes == (NOT_PROVEN, NO_LUMINAL)


def test_an_old_no_that_a_later_therapy_replaced_is_not_noted(ward: Ward) -> None:
    old = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no", day=DRAW - 900 * DAY)
    given = ward.fact(F.THERAPY, "endocrine", day=DRAW - 10 * DAY)

    assert ward.ready(*ward.labs(), old, given).notes == (NOT_PROVEN, NO_LUMINAL)


def test_a_statement_long_after_the_draw_changes_nothing(ward: Ward) -> None:
    now = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "yes", day=DRAW)
    years_later = ward.fact(F.ENDOCRINE_THERAPY_RECEIVED, "no", day=DRAW + 700 * DAY)

    assert ward.ready(*ward.labs(), now, years_later).inputs[0].value == "yes"


@pytest.mark.parametrize(
    ("er", "pr", "luminal"),
    [
        ("positive", "negative", "yes"),
        ("negative", "positive", "yes"),
        ("positive", "", "yes"),
        ("negative", "negative", "no"),
        ("negative", "", ""),
        ("equivocal", "negative", ""),
        ("", "", ""),
    ],
)
def test_luminal_status_is_er_or_pr_positive_and_unknown_where_it_is_not_known(
    ward: Ward, er: str, pr: str, luminal: str
) -> None:
    stated = [(F.ESTROGEN_RECEPTOR, er), (F.PROGESTERONE_RECEPTOR, pr)]

    ready = ward.ready(*ward.complete(), *(ward.fact(name, value) for name, value in stated if value))

    assert {one.name: one.value for one in ready.inputs}.get("luminal_status", "") == luminal
    assert (NO_LUMINAL in ready.notes) == (not luminal)


def test_one_percent_of_nuclei_is_positive(ward: Ward) -> None:
    stained = ward.fact(F.PROGESTERONE_RECEPTOR_PERCENT, "1", unit="%")

    assert ward.ready(*ward.complete(), stained).inputs[-1].value == "yes"
