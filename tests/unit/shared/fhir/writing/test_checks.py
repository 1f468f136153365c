"""What must hold of a transaction before it leaves, above all where servers and libraries are lenient."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain.errors import InvalidInputError
from shared.fhir.writing.checks import check_transaction
from shared.fhir.writing.transaction import by_token, create_once, replace_read, transaction, urn


def risk(**fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "RiskAssessment", "status": "preliminary", "subject": {"reference": "Patient/p"},
        "prediction": [{"outcome": {"text": "event"}, "probabilityDecimal": 0.5}], **fields,
    }  # fmt: skip


def twin(**fields: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/p"}
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": subject, **fields}


def check(*resources: dict[str, Any]) -> None:
    check_transaction(transaction([create_once(urn("d", str(n)), row, "a=b") for n, row in enumerate(resources)]))


def test_a_good_bundle_passes() -> None:
    check(risk(), twin(valueQuantity={"value": 1.5, "unit": "%"}))


@pytest.mark.parametrize(
    ("resource", "where"),
    [
        (risk(prediction=[{"probabilityDecimal": 0.5, "probabilityRange": {"low": {"value": 1}}}]), "two types"),
        (twin(valueQuantity={"value": 1}, valueString="x"), "two types"),
        (risk(prediction=[{"probabilityDecimal": 150}]), "ras-2"),
        (twin(valueQuantity={"value": 1}, dataAbsentReason={"text": "x"}), "obs-6"),
        (risk(note=[]), "is empty"),
        (risk(note=[{"text": ""}]), "is empty"),
        (risk(performer={"reference": "urn:uuid:00000000-0000-0000-0000-000000000000"}), "nothing in this Bundle"),
        (risk(performer={"reference": "Patient/p"}), "may not refer to a Patient"),
        (twin(derivedFrom=[{"reference": "RiskAssessment/1"}]), "may not refer to a RiskAssessment"),
        (twin(device={"reference": urn("d", "0")}), "may not refer to a Observation"),
        ({"resourceType": "RiskAssessment", "status": "final"}, "not the shape"),
        (risk(finished=True), "not the shape"),
    ],
)
def test_a_defect_is_named_before_anything_is_sent(resource: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError, match=where):
        check(resource)


def test_a_search_by_token_is_escaped_for_fhir_and_for_the_url() -> None:
    assert by_token("identifier", "urn:x", "a|b,c d&e") == "identifier=urn%3Ax%7Ca%5C%7Cb%5C%2Cc%20d%26e"


def test_a_replacement_is_bound_to_the_version_that_was_read() -> None:
    entry = replace_read(risk(id="7", meta={"versionId": "3"}))
    assert entry["request"] == {"method": "PUT", "url": "RiskAssessment/7", "ifMatch": 'W/"3"'}
