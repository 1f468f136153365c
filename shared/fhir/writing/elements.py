"""The small data types of FHIR R4 as JSON objects; absent is absent, never empty."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from shared.codes import ucum
from shared.domain.coding import Coding

Json = dict[str, Any]


def without_empty(**fields: Any) -> Json:
    """Return the fields that say something (FHIR R4, JSON: an element is never empty); 0 and False say something."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {}, ())}


def coding(row: Coding) -> Json:
    """Return a ``Coding``."""
    return without_empty(system=row.system, code=row.code, display=row.display)


def concept(text: str, *codings: Coding) -> Json:
    """Return a ``CodeableConcept``."""
    return without_empty(coding=[coding(row) for row in codings], text=text)


def identifier(system: str, value: str) -> Json:
    """Return an ``Identifier``."""
    return {"system": system, "value": value}


def reference(literal: str, display: str = "") -> Json:
    """Return a literal ``Reference``."""
    return without_empty(reference=literal, display=display)


def logical_reference(kind: str, system: str, value: str, display: str = "") -> Json:
    """Return a ``Reference`` by identifier, for what lies on no FHIR server we know."""
    return without_empty(type=kind, identifier=identifier(system, value), display=display)


def notes(texts: Iterable[str]) -> list[Json]:
    """Return one ``Annotation`` per text."""
    return [{"text": text} for text in texts if text]


def percent_quantity(probability: float) -> Json:
    """Return a probability as a ``Quantity`` in per cent; the decimal point is moved, no digit is computed."""
    value = float(Decimal(repr(probability)).scaleb(2))
    return {"value": value, "unit": ucum.PERCENT, "system": ucum.SYSTEM, "code": ucum.PERCENT}


def percent_range(low: float, high: float) -> Json:
    """Return two probabilities as a ``Range`` in per cent (RiskAssessment ras-1 wants UCUM %)."""
    return {"low": percent_quantity(low), "high": percent_quantity(high)}


def years_quantity(years: int) -> Json:
    """Return a duration as a ``Quantity`` in years."""
    return {"value": years, "unit": "years", "system": ucum.SYSTEM, "code": ucum.YEAR}


def attachment(content: bytes, content_type: str, title: str, made: datetime) -> Json:
    """Return an ``Attachment`` with its size, and the SHA-1 that R4 prescribes for ``hash``."""
    encoded = base64.b64encode(content).decode("ascii")
    digest = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode("ascii")
    return {
        "contentType": content_type, "language": "en", "data": encoded, "size": len(content), "hash": digest,
        "title": title, "creation": instant(made),
    }  # fmt: skip


def narrative(title: str, lines: Iterable[str]) -> Json:
    """Return a generated ``Narrative``; everything that looks like markup is escaped."""
    rows = "".join(f"<li>{escape(line)}</li>" for line in lines if line)
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p><b>{escape(title)}</b></p><ul>{rows}</ul></div>'
    return {"status": "generated", "div": div}


def instant(moment: datetime) -> str:
    """Return an ``instant`` or ``dateTime``; the moment must know its zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone has no place on the time line")
    return moment.isoformat(timespec="seconds")


def encode(resource: Json) -> bytes:
    """Return the JSON text: keys as built, every number with the shortest digits that give it back."""
    return json.dumps(resource, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
