"""Condition -> the diseases a question depends on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.codes import hl7_terminology, icd10, snomed
from shared.codes.analytes import SITE_SYSTEM
from shared.domain.coding import Coding
from shared.domain.facts import FactName, FactStatus
from shared.fhir.reading.disease import read_disease
from shared.fhir.reading.read import Reading
from shared.fhir.reading.refusal import RefusedElementError
from shared.testing.fhir_resources import concept, condition

LUNG, INFECTION, RHEUMATIC = FactName.LUNG_METASTASIS, FactName.ACTIVE_INFECTION, FactName.RHEUMATIC_DISEASE
PNEUMONIA = Coding(icd10.SYSTEM_WHO, "J18.9")
ARTHRITIS = Coding(icd10.SYSTEM_WHO, "M06.9")
GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
LUNG_SITE = {"bodySite": [concept(snomed.code("3341006", "Right lung"))]}


def clinical(code: str) -> dict[str, Any]:
    return {"clinicalStatus": concept(Coding(hl7_terminology.CONDITION_CLINICAL, code))}


def verified(code: str) -> dict[str, Any]:
    return {"verificationStatus": concept(Coding(hl7_terminology.CONDITION_VERIFICATION, code))}


def readings(code: Coding, **elements: Any) -> tuple[Reading, ...]:
    return read_disease(condition("c", code, **{"onsetDateTime": "2026-01-08"} | elements)).readings


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (snomed.LUNG_METASTASIS, LUNG),
        (Coding(icd10.SYSTEM_CM, "C78.01"), LUNG),
        (Coding(GM, "C78.0"), LUNG),
        (PNEUMONIA, INFECTION),
        (Coding(icd10.SYSTEM_CM, "A41.9"), INFECTION),
        (Coding(icd10.SYSTEM_CM, "N39.0"), INFECTION),
        (Coding(icd10.SYSTEM_CM, "B37.0"), INFECTION),
        (snomed.code("840539006", "COVID-19"), INFECTION),
        (ARTHRITIS, RHEUMATIC),
        (Coding(GM, "M32.1"), RHEUMATIC),
        (snomed.code("69896004", "Rheumatoid arthritis"), RHEUMATIC),
        (Coding(SITE_SYSTEM, "rheumatic_disease"), RHEUMATIC),
    ],
)
def test_a_disease_is_known_by_its_code(code: Coding, name: FactName) -> None:
    (reading,) = readings(code)

    assert (reading.name, reading.value, reading.coding) == (name, "present", code)
    assert (reading.effective_date, reading.status) == (date(2026, 1, 8), FactStatus.FINAL)


@pytest.mark.parametrize(
    "code",
    [
        Coding(icd10.SYSTEM_CM, "C78.1"),
        Coding(icd10.SYSTEM_CM, "C34.9"),
        Coding(icd10.SYSTEM_CM, "B90.9"),
        Coding(icd10.SYSTEM_CM, "B95.6"),
        Coding(icd10.SYSTEM_CM, "J30.1"),
        Coding(icd10.SYSTEM_CM, "M17.0"),
        Coding(icd10.SYSTEM_CM, "N39.4"),
        Coding("http://hl7.org/fhir/sid/icd-9-cm", "A41.9"),
        snomed.code("59621000", "Hypertension"),
    ],
)
def test_other_diseases_are_none_of_our_business(code: Coding) -> None:
    assert not read_disease(condition("c", code)).used


@pytest.mark.parametrize(
    ("code", "elements"),
    [
        (snomed.SECONDARY_CANCER, LUNG_SITE),
        (snomed.SECONDARY_CANCER, {"bodySite": [concept(Coding(icd10.TOPOGRAPHY_SYSTEM, "C34.1"))]}),
        (snomed.code("1", ""), LUNG_SITE | {"meta": {"profile": [hl7_terminology.MCODE_SECONDARY_CANCER + "|4.0.0"]}}),
    ],
)
def test_a_secondary_cancer_of_the_lung_may_name_the_lung_as_its_site(code: Coding, elements: dict[str, Any]) -> None:
    assert [reading.name for reading in readings(code, **elements)] == [LUNG]


def test_a_secondary_cancer_elsewhere_or_nowhere_is_not_of_the_lung() -> None:
    assert not readings(snomed.SECONDARY_CANCER, bodySite=[concept(snomed.LEFT_BREAST)])
    assert not readings(snomed.SECONDARY_CANCER)


@pytest.mark.parametrize("code", sorted(hl7_terminology.NOT_A_CONDITION))
def test_what_was_refuted_or_entered_in_error_is_not_stated(code: str) -> None:
    assert read_disease(condition("c", PNEUMONIA, **verified(code))).used
    assert not readings(PNEUMONIA, **verified(code))


@pytest.mark.parametrize("code", sorted(hl7_terminology.NOT_CONFIRMED))
def test_what_is_suspected_is_preliminary(code: str) -> None:
    (reading,) = readings(snomed.LUNG_METASTASIS, **verified(code))

    assert reading.status is FactStatus.PRELIMINARY


@pytest.mark.parametrize("status", ["active", "recurrence", "relapse", "inactive", "remission", "resolved"])
def test_a_metastasis_stays_known_and_a_rheumatic_disease_until_it_is_resolved(status: str) -> None:
    assert len(readings(snomed.LUNG_METASTASIS, **clinical(status))) == 1
    assert len(readings(ARTHRITIS, **clinical(status))) == (0 if status == "resolved" else 1)


@pytest.mark.parametrize(
    ("elements", "kept"),
    [
        (clinical("active"), [None]),
        ({}, [None]),
        (clinical("resolved"), []),
        ({"abatementString": "in spring"}, []),
        (clinical("resolved") | {"abatementDateTime": "2026-01-15"}, [date(2026, 1, 15)]),
        (clinical("inactive") | {"abatementDateTime": "2026-02"}, [date(2026, 2, 28)]),
        ({"abatementPeriod": {"start": "2026-01-12", "end": "2026-01-20"}}, [date(2026, 1, 20)]),
    ],
)
def test_an_infection_counts_for_the_days_it_lasted(elements: dict[str, Any], kept: list[date | None]) -> None:
    assert [reading.end_date for reading in readings(PNEUMONIA, **elements)] == kept


@pytest.mark.parametrize(
    ("elements", "since"),
    [
        ({"onsetDateTime": "2025"}, date(2025, 1, 1)),
        ({"onsetDateTime": "2025-06"}, date(2025, 6, 1)),
        ({"onsetDateTime": None, "onsetPeriod": {"start": "2025-06-07"}}, date(2025, 6, 7)),
        ({"onsetDateTime": None, "onsetString": "last year", "recordedDate": "2025-06-08"}, date(2025, 6, 8)),
    ],
)
def test_it_is_known_from_the_first_day_that_may_be_meant(elements: dict[str, Any], since: date) -> None:
    assert readings(ARTHRITIS, **elements)[0].effective_date == since


@pytest.mark.parametrize("elements", [{"onsetDateTime": None}, {"onsetDateTime": "spring"}])
def test_a_disease_without_a_date_is_refused(elements: dict[str, Any]) -> None:
    with pytest.raises(RefusedElementError) as caught:
        readings(ARTHRITIS, **elements)

    assert caught.value.element == "Condition.onset"
