"""Patient, Condition, body site, references, own output."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.codes import hl7_terminology, icd10, local, snomed
from shared.domain.coding import Coding
from shared.domain.identity import AssigningAuthority, Demographics, IdentityMap, PatientIdentity, Sex, Side
from shared.fhir.reading.condition import read_condition
from shared.fhir.reading.own_output import why_not_input
from shared.fhir.reading.patient import read_patient
from shared.fhir.reading.references import Names, localise, subject_of
from shared.fhir.reading.refusal import RefusedElementError
from shared.fhir.reading.site import read_site
from shared.testing.fhir_resources import (
    BREAST_CANCER,
    ER,
    HOSPITAL_SYSTEM,
    ai_labelled,
    concept,
    condition,
    observation,
    patient,
)

IDENTITIES = IdentityMap((AssigningAuthority("hospital", fhir_system=HOSPITAL_SYSTEM),))
MRN1 = PatientIdentity("hospital", "MRN1")
ROW = {"system": HOSPITAL_SYSTEM, "value": "MRN1"}


def test_a_patient_is_identified_by_the_sites_map() -> None:
    read = read_patient(patient(), IDENTITIES)

    assert (read.identity, read.demographics) == (MRN1, Demographics(date(1970, 3, 4), Sex.FEMALE))


@pytest.mark.parametrize(
    "identifiers",
    [
        [],
        [{"system": "http://other.example.org", "value": "MRN1"}],
        [ROW, ROW | {"value": "MRN2"}],
        [{"value": "MRN1"}],
    ],
)
def test_a_patient_without_exactly_one_identity_is_unmapped_and_says_so(identifiers: list[Any]) -> None:
    read = read_patient(patient(identifier=identifiers), IDENTITIES)

    assert read.identity is None
    assert "exactly one is needed" in read.unmapped


def test_an_old_identifier_does_not_count() -> None:
    rows = [ROW, ROW | {"value": "MRN0", "use": "old"}]

    assert read_patient(patient(identifier=rows), IDENTITIES).identity == MRN1


def test_a_birth_year_alone_is_no_birth_date() -> None:
    assert read_patient(patient(birthDate="1970"), IDENTITIES).demographics.birth_date is None


def test_a_gender_fhir_does_not_know_is_refused() -> None:
    with pytest.raises(RefusedElementError, match=r"Patient\.gender"):
        read_patient(patient(gender="F"), IDENTITIES)


@pytest.mark.parametrize(
    ("code", "side"),
    [
        (BREAST_CANCER, None),
        (snomed.code("353431000119107", ""), Side.LEFT),
        (Coding(icd10.SYSTEM_CM, "C50.911"), Side.RIGHT),
        (Coding(icd10.SYSTEM_CM, "C50.412"), Side.LEFT),
        (Coding(icd10.SYSTEM_CM, "C50.919"), None),
        (Coding("http://hl7.org/fhir/sid/icd-10", "C50.9"), None),
    ],
)
def test_a_primary_breast_cancer_is_known_by_code(code: Coding, side: Side | None) -> None:
    read = read_condition(condition(code=code))

    assert (read.is_breast_cancer, read.side) == (True, side)


@pytest.mark.parametrize(
    "code",
    [
        snomed.code("94391008", "Secondary malignant neoplasm of lung"),
        Coding(icd10.SYSTEM_CM, "C79.81"),
        Coding(icd10.SYSTEM_CM, "D05.11"),
        Coding(icd10.SYSTEM_CM, "C500"),
    ],
)
def test_other_conditions_are_no_tumour(code: Coding) -> None:
    assert not read_condition(condition(code=code)).is_breast_cancer


def test_the_side_may_come_from_the_body_site() -> None:
    assert read_condition(condition(bodySite=[concept(snomed.RIGHT_BREAST)])).side is Side.RIGHT


def test_a_condition_in_both_breasts_is_bilateral() -> None:
    sites = [concept(snomed.RIGHT_BREAST), concept(snomed.LEFT_BREAST)]

    assert read_condition(condition(bodySite=sites)).side is Side.BOTH


def test_code_and_body_site_must_not_name_different_sides() -> None:
    with pytest.raises(RefusedElementError, match="different sides"):
        read_condition(condition(code=snomed.code("353431000119107", ""), bodySite=[concept(snomed.RIGHT_BREAST)]))


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_refuted_condition_does_not_stand(status: str) -> None:
    stated = concept(Coding(hl7_terminology.CONDITION_VERIFICATION, status))

    assert not read_condition(condition(verificationStatus=stated)).stands


def test_the_laterality_qualifier_names_the_side() -> None:
    qualifier = {"url": hl7_terminology.MCODE_LATERALITY, "valueCodeableConcept": concept(snomed.RIGHT)}
    site = read_site(concept(snomed.BREAST) | {"extension": [qualifier]}, "Specimen.collection.bodySite")

    assert site
    assert (site.is_breast, site.side) == (True, Side.RIGHT)


def test_a_site_elsewhere_is_no_breast_and_has_no_side() -> None:
    site = read_site(concept(snomed.code("68171009", "Axillary lymph node"), snomed.LEFT), "Specimen")

    assert site
    assert (site.is_breast, site.side) == (False, None)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ({"reference": "Patient/p1"}, "Patient/p1"),
        ({"identifier": ROW}, MRN1),
        ({"reference": f"Patient?identifier={HOSPITAL_SYSTEM}|MRN1"}, MRN1),
        ({"reference": "http://elsewhere.example.org/fhir/Patient/p1"}, "http://elsewhere.example.org/fhir/Patient/p1"),
    ],
)
def test_a_subject_is_a_reference_or_an_identity(subject: dict[str, Any], expected: object) -> None:
    assert subject_of(observation("o1", ER, subject=subject), IDENTITIES) == expected


@pytest.mark.parametrize(
    "subject", [None, {}, {"display": "x"}, {"reference": "Group/1"}, {"identifier": {"value": "1"}}]
)
def test_a_subject_nobody_can_tell_is_refused(subject: Any) -> None:
    with pytest.raises(RefusedElementError, match=r"Observation\.subject"):
        subject_of(observation("o1", ER, subject=subject), IDENTITIES)


def test_references_become_local() -> None:
    names = Names("https://ehr.example.org/fhir", {"urn:uuid:1": "Patient/p1"})
    resource = {"a": [{"reference": "urn:uuid:1"}, {"reference": "https://ehr.example.org/fhir/Specimen/s/_history/2"}]}

    assert localise(resource, names) == {"a": [{"reference": "Patient/p1"}, {"reference": "Specimen/s"}]}


def test_a_patient_of_another_server_is_another_patient() -> None:
    assert Names("https://ehr.example.org/fhir").local("https://evil.example.org/fhir/Patient/p1") != "Patient/p1"


def test_our_own_output_is_never_input() -> None:
    ours = observation("o1", ER, identifier=[{"system": local.IDENTIFIER_SYSTEM, "value": "x"}])

    tagged = observation("o1", ER, meta={"tag": [{"system": local.IDENTIFIER_SYSTEM, "code": "x"}]})

    assert "own output" in why_not_input(ours)
    assert "own output" in why_not_input(tagged)
    assert "AIAST" in why_not_input(ai_labelled(observation("o1", ER)))
    assert not why_not_input(observation("o1", ER))
