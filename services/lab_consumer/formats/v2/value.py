"""OBX-2, OBX-5, OBX-6, OBX-7 -> value[x] and referenceRange. Numbers only where the text is one, digit by digit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from services.lab_consumer.formats.v2.site import MessageSite, concept
from shared.codes import ucum
from shared.domain.refusals import Cause
from shared.fhir.reading.json_text import MAX_DIGITS, JsonObject
from shared.hl7.reading.cell import Cell
from shared.hl7.reading.message import Segment
from shared.hl7.refusal import RefusedMessageError

_NUMBER = re.compile(r"(?P<comparator><=|>=|<|>)?\s*(?P<number>[+-]?(\d+(\.\d*)?|\.\d+))")
_RANGE = re.compile(r"(?P<low>-?\d+(\.\d+)?)\s*-\s*(?P<high>-?\d+(\.\d+)?)")
_COMPARATORS = ("", "=", "<", "<=", ">", ">=")
_NUMERIC, _TEXTUAL = frozenset({"NM", "ST"}), frozenset({"ST", "TX", "FT"})
_CODED = frozenset({"CE", "CWE", "CNE", "CF"})
_IS_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def read_value(segment: Segment, site: MessageSite) -> JsonObject:
    """Return ``value[x]``; nothing where none is stated, or it is of a kind that nothing is read from.

    Raises:
        RefusedMessageError: If there are several, or it is not what OBX-2 says.
    """
    found = segment.cell(5).repetitions
    if not found:
        return {}
    if len(found) > 1:
        raise RefusedMessageError(segment.cell(5).element, Cause.INVALID_VALUE, "several values in one OBX")
    kind = segment.cell(2).text()
    if kind in _CODED:
        return {"valueCodeableConcept": concept(found[0], site)}
    if kind == "SN":
        return {"valueQuantity": _structured(found[0]) | read_unit(segment)}
    text = found[0].text() if kind in _NUMERIC | _TEXTUAL else ""
    number = _NUMBER.fullmatch(text) if kind in _NUMERIC else None
    if number:
        return {"valueQuantity": _quantity(number["comparator"] or "", number["number"], found[0]) | read_unit(segment)}
    if kind == "NM":
        raise RefusedMessageError(segment.cell(5).element, Cause.INVALID_VALUE, "OBX-2 says NM, and it is no number")
    return {"valueString": text} if text else {}


def read_unit(segment: Segment) -> JsonObject:
    """Return unit, and code where OBX-6 says that it is UCUM.

    Raises:
        RefusedMessageError: If ``10^3/uL`` was written without escaping the component separator.
    """
    field = segment.cell(6)
    code, text, name = (field.component(number).text() for number in (1, 2, 3))
    if _IS_NUMBER.fullmatch(code) and text and not name:
        sequence = f"{field.delimiters.escape}S{field.delimiters.escape}"
        raise RefusedMessageError(
            field.element, Cause.UNREADABLE,
            f"holds the component separator {field.delimiters.component} unescaped; in text it is written {sequence}",
        )  # fmt: skip
    unit = code or text
    if not unit:
        return {}
    return {"unit": unit} | ({"system": ucum.SYSTEM, "code": code} if name == "UCUM" and code else {})


def read_range(segment: Segment) -> list[JsonObject]:
    """Return the reference range: its ends where OBX-7 states them as numbers, and always its text."""
    try:
        text = segment.cell(7).text()
        unit = read_unit(segment)
    except RefusedMessageError:
        return []
    if not text:
        return []
    both, one = _RANGE.fullmatch(text), _NUMBER.fullmatch(text)
    ends: Mapping[str, str] = {}
    if both:
        ends = {"low": both["low"], "high": both["high"]}
    elif one and one["comparator"]:
        ends = {"high" if one["comparator"].startswith("<") else "low": one["number"]}
    return [{name: {"value": Decimal(number)} | unit for name, number in ends.items()} | {"text": text}]


def _structured(cell: Cell) -> JsonObject:
    """SN: comparator, number, separator, number (v2.5.1 2.A.70)."""
    comparator, number, separator, second = (cell.component(place).text() for place in (1, 2, 3, 4))
    if comparator not in _COMPARATORS or separator or second or not _NUMBER.fullmatch(number):
        raise RefusedMessageError(
            cell.element, Cause.INVALID_VALUE, "a structured number other than one number with <, <=, > or >="
        )
    return _quantity(comparator.replace("=", "") if comparator == "=" else comparator, number, cell)


def _quantity(comparator: str, number: str, cell: Cell) -> JsonObject:
    if len(number) > MAX_DIGITS:
        raise RefusedMessageError(cell.element, Cause.INVALID_VALUE, f"a number of more than {MAX_DIGITS} digits")
    return {"value": Decimal(number)} | ({"comparator": comparator} if comparator else {})
