"""The shape of a resource, refused by element and never quoting a value."""

from __future__ import annotations

from typing import Any

import pytest

from shared.fhir.reading.refusal import IssueCode, MalformedError
from shared.fhir.reading.shape import check_shape, is_id, is_resource_type
from shared.testing.fhir_resources import ER, observation, patient


@pytest.mark.parametrize(
    ("change", "element", "code"),
    [
        ({"foo": 1}, "Observation.foo", IssueCode.STRUCTURE),
        ({"status": None}, "Observation.status", IssueCode.REQUIRED),
        ({"code": {"coding": [{"system": 3}]}}, "Observation.code.coding[0].system", IssueCode.STRUCTURE),
        ({"effectiveDateTime": "2026-13-01"}, "Observation.effective", IssueCode.STRUCTURE),
        ({"valueString": "a", "valueInteger": 3}, "Observation.value", IssueCode.STRUCTURE),
        ({"component": [{}]}, "Observation.component[0].code", IssueCode.REQUIRED),
        ({"id": "not an id"}, "Observation.id", IssueCode.VALUE),
    ],
)
def test_a_defect_is_named(change: dict[str, Any], element: str, code: IssueCode) -> None:
    resource = {name: value for name, value in (observation("o1", ER) | change).items() if value is not None}

    with pytest.raises(MalformedError) as caught:
        check_shape(resource)

    assert (caught.value.element, caught.value.code) == (element, code)


def test_a_value_is_never_quoted() -> None:
    with pytest.raises(MalformedError) as caught:
        check_shape(patient(birthDate="4 March 1970"))

    assert "1970" not in str(caught.value)


def test_resource_types_are_those_of_fhir_r4() -> None:
    assert is_resource_type("Observation")
    assert not any(is_resource_type(name) for name in ("Foo", "Coding", "Element", "observation", "", None, 3))


def test_ids_are_those_of_fhir_r4() -> None:
    assert is_id("a-1.B")
    assert not any(is_id(value) for value in ("", "a b", "x" * 65, "a/b", 3))
