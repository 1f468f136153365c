"""What a site declares about its own codes: contradictions are refused when the service starts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from shared.codes import icd10, local, loinc, snomed
from shared.codes.analytes import SITE_SYSTEM
from shared.domain.coding import Coding
from shared.domain.facts import FactName
from shared.fhir.reading.elements import codings
from shared.fhir.reading.refusal import MalformedError
from shared.fhir.reading.shape import check_shape
from shared.fhir.reading.site_codes import NO_SITE_CODES, SiteCode, SiteCodes
from shared.testing.fhir_resources import condition, observation, quantity

HOUSE = "urn:laboratory"
CODES = SiteCodes.of(
    [
        SiteCode(HOUSE, "IFNA", FactName.IFN_ALPHA, "pg/mL"),
        SiteCode(HOUSE, "HORM", FactName.ENDOCRINE_THERAPY_RECEIVED),
        SiteCode(HOUSE, "RHEU", FactName.RHEUMATIC_DISEASE),
        SiteCode(loinc.SYSTEM, "12731-6", FactName.IFN_ALPHA),
    ]
)


def meanings(resource: dict[str, Any]) -> list[str]:
    return [coding.code for coding in codings(CODES.applied(resource)["code"]) if coding.system == SITE_SYSTEM]


def house(code: str) -> dict[str, Any]:
    return {"code": {"coding": [{"system": HOUSE, "code": code}]}}


def test_a_declared_code_gets_its_meaning_beside_it() -> None:
    assert meanings(observation("o", loinc.IL6[0]) | house("IFNA")) == ["ifn_alpha"]
    assert meanings(condition("c") | house("RHEU")) == ["rheumatic_disease"]
    assert meanings(observation("o", loinc.code("12731-6", ""))) == ["ifn_alpha"]


def test_components_are_declared_like_observations() -> None:
    panel = observation("o", loinc.code("82335-1", ""), component=[house("IFNA"), house("X")])

    first, second = CODES.applied(panel)["component"]
    assert (len(first["code"]["coding"]), len(second["code"]["coding"])) == (2, 1)


def test_a_bare_number_gets_the_declared_unit_and_no_other() -> None:
    bare = observation("o", loinc.IL6[0], {"value": 2}) | house("IFNA")
    stated = observation("o", loinc.IL6[0], {"value": 2, "unit": "IU/mL"}) | house("IFNA")

    assert CODES.applied(bare)["valueQuantity"]["code"] == "pg/mL"
    assert CODES.applied(stated)["valueQuantity"] == {"value": 2, "unit": "IU/mL"}


def test_a_meaning_that_comes_from_outside_is_removed() -> None:
    forged = observation("o", Coding(SITE_SYSTEM, "ifn_alpha"))

    assert CODES.applied(forged)["code"]["coding"] == []
    assert NO_SITE_CODES.applied(forged)["code"]["coding"] == []


def test_what_a_site_does_not_declare_is_left_as_it_is() -> None:
    known = observation("o", loinc.IL6[0], quantity(1, "pg/mL"))

    assert CODES.applied(known) is known


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ((loinc.SYSTEM, "30522-7", FactName.IL6), "30522-7 is known as hscrp, not il6"),
        ((loinc.SYSTEM, "16112-5", FactName.IL6), "16112-5 is known as another question, not il6"),
        ((loinc.SYSTEM, "1988-5", FactName.HSCRP), "1988-5 is C-reactive protein, not by a high sensitivity method"),
        ((loinc.SYSTEM, "49732-1", FactName.IL6), "49732-1 is interleukin 6 in a body fluid"),
        ((loinc.SYSTEM, "99103-4", FactName.TNF_ALPHA), "99103-4 is TNF-alpha in arbitrary units"),
        ((loinc.SYSTEM, "55458-4", FactName.IFN_ALPHA), "55458-4 is deprecated"),
        ((loinc.SYSTEM, "12731-6", FactName.IL6), "12731-6 is interferon alpha"),
        ((loinc.SYSTEM, "12345-6", FactName.IL6), "12345-6 is no LOINC code: its check digit is wrong"),
        ((icd10.SYSTEM_CM, "J18.9", FactName.RHEUMATIC_DISEASE), "J18.9 is known as active_infection"),
        ((snomed.SYSTEM, "94391008", FactName.ACTIVE_INFECTION), "94391008 is known as lung_metastasis"),
        ((HOUSE, "X", FactName.ESTROGEN_RECEPTOR), "estrogen_receptor cannot be declared; possible are hscrp, il6"),
        ((HOUSE, "X", FactName.IFN_ALPHA, "[IU]/mL"), "[IU]/mL cannot be converted to pg/mL"),
        ((HOUSE, "X", FactName.IFN_ALPHA, "10*9/L"), "10*9/L cannot be converted to pg/mL"),
        ((HOUSE, "X", FactName.ENDOCRINE_THERAPY_RECEIVED, "pg/mL"), "endocrine_therapy_received has no unit"),
        ((SITE_SYSTEM, "il6", FactName.IL6), "is our own system"),
        ((local.SYSTEM, "x", FactName.IL6), "is our own system"),
        (("", "X", FactName.IL6), "it needs a system and a code"),
    ],
)
def test_a_declaration_that_contradicts_what_is_known_is_refused(row: tuple[Any, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        SiteCode(*row)


def test_a_code_is_declared_once() -> None:
    row = SiteCode(HOUSE, "IFNA", FactName.IFN_ALPHA)

    with pytest.raises(ValueError, match="declared twice"):
        SiteCodes.of([row, row])


@pytest.mark.parametrize(
    "part",
    [
        {"code": "IFNA"},
        {"code": {"coding": "IFNA"}},
        {"code": {"coding": [{"system": HOUSE, "code": "IFNA"}, "nonsense"]}},
        {"component": "nonsense"},
        {"component": ["nonsense", {"code": {"coding": [None]}}]},
    ],
)
def test_what_is_malformed_stays_malformed(part: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        check_shape(CODES.applied(observation("o", loinc.IL6[0], quantity(1, "pg/mL")) | part))
