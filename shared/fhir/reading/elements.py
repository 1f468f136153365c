"""Typed access to the FHIR datatypes that readings are made of; every refusal names the element."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from shared.codes import hl7_terminology, snomed
from shared.domain.coding import Coding
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

V = TypeVar("V")
Key = tuple[str, str]
"""(system, code): what two codings must share to be the same concept."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(T.*)?")
_YEAR_OR_MONTH = re.compile(r"\d{4}(-\d{2})?")


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
        raise RefusedElementError(element, IssueCode.REQUIRED, "a date is needed and none is stated: send when it was")
    if not _DAY.fullmatch(text):
        raise RefusedElementError(element, IssueCode.VALUE, "less precise than a day: the day is needed")
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise RefusedElementError(element, IssueCode.VALUE, "not a day of the calendar") from None


def instant(text: str, element: str) -> datetime | None:
    """Return the moment of a FHIR dateTime or instant in UTC; None where it states a day only.

    Raises:
        RefusedElementError: If it states a time that is none, or a time without its zone.
    """
    if "T" not in text:
        return None
    try:
        stated = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedElementError(element, IssueCode.VALUE, "not a time of the day") from None
    if stated.tzinfo is None:
        raise RefusedElementError(element, IssueCode.VALUE, "a time needs its zone: write it with an offset or Z")
    return stated.astimezone(UTC)


def first_day(text: str, element: str) -> date:
    """Return the first day of a FHIR date or dateTime, which may be a month or a year.

    Raises:
        RefusedElementError: If it is no date.
    """
    return day(f"{text}-01-01"[:10] if _YEAR_OR_MONTH.fullmatch(text) else text, element)


def last_day(text: str, element: str) -> date:
    """Return the last day of a FHIR date or dateTime, which may be a month or a year.

    Raises:
        RefusedElementError: If it is no date.
    """
    first = first_day(text, element)
    if not _YEAR_OR_MONTH.fullmatch(text):
        return first
    month = 12 if len(text) == len("2026") else first.month
    return first.replace(month=month, day=monthrange(first.year, month)[1])


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
