"""Observation -> readings."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.codes import hl7_terminology, local, loinc, snomed
from shared.codes.analytes import NEIGHBOURS
from shared.domain.coding import Coding
from shared.domain.facts import FactName, FactStatus
from shared.fhir.reading.observation import read_observation
from shared.fhir.reading.read import Reading
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.testing.fhir_resources import AJCC_CT2, AJCC_CTX, ER, HER2, concept, observation, quantity

PATHOLOGICAL_T2 = snomed.code("1229852009", "pT2")
PLAIN_T2 = snomed.code("67673008", "T2 category")
CT2A_LIKE = snomed.code("1228931008", "some sub-category")
WEIGHT = loinc.code("29463-7", "Body weight")


def reading(code: Coding, value: Any, **elements: Any) -> Reading:
    found = read_observation(observation("o1", code, value, **elements))
    assert len(found.readings) == 1
    return found.readings[0]


def refusal(code: Coding, value: Any, **elements: Any) -> RefusedElementError:
    with pytest.raises(RefusedElementError) as caught:
        read_observation(observation("o1", code, value, **elements))
    return caught.value


@pytest.mark.parametrize(
    ("code", "value", "name", "token"),
    [
        (ER, loinc.POSITIVE, FactName.ESTROGEN_RECEPTOR, "positive"),
        (ER, snomed.NEGATIVE, FactName.ESTROGEN_RECEPTOR, "negative"),
        (ER, snomed.EQUIVOCAL, FactName.ESTROGEN_RECEPTOR, "equivocal"),
        (snomed.ER_STATUS, snomed.ER_POSITIVE, FactName.ESTROGEN_RECEPTOR, "positive"),
        (snomed.PR_STATUS, snomed.PR_NEGATIVE, FactName.PROGESTERONE_RECEPTOR, "negative"),
        (HER2, snomed.HER2_LOW, FactName.HER2_INTERPRETATION, "low"),
        (HER2, snomed.EQUIVOCAL, FactName.HER2_INTERPRETATION, "equivocal"),
        (loinc.HER2_STATUS[1], loinc.code("LA11841-6", "1+"), FactName.HER2_IHC_SCORE, "1+"),
        (loinc.HER2_STATUS[1], loinc.code("LA11884-6", "Indeterminate"), FactName.HER2_IHC_SCORE, "indeterminate"),
        (loinc.HER2_ISH[0], loinc.NEGATIVE, FactName.HER2_ISH, "negative"),
        (snomed.CLINICAL_T, AJCC_CT2, FactName.CLINICAL_T, "T2"),
        (snomed.CLINICAL_T, AJCC_CTX, FactName.CLINICAL_T, "TX"),
        (loinc.CLINICAL_T, PLAIN_T2, FactName.CLINICAL_T, "T2"),
        (snomed.T_CATEGORY, AJCC_CT2, FactName.CLINICAL_T, "T2"),
        (snomed.PATHOLOGICAL_T, PATHOLOGICAL_T2, FactName.PATHOLOGICAL_T, "T2"),
    ],
)
def test_a_coded_answer_becomes_a_token(code: Coding, value: Coding, name: FactName, token: str) -> None:
    found = reading(code, value)

    assert (found.name, found.value, found.coding) == (name, token, value)


def test_a_percentage_keeps_its_digits() -> None:
    found = reading(loinc.ER_PERCENT[0], quantity(90, "%"))

    assert (found.name, found.value, found.unit) == (FactName.ESTROGEN_RECEPTOR_PERCENT, "90", "%")


@pytest.mark.parametrize(("value", "unit", "kept"), [(3, "10*9/L", "3"), (3000, "/uL", "3.000"), (3, "10*3/uL", "3")])
def test_neutrophils_are_converted_exactly(value: int, unit: str, kept: str) -> None:
    found = reading(loinc.NEUTROPHILS[0], quantity(value, unit))

    assert (found.value, found.unit) == (kept, "10*3/uL")


def test_an_impossible_neutrophil_value_is_refused_as_impossible() -> None:
    error = refusal(loinc.NEUTROPHILS[0], quantity(3000, "10*3/uL"))

    assert (error.element, error.code) == ("Observation.value", IssueCode.VALUE)
    assert "impossible" in error.reason


def test_kelvin_per_microlitre_is_not_taken_for_thousands() -> None:
    assert "kelvin" in refusal(loinc.NEUTROPHILS[0], quantity(3, "K/uL")).reason


@pytest.mark.parametrize(
    ("code", "value", "element"),
    [
        (ER, CT2A_LIKE, "Observation.value"),
        (ER, {"value": 3, "system": "http://unitsofmeasure.org", "code": "%"}, "Observation.value"),
        (ER, None, "Observation.value"),
        (snomed.CLINICAL_T, CT2A_LIKE, "Observation.value"),
        (snomed.CLINICAL_T, PATHOLOGICAL_T2, "Observation.value"),
        (snomed.CLINICAL_N, AJCC_CT2, "Observation.value"),
        (snomed.T_CATEGORY, PLAIN_T2, "Observation.value"),
        (loinc.ER_PERCENT[0], quantity(101, "%"), "Observation.value"),
        (loinc.ER_PERCENT[0], quantity(-1, "%"), "Observation.value"),
        (loinc.ER_PERCENT[0], quantity(90, "1"), "Observation.value.code"),
        (loinc.ER_PERCENT[0], quantity("90", "%"), "Observation.value.value"),
        (loinc.ER_PERCENT[0], {"value": 90}, "Observation.value.code"),
        (loinc.ER_PERCENT[0], quantity(90, "%") | {"comparator": ">"}, "Observation.value.comparator"),
    ],
)
def test_a_known_question_with_an_unreadable_answer_is_refused(code: Coding, value: Any, element: str) -> None:
    assert refusal(code, value).element == element


def test_a_display_is_not_read() -> None:
    text_only = {"valueCodeableConcept": {"text": "cT2"}}

    assert refusal(snomed.CLINICAL_T, None, **text_only).code is IssueCode.CODE_INVALID


def test_codings_that_contradict_each_other_are_refused() -> None:
    both = {"valueCodeableConcept": concept(loinc.POSITIVE, snomed.NEGATIVE)}

    assert refusal(ER, None, **both).code is IssueCode.CONFLICT


def test_codings_that_agree_are_read() -> None:
    both = {"valueCodeableConcept": concept(loinc.POSITIVE, snomed.POSITIVE)}

    assert reading(ER, None, **both).value == "positive"


@pytest.mark.parametrize(
    ("status", "kept"),
    [
        ("preliminary", FactStatus.PRELIMINARY),
        ("final", FactStatus.FINAL),
        ("amended", FactStatus.CORRECTED),
        ("corrected", FactStatus.CORRECTED),
    ],
)
def test_the_status_is_folded(status: str, kept: FactStatus) -> None:
    assert reading(ER, loinc.POSITIVE, status=status).status is kept


@pytest.mark.parametrize("status", ["registered", "cancelled", "entered-in-error", "unknown"])
def test_a_status_without_a_result_states_nothing(status: str) -> None:
    found = read_observation(observation("o1", ER, loinc.POSITIVE, status=status))

    assert found.used
    assert not found.readings


def test_a_status_fhir_does_not_know_is_refused() -> None:
    assert refusal(ER, loinc.POSITIVE, status="finished").element == "Observation.status"


@pytest.mark.parametrize(
    "absent",
    [
        {"dataAbsentReason": {"text": "unknown"}},
        {"valueCodeableConcept": concept(Coding(hl7_terminology.DATA_ABSENT_REASON, "not-applicable"))},
        {"valueCodeableConcept": concept(Coding(hl7_terminology.NULL_FLAVOR, "UNK"))},
        {"valueCodeableConcept": concept(snomed.NOT_DONE)},
    ],
)
def test_an_absent_value_states_nothing(absent: dict[str, Any]) -> None:
    assert not read_observation(observation("o1", ER, None, **absent)).readings


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ({"effectiveDateTime": "2026-01-10T23:30:00-05:00"}, date(2026, 1, 10)),
        ({"effectiveDateTime": "2026-01-10T00:30:00+09:00"}, date(2026, 1, 10)),
        ({"effectiveDateTime": None, "effectiveInstant": "2026-01-11T10:00:00Z"}, date(2026, 1, 11)),
        ({"effectiveDateTime": None, "effectivePeriod": {"start": "2026-01-12"}}, date(2026, 1, 12)),
    ],
)
def test_the_date_is_the_day_where_it_was_written(stated: dict[str, Any], kept: date) -> None:
    resource = {name: value for name, value in observation("o1", ER, loinc.POSITIVE, **stated).items() if value}

    assert read_observation(resource).readings[0].effective_date == kept


@pytest.mark.parametrize("stated", ["2026", "2026-01", "2026-02-30", ""])
def test_a_date_without_a_day_is_refused(stated: str) -> None:
    assert refusal(ER, loinc.POSITIVE, effectiveDateTime=stated).element == "Observation.effective"


def test_a_modifier_extension_is_refused() -> None:
    changed = {"modifierExtension": [{"url": "http://example.org/negated", "valueBoolean": True}]}

    assert refusal(ER, loinc.POSITIVE, **changed).element == "Observation.modifierExtension"


def test_an_unknown_question_is_not_used_whatever_it_holds() -> None:
    found = read_observation(observation("o1", WEIGHT, quantity("heavy", "stone"), status="finished"))

    assert not found.used
    assert "not used" in found.note


def test_the_moment_of_collection_is_kept_of_what_is_measured_in_blood() -> None:
    collected = {"effectiveDateTime": "2026-01-10T23:30:00-05:00"}
    found = reading(loinc.IL6[0], quantity(1, "pg/mL"), **collected)

    assert found.collected_time == datetime(2026, 1, 11, 4, 30, tzinfo=UTC)
    assert found.effective_date == date(2026, 1, 10)
    assert reading(loinc.IL6[0], quantity(1, "pg/mL")).collected_time is None
    assert reading(loinc.ER_PERCENT[0], quantity(1, "%"), **collected).collected_time is None


@pytest.mark.parametrize("stated", ["2026-01-10T08:30:00", "2026-01-10T99:30:00Z"])
def test_a_time_without_its_zone_or_that_is_none_is_refused(stated: str) -> None:
    assert refusal(loinc.IL6[0], quantity(1, "pg/mL"), effectiveDateTime=stated).element == "Observation.effective"


def test_the_same_stated_twice_in_one_observation_is_refused() -> None:
    twice = [{"code": concept(loinc.IL6[0]), "valueQuantity": quantity(1, "pg/mL")}] * 2

    assert refusal(WEIGHT, None, component=twice).code is IssueCode.DUPLICATE


@pytest.mark.parametrize(
    ("stated", "value"),
    [
        ({"valueBoolean": True}, "yes"),
        ({"valueBoolean": False}, "no"),
        ({"valueCodeableConcept": concept(hl7_terminology.YES)}, "yes"),
        ({"valueCodeableConcept": concept(hl7_terminology.NO)}, "no"),
    ],
)
def test_endocrine_therapy_is_answered_by_yes_or_no(stated: dict[str, Any], value: str) -> None:
    found = reading(local.ENDOCRINE_RECEIVED, None, **stated)

    assert (found.name, found.value) == (FactName.ENDOCRINE_THERAPY_RECEIVED, value)


@pytest.mark.parametrize("stated", [{"valueString": "yes"}, {"valueCodeableConcept": concept(loinc.POSITIVE)}, {}])
def test_another_answer_to_endocrine_therapy_is_refused(stated: dict[str, Any]) -> None:
    assert refusal(local.ENDOCRINE_RECEIVED, None, **stated).element == "Observation.value"


@pytest.mark.parametrize("code", sorted(NEIGHBOURS))
def test_a_code_that_is_taken_for_one_of_ours_is_not_used_and_a_person_is_told(code: str) -> None:
    found = read_observation(observation("o1", loinc.code(code, ""), quantity(1, "pg/mL")))

    assert (found.used, found.readings) == (False, ())
    assert found.warning is not None
    assert found.warning.reason.startswith(code)
    assert "send" in found.warning.reason
