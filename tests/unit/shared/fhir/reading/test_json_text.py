"""FHIR JSON within limits."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.fhir.reading.json_text import JsonLimits, canonical, load, parse
from shared.fhir.reading.refusal import IssueCode, MalformedError

LIMITS = JsonLimits(max_bytes=10_000, max_depth=8, max_elements=1000)


def refused(data: bytes) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        parse(data, LIMITS)
    return caught.value


def test_decimals_keep_their_digits() -> None:
    assert parse(b'{"value": 1.10}', LIMITS) == {"value": Decimal("1.10")}
    assert str(parse(b'{"value": 1.10}', LIMITS)["value"]) == "1.10"


def test_a_body_that_is_too_large_is_refused() -> None:
    assert refused(b'{"a":"' + b"x" * 10_000 + b'"}').code is IssueCode.TOO_LONG


def test_bytes_that_are_not_utf_8_are_refused_with_their_place() -> None:
    assert "byte 6" in refused(b'{"a":"\xff"}').reason


@pytest.mark.parametrize("data", [b"{", b"", b"[1]", b"null", b'"text"', b"{'a': 1}"])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    assert refused(data).code is IssueCode.STRUCTURE


@pytest.mark.parametrize("data", [b'{"a":' * 9 + b"1" + b"}" * 9, b'{"a":' + b"[" * 4000 + b"]" * 4000 + b"}"])
def test_nesting_that_is_too_deep_is_refused(data: bytes) -> None:
    assert "deep" in refused(data).reason


def test_a_key_stated_twice_is_refused_by_name() -> None:
    assert "status twice" in refused(b'{"resourceType":"Observation","status":"final","status":"cancelled"}').reason


def test_a_strange_key_stated_twice_is_not_quoted() -> None:
    assert "Jenny" not in refused(b'{"Jenny M.":1,"Jenny M.":2}').reason


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1e-400", b"NaN", b"Infinity", b"9" * 5000])
def test_a_number_no_double_can_hold_is_refused_with_its_path(number: bytes) -> None:
    error = refused(b'{"resourceType":"Observation","component":[{"valueQuantity":{"value":' + number + b"}}]}")

    assert error.element == "Observation.component[0].valueQuantity.value"
    assert error.code is IssueCode.VALUE


def test_too_many_elements_are_refused() -> None:
    assert refused(b'{"a":[' + b"0," * 2000 + b"0]}").code is IssueCode.TOO_LONG


@pytest.mark.parametrize("text", [rb"\ud800", rb"\u0000", rb"\u0007"])
def test_characters_that_are_not_text_are_refused(text: bytes) -> None:
    assert refused(b'{"a":"' + text + b'"}').code is IssueCode.STRUCTURE


def test_the_canonical_text_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical({"b": Decimal("1.10"), "a": [True, None, "é"]}) == canonical(
        {"a": [True, None, "é"], "b": Decimal("1.10")}
    )


def test_what_canonical_writes_load_reads() -> None:
    value = {"a": [Decimal("1.10"), Decimal("1E+3"), 2, "x", None, True, {"b": "é"}]}

    assert load(canonical(value)) == value
