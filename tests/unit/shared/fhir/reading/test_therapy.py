"""Medication and Procedure resources -> therapies."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from shared.codes import atc, hl7_terminology, rxnorm, snomed
from shared.domain.coding import Coding
from shared.domain.facts import UNCLASSIFIED_MEDICATION, UNKNOWN_MEDICATION, FactStatus
from shared.fhir.reading.read import Read, Reading
from shared.fhir.reading.refusal import RefusedElementError
from shared.fhir.reading.therapy import medication_reference, medication_stub, read_therapy
from shared.testing.fhir_resources import concept, medication_request

CANCER_REQUEST: dict[str, Any] = {
    "meta": {"profile": [hl7_terminology.MCODE + "mcode-cancer-related-medication-request|4.0.0"]}
}
HOUSE_CODE = Coding("urn:hospital:formulary", "X1")


def procedure(code: str, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": "t1",
        "status": "completed",
        "code": concept(snomed.code(code, "")),
        "subject": {"reference": "Patient/p1"},
        "performedDateTime": "2026-02-03",
        **elements,
    }


@pytest.mark.parametrize(("code", "kind"), [("56946", "chemotherapy"), ("84857", "endocrine"), ("224905", "her2")])
def test_a_medicine_is_classed_by_its_code(code: str, kind: str) -> None:
    (reading,) = read_therapy(medication_request("m1", code)).readings

    assert (reading.value, reading.effective_date) == (kind, date(2026, 2, 1))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("64368001", "surgery"),
        ("1217123003", "radiotherapy"),
        ("367336001", "chemotherapy"),
        ("169413002", "endocrine"),
    ],
)
def test_a_procedure_is_classed_by_its_code(code: str, kind: str) -> None:
    (reading,) = read_therapy(procedure(code)).readings

    assert (reading.value, reading.effective_date) == (kind, date(2026, 2, 3))


@pytest.mark.parametrize("code", ["723990008", "71651007"])
def test_a_biopsy_and_a_mammography_are_no_therapy(code: str) -> None:
    assert not read_therapy(procedure(code)).used


def test_an_unknown_cancer_medicine_still_counts_as_therapy() -> None:
    request = medication_request("m1", medicationCodeableConcept=concept(HOUSE_CODE), **CANCER_REQUEST)

    (reading,) = read_therapy(request).readings

    assert (reading.value, reading.coding) == ("other", HOUSE_CODE)


def test_an_unknown_medicine_without_the_profile_is_counted_and_not_named() -> None:
    read = read_therapy(medication_request("m1", medicationCodeableConcept=concept(HOUSE_CODE)))

    (reading,) = read.readings
    assert not read.used
    assert (reading.value, reading.coding, reading.effective_date) == (UNCLASSIFIED_MEDICATION, None, date(2026, 2, 1))


@pytest.mark.parametrize("change", [{"authoredOn": "2026"}, {"status": "given"}, {"implicitRules": "http://x"}])
def test_an_everyday_medicine_is_never_refused(change: dict[str, Any]) -> None:
    read = read_therapy(medication_request("m1", medicationCodeableConcept=concept(HOUSE_CODE), **change))

    assert (read.used, read.readings) == (False, ())


def referring(**elements: Any) -> dict[str, Any]:
    request = medication_request("m1", medicationReference={"reference": "Medication/x"}, **elements)
    del request["medicationCodeableConcept"]
    return request


def test_a_medicine_that_is_not_here_may_be_a_therapy() -> None:
    (reading,) = read_therapy(referring()).readings

    assert (reading.value, reading.effective_date) == (UNKNOWN_MEDICATION, date(2026, 2, 1))


def test_a_medicine_that_is_not_here_and_has_no_start_is_refused() -> None:
    with pytest.raises(RefusedElementError):
        read_therapy(referring(authoredOn="2026"))


def test_a_medicine_that_is_not_here_but_was_cancelled_states_nothing() -> None:
    assert read_therapy(referring(status="cancelled")).readings == ()


def test_a_medicine_that_came_without_a_code_is_of_unknown_kind() -> None:
    (reading,) = read_therapy(referring(), {"resourceType": "Medication"}).readings

    assert reading.value == UNCLASSIFIED_MEDICATION


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("L01DB01", "chemotherapy"),
        ("L01XA02", "chemotherapy"),
        ("L01FD01", "her2"),
        ("L01XC03", "other"),
        ("L01EF01", "other"),
        ("L02BG03", "endocrine"),
        ("L01", "other"),
        ("C09AA02", UNCLASSIFIED_MEDICATION),
        ("L04AX03", UNCLASSIFIED_MEDICATION),
        ("L01 doxorubicin", UNCLASSIFIED_MEDICATION),
    ],
)
def test_a_medicine_is_classed_by_its_atc_group(code: str, kind: str) -> None:
    request = medication_request("m1", medicationCodeableConcept=concept(Coding(atc.SYSTEM, code)))

    assert read_therapy(request).readings[0].value == kind


def test_an_atc_group_does_not_contradict_a_more_precise_code() -> None:
    both = concept(Coding(atc.SYSTEM, "L01XC03"), Coding(rxnorm.SYSTEM, "224905"))

    assert read_therapy(medication_request("m1", medicationCodeableConcept=both)).readings[0].value == "her2"


@pytest.mark.parametrize("kind", ["MedicationRequest", "MedicationStatement", "MedicationAdministration"])
def test_what_is_kept_of_an_everyday_medicine_reads_the_same(kind: str) -> None:
    resource = {"resourceType": kind, "status": "completed", "intent": "order"}

    stub = medication_stub(resource, date(2026, 2, 1))

    (reading,) = read_therapy(stub).readings
    assert (reading.value, reading.effective_date) == (UNCLASSIFIED_MEDICATION, date(2026, 2, 1))


def test_the_start_of_the_dosage_comes_before_the_date_of_the_order() -> None:
    phases = [{"timing": {"repeat": {"boundsPeriod": {"start": day}}}} for day in ("2026-03-01", "2026-02-15")]

    (reading,) = read_therapy(medication_request("m1", dosageInstruction=phases)).readings

    assert reading.effective_date == date(2026, 2, 15)


def test_a_procedure_that_lasted_began_with_its_period() -> None:
    period = {"start": "2026-03-01", "end": "2026-04-01"}
    resource = procedure("1217123003", performedPeriod=period)
    del resource["performedDateTime"]

    assert read_therapy(resource).readings[0].effective_date == date(2026, 3, 1)


@pytest.mark.parametrize(
    "resource",
    [
        medication_request("m1", status="cancelled"),
        medication_request("m1", status="entered-in-error"),
        medication_request("m1", intent="proposal"),
        medication_request("m1", doNotPerform=True),
        procedure("64368001", status="not-done"),
    ],
)
def test_a_therapy_that_was_not_given_states_nothing(resource: dict[str, Any]) -> None:
    read = read_therapy(resource)

    assert read.used
    assert not read.readings


def test_a_stopped_therapy_had_begun() -> None:
    assert read_therapy(medication_request("m1", status="stopped")).readings


@pytest.mark.parametrize(
    ("resource", "element"),
    [
        (medication_request("m1", authoredOn="2026"), "MedicationRequest.authoredOn"),
        (medication_request("m1", status="given"), "MedicationRequest.status"),
        (procedure("64368001", performedDateTime="2026-02"), "Procedure.performed"),
        (procedure("64368001", performedDateTime=""), "Procedure.performed"),
    ],
)
def test_a_therapy_without_a_usable_start_or_status_is_refused(resource: dict[str, Any], element: str) -> None:
    with pytest.raises(RefusedElementError) as caught:
        read_therapy(resource)

    assert caught.value.element == element


def test_a_medicine_may_be_named_by_another_resource() -> None:
    request = medication_request("m1", medicationReference={"reference": "Medication/x"})
    del request["medicationCodeableConcept"]
    medicine = {
        "resourceType": "Medication",
        "code": concept(Coding("http://www.nlm.nih.gov/research/umls/rxnorm", "3639")),
    }

    assert medication_reference(request) == "Medication/x"
    assert read_therapy(request, medicine).readings[0].value == "chemotherapy"


INTENT = hl7_terminology.MCODE_TREATMENT_INTENT
TAMOXIFEN = {"medicationCodeableConcept": concept(Coding(rxnorm.SYSTEM, "10324"))}
DATED = {
    "MedicationRequest": {"intent": "order", "authoredOn": "2026-02-01"},
    "MedicationStatement": {"effectiveDateTime": "2026-02-01"},
    "MedicationAdministration": {"effectiveDateTime": "2026-02-01"},
}


def stated(kind: str, **elements: Any) -> Reading:
    """Return what a resource of this type says about tamoxifen."""
    resource = {"resourceType": kind, "status": "completed", **DATED[kind], **TAMOXIFEN}
    (reading,) = read_therapy(resource | elements).readings
    return reading


@pytest.mark.parametrize(
    ("kind", "status", "known"),
    [
        ("MedicationRequest", "active", FactStatus.PRELIMINARY),
        ("MedicationRequest", "on-hold", FactStatus.PRELIMINARY),
        ("MedicationRequest", "stopped", FactStatus.PRELIMINARY),
        ("MedicationRequest", "completed", FactStatus.FINAL),
        ("MedicationStatement", "active", FactStatus.FINAL),
        ("MedicationStatement", "stopped", FactStatus.FINAL),
        ("MedicationAdministration", "completed", FactStatus.FINAL),
    ],
)
def test_what_is_only_ordered_is_told_from_what_was_received(kind: str, status: str, known: FactStatus) -> None:
    assert stated(kind, status=status).status is known


@pytest.mark.parametrize(
    ("elements", "intent"),
    [
        ({"extension": [{"url": INTENT, "valueCodeableConcept": concept(snomed.ADJUVANT_INTENT)}]}, "adjuvant"),
        ({"extension": [{"url": INTENT, "valueCodeableConcept": concept(snomed.NEOADJUVANT_INTENT)}]}, "neoadjuvant"),
        ({"reasonCode": [concept(snomed.code("363676003", "Palliative"))]}, "palliative"),
        ({"reasonCode": [concept(snomed.code("254837009", "Malignant neoplasm of breast"))]}, ""),
        ({"reasonCode": [concept(snomed.ADJUVANT_INTENT), concept(snomed.NEOADJUVANT_INTENT)]}, ""),
        ({"extension": [{"url": "urn:other", "valueCodeableConcept": concept(snomed.ADJUVANT_INTENT)}]}, ""),
    ],
)
def test_the_intent_is_read_from_mcodes_extension_or_the_reason(elements: dict[str, Any], intent: str) -> None:
    assert stated("MedicationStatement", **elements).intent == intent


def over(period: dict[str, str], status: str = "completed") -> Read:
    return read_therapy(
        {"resourceType": "MedicationStatement", "status": status, "effectivePeriod": period} | TAMOXIFEN
    )


@pytest.mark.parametrize(
    ("end", "kept"),
    [
        ({"end": "2025-01-31"}, date(2025, 1, 31)),
        ({"end": "2025-02"}, date(2025, 2, 28)),
        ({"end": "2025"}, date(2025, 12, 31)),
        ({"end": "some day"}, None),
        ({}, None),
    ],
)
def test_the_last_day_is_kept_where_it_is_stated(end: dict[str, str], kept: date | None) -> None:
    (reading,) = over({"start": "2020-01-01"} | end).readings

    assert (reading.effective_date, reading.end_date) == (date(2020, 1, 1), kept)


def test_an_order_ends_with_its_last_phase_and_only_where_each_ends() -> None:
    def phases(*ends: str) -> dict[str, Any]:
        rows = [{"start": "2026-02-01"} | ({"end": end} if end else {}) for end in ends]
        return {"dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": row}}} for row in rows]}

    assert stated("MedicationRequest", **phases("2026-03-01", "2026-05-01")).end_date == date(2026, 5, 1)
    assert stated("MedicationRequest", **phases("2026-03-01", "")).end_date is None


def test_what_ended_before_it_began_was_not_given() -> None:
    read = over({"start": "2026-02-01", "end": "2026-01-20"}, "stopped")

    assert read.used
    assert read.readings == ()


@pytest.mark.parametrize("status", ["not-taken", "intended", "entered-in-error", "unknown"])
def test_a_medicine_that_was_not_taken_is_no_therapy(status: str) -> None:
    assert not over({"start": "2026-02-01"}, status).readings
