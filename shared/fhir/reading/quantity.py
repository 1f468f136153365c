"""Quantity, in the unit a fact is kept in: exact, never by guess; and the reference range beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.codes import ucum
from shared.domain.coding import Coding
from shared.fhir.reading.elements import codings, objects
from shared.fhir.reading.json_text import JsonObject
from shared.fhir.reading.refusal import IssueCode, RefusedElementError

COMPARATORS = frozenset({"<", "<=", ">=", ">"})
"""FHIR R4 quantity-comparator."""
NORMAL = Coding("http://terminology.hl7.org/CodeSystem/referencerange-meaning", "normal")

_EXAMPLES: Mapping[ucum.Property, str] = {
    ucum.Property.FRACTION: "%",
    ucum.Property.MASS_CONCENTRATION: "mg/L, mg/dL, ug/L, ng/mL, ng/L or pg/mL",
    ucum.Property.NUMBER_CONCENTRATION: "10*3/uL, 10*9/L or /uL",
}


@dataclass(frozen=True, slots=True)
class Amount:
    """A number in a unit, or a bound of it."""

    value: Decimal
    comparator: str = ""
    """Empty: the value itself."""


def read_amount(quantity: JsonObject, unit: str, element: str) -> Amount:
    """Return a Quantity in ``unit``.

    Raises:
        RefusedElementError: If it has no number, an unknown comparator, no unit, or a unit of something else.
    """
    comparator = quantity.get("comparator", "")
    if comparator and comparator not in COMPARATORS:
        raise RefusedElementError(f"{element}.comparator", IssueCode.CODE_INVALID, "none of <, <=, >= and >")
    return Amount(_converted(quantity, stated_unit(quantity, unit, element), unit, element), str(comparator))


def stated_unit(quantity: JsonObject, wanted: str, element: str) -> str:
    """Return the UCUM unit a Quantity is stated in: its UCUM code, or what a laboratory's spelling means.

    Raises:
        RefusedElementError: If it has none, or none that is known here; says what to send for ``wanted``.
    """
    code, system = quantity.get("code"), quantity.get("system")
    if isinstance(code, str) and system == ucum.SYSTEM:
        if code in ucum.UNITS:
            _refuse_another(quantity.get("unit"), code, f"{element}.unit")
            return code
        if code in ucum.ELSEWHERE:
            reason = f"{ucum.ELSEWHERE[code]}: send {_send(wanted)}, or the unit's text alone without a system"
            raise RefusedElementError(f"{element}.code", IssueCode.CODE_INVALID, reason)
    elif system is not None:
        reason = f"a unit of another code system than UCUM is not read: send {_send(wanted)}"
        raise RefusedElementError(f"{element}.system", IssueCode.CODE_INVALID, reason)
    return _spelled(code if isinstance(code, str) else quantity.get("unit"), wanted, f"{element}.code")


def _refuse_another(text: Any, code: str, element: str) -> None:
    """Refuse a unit whose text is another one that is read here: which of the two was meant would be a guess."""
    spelling = text.strip() if isinstance(text, str) else ""
    said = ucum.UNITS.get(ucum.LOCAL_SPELLINGS.get(spelling, spelling))
    if said and said != ucum.UNITS[code]:
        reason = "the unit's text and its code are different units: correct the one that is wrong"
        raise RefusedElementError(element, IssueCode.CONFLICT, reason)


def _spelled(text: Any, wanted: str, element: str) -> str:
    spelling = text.strip() if isinstance(text, str) else ""
    if not spelling:
        reason = f"a number without a unit says nothing: send {_send(wanted)}"
        raise RefusedElementError(element, IssueCode.REQUIRED, reason)
    found = ucum.LOCAL_SPELLINGS.get(spelling, spelling)
    if found in ucum.UNITS:
        return found
    raise RefusedElementError(element, IssueCode.CODE_INVALID, _unknown(spelling, wanted))


def _unknown(spelling: str, wanted: str) -> str:
    if ucum.is_arbitrary(spelling):
        return f"international and other arbitrary units have no mass and are never converted: send {_send(wanted)}"
    return f"not a unit that is read here: send {_send(wanted)}"


def _send(wanted: str) -> str:
    measured = ucum.property_of(wanted)
    return f"the UCUM code of {measured.value}, such as {_EXAMPLES[measured]}" if measured else wanted


def _converted(quantity: JsonObject, unit: str, wanted: str, element: str) -> Decimal:
    found = ucum.convert(_number(quantity, element), unit, wanted)
    if found is None:
        measured = ucum.property_of(unit)
        reason = f"the unit measures {measured.value if measured else 'nothing'}: send {_send(wanted)}"
        raise RefusedElementError(f"{element}.code", IssueCode.CODE_INVALID, reason)
    return found


def _number(quantity: JsonObject, element: str) -> Decimal:
    value = quantity.get("value")
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise RefusedElementError(f"{element}.value", IssueCode.REQUIRED, "a number is needed")
    return Decimal(value)


def read_range(resource: JsonObject, quantity: JsonObject, unit: str, element: str) -> tuple[str, str]:
    """Return the lower and upper end of the normal range in ``unit``; empty where the laboratory gives none.

    A range without a unit is in the unit of the value (HL7 v2.5.1 OBX-7 has none of its own).

    Raises:
        RefusedElementError: If there are several, or its units or numbers cannot be read.
    """
    ranges = [row for row in objects(resource.get("referenceRange", [])) if _is_normal(row)]
    limits = [row for row in ranges if "low" in row or "high" in row]
    if not limits:
        return "", ""
    if len(limits) > 1:
        raise RefusedElementError(element, IssueCode.NOT_SUPPORTED, "more than one normal range is stated")
    low, high = (_limit(limits[0].get(end), quantity, unit, f"{element}[0].{end}") for end in ("low", "high"))
    if low is not None and high is not None and low > high:
        raise RefusedElementError(element, IssueCode.VALUE, "its lower end is above its upper end")
    return _text(low), _text(high)


def _is_normal(row: JsonObject) -> bool:
    meanings = codings(row.get("type"))
    return not meanings or any(meaning.same_code(NORMAL) for meaning in meanings)


def _limit(limit: Any, quantity: JsonObject, unit: str, element: str) -> Decimal | None:
    if not isinstance(limit, dict):
        return None
    stated = limit if limit.keys() & {"unit", "code", "system"} else quantity
    return _converted(limit, stated_unit(stated, unit, element), unit, element)


def _text(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"
