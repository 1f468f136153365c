"""What resources become: facts that can be corrected, removed, and asked for as of a time. On every database."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from services.lab_consumer.handlers.answers import Severity
from shared.codes import atc, hl7_terminology, loinc, snomed
from shared.domain.coding import Coding
from shared.domain.facts import FactName, FactStatus, Tumour
from shared.domain.identity import PatientIdentity, Side
from shared.testing.fhir_resources import (
    AJCC_CT2,
    ER,
    HOSPITAL_SYSTEM,
    ai_labelled,
    bundle,
    concept,
    condition,
    medication_request,
    observation,
    patient,
    quantity,
    specimen,
)

if TYPE_CHECKING:
    from tests.contract.lab_consumer.conftest import Laboratory

pytestmark = pytest.mark.contract

ER_NAME = FactName.ESTROGEN_RECEPTOR
REFUTED: dict[str, Any] = {"verificationStatus": concept(Coding(hl7_terminology.CONDITION_VERIFICATION, "refuted"))}


def er(value: Coding = loinc.POSITIVE, **elements: Any) -> dict[str, Any]:
    return observation("er", ER, value, **elements)


def versioned(number: int) -> dict[str, Any]:
    return {"meta": {"versionId": str(number)}}


def test_an_observation_of_a_known_patient_is_a_fact(lab: Laboratory) -> None:
    answers = lab.post(patient(), er(**versioned(3)))

    (fact,) = lab.facts().facts
    assert [answer.status for answer in answers] == [201, 201]
    assert (fact.fact_id, fact.name, fact.value) == ("Observation/er#estrogen_receptor", ER_NAME, "positive")
    assert (fact.source, fact.version, fact.status, fact.coding) == (
        "Observation/er",
        "3",
        FactStatus.FINAL,
        loinc.POSITIVE,
    )


def test_patient_reference_and_demographics_come_from_the_patient(lab: Laboratory) -> None:
    lab.post(patient())

    known = lab.facts()
    assert known.patient_reference == "Patient/p1"
    assert known.demographics.birth_date is not None
    assert known.demographics.birth_date.isoformat() == "1970-03-04"


def test_a_patient_nobody_told_us_about_has_no_facts(lab: Laboratory) -> None:
    assert lab.facts(identity=PatientIdentity("hospital", "nobody")).facts == ()


def test_the_order_of_arrival_does_not_matter(lab: Laboratory) -> None:
    resources = [
        patient(),
        condition(bodySite=[concept(snomed.LEFT_BREAST)]),
        specimen("s1", snomed.LEFT_BREAST),
        er(specimen={"reference": "Specimen/s1"}, focus=[{"reference": "Condition/c1"}]),
    ]
    for number, order in enumerate(itertools.permutations(resources)):
        for resource in order:
            lab.post(_of_patient(resource, number))
        known = lab.facts(identity=PatientIdentity("hospital", f"MRN-{number}"))
        assert known.tumours == (Tumour(f"Condition/c1-{number}", Side.LEFT),)
        assert [(fact.value, fact.tumour) for fact in known.facts] == [("positive", known.tumours[0])]


def _of_patient(resource: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the same resource in a world of its own."""
    ours = {
        key: {"reference": f"{value['reference']}-{number}"}
        if isinstance(value, dict) and "reference" in value
        else value
        for key, value in resource.items()
    }
    ours["id"] = f"{resource['id']}-{number}"
    if "focus" in ours:
        ours["focus"] = [{"reference": f"Condition/c1-{number}"}]
    if "identifier" in ours:
        ours["identifier"] = [{"system": HOSPITAL_SYSTEM, "value": f"MRN-{number}"}]
    return ours


def test_an_observation_before_its_patient_is_kept_and_says_so(lab: Laboratory) -> None:
    (answer,) = lab.post(er())

    assert answer.status == 202
    assert "kept until its Patient" in answer.issues[-1].text
    assert lab.values(ER_NAME) == []
    lab.post(patient())
    assert lab.values(ER_NAME) == ["positive"]


def test_a_corrected_value_replaces(lab: Laboratory) -> None:
    lab.post(patient(), er(), er(loinc.NEGATIVE, status="corrected"))

    (fact,) = lab.facts().facts
    assert (fact.value, fact.status) == ("negative", FactStatus.CORRECTED)


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_observation_is_no_fact_any_more(lab: Laboratory, status: str) -> None:
    lab.post(patient(), er(), er(status=status))

    assert lab.facts().facts == ()


def test_the_past_is_answered_as_it_was(lab: Laboratory) -> None:
    before = lab.now()
    lab.post(patient(), er())
    first = lab.now()
    lab.post(er(loinc.NEGATIVE, status="corrected"))
    second = lab.now()
    lab.post(er(status="entered-in-error"))

    assert lab.facts(before).demographics.sex is None
    assert [lab.values(ER_NAME, when) for when in (before, first, second, lab.now())] == [
        [],
        ["positive"],
        ["negative"],
        [],
    ]


def test_the_same_content_again_is_nothing_new(lab: Laboratory) -> None:
    lab.post(patient(), er(**versioned(1)))
    before, due = lab.facts().facts, lab.announcements()

    (answer,) = lab.post(er(**versioned(2)) | {"text": {"status": "generated", "div": "<div>x</div>"}})

    assert answer.status == 200
    assert (lab.facts().facts, lab.announcements()) == (before, due)


def test_an_older_version_that_arrives_late_is_ignored(lab: Laboratory) -> None:
    lab.post(patient(), er(loinc.NEGATIVE, **versioned(2)), er(loinc.POSITIVE, **versioned(1)))

    assert lab.values(ER_NAME) == ["negative"]


def test_an_older_time_that_arrives_late_is_ignored(lab: Laboratory) -> None:
    new, old = ({"meta": {"lastUpdated": f"2026-01-0{day}T00:00:00+09:00"}} for day in (2, 1))
    lab.post(patient(), er(loinc.NEGATIVE, **new), er(loinc.POSITIVE, **old))

    assert lab.values(ER_NAME) == ["negative"]


def test_a_correction_that_cannot_be_read_is_refused_and_ends_the_old_value(lab: Laboratory) -> None:
    lab.post(patient(), er())

    (answer,) = lab.post(er(snomed.code("1", "nonsense"), status="corrected"))

    assert answer.status == 422
    assert lab.facts().facts == ()


def test_contradicting_statements_are_all_kept(lab: Laboratory) -> None:
    lab.post(patient(), er(), observation("er-percent", loinc.ER_PERCENT[0], quantity(0, "%")))

    assert lab.values(ER_NAME) == ["positive"]
    assert lab.values(FactName.ESTROGEN_RECEPTOR_PERCENT) == ["0"]


def test_a_refuted_condition_is_no_tumour_any_more(lab: Laboratory) -> None:
    lab.post(patient(), condition())
    assert lab.facts().tumours == (Tumour("Condition/c1"),)

    lab.post(condition(**REFUTED))

    assert lab.facts().tumours == ()


def test_two_conditions_are_two_tumours(lab: Laboratory) -> None:
    left = condition(bodySite=[concept(snomed.LEFT_BREAST)])
    right = condition("c2", bodySite=[concept(snomed.RIGHT_BREAST)])
    lab.post(patient(), left, right, er())

    known = lab.facts()
    assert known.tumours == (Tumour("Condition/c1", Side.LEFT), Tumour("Condition/c2", Side.RIGHT))
    assert [fact.tumour for fact in known.facts] == [None]


def test_a_corrected_specimen_moves_the_fact_to_the_other_side(lab: Laboratory) -> None:
    lab.post(patient(), specimen("s1", snomed.LEFT_BREAST), er(specimen={"reference": "Specimen/s1"}))
    before = lab.now()

    lab.post(specimen("s1", snomed.RIGHT_BREAST))

    assert [fact.tumour for fact in lab.facts(before).facts] == [Tumour("", Side.LEFT)]
    assert [fact.tumour for fact in lab.facts().facts] == [Tumour("", Side.RIGHT)]
    assert lab.facts().facts[0].recorded_time > before


def test_a_receptor_of_tissue_from_elsewhere_is_no_fact_and_a_person_is_told(lab: Laboratory) -> None:
    lab.post(patient(), specimen("s1", snomed.code("10200004", "Liver")))

    (answer,) = lab.post(er(specimen={"reference": "Specimen/s1"}))

    assert lab.facts().facts == ()
    assert answer.issues[0].element == "Observation.specimen"
    assert "not from a breast" in lab.store.refusals(1)[0].reason


def test_a_receptor_of_another_disease_is_no_fact(lab: Laboratory) -> None:
    ovary = condition("c9", snomed.code("363443007", "Malignant tumor of ovary"))
    lab.post(patient(), ovary, er(focus=[{"reference": "Condition/c9"}]))

    assert lab.facts().facts == ()
    assert lab.facts().tumours == ()


def test_a_specimen_on_the_other_side_of_the_condition_is_no_fact(lab: Laboratory) -> None:
    left = condition(bodySite=[concept(snomed.LEFT_BREAST)])
    lab.post(patient(), left, specimen("s1", snomed.RIGHT_BREAST))
    lab.post(er(specimen={"reference": "Specimen/s1"}, focus=[{"reference": "Condition/c1"}]))

    assert lab.facts().facts == ()
    assert "different sides" in lab.store.refusals(1)[0].reason


def referring(found: str = "m1", **elements: Any) -> dict[str, Any]:
    request = medication_request(found, medicationReference={"reference": "Medication/x"}, **elements)
    del request["medicationCodeableConcept"]
    return request


def test_a_therapy_waits_for_its_medication_as_an_unknown_one(lab: Laboratory) -> None:
    lab.post(patient(), referring())
    assert lab.values(FactName.THERAPY) == ["unknown_medication"]

    lab.post({"resourceType": "Medication", "id": "x", "code": medication_request("y")["medicationCodeableConcept"]})

    assert lab.values(FactName.THERAPY) == ["chemotherapy"]


def test_an_unknown_medication_that_turns_out_to_be_an_everyday_one_is_replaced(lab: Laboratory) -> None:
    lab.post(patient(), referring(), {"resourceType": "Medication", "id": "x", "code": {"text": "a drug"}})

    assert lab.values(FactName.THERAPY) == ["unclassified_medication"]


def test_an_unknown_medication_without_a_start_is_shown_to_a_person(lab: Laboratory) -> None:
    answers = lab.post(patient(), referring(authoredOn="2026"))

    assert "kept, and not used" in answers[1].issues[0].text
    assert lab.store.refusals(1)[0].element == "MedicationRequest.authoredOn"


def test_of_an_everyday_medication_only_its_start_is_kept(lab: Laboratory) -> None:
    ramipril = {"coding": [{"system": atc.SYSTEM, "code": "C09AA05"}], "text": "ramipril"}
    why = [{"reference": "Condition/hypertension"}]
    everyday = medication_request("m1", medicationCodeableConcept=ramipril, reasonReference=why)
    answers = lab.post(patient(), everyday)

    assert (answers[1].status, lab.values(FactName.THERAPY)) == (200, ["unclassified_medication"])
    with lab.store.writing() as writing:
        kept = writing.head("MedicationRequest", "m1")
    assert kept is not None
    assert kept.content == {
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "medicationCodeableConcept": {}, "authoredOn": "2026-02-01",
    }  # fmt: skip


def test_an_everyday_medication_that_is_withdrawn_is_counted_no_longer(lab: Laboratory) -> None:
    everyday = medication_request("m1", medicationCodeableConcept={"text": "a drug"})
    lab.post(patient(), everyday, everyday | {"status": "entered-in-error"})

    assert lab.values(FactName.THERAPY) == []


def test_an_everyday_medication_of_nobody_we_could_know_is_not_refused(lab: Laboratory) -> None:
    drug = medication_request("m1", medicationCodeableConcept={"text": "a drug"}, subject={"reference": "Group/g"})

    assert lab.post(drug)[0].status == 200


@pytest.mark.parametrize("mrn", ["1" * 129, "MRN1\t"])
def test_an_identifier_that_cannot_be_one_is_unknown_and_shown_to_a_person(lab: Laboratory, mrn: str) -> None:
    answers = lab.post(patient(mrn), er())

    assert answers[0].issues[0].severity is Severity.WARNING
    assert lab.announcements() == ()
    assert lab.store.refusals(1)[0].element == "Patient.identifier"


def test_a_subject_named_by_an_identifier_that_cannot_be_one_is_refused(lab: Laboratory) -> None:
    subject = {"identifier": {"system": HOSPITAL_SYSTEM, "value": "1" * 129}}

    assert lab.post(er(subject=subject))[0].status == 422


def test_a_corrected_identifier_moves_the_facts(lab: Laboratory) -> None:
    lab.post(patient(), er(), patient("MRN2"))

    assert lab.facts().facts == ()
    assert len(lab.facts(identity=PatientIdentity("hospital", "MRN2")).facts) == 1
    assert lab.announcements() == ()  # results hears of the patient before it is asked to look at her facts again
    (change,) = lab.outbox.changes_due(lab.now())
    lab.outbox.change_announced(change, lab.now())
    assert {row.identity.identifier for row in lab.announcements()} == {"MRN1", "MRN2"}


def test_a_second_patient_of_the_same_identity_must_agree(lab: Laboratory) -> None:
    lab.post(patient())

    (answer,) = lab.post(patient(found="p2", birthDate="1971-03-04"))

    assert answer.status == 409
    assert lab.facts().patient_reference == "Patient/p1"
    assert lab.post(patient(found="p3"))[0].status == 201


def test_a_link_to_a_patient_nobody_knows_yet_does_no_harm(lab: Laboratory) -> None:
    link = [{"other": {"reference": "Patient/p2"}, "type": "replaced-by"}]

    (answer,) = lab.post(patient(link=link, active=False))

    assert answer.status == 201
    assert lab.outbox.changes_due(lab.now()) == ()


def test_a_patient_without_identity_is_kept_and_listed(lab: Laboratory) -> None:
    foreign = patient(identifier=[{"system": "http://other.example.org", "value": "MRN1"}])
    lab.post(foreign, er())

    assert lab.facts().facts == ()
    assert lab.store.refusals(1)[0].source == "Patient/p1"
    lab.post(patient())
    assert lab.values(ER_NAME) == ["positive"]


def test_a_fact_may_name_the_identity_itself(lab: Laboratory) -> None:
    lab.post(er(subject={"identifier": {"system": HOSPITAL_SYSTEM, "value": "MRN1"}}))

    known = lab.facts()
    assert [fact.value for fact in known.facts] == ["positive"]
    assert known.patient_reference == ""


def test_our_own_output_and_other_ai_is_never_a_fact(lab: Laboratory) -> None:
    (_, answer) = lab.post(patient(), ai_labelled(er()))

    assert (answer.status, lab.facts().facts) == (200, ())
    assert "not applicable" in answer.issues[0].text


def test_a_value_that_turns_out_to_be_ai_is_a_fact_no_longer(lab: Laboratory) -> None:
    lab.post(patient(), er(), ai_labelled(er()))

    assert lab.facts().facts == ()


def test_tx_and_equivocal_are_facts(lab: Laboratory) -> None:
    lab.post(
        patient(),
        observation("t", snomed.CLINICAL_T, snomed.code("1222604002", "cTX")),
        observation("her2", loinc.HER2_STATUS[0], snomed.EQUIVOCAL),
    )

    assert lab.values(FactName.CLINICAL_T) == ["TX"]
    assert lab.values(FactName.HER2_INTERPRETATION) == ["equivocal"]


def test_a_transaction_is_all_or_nothing(lab: Laboratory) -> None:
    impossible = observation("n", loinc.NEUTROPHILS[0], quantity(3000, "10*3/uL"))

    answers = lab.bundle(bundle("transaction", patient(), er(), impossible))

    assert [answer.status for answer in answers] == [422]
    assert answers[0].issues[0].element == "Bundle.entry[2].resource.value"
    assert lab.facts().patient_reference == ""
    assert lab.store.refusals(10)[0].source == "Observation/n"


@pytest.mark.parametrize("kind", ["batch", "collection", "searchset", "message"])
def test_other_bundles_are_answered_entry_by_entry(lab: Laboratory, kind: str) -> None:
    impossible = observation("n", loinc.NEUTROPHILS[0], quantity(3000, "10*3/uL"))

    answers = lab.bundle(bundle(kind, er(), impossible, patient(), {"resourceType": "Practitioner"}))

    assert [answer.status for answer in answers] == [202, 422, 201, 200]
    assert lab.values(ER_NAME) == ["positive"]


def test_a_history_ends_with_its_newest_version(lab: Laboratory) -> None:
    lab.bundle(bundle("history", er(loinc.NEGATIVE, status="corrected"), er(), patient()))

    assert lab.values(ER_NAME) == ["negative"]


def test_references_within_a_bundle_resolve(lab: Laboratory) -> None:
    urn = "urn:uuid:6e6d2a6c-0000-4000-8000-000000000001"
    tree = bundle("transaction", patient(), er(subject={"reference": urn}))
    tree["entry"][0]["fullUrl"] = urn
    tree["entry"][1]["fullUrl"] = "urn:uuid:6e6d2a6c-0000-4000-8000-000000000002"
    del tree["entry"][0]["resource"]["id"], tree["entry"][1]["resource"]["id"]

    lab.bundle(tree)

    assert lab.values(ER_NAME) == ["positive"]
    assert lab.facts().patient_reference == ""  # an id we made up is nothing the EHR knows


def test_a_deleted_resource_is_no_fact(lab: Laboratory) -> None:
    lab.post(patient(), er())

    lab.bundle(
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{"request": {"method": "DELETE", "url": "Observation/er"}}],
        }
    )

    assert lab.facts().facts == ()


def test_a_resource_that_moves_to_another_patient_leaves_the_first(lab: Laboratory) -> None:
    lab.post(patient(), patient("MRN2", found="p2"), er(), er(subject={"reference": "Patient/p2"}))

    assert lab.facts().facts == ()
    assert len(lab.facts(identity=PatientIdentity("hospital", "MRN2")).facts) == 1


def test_a_stage_is_bound_by_its_focus(lab: Laboratory) -> None:
    right = condition(bodySite=[concept(snomed.BREAST)], code=snomed.code("254837009", ""))
    lab.post(patient(), right, observation("t", snomed.CLINICAL_T, AJCC_CT2, focus=[{"reference": "Condition/c1"}]))

    assert [fact.tumour for fact in lab.facts().facts] == [Tumour("Condition/c1")]
