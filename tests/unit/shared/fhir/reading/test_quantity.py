"""A Quantity with whatever unit laboratories write."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.codes import loinc, ucum
from shared.domain.coding import Coding
from shared.domain.facts import FactName
from shared.fhir.reading.observation import read_observation
from shared.fhir.reading.quantity import NORMAL, read_range
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.testing.fhir_resources import concept, observation, quantity

IL6, NEUTROPHILS = loinc.IL6[0], loinc.NEUTROPHILS[0]


def value_of(code: Coding, stated: dict[str, Any]) -> str:
    (reading,) = read_observation(observation("o", code, stated)).readings
    return f"{reading.comparator}{reading.value}"


def refusal(code: Coding, stated: dict[str, Any]) -> RefusedElementError:
    with pytest.raises(RefusedElementError) as caught:
        read_observation(observation("o", code, stated))
    return caught.value


@pytest.mark.parametrize(
    ("stated", "kept"),
    [
        ({"value": 2, "unit": "pg/mL"}, "2"),
        ({"value": 2, "unit": " pg/ml "}, "2"),
        ({"value": 2, "unit": "PG/ML"}, "2"),
        ({"value": 2, "code": "ng/L"}, "2"),
        ({"value": Decimal("0.5"), "unit": "ng/mL"}, "500"),
        ({"value": 3, "unit": "\u00b5g/L"}, "3000"),
        ({"value": 3, "unit": "\u03bcg/L"}, "3000"),
        ({"value": 3, "unit": "mcg/L"}, "3000"),
        (quantity(2, "pg/ml"), "2"),
        (quantity(2, "mcg/L"), "2000"),
    ],
)
def test_a_unit_is_read_as_ucum_or_as_a_listed_spelling(stated: dict[str, Any], kept: str) -> None:
    assert value_of(IL6, stated) == kept


@pytest.mark.parametrize(
    "unit", ["K/uL", "x10^9/L", "10^3/\u00b5L", "10\u2079/L", "G/L", "Gpt/l", "Tsd./\u00b5l", "10*9/l"]
)
def test_without_a_system_k_is_thousand_and_g_is_giga(unit: str) -> None:
    assert value_of(NEUTROPHILS, {"value": 3, "unit": unit}) == "3"


@pytest.mark.parametrize("unit", sorted(ucum.ELSEWHERE))
def test_under_the_system_of_ucum_a_unit_means_what_ucum_says(unit: str) -> None:
    error = refusal(NEUTROPHILS if unit.startswith(("K", "G")) else IL6, quantity(3, unit))

    assert (error.element, error.code) == ("Observation.value.code", IssueCode.CODE_INVALID)
    assert error.reason.startswith(ucum.ELSEWHERE[unit])


@pytest.mark.parametrize("comparator", ["<", "<=", ">=", ">"])
def test_a_bound_is_kept_in_the_unit_of_the_fact(comparator: str) -> None:
    assert value_of(IL6, quantity(2, "ng/mL") | {"comparator": comparator}) == f"{comparator}2000"


@pytest.mark.parametrize("stated", [{"comparator": "~"}, {"comparator": "ad"}])
def test_another_comparator_is_refused(stated: dict[str, Any]) -> None:
    assert refusal(IL6, quantity(2, "pg/mL") | stated).element == "Observation.value.comparator"


def test_nothing_is_below_nothing() -> None:
    assert "below 0" in refusal(IL6, quantity(0, "pg/mL") | {"comparator": "<"}).reason
    assert value_of(IL6, quantity(0, "pg/mL")) == "0"


RANGE = [{"low": {"value": Decimal("0.5")}, "high": {"value": 7}}]


@pytest.mark.parametrize(
    ("ranges", "kept"),
    [
        (RANGE, ("500", "7000")),
        ([{"high": quantity(7, "pg/mL")}], ("", "7")),
        ([{"text": "up to 7"}], ("", "")),
        ([], ("", "")),
        ([{"low": {"value": 1}, "type": concept(Coding(NORMAL.system, "recommended"))}, *RANGE], ("500", "7000")),
        ([{"high": {"value": 7}, "type": concept(NORMAL)}], ("", "7000")),
    ],
)
def test_the_normal_range_is_kept_in_the_unit_of_the_fact(ranges: list[Any], kept: tuple[str, str]) -> None:
    assert read_range({"referenceRange": ranges}, quantity(1, "ng/mL"), "pg/mL", "range") == kept


@pytest.mark.parametrize(
    "ranges",
    [[*RANGE, *RANGE], [{"low": {"value": 7}, "high": {"value": 1}}], [{"low": {"value": "1"}}], [{"high": {}}]],
)
def test_a_range_that_is_none_is_refused(ranges: list[Any]) -> None:
    with pytest.raises(RefusedElementError):
        read_range({"referenceRange": ranges}, quantity(1, "ng/mL"), "pg/mL", "range")


def test_the_two_codes_of_hscrp_are_one_fact() -> None:
    names = [read_observation(observation("o", code, quantity(1, "mg/L"))).readings[0].name for code in loinc.HSCRP]

    assert names == [FactName.HSCRP, FactName.HSCRP]


@pytest.mark.parametrize("text", ["mg/dL", "MG/DL", " ug/L ", "%"])
def test_a_text_that_is_another_unit_than_the_code_is_refused(text: str) -> None:
    error = refusal(loinc.HSCRP[0], quantity(3, "mg/L") | {"unit": text})

    assert (error.element, error.code) == ("Observation.value.unit", IssueCode.CONFLICT)
    assert error.reason == "the unit's text and its code are different units: correct the one that is wrong"


@pytest.mark.parametrize("text", ["mg/l", "MG/L", "ug/mL", "milligrams per litre", ""])
def test_a_text_that_is_the_same_unit_or_none_we_know_says_nothing_against_the_code(text: str) -> None:
    assert value_of(loinc.HSCRP[0], quantity(3, "mg/L") | {"unit": text}) == "3"
