"""Typed access to the FHIR datatypes that readings are made of; every refusal names the element."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from shared.codes import hl7_terminology, snomed, ucum
from shared.domain.coding import Coding
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

V = TypeVar("V")
Key = tuple[str, str]
"""(system, code): what two codings must share to be the same concept."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?")


def key(coding: Coding) -> Key:
    """Return what identifies the concept."""
    return coding.system, coding.code


def codings(concept: Any) -> tuple[Coding, ...]:
    """Return the codings of a CodeableConcept that state system and code; text alone codes nothing."""
    rows = objects(concept.get("coding", [])) if isinstance(concept, dict) else iter(())
    return tuple(
        Coding(row["system"], row["code"], str(row.get("display", "")))
        for row in rows
        if _stated(row.get("system")) and _stated(row.get("code"))
    )


def _stated(value: object) -> bool:
    return isinstance(value, str) and value != ""


def known(concept: Any, table: Mapping[Key, V], element: str) -> tuple[Coding, V] | None:
    """Return the coding of ``concept`` that stands in ``table`` and what it means; None where none does.

    Raises:
        RefusedElementError: If two of its codings mean different things.
    """
    found = [(coding, table[key(coding)]) for coding in codings(concept) if key(coding) in table]
    if any(meaning != found[0][1] for _, meaning in found):
        raise RefusedElementError(element, IssueCode.CONFLICT, "its codings contradict each other")
    return found[0] if found else None


def states_no_value(concept: Any) -> bool:
    """Tell whether a coded value only says that there is none (mCODE: data-absent-reason in ``value[x]``)."""
    rows = codings(concept)
    return any(row.system in hl7_terminology.NO_VALUE_SYSTEMS or row.same_code(snomed.NOT_DONE) for row in rows)


def moment(resource: JsonObject, stem: str, element: str) -> str:
    """Return the dateTime, instant or start of the Period of choice element ``stem``; empty where it has none."""
    for kind in ("DateTime", "Instant"):
        if stem + kind in resource:
            return str(resource[stem + kind])
    period = resource.get(stem + "Period")
    if isinstance(period, dict):
        return str(period.get("start", ""))
    if any(name in resource for name in (stem + "Timing", stem + "Age", stem + "String", stem + "Range")):
        raise RefusedElementError(element, IssueCode.NOT_SUPPORTED, "a date, an instant or a period is needed here")
    return ""


def day(text: str, element: str) -> date:
    """Return the calendar day of a FHIR date, dateTime or instant, in the zone it was written in.

    Raises:
        RefusedElementError: If there is none, or it is less precise than a day.
    """
    if not text:
        raise RefusedElementError(element, IssueCode.REQUIRED, "a date is needed and none is stated")
    if not _DAY.fullmatch(text):
        raise RefusedElementError(element, IssueCode.VALUE, "less precise than a day: the day is needed")
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise RefusedElementError(element, IssueCode.VALUE, "not a day of the calendar") from None


def amount(quantity: JsonObject, units: Mapping[str, Decimal], element: str) -> Decimal:
    """Return the value of a Quantity in the unit whose factor in ``units`` is 1.

    Raises:
        RefusedElementError: If it has a comparator, no number, no UCUM unit, or a unit that is not in ``units``.
    """
    if "comparator" in quantity:
        raise RefusedElementError(
            f"{element}.comparator", IssueCode.NOT_SUPPORTED, "only a bound is stated, not the value"
        )
    value = quantity.get("value")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise RefusedElementError(f"{element}.value", IssueCode.REQUIRED, "a number is needed")
    return Decimal(value) * _factor(quantity, units, element)


def _factor(quantity: JsonObject, units: Mapping[str, Decimal], element: str) -> Decimal:
    allowed = ", ".join(units)
    code = quantity.get("code")
    if quantity.get("system") != ucum.SYSTEM or not isinstance(code, str):
        raise RefusedElementError(f"{element}.code", IssueCode.REQUIRED, f"a UCUM unit is needed: one of {allowed}")
    if code == ucum.KELVIN_PER_MICROLITRE:
        raise RefusedElementError(
            f"{element}.code", IssueCode.CODE_INVALID, "K/uL is kelvin per microlitre in UCUM; thousand is 10*3/uL"
        )
    if code not in units:
        raise RefusedElementError(f"{element}.code", IssueCode.CODE_INVALID, f"the unit is none of {allowed}")
    return units[code]


def objects(value: Any) -> Iterator[JsonObject]:
    """Yield the objects of a repeating element (or the one of a single element)."""
    rows = value if isinstance(value, list) else [value]
    return (row for row in rows if isinstance(row, dict))


def profiles(resource: JsonObject) -> frozenset[str]:
    """Return ``meta.profile`` without versions."""
    meta = resource.get("meta")
    stated = meta.get("profile", []) if isinstance(meta, dict) else []
    return frozenset(str(url).split("|")[0] for url in stated)


def first(values: Iterable[V]) -> V | None:
    """Return the first of ``values``, or None."""
    return next(iter(values), None)
