"""Condition -> a primary breast cancer and its side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.codes import hl7_terminology, icd10, snomed
from shared.domain.coding import Coding
from shared.domain.identity import Side
from shared.fhir.reading.elements import codings, objects
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.read import refuse_modifiers
from shared.fhir.reading.refusal import IssueCode, RefusedElementError
from shared.fhir.reading.site import read_site

_CANCERS: Mapping[str, Side | None] = snomed.PRIMARY_BREAST_CANCERS


@dataclass(frozen=True, slots=True)
class ConditionRead:
    """What a Condition says to us."""

    is_breast_cancer: bool
    stands: bool = True
    """False: entered in error or refuted."""
    side: Side | None = None


def read_condition(resource: JsonObject) -> ConditionRead:
    """Return whether this Condition is a primary breast cancer, and where.

    Raises:
        RefusedElementError: If it is one, and its code and body sites name different sides.
    """
    found = [coding for coding in codings(resource.get("code")) if _is_breast_cancer(coding)]
    if not found:
        return ConditionRead(is_breast_cancer=False)
    refuse_modifiers(resource)
    sides = {side for side in [*map(_side, found), _body_side(resource)] if side}
    if len(sides) > 1 and _stands(resource):
        raise RefusedElementError(
            "Condition.bodySite",
            IssueCode.CONFLICT,
            "code and body site name different sides: one Condition per tumour",
        )
    return ConditionRead(is_breast_cancer=True, stands=_stands(resource), side=next(iter(sides), None))


def _is_breast_cancer(coding: Coding) -> bool:
    if coding.system == snomed.SYSTEM:
        return coding.code in _CANCERS
    return icd10.is_breast_cancer(coding.system, coding.code)


def _side(coding: Coding) -> Side | None:
    return _CANCERS[coding.code] if coding.system == snomed.SYSTEM else icd10.side(coding.system, coding.code)


def _body_side(resource: JsonObject) -> Side | None:
    sites = enumerate(objects(resource.get("bodySite", [])))
    read = [read_site(site, f"Condition.bodySite[{index}]") for index, site in sites]
    sides = {site.side for site in read if site and site.side}
    return Side.BOTH if len(sides) > 1 else next(iter(sides), None)


def _stands(resource: JsonObject) -> bool:
    stated = codings(resource.get("verificationStatus"))
    return not any(
        row.system == hl7_terminology.CONDITION_VERIFICATION and row.code in hl7_terminology.NOT_A_CONDITION
        for row in stated
    )
