"""Under which id a resource is kept, and what of it."""

from __future__ import annotations

from services.lab_consumer.handlers.submission import UNNAMED, digest, id_of, kept
from shared.codes import loinc
from shared.testing.fhir_resources import ER, HER2, observation, patient

ER_POSITIVE = observation("er", ER, loinc.POSITIVE)


def without_id(**elements: object) -> dict[str, object]:
    resource = ER_POSITIVE | elements
    del resource["id"]
    return resource


def test_a_resource_keeps_its_id() -> None:
    assert id_of(ER_POSITIVE) == "er"


def test_the_same_identifiers_are_the_same_resource_whatever_it_says() -> None:
    accession = [{"system": "urn:lab", "value": "A1"}]
    first, second = without_id(identifier=accession), without_id(identifier=accession, status="corrected")

    assert id_of(first) == id_of(second)
    assert id_of(first).startswith(UNNAMED)


def test_two_tests_of_one_accession_are_two_resources() -> None:
    accession = [{"system": "urn:lab", "value": "A1"}]

    assert id_of(without_id(identifier=accession)) != id_of(without_id(identifier=accession, code=HER2_CODE))


HER2_CODE = observation("x", HER2)["code"]


def test_a_urn_names_a_resource_without_identifiers() -> None:
    assert id_of(without_id(), "6e6d2a6c") == "6e6d2a6c"


def test_the_same_content_without_any_name_is_the_same_resource() -> None:
    assert id_of(without_id()) == id_of(dict(reversed(without_id().items())))


def test_nothing_that_names_a_person_is_kept_of_a_patient() -> None:
    full = patient(name=[{"family": "M"}], address=[{"city": "X"}], telecom=[{"value": "555"}], photo=[{}])

    assert set(kept(full)) == {"resourceType", "identifier", "birthDate", "gender"}


def test_bookkeeping_and_narrative_do_not_count_as_content() -> None:
    served = ER_POSITIVE | {"meta": {"versionId": "7"}, "text": {"div": "x"}, "note": [{"text": "phoned Dr. X"}]}

    assert digest(kept(served)) == digest(kept(ER_POSITIVE))
