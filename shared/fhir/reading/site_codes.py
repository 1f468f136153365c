"""What a site's own codes mean: checked when the service starts, applied once, at the door.

A resource whose code the site declares gets the meaning as one more coding (``SITE_SYSTEM``), and a bare number the
declared unit; from there on it is read like any other. A meaning that comes in from outside is removed: only the site
declares its codes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.codes import local, loinc, ucum
from shared.codes.analytes import ANALYTES, NEIGHBOURS, SITE_SYSTEM
from shared.domain.facts import FactName
from shared.fhir.reading.catalogue import QUESTIONS
from shared.fhir.reading.disease import DISEASES, disease_of
from shared.fhir.reading.elements import Key, objects
from shared.fhir.reading.json_text import JsonObject

_UNITS: Mapping[FactName, str] = {row.name: row.unit for row in ANALYTES}
ALLOWED = (*_UNITS, FactName.ENDOCRINE_THERAPY_RECEIVED, *DISEASES)
"""What a site may declare a code to be."""
_TYPES = frozenset({"Observation", "Condition"})


@dataclass(frozen=True, slots=True)
class SiteCode:
    """One row of ``[[lab_consumer.site_code]]``; a contradiction is refused with a sentence."""

    system: str
    code: str
    analyte: FactName
    unit: str = ""
    """UCUM unit of a number that comes without one."""

    def __post_init__(self) -> None:
        why_not = self._wrong_code() or self._wrong_unit()
        if why_not:
            raise ValueError(why_not)

    def _wrong_code(self) -> str:
        if not self.system or not self.code:
            return "it needs a system and a code"
        if self.analyte not in ALLOWED:
            return f"{self.analyte.value} cannot be declared; possible are {', '.join(ALLOWED)}"
        if self.system in (SITE_SYSTEM, local.SYSTEM):
            return f"{self.system} is our own system"
        return self._contradiction()

    def _contradiction(self) -> str:
        asked = QUESTIONS.get((self.system, self.code))
        known = getattr(asked, "name", None)
        if asked is not None and known is not self.analyte:
            return f"{self.code} is known as {known.value if known else 'another question'}, not {self.analyte.value}"
        disease = disease_of({"code": {"coding": [{"system": self.system, "code": self.code}]}})
        if disease and disease[0] is not self.analyte:
            return f"{self.code} is known as {disease[0].value}, not {self.analyte.value}"
        if self.system != loinc.SYSTEM:
            return ""
        neighbour = NEIGHBOURS.get(self.code)
        if neighbour and neighbour.may_be is not self.analyte:
            return neighbour.reason
        return "" if loinc.has_check_digit(self.code) else f"{self.code} is no LOINC code: its check digit is wrong"

    def _wrong_unit(self) -> str:
        wanted = _UNITS.get(self.analyte)
        if not self.unit:
            return ""
        if wanted is None:
            return f"{self.analyte.value} has no unit"
        if ucum.property_of(self.unit) is not ucum.property_of(wanted):
            return f"{self.unit} cannot be converted to {wanted}, the unit of {self.analyte.value}"
        return ""


@dataclass(frozen=True, slots=True)
class SiteCodes:
    """All rows of a site."""

    rows: Mapping[Key, SiteCode] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[SiteCode]) -> SiteCodes:
        """Return the table.

        Raises:
            ValueError: If one code is declared twice.
        """
        found: dict[Key, SiteCode] = {}
        for row in rows:
            if (row.system, row.code) in found:
                raise ValueError(f"{row.system}|{row.code} is declared twice")
            found[row.system, row.code] = row
        return cls(found)

    def applied(self, resource: JsonObject) -> JsonObject:
        """Return the resource with the meaning of the site's codes; the same object where there is none to add.

        What is malformed stays as it is, and is refused by its shape.
        """
        if resource["resourceType"] not in _TYPES:
            return resource
        read, components = self._part(resource), resource.get("component")
        if not isinstance(components, list):
            return read
        return read | {"component": [self._part(row) if isinstance(row, dict) else row for row in components]}

    def _part(self, part: JsonObject) -> JsonObject:
        concept = part.get("code")
        stated = list(objects(_rows(concept)))
        row = next((self.rows[key] for key in map(_key, stated) if key in self.rows), None)
        if row is None and not any(coding.get("system") == SITE_SYSTEM for coding in stated):
            return part
        kept = [coding for coding in _rows(concept) if coding not in stated or coding.get("system") != SITE_SYSTEM]
        meaning = [{"system": SITE_SYSTEM, "code": row.analyte.value}] if row else []
        changed = part | {"code": {**(concept or {}), "coding": [*kept, *meaning]}}
        return _with_unit(changed, row.unit) if row and row.unit else changed


NO_SITE_CODES = SiteCodes()
"""A site that codes as the standards do."""


def _rows(concept: Any) -> list[Any]:
    rows = concept.get("coding") if isinstance(concept, dict) else None
    return rows if isinstance(rows, list) else []


def _key(coding: JsonObject) -> tuple[Any, Any]:
    return str(coding.get("system")), str(coding.get("code"))


def _with_unit(part: JsonObject, unit: str) -> JsonObject:
    quantity = part.get("valueQuantity")
    if not isinstance(quantity, dict) or quantity.keys() & {"unit", "code", "system"}:
        return part
    return part | {"valueQuantity": quantity | {"system": ucum.SYSTEM, "code": unit}}
